"""A layer that counts its forward passes, in compiled graphs too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np


class Counting(keras.layers.Identity):
    """Hands on what it gets; counts how often it computed, how many images that were, and how often it was traced."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Out of Keras's sight: an identity has no weights, and this one has none of its own either.
        self._kept = SimpleNamespace(seen=keras.Variable(np.zeros(2), dtype="int32", trainable=False))
        self._traces: list[Any] = []

    def call(self, x: Any) -> Any:
        # Python runs here when the model is built, when a graph is traced, and at each eager pass.
        self._traces.append(x.shape)
        self._kept.seen.assign_add(keras.ops.stack([1, keras.ops.shape(x)[0]]))
        return x

    @property
    def traces(self) -> int:
        """How often Python ran through the layer."""
        return len(self._traces)

    def seen(self) -> tuple[int, int]:
        """Tell how many passes there were, and of how many images together."""
        passes, images = keras.ops.convert_to_numpy(self._kept.seen)
        return int(passes), int(images)
