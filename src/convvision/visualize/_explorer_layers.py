"""How each kind of layer is written down so that a browser can compute it: an operation, its options, its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.models._graph import class_names
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


class _CannotBeWrittenError(Exception):
    """Holds the key of the sentence in explorer/en.json that says why."""


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
    try:
        if len(outputs) != 1:
            raise _CannotBeWrittenError("unknown_layer")
        return list(_split_softmax(_write(layer, list(inputs), outputs[0])))
    except _CannotBeWrittenError as reason:
        return str(reason)


def _write(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    if isinstance(layer, keras.layers.Layer):
        for kind, writer in _writers():
            if isinstance(layer, kind):
                # What a subclass computes, only its author knows.
                if type(layer).call is not kind.call:
                    raise _CannotBeWrittenError("own_layer")
                _check_options(layer)
                return writer(layer, inputs, shape)
        raise _CannotBeWrittenError("unknown_layer")
    (name,) = class_names(layer) & _OPERATIONS.keys() or {""}
    if name in _ELEMENTWISE and len(inputs) == 2:
        return _elementwise(_OPERATIONS[name], inputs, shape)
    if name and len(inputs) == 1 and name not in _ELEMENTWISE:
        return [Operation("activation", shape, activation=_named(_OPERATIONS[name], layer))]
    raise _CannotBeWrittenError("unknown_layer")


def _check_options(layer: Any) -> None:
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise _CannotBeWrittenError("channels_first")
    if getattr(layer, "quantization_mode", None) is not None:
        raise _CannotBeWrittenError("quantized")


def _split_softmax(operations: list[Operation]) -> Iterator[Operation]:
    """Make a softmax at the end of a layer a step of its own, so that the logits before it can be seen."""
    for each in operations:
        if each.activation == {"name": "softmax"} and each.op != "activation":
            yield Operation(each.op, each.shape, each.options, each.weights)
            yield Operation("activation", each.shape, activation=each.activation, suffix="softmax")
        else:
            yield each


def _conv(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    options = _window(layer, layer.kernel_size, inputs[0], shape) | {"groups": int(layer.groups)}
    return [Operation("conv", shape, options, _kernel_and_bias(layer), _activation_of(layer))]


def _depthwise(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    options = _window(layer, layer.kernel_size, inputs[0], shape)
    return [Operation("depthwise", shape, options, _kernel_and_bias(layer), _activation_of(layer))]


def _separable(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    between = (*shape[:2], inputs[0][2] * int(layer.depth_multiplier))
    options = _window(layer, layer.kernel_size, inputs[0], between)
    pointwise = {"kernel": [1, 1], "strides": [1, 1], "dilation": [1, 1], "padding": [0, 0], "groups": 1}
    weights = {"kernel": _numbers(layer.pointwise_kernel)}
    if layer.bias is not None:
        weights["bias"] = _numbers(layer.bias)
    return [
        Operation("depthwise", between, options, {"kernel": _numbers(layer.depthwise_kernel)}, suffix="depthwise"),
        Operation("conv", shape, pointwise, weights, _activation_of(layer), suffix="pointwise"),
    ]


def _pool(op: str) -> _Writer:
    def write(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
        return [Operation(op, shape, _window(layer, layer.pool_size, inputs[0], shape))]

    return write


def _window(layer: Any, size: Sequence[int], before: Shape, after: Shape) -> dict[str, Any]:
    strides, dilation = layer.strides, getattr(layer, "dilation_rate", (1, 1))
    padding = [
        padding_before(layer.padding, before[axis], after[axis], int(size[axis]), strides[axis], dilation[axis])
        for axis in (0, 1)
    ]
    plain = {"kernel": size, "strides": strides, "dilation": dilation, "padding": padding}
    return {name: [int(number) for number in pair] for name, pair in plain.items()}


def _dense(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    return [Operation("dense", shape, {}, _kernel_and_bias(layer), _activation_of(layer))]


def _batch_normalization(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    if layer.axis not in (-1, len(shape)):
        raise _CannotBeWrittenError("channels_first")
    scale = 1 / np.sqrt(_numbers(layer.moving_variance).astype(np.float64) + layer.epsilon)
    if layer.scale:
        scale *= _numbers(layer.gamma)
    shift = (_numbers(layer.beta) if layer.center else 0) - _numbers(layer.moving_mean) * scale
    return [_affine(shape, scale, shift)]


def _rescaling(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    scale, shift = (np.asarray(each, np.float64) for each in (layer.scale, layer.offset))
    if not all(each.size in (1, shape[-1]) for each in (scale, shift)):
        raise _CannotBeWrittenError("unknown_layer")
    return [_affine(shape, scale.ravel(), shift.ravel())]


def _affine(shape: Shape, scale: Any, shift: Any) -> Operation:
    weights = {
        name: np.broadcast_to(values, shape[-1:]).astype(np.float32)
        for name, values in (("scale", scale), ("shift", shift))
    }
    return Operation("affine", shape, {}, weights)


def _relu(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    options = {
        "slope": float(layer.negative_slope or 0.0),
        "limit": None if layer.max_value is None else float(layer.max_value),
        "threshold": float(layer.threshold or 0.0),
    }
    return [Operation("activation", shape, activation={"name": "relu"} | options)]


def _leaky_relu(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    return [
        Operation("activation", shape, activation={"name": "leaky_relu", "slope": float(layer.negative_slope)})
    ]


def _elu(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    return [Operation("activation", shape, activation={"name": "elu", "alpha": float(layer.alpha)})]


def _activation(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    activation = _activation_of(layer)
    return [Operation("identity", shape) if activation is None else Operation("activation", shape, {}, {}, activation)]


def _softmax(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    if len(inputs) != 1 or layer.axis not in (-1, len(shape)):
        raise _CannotBeWrittenError("unknown_layer")
    return [Operation("activation", shape, activation={"name": "softmax"})]


def _global(op: str) -> _Writer:
    return lambda layer, inputs, shape: [Operation(op, shape)]


def _identity(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    return [Operation("identity", shape)]


def _shift(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    # Cropping is padding with fewer than no rows.
    sides, sign = (layer.padding, 1) if hasattr(layer, "padding") else (layer.cropping, -1)
    return [Operation("shift", shape, {"padding": [sign * int(sides[0][0]), sign * int(sides[1][0])]})]


def _concatenate(layer: Any, inputs: list[Shape], shape: Shape) -> list[Operation]:
    if layer.axis not in (-1, len(shape)):
        raise _CannotBeWrittenError("unknown_layer")
    return [Operation("concatenate", shape)]


def _merge(op: str) -> _Writer:
    return lambda layer, inputs, shape: _elementwise(op, inputs, shape)


def _elementwise(op: str, inputs: list[Shape], shape: Shape) -> list[Operation]:
    # Either number by number, or one number a channel, as the gates of squeeze-and-excitation are.
    if any(each != shape and int(np.prod(each)) != shape[-1] for each in inputs):
        raise _CannotBeWrittenError("unknown_layer")
    return [Operation(op, shape)]


_Writer: TypeAlias = Callable[[Any, list[Shape], Shape], list[Operation]]


def _writers() -> Iterator[tuple[Any, _Writer]]:
    layers = keras.layers
    # Subclasses before what they derive from: in Keras, DepthwiseConv2D is no Conv2D, but Softmax is a layer of its own.
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
        layers.GaussianNoise, layers.GaussianDropout, layers.ActivityRegularization,
    ):  # fmt: skip
        yield kind, _identity


def _kernel_and_bias(layer: Any) -> dict[str, NDArray[np.float32]]:
    weights = {"kernel": _numbers(layer.kernel)}
    return weights if layer.bias is None else weights | {"bias": _numbers(layer.bias)}


def _activation_of(layer: Any) -> dict[str, Any] | None:
    activation = layer.activation
    if activation is None or activation is keras.activations.linear:
        return None
    name = getattr(activation, "__name__", "")
    if getattr(keras.activations, name, None) is not activation or name not in _ACTIVATIONS:
        raise _CannotBeWrittenError("activation")
    return {"name": name} | _ACTIVATIONS[name]


def _named(name: str, operation: Any) -> dict[str, Any]:
    options = dict(_ACTIVATIONS[name])
    for ours, theirs in (("slope", "negative_slope"), ("alpha", "alpha")):
        if ours in options and hasattr(operation, theirs):
            options[ours] = float(getattr(operation, theirs))
    if name == "gelu" and getattr(operation, "approximate", False):
        raise _CannotBeWrittenError("activation")
    return {"name": name} | options


def _numbers(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), np.float32)


# Of keras.activations, with the options that they have when they are given by name.
_ACTIVATIONS: dict[str, dict[str, Any]] = {
    "elu": {"alpha": 1.0},
    "exponential": {},
    "gelu": {},
    "hard_sigmoid": {},
    "hard_silu": {},
    "leaky_relu": {"slope": 0.2},
    "relu": {"slope": 0.0, "limit": None, "threshold": 0.0},
    "relu6": {},
    "selu": {},
    "sigmoid": {},
    "silu": {},
    "softmax": {},
    "softplus": {},
    "softsign": {},
    "tanh": {},
}
_ELEMENTWISE = {"Add", "Maximum", "Minimum", "Multiply", "Subtract"}
# As in x + y or keras.ops.relu(x).
_OPERATIONS = {name: name.lower() for name in _ELEMENTWISE} | {
    "Elu": "elu", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "LeakyRelu": "leaky_relu", "Relu": "relu",
    "Relu6": "relu6", "Selu": "selu", "Sigmoid": "sigmoid", "Silu": "silu", "Softplus": "softplus", "Tanh": "tanh",
}  # fmt: skip
