"""In which order training images come, and which of them are mirrored: the same in our own loop as through ``fit``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["coins", "shuffled"]


def shuffled(positions: NDArray[np.integer[Any]], seed: int, epoch: int) -> NDArray[np.integer[Any]]:
    """Shuffle positions of images, in another order each epoch; as a streamed split orders its own."""
    return np.random.default_rng([seed, epoch]).permutation(positions)


def coins(count: int, seed: int) -> NDArray[np.int64]:
    """Throw a coin for each image, 0 or 1: whether it is mirrored in odd or in even epochs (Jordan 2024)."""
    return np.random.default_rng(seed).integers(0, 2, count)
