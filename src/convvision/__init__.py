"""Small-image classification with convolutions, on TensorFlow and Keras 3.

The public names are listed in ``__init__.pyi`` and resolved on first use (PEP 562): importing convvision loads neither
TensorFlow nor Matplotlib.
"""

import lazy_loader

from convvision._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
