"""Callbacks that Keras lacks: stop at a threshold, stop on time, watch for overfitting, record feature maps.

They ask nothing of a training but the hooks of ``keras.callbacks.Callback`` and ``model.stop_training``, so they serve
``model.fit`` and every other loop that calls those hooks. An object starts afresh with each training it is given to.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
