"""The one door to Keras, which ships no types and takes seconds to import, and to TensorFlow, which it runs on.

Modules write ``from convvision._keras import keras`` at their top. At run time that is a stand-in that imports Keras
when an attribute is first asked for, so that builders register, and the command line lists them, without TensorFlow.
The few that do what Keras has no word for write ``from convvision._keras import tf``, and are never run where Keras
works on another backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras as keras  # noqa: PLC0414
    import tensorflow as tf
else:

    class _LazyModule:
        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

        def __repr__(self) -> str:
            return f"<lazily imported module {self._name!r}>"

    keras = _LazyModule("keras")
    tf = _LazyModule("tensorflow")

__all__ = ["keras", "tf"]
