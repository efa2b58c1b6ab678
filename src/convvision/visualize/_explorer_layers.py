"""How each kind of layer is written down so that a browser can compute it: an operation, its options, its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._graph import class_names, computes_as
from convvision.models._outputs import to_numpy
from convvision.visualize._explorer_activations import activation_of, activation_of_operation
from convvision.visualize._explorer_normalization import (
    batch_normalization,
    layer_normalization,
    normalization,
    rescaling,
)
from convvision.visualize._explorer_operation import Call, Operation, Shape, Writer
from convvision.visualize._receptive_field import padding_before

__all__ = ["operations_of"]


def operations_of(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> list[Operation] | str:
    """Write a layer down.

    Args:
        layer: A Keras layer, or an operation such as ``x + y``.
        inputs: Shapes of what it reads, without the axis of the images.
        outputs: Shapes of what it makes, likewise.

    Returns:
        The operations one after the other, of which the first reads the inputs; or, where the layer cannot be written
        down, the key of the reason.
    """
    if len(outputs) != 1:
        return "unknown_layer"
    try:
        return list(_split_softmax(_write(Call(layer, list(inputs), outputs[0]))))
    except InputError as reason:
        return str(reason)


# What is written below raises an InputError of the key of the reason.


def _write(call: Call) -> list[Operation]:
    layer = call.layer
    if isinstance(layer, keras.layers.Layer):
        for kind, writer in _writers():
            if isinstance(layer, kind):
                if not computes_as(layer, [kind]):
                    raise InputError("own_layer")
                _check_options(layer)
                return writer(call)
        raise InputError("unknown_layer")
    kinds = class_names(layer)
    if len(call.inputs) == 2 and (joins := kinds & _ELEMENTWISE):
        return _elementwise(joins.pop().lower(), call)
    if len(call.inputs) == 1 and (activation := activation_of_operation(layer, kinds)):
        return [Operation("activation", call.shape, activation=activation)]
    raise InputError("unknown_layer")


def _check_options(layer: Any) -> None:
    # Padding and cropping are the same for any order of axes.
    shifts = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)
    if getattr(layer, "data_format", "channels_last") != "channels_last" and not isinstance(layer, shifts):
        raise InputError("channels_first")
    if getattr(layer, "quantization_mode", None) is not None:
        raise InputError("quantized")


def _split_softmax(operations: list[Operation]) -> Iterator[Operation]:
    """Make a softmax at the end of a layer a step of its own, so that the logits before it can be seen."""
    for each in operations:
        if each.activation == {"name": "softmax"} and each.op != "activation":
            yield Operation(each.op, each.shape, each.options, each.weights)
            yield Operation("activation", each.shape, activation=each.activation, suffix="softmax")
        else:
            yield each


def _conv(call: Call) -> list[Operation]:
    layer = call.layer
    options = _window(call, layer.kernel_size) | {"groups": int(layer.groups)}
    return [Operation("conv", call.shape, options, _kernel_and_bias(layer), activation_of(layer))]


def _depthwise(call: Call) -> list[Operation]:
    options = _window(call, call.layer.kernel_size)
    return [Operation("depthwise", call.shape, options, _kernel_and_bias(call.layer), activation_of(call.layer))]


def _separable(call: Call) -> list[Operation]:
    layer = call.layer
    between = (*call.shape[:2], call.inputs[0][2] * int(layer.depth_multiplier))
    options = _window(call, layer.kernel_size)
    pointwise = {"kernel": [1, 1], "strides": [1, 1], "dilation": [1, 1], "padding": [0, 0], "groups": 1}
    weights = {"kernel": to_numpy(layer.pointwise_kernel)}
    if layer.bias is not None:
        weights["bias"] = to_numpy(layer.bias)
    return [
        Operation("depthwise", between, options, {"kernel": to_numpy(layer.depthwise_kernel)}, suffix="depthwise"),
        Operation("conv", call.shape, pointwise, weights, activation_of(layer), suffix="pointwise"),
    ]


def _pool(op: str) -> Writer:
    return lambda call: [Operation(op, call.shape, _window(call, call.layer.pool_size))]


def _window(call: Call, size: Sequence[int]) -> dict[str, Any]:
    layer, before = call.layer, call.inputs[0]
    strides, dilation = layer.strides, getattr(layer, "dilation_rate", (1, 1))
    padding = [
        padding_before(layer.padding, before[axis], call.shape[axis], int(size[axis]), strides[axis], dilation[axis])
        for axis in (0, 1)
    ]
    plain = {"kernel": size, "strides": strides, "dilation": dilation, "padding": padding}
    return {name: [int(number) for number in pair] for name, pair in plain.items()}


def _dense(call: Call) -> list[Operation]:
    return [Operation("dense", call.shape, {}, _kernel_and_bias(call.layer), activation_of(call.layer))]


def _relu(call: Call) -> list[Operation]:
    layer = call.layer
    options = {
        "slope": float(layer.negative_slope or 0.0),
        "limit": None if layer.max_value is None else float(layer.max_value),
        "threshold": float(layer.threshold or 0.0),
    }
    return [Operation("activation", call.shape, activation={"name": "relu"} | options)]


def _leaky_relu(call: Call) -> list[Operation]:
    activation = {"name": "leaky_relu", "slope": float(call.layer.negative_slope)}
    return [Operation("activation", call.shape, activation=activation)]


def _prelu(call: Call) -> list[Operation]:
    slope = to_numpy(call.layer.alpha)
    # A slope for each channel, or one for each number.
    shape = call.shape[-1:] if slope.size == slope.shape[-1] else call.shape
    return [
        Operation(
            "prelu",
            call.shape,
            {},
            {"slope": np.ascontiguousarray(np.broadcast_to(slope.reshape(slope.shape[-len(shape) :]), shape))},
        )
    ]


def _elu(call: Call) -> list[Operation]:
    return [Operation("activation", call.shape, activation={"name": "elu", "alpha": float(call.layer.alpha)})]


def _activation(call: Call) -> list[Operation]:
    activation = activation_of(call.layer)
    if activation is None:
        return _identity(call)
    return [Operation("activation", call.shape, activation=activation)]


def _softmax(call: Call) -> list[Operation]:
    if len(call.inputs) != 1 or call.layer.axis not in (-1, len(call.shape)):
        raise InputError("unknown_layer")
    return [Operation("activation", call.shape, activation={"name": "softmax"})]


def _global(op: str) -> Writer:
    return lambda call: [Operation(op, call.shape)]


def _identity(call: Call) -> list[Operation]:
    return [Operation("identity", call.shape)]


def _shift(call: Call) -> list[Operation]:
    layer = call.layer
    # Cropping is padding with fewer than no rows.
    sides, sign = (layer.padding, 1) if hasattr(layer, "padding") else (layer.cropping, -1)
    first = [sign * int(before) for before, _ in sides]
    # What Keras takes for rows and columns are here the columns and the channels.
    padding = [0, *first] if layer.data_format == "channels_first" else [*first, 0]
    return [Operation("shift", call.shape, {"padding": padding})]


def _upsampling(call: Call) -> list[Operation]:
    layer = call.layer
    if layer.interpolation not in ("nearest", "bilinear"):
        raise InputError("interpolation")
    options = {"size": [int(side) for side in layer.size], "interpolation": layer.interpolation}
    return [Operation("upsample", call.shape, options)]


def _concatenate(call: Call) -> list[Operation]:
    if call.layer.axis not in (-1, len(call.shape)):
        raise InputError("unknown_layer")
    return [Operation("concatenate", call.shape)]


def _merge(op: str) -> Writer:
    return lambda call: _elementwise(op, call)


def _elementwise(op: str, call: Call) -> list[Operation]:
    # Either number by number, or one number a channel, as the gates of squeeze-and-excitation are.
    channels = call.shape[-1]
    if any(each != call.shape and (each[-1], int(np.prod(each))) != (channels, channels) for each in call.inputs):
        raise InputError("unknown_layer")
    return [Operation(op, call.shape)]


def _writers() -> Iterator[tuple[Any, Writer]]:
    layers = keras.layers
    yield from (
        (layers.Conv2D, _conv),
        (layers.DepthwiseConv2D, _depthwise),
        (layers.SeparableConv2D, _separable),
        (layers.MaxPooling2D, _pool("max_pool")),
        (layers.AveragePooling2D, _pool("average_pool")),
        (layers.GlobalAveragePooling2D, _global("global_average")),
        (layers.GlobalMaxPooling2D, _global("global_max")),
        (layers.Dense, _dense),
        (layers.BatchNormalization, batch_normalization),
        (layers.LayerNormalization, layer_normalization),
        (layers.Normalization, normalization),
        (layers.Rescaling, rescaling),
        (layers.ReLU, _relu),
        (layers.LeakyReLU, _leaky_relu),
        (layers.PReLU, _prelu),
        (layers.ELU, _elu),
        (layers.Activation, _activation),
        (layers.Softmax, _softmax),
        (layers.ZeroPadding2D, _shift),
        (layers.Cropping2D, _shift),
        (layers.UpSampling2D, _upsampling),
        (layers.Concatenate, _concatenate),
        (layers.Add, _merge("add")),
        (layers.Subtract, _merge("subtract")),
        (layers.Multiply, _merge("multiply")),
        (layers.Average, _merge("average")),
        (layers.Maximum, _merge("maximum")),
        (layers.Minimum, _merge("minimum")),
    )
    # Random layers do nothing but while training.
    for kind in (
        layers.InputLayer, layers.Flatten, layers.Reshape, layers.Dropout, layers.SpatialDropout2D, layers.Identity,
        layers.AlphaDropout, layers.GaussianNoise, layers.GaussianDropout, layers.ActivityRegularization,
        layers.RandomBrightness, layers.RandomContrast, layers.RandomFlip, layers.RandomRotation,
        layers.RandomTranslation, layers.RandomZoom,
    ):  # fmt: skip
        yield kind, _identity


def _kernel_and_bias(layer: Any) -> dict[str, NDArray[np.float32]]:
    weights = {"kernel": to_numpy(layer.kernel)}
    return weights if layer.bias is None else weights | {"bias": to_numpy(layer.bias)}


_ELEMENTWISE = {"Add", "Maximum", "Minimum", "Multiply", "Subtract"}
