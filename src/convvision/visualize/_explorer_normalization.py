"""How normalisations are written down for a browser: a scale and a shift, or what has to be measured there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._graph import over_channels
from convvision.models._outputs import to_numpy
from convvision.visualize._explorer_operation import Call, Operation, Shape
from convvision.visualize._folded import folded

__all__ = ["batch_normalization", "layer_normalization", "normalization", "rescaling"]

# Each raises an InputError of the key of the reason where it cannot write a layer down.


def batch_normalization(call: Call) -> list[Operation]:
    """Write down a batch normalisation as it is at inference: two numbers a channel."""
    layer = call.layer
    if layer.axis not in (-1, len(call.shape)):
        raise InputError("channels_first")
    return [_affine(call.shape, *folded(layer))]


def layer_normalization(call: Call) -> list[Operation]:
    """Write down a layer normalisation over the channels."""
    layer = call.layer
    if not over_channels(layer, len(call.shape) + 1) or getattr(layer, "rms_scaling", False):
        raise InputError("unknown_layer")
    weights = {
        "scale": _each_channel(to_numpy(layer.gamma) if layer.scale else 1, call.shape),
        "shift": _each_channel(to_numpy(layer.beta) if layer.center else 0, call.shape),
    }
    return [Operation("layer_normalization", call.shape, {"epsilon": float(layer.epsilon)}, weights)]


def normalization(call: Call) -> list[Operation]:
    """Write down a normalisation by the mean and the variance of a data set, of all numbers or of each channel."""
    layer = call.layer
    mean, variance = (to_numpy(each).astype(np.float64) for each in (layer.mean, layer.variance))
    # A number for each row or column has as many as there are channels only by chance.
    if any(each.size != each.shape[-1] for each in (mean, variance)):
        raise InputError("unknown_layer")
    deviation = np.maximum(np.sqrt(variance.ravel()), keras.config.epsilon())
    if layer.invert:
        return [_affine(call.shape, deviation, mean.ravel())]
    return [_affine(call.shape, 1 / deviation, -mean.ravel() / deviation)]


def rescaling(call: Call) -> list[Operation]:
    """Write down a factor and an offset, of all numbers or of each channel."""
    scale, shift = (np.asarray(each, np.float64) for each in (call.layer.scale, call.layer.offset))
    if not all(each.size in (1, call.shape[-1]) for each in (scale, shift)):
        raise InputError("unknown_layer")
    return [_affine(call.shape, scale.ravel(), shift.ravel())]


def _affine(shape: Shape, scale: Any, shift: Any) -> Operation:
    weights = {"scale": _each_channel(scale, shape), "shift": _each_channel(shift, shape)}
    return Operation("affine", shape, {}, weights)


def _each_channel(values: Any, shape: Shape) -> NDArray[np.float32]:
    return np.broadcast_to(values, shape[-1:]).astype(np.float32)
