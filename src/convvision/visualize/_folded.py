"""A batch normalisation as it is at inference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision.models._outputs import to_numpy

__all__ = ["folded"]


def folded(layer: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the scale and the shift, each (channels,), to which a batch normalisation comes down once it is trained."""
    scale = 1 / np.sqrt(to_numpy(layer.moving_variance).astype(np.float64) + layer.epsilon)
    if layer.scale:
        scale *= to_numpy(layer.gamma)
    shift = (to_numpy(layer.beta) if layer.center else 0) - to_numpy(layer.moving_mean) * scale
    return scale, np.asarray(shift, np.float64)
