"""Model builders and their registry. Builders use Keras layers and ``keras.ops`` only."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
