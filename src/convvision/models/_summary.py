"""What a model is made of, layer by layer, and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision._tables import text_table
from convvision.models._graph import LayerCall, ReceptiveField, class_names, layer_calls

__all__ = ["LayerSummary", "ModelSummary", "summary"]


@set_module("convvision.models")
@dataclass(frozen=True)
class LayerSummary:
    """One row of a :class:`ModelSummary`.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it.
        kind: Its class, as in "Conv2D".
        output_shape: Without the batch; (H, W, C) for feature maps.
        kernel: Height and width of its kernel or pooling window; None where it has none.
        parameters: Number of weights; shared ones are counted where they are first used.
        multiply_adds: Multiplications of an input, padding included, with a weight of a kernel, for one image; None
            where the size of the images is open, or where it is not known how a layer uses its weights.
        receptive_field: What one unit of its output sees of the image; None where that is not known.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    kernel: tuple[int, int] | None
    parameters: int
    multiply_adds: int | None
    receptive_field: ReceptiveField | None


@set_module("convvision.models")
@dataclass(frozen=True)
class ModelSummary:
    """A model's layers and their costs; ``print`` shows them as a table.

    Attributes:
        name: The model's name.
        layers: A row for each call of a layer, in the order of the data.
    """

    name: str
    layers: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int | None:
        """Multiplications of an input with a weight of a kernel, for one image; None if a layer's are not known."""
        counts = [layer.multiply_adds for layer in self.layers]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def __str__(self) -> str:
        header = ("layer", "kind", "output shape", "kernel", "parameters", "multiply-adds", "receptive field")
        rows = [
            (
                layer.name,
                layer.kind,
                " × ".join(map(str, layer.output_shape)),
                "" if layer.kernel is None else " × ".join(map(str, layer.kernel)),
                f"{layer.parameters:,}",
                _count(layer.multiply_adds),
                "?" if layer.receptive_field is None else str(layer.receptive_field),
            )
            for layer in self.layers
        ]
        rows.append(("total", "", "", "", f"{self.parameters:,}", _count(self.multiply_adds), ""))
        return f"{self.name}\n\n{text_table(header, rows, numbers={4, 5}, total=True)}"


@set_module("convvision.models")
def summary(model: keras.Model) -> ModelSummary:
    """Summarise a model: output shapes, kernels, parameters, multiply-adds and receptive fields.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.

    Returns:
        The rows; ``print(summary(model))`` shows a table.

    Raises:
        InputError: Not a Keras model, or one whose layers are not connected yet.

    Example:
        >>> import convvision
        >>> rows = convvision.summary(convvision.create_model("conv_64_64")).layers
        >>> rows[3].name, rows[3].output_shape, rows[3].multiply_adds, str(rows[3].receptive_field)
        ('conv_2', (11, 11, 64), 4460544, '8 × 8')
    """
    rows, counted = [], set[int]()
    for call in layer_calls(model):
        # An operation such as x + y is a node of the graph too, and has no weights.
        weights = {id(weight): weight for weight in getattr(call.layer, "weights", ())}
        rows.append(
            LayerSummary(
                name=call.name,
                kind=type(call.layer).__name__,
                output_shape=tuple(call.outputs[0].shape[1:]),
                kernel=_kernel(call.layer),
                parameters=sum(math.prod(weights[key].shape) for key in weights.keys() - counted),
                multiply_adds=_multiply_adds(call),
                receptive_field=call.receptive_field,
            )
        )
        counted |= weights.keys()
    return ModelSummary(model.name, tuple(rows))


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _kernel(layer: Any) -> tuple[int, int] | None:
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    return (size[0], size[1]) if isinstance(size, tuple | list) and len(size) == 2 else None


def _multiply_adds(call: LayerCall) -> int | None:
    """Count by the kernels: each of their weights is used once for every position they are laid on."""
    kinds = class_names(call.layer)
    if not getattr(call.layer, "weights", ()) or kinds & _WEIGHTS_A_CHANNEL:
        return 0
    if not kinds & (_KERNEL_ON_OUTPUT | _KERNEL_ON_INPUT):
        return None
    shape = (call.inputs if kinds & _KERNEL_ON_INPUT else call.outputs)[0].shape
    positions = shape[2:] if getattr(call.layer, "data_format", None) == "channels_first" else shape[1:-1]
    kernels = [getattr(call.layer, name, None) for name in ("kernel", "depthwise_kernel", "pointwise_kernel")]
    weights = sum(math.prod(kernel.shape) for kernel in kernels if kernel is not None)
    return None if None in positions else math.prod(positions) * weights


_KERNEL_ON_OUTPUT = {
    "Conv1D", "Conv2D", "Conv3D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
}  # fmt: skip
_KERNEL_ON_INPUT = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
_WEIGHTS_A_CHANNEL = {
    "BatchNormalization", "GroupNormalization", "LayerNormalization", "Normalization", "PReLU", "RMSNormalization",
}  # fmt: skip
