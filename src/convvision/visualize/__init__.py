"""Pictures of what a network computes. It knows models and arrays, not trainings.

A function computes a result first; a display draws it. Nothing here calls ``pyplot``: a figure belongs to its display
and goes with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
