"""How each kind of layer is written down so that a browser can compute it: an operation, its options, its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._graph import class_names, computes_as
from convvision.visualize._explorer_activations import activation_of, activation_of_operation
from convvision.visualize._receptive_field import padding_before

__all__ = ["Operation", "Shape", "operations_of"]

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of the computation, as explorer/operations.js knows it.

    Attributes:
        op: Its name there.
        shape: Of its output, without the axis of the images.
        options: Plain data, such as strides.
        weights: Arrays by the names that the operation knows them by.
        activation: What is applied last; None for nothing.
        suffix: Set behind the layer's name where a layer is written down as several steps.
    """

    op: str
    shape: Shape
    options: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    activation: dict[str, Any] | None = None
    suffix: str = ""


@dataclass(frozen=True, eq=False)
class _Call:
    layer: Any
    inputs: list[Shape]
    shape: Shape


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
        return list(_split_softmax(_write(_Call(layer, list(inputs), outputs[0]))))
    except InputError as reason:
        return str(reason)


# What is written below raises an InputError of the key of the reason.


def _write(call: _Call) -> list[Operation]:
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
    if getattr(layer, "data_format", "channels_last") != "channels_last":
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


def _conv(call: _Call) -> list[Operation]:
    layer = call.layer
    options = _window(call, layer.kernel_size) | {"groups": int(layer.groups)}
    return [Operation("conv", call.shape, options, _kernel_and_bias(layer), activation_of(layer))]


def _depthwise(call: _Call) -> list[Operation]:
    options = _window(call, call.layer.kernel_size)
    return [Operation("depthwise", call.shape, options, _kernel_and_bias(call.layer), activation_of(call.layer))]


def _separable(call: _Call) -> list[Operation]:
    layer = call.layer
    between = (*call.shape[:2], call.inputs[0][2] * int(layer.depth_multiplier))
    options = _window(call, layer.kernel_size)
    pointwise = {"kernel": [1, 1], "strides": [1, 1], "dilation": [1, 1], "padding": [0, 0], "groups": 1}
    weights = {"kernel": _numbers(layer.pointwise_kernel)}
    if layer.bias is not None:
        weights["bias"] = _numbers(layer.bias)
    return [
        Operation("depthwise", between, options, {"kernel": _numbers(layer.depthwise_kernel)}, suffix="depthwise"),
        Operation("conv", call.shape, pointwise, weights, activation_of(layer), suffix="pointwise"),
    ]


def _pool(op: str) -> _Writer:
    return lambda call: [Operation(op, call.shape, _window(call, call.layer.pool_size))]


def _window(call: _Call, size: Sequence[int]) -> dict[str, Any]:
    layer, before = call.layer, call.inputs[0]
    strides, dilation = layer.strides, getattr(layer, "dilation_rate", (1, 1))
    padding = [
        padding_before(layer.padding, before[axis], call.shape[axis], int(size[axis]), strides[axis], dilation[axis])
        for axis in (0, 1)
    ]
    plain = {"kernel": size, "strides": strides, "dilation": dilation, "padding": padding}
    return {name: [int(number) for number in pair] for name, pair in plain.items()}


def _dense(call: _Call) -> list[Operation]:
    return [Operation("dense", call.shape, {}, _kernel_and_bias(call.layer), activation_of(call.layer))]


def _batch_normalization(call: _Call) -> list[Operation]:
    layer = call.layer
    if layer.axis not in (-1, len(call.shape)):
        raise InputError("channels_first")
    scale = 1 / np.sqrt(_numbers(layer.moving_variance).astype(np.float64) + layer.epsilon)
    if layer.scale:
        scale *= _numbers(layer.gamma)
    shift = (_numbers(layer.beta) if layer.center else 0) - _numbers(layer.moving_mean) * scale
    return [_affine(call.shape, scale, shift)]


def _rescaling(call: _Call) -> list[Operation]:
    scale, shift = (np.asarray(each, np.float64) for each in (call.layer.scale, call.layer.offset))
    if not all(each.size in (1, call.shape[-1]) for each in (scale, shift)):
        raise InputError("unknown_layer")
    return [_affine(call.shape, scale.ravel(), shift.ravel())]


def _affine(shape: Shape, scale: Any, shift: Any) -> Operation:
    weights = {
        name: np.broadcast_to(values, shape[-1:]).astype(np.float32)
        for name, values in (("scale", scale), ("shift", shift))
    }
    return Operation("affine", shape, {}, weights)


def _relu(call: _Call) -> list[Operation]:
    layer = call.layer
    options = {
        "slope": float(layer.negative_slope or 0.0),
        "limit": None if layer.max_value is None else float(layer.max_value),
        "threshold": float(layer.threshold or 0.0),
    }
    return [Operation("activation", call.shape, activation={"name": "relu"} | options)]


def _leaky_relu(call: _Call) -> list[Operation]:
    activation = {"name": "leaky_relu", "slope": float(call.layer.negative_slope)}
    return [Operation("activation", call.shape, activation=activation)]


def _elu(call: _Call) -> list[Operation]:
    return [Operation("activation", call.shape, activation={"name": "elu", "alpha": float(call.layer.alpha)})]


def _activation(call: _Call) -> list[Operation]:
    activation = activation_of(call.layer)
    if activation is None:
        return _identity(call)
    return [Operation("activation", call.shape, activation=activation)]


def _softmax(call: _Call) -> list[Operation]:
    if len(call.inputs) != 1 or call.layer.axis not in (-1, len(call.shape)):
        raise InputError("unknown_layer")
    return [Operation("activation", call.shape, activation={"name": "softmax"})]


def _global(op: str) -> _Writer:
    return lambda call: [Operation(op, call.shape)]


def _identity(call: _Call) -> list[Operation]:
    return [Operation("identity", call.shape)]


def _shift(call: _Call) -> list[Operation]:
    layer = call.layer
    # Cropping is padding with fewer than no rows.
    sides, sign = (layer.padding, 1) if hasattr(layer, "padding") else (layer.cropping, -1)
    return [Operation("shift", call.shape, {"padding": [sign * int(sides[0][0]), sign * int(sides[1][0])]})]


def _concatenate(call: _Call) -> list[Operation]:
    if call.layer.axis not in (-1, len(call.shape)):
        raise InputError("unknown_layer")
    return [Operation("concatenate", call.shape)]


def _merge(op: str) -> _Writer:
    return lambda call: _elementwise(op, call)


def _elementwise(op: str, call: _Call) -> list[Operation]:
    # Either number by number, or one number a channel, as the gates of squeeze-and-excitation are.
    channels = call.shape[-1]
    if any(each != call.shape and (each[-1], int(np.prod(each))) != (channels, channels) for each in call.inputs):
        raise InputError("unknown_layer")
    return [Operation(op, call.shape)]


_Writer: TypeAlias = Callable[[_Call], list[Operation]]


def _writers() -> Iterator[tuple[Any, _Writer]]:
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
        (layers.BatchNormalization, _batch_normalization),
        (layers.Rescaling, _rescaling),
        (layers.ReLU, _relu),
        (layers.LeakyReLU, _leaky_relu),
        (layers.ELU, _elu),
        (layers.Activation, _activation),
        (layers.Softmax, _softmax),
        (layers.ZeroPadding2D, _shift),
        (layers.Cropping2D, _shift),
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
    weights = {"kernel": _numbers(layer.kernel)}
    return weights if layer.bias is None else weights | {"bias": _numbers(layer.bias)}


def _numbers(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), np.float32)


_ELEMENTWISE = {"Add", "Maximum", "Minimum", "Multiply", "Subtract"}
