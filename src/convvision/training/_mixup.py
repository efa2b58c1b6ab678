"""Mixtures of two training images, with the loss on both labels (mixup, Zhang et al. 2018)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras

__all__ = ["mixed", "neighbours", "shares"]


def shares(alpha: float, steps: int, seed: int) -> NDArray[np.float32]:
    """Draw, for each step, the share that an image has in its mixture: the larger of the two, from 0.5 to 1.

    With Beta(α, α) the smaller is as likely as the larger. That the larger is always the image's own only swaps the two
    images of a pair, and lets an accuracy count the label of which there is more.
    """
    drawn = np.random.default_rng(seed).beta(alpha, alpha, steps)
    return np.maximum(drawn, 1 - drawn).astype(np.float32)


def neighbours(batch: Any) -> Any:
    """Give, for each image of a batch or what belongs to it, that of the image before it.

    The order is shuffled each epoch, so that a neighbour is any other image.
    """
    return keras.ops.roll(batch, 1, axis=0)


def mixed(images: Any, share: Any) -> Any:
    """Mix each image with its neighbour.

    Args:
        images: Tensor (N, H, W, C).
        share: Of the image itself, a number; its neighbour has the rest.

    Returns:
        Floats of the same shape; float32 where the images are whole numbers.
    """
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype)):
        images = keras.ops.cast(images, "float32")
    share = keras.ops.cast(share, images.dtype)
    return share * images + (1 - share) * neighbours(images)
