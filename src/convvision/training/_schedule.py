"""How the learning rate moves while a training goes on."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

from convvision._keras import keras

__all__ = ["Schedule", "rate_factor"]

Schedule: TypeAlias = Literal["constant", "linear", "cosine"]


def rate_factor(schedule: Schedule, warmup: float, progress: Any) -> Any:
    """Tell which part of the recipe's learning rate is used.

    Args:
        schedule: "constant"; "linear" or "cosine" fall to 0 at the end.
        warmup: Part of the training in which the rate first rises from 0, in [0, 1).
        progress: Part of the training that is over, from 0 to 1; a number or a tensor.

    Returns:
        From 0 to 1; a tensor.
    """
    progress = keras.ops.convert_to_tensor(progress, dtype="float32")
    rising = progress / warmup if warmup else keras.ops.ones_like(progress)
    if schedule == "constant":
        falling = keras.ops.ones_like(progress)
    else:
        left = (1 - progress) / (1 - warmup)
        falling = left if schedule == "linear" else 0.5 * (1 - keras.ops.cos(math.pi * left))
    return keras.ops.minimum(rising, falling)
