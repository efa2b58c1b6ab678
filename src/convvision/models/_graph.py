"""The layers of a model in the order in which data flow, nested models opened."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError

__all__ = [
    "LayerCall",
    "ReceptiveField",
    "class_names",
    "computes_as",
    "layer_calls",
    "nodes_in_order",
    "over_channels",
    "require_built",
]


@set_module("convvision.models")
@dataclass(frozen=True)
class ReceptiveField:
    """How much of the image one unit of a feature map sees.

    Attributes:
        height: Rows of the image, counted without clipping at its border; infinite behind a layer that joins all
            positions, such as global pooling or the first dense layer.
        width: Columns of the image, likewise.
        stride_height: Rows of the image between neighbouring units.
        stride_width: Columns of the image between neighbouring units.
    """

    height: float
    width: float
    stride_height: float
    stride_width: float

    def __str__(self) -> str:
        return "all" if math.isinf(self.height) else f"{self.height:g} × {self.width:g}"


_PIXEL = ReceptiveField(1, 1, 1, 1)
_WHOLE_IMAGE = ReceptiveField(math.inf, math.inf, math.inf, math.inf)


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer in a model.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it: "backbone/conv_1".
        layer: The layer.
        inputs: Symbolic tensors that it reads.
        outputs: Symbolic tensors that it makes.
        receptive_field: Of a unit of its output; None behind a layer whose effect is not known.
    """

    name: str
    layer: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    receptive_field: ReceptiveField | None


def require_built(model: Any) -> None:
    """Refuse what is not a Keras model whose layers are known.

    Raises:
        InputError: Not a Keras model, not built yet, or built by subclassing, which hides the layers' order.
    """
    if not isinstance(model, keras.Model):
        advice = " That of a run is run.model." if isinstance(getattr(model, "model", None), keras.Model) else ""
        if isinstance(model, str):
            advice = f" convvision.create_model({model!r}) makes the one that is registered."
        raise InputError(f"Expected a keras.Model. Received: {model!r}.{advice}")
    if not model.built or getattr(model, "inputs", None) is None:
        advice = (
            "Call it once on images, or begin it with keras.Input((28, 28, 1))."
            if isinstance(model, keras.Sequential)
            else "A model by subclassing hides the order of its layers: use keras.Sequential or the functional API."
        )
        raise InputError(f"The layers of {model.name!r} are not connected yet. {advice}")


def layer_calls(model: keras.Model, outputs: Sequence[Any] | None = None) -> list[LayerCall]:
    """List the calls of layers that lead from a model's inputs to its outputs, in the order of the data.

    Args:
        model: A model whose layers are connected.
        outputs: Those of its outputs that are asked for; None for all of them.

    Raises:
        InputError: As :func:`require_built`.
    """
    require_built(model)
    fields: dict[int, ReceptiveField | None] = {id(tensor): _PIXEL for tensor in model.inputs}
    return list(_walk(model, model.outputs if outputs is None else outputs, "", fields))


def _walk(
    model: Any, outputs: Sequence[Any], prefix: str, fields: dict[int, ReceptiveField | None]
) -> Iterator[LayerCall]:
    for node in nodes_in_order(model, outputs):
        layer, name = node.operation, f"{prefix}{node.operation.name}"
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None) is not None:
            for inner, outer in zip(layer.inputs, node.input_tensors, strict=True):
                fields[id(inner)] = fields[id(outer)]
            yield from _walk(layer, layer.outputs, f"{name}/", fields)
            for inner, outer in zip(layer.outputs, node.outputs, strict=True):
                fields[id(outer)] = fields[id(inner)]
            continue
        if node.input_tensors:
            field = _grown(node, _union([fields[id(tensor)] for tensor in node.input_tensors]))
            fields.update((id(tensor), field) for tensor in node.outputs)
        else:
            field = fields[id(node.outputs[0])]
        yield LayerCall(name, layer, tuple(node.input_tensors), tuple(node.outputs), field)


def nodes_in_order(model: Any, outputs: Sequence[Any]) -> list[Any]:
    """List the nodes of a model's graph that lead to some of its outputs, each after those that it reads."""
    ordered: dict[int, Any] = {}
    ends = {id(tensor) for tensor in model.inputs}
    pending = [(_producer(tensor), False) for tensor in reversed(outputs)]
    while pending:
        node, inputs_done = pending.pop()
        if id(node) in ordered:
            continue
        if inputs_done:
            ordered[id(node)] = node
            continue
        pending.append((node, True))
        if not any(id(tensor) in ends for tensor in node.outputs):
            pending.extend((_producer(tensor), False) for tensor in reversed(node.input_tensors))
    return list(ordered.values())


def _producer(tensor: Any) -> Any:
    # Keras keeps the way back from a symbolic tensor here; all of its own graph tools read it.
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index]


def _union(fields: list[ReceptiveField | None]) -> ReceptiveField | None:
    if any(field is None for field in fields):
        return None
    known = [field for field in fields if field is not None]
    # Branches are taken to be centred on the same pixel, so that the widest holds the others.
    return ReceptiveField(
        max(field.height for field in known),
        max(field.width for field in known),
        max(field.stride_height for field in known),
        max(field.stride_width for field in known),
    )


def _grown(node: Any, field: ReceptiveField | None) -> ReceptiveField | None:
    """Tell what a unit of a node's output sees, given what a unit of its input does."""
    if field is None or math.isinf(field.height):
        return field
    layer, before, after = node.operation, node.input_tensors[0].shape, node.outputs[0].shape
    kinds = class_names(layer)
    if kinds & _WINDOWED:
        (height, width), strides, dilation = _window(layer)
        return ReceptiveField(
            field.height + (height - 1) * dilation[0] * field.stride_height,
            field.width + (width - 1) * dilation[1] * field.stride_width,
            field.stride_height * strides[0],
            field.stride_width * strides[1],
        )
    if kinds & _GLOBAL or ("Dense" in kinds and len(before) == 2):
        return _WHOLE_IMAGE
    if "LayerNormalization" in kinds and over_channels(layer, len(before)):
        return field
    if kinds & _RESHAPING:
        # Each unit sees what it saw, but a window over another grid would not see neighbours.
        return field if len(after) == 2 or before[1:3] == after[1:3] else None
    known = _POINTWISE if isinstance(layer, keras.Layer) else _POINTWISE_OPERATIONS
    return field if kinds & known or ("Dense" in kinds and len(before) == 4) else None


def over_channels(layer: Any, rank: int) -> bool:
    """Tell whether a layer normalises each position by itself; over other axes it joins positions."""
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return [axis % rank for axis in axes] == [rank - 1]


def class_names(layer: Any) -> set[str]:
    """Name a layer's class and those it derives from: a subclass of Conv2D is a convolution too."""
    return {kind.__name__ for kind in type(layer).__mro__}


def computes_as(layer: Any, kinds: Sequence[Any]) -> bool:
    """Tell whether a layer is one of several of Keras's, or of a subclass that leaves its computation alone.

    What a subclass with a call of its own computes, only its author knows.
    """
    return any(isinstance(layer, kind) and type(layer).call is kind.call for kind in kinds)


def _window(layer: Any) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    size = getattr(layer, "kernel_size", None) or layer.pool_size
    return size, layer.strides, getattr(layer, "dilation_rate", (1, 1))


_WINDOWED = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"}
_GLOBAL = {"GlobalAveragePooling2D", "GlobalMaxPooling2D"}
_RESHAPING = {"ExpandDims", "Flatten", "Reshape"}
# Random layers do nothing but while training.
_POINTWISE = {
    "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "BatchNormalization", "Concatenate",
    "Cropping2D", "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU", "Maximum",
    "Minimum", "Multiply", "Normalization", "PReLU", "RandomBrightness", "RandomContrast", "RandomFlip",
    "RandomRotation", "RandomTranslation", "RandomZoom", "ReLU", "Rescaling", "Softmax", "Subtract", "ZeroPadding2D",
}  # fmt: skip
# As in x + y or keras.ops.relu(x); the operation Average, unlike the layer, takes the mean over axes.
_POINTWISE_OPERATIONS = {
    "Absolute", "Add", "Cast", "Clip", "Concatenate", "Divide", "Elu", "Gelu", "HardSigmoid", "HardSilu", "LeakyRelu",
    "Maximum", "Minimum", "Multiply", "Negative", "Power", "ReLU", "Relu", "Relu6", "Selu", "Sigmoid", "Silu",
    "Softplus", "Sqrt", "Square", "Subtract", "Tanh", "TrueDivide",
}  # fmt: skip
