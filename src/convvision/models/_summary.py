"""What a model is made of, layer by layer, and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision._tables import text_table
from convvision.models._graph import LayerCall, ReceptiveField, layer_calls

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
        parameters: Number of weights; counted where a shared layer is first called.
        multiply_adds: Multiplications of an input with a weight, for one image.
        receptive_field: What one unit of its output sees of the image; None where that is not known.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    kernel: tuple[int, int] | None
    parameters: int
    multiply_adds: int
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
    def multiply_adds(self) -> int:
        """Multiplications of an input with a weight, for one image."""
        return sum(layer.multiply_adds for layer in self.layers)

    def __str__(self) -> str:
        header = ("layer", "kind", "output shape", "kernel", "parameters", "multiply-adds", "receptive field")
        rows = [
            (
                layer.name,
                layer.kind,
                " × ".join(map(str, layer.output_shape)),
                "" if layer.kernel is None else " × ".join(map(str, layer.kernel)),
                f"{layer.parameters:,}",
                f"{layer.multiply_adds:,}",
                "?" if layer.receptive_field is None else str(layer.receptive_field),
            )
            for layer in self.layers
        ]
        rows.append(("total", "", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", ""))
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
        shape = call.outputs[0].shape[1:]
        rows.append(
            LayerSummary(
                name=call.name,
                kind=type(call.layer).__name__,
                output_shape=tuple(shape),
                kernel=_kernel(call.layer),
                parameters=0 if id(call.layer) in counted else _parameters(call.layer),
                multiply_adds=_multiply_adds(call),
                receptive_field=call.receptive_field,
            )
        )
        counted.add(id(call.layer))
    return ModelSummary(model.name, tuple(rows))


def _kernel(layer: Any) -> tuple[int, int] | None:
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    return None if size is None or len(size) != 2 else tuple(size)


def _parameters(layer: Any) -> int:
    # An operation such as x + y is a node of the graph too, and has no weights.
    return sum(int(math.prod(weight.shape)) for weight in getattr(layer, "weights", ()))


def _multiply_adds(call: LayerCall) -> int:
    """Count by the kernels: each of their weights is used once for every position they are laid on."""
    # A transposed convolution lays its kernel on the positions of its input.
    laid_on = (call.inputs if type(call.layer).__name__ == "Conv2DTranspose" else call.outputs)[:1]
    sizes = [size for tensor in laid_on for size in tensor.shape[1:-1]]
    if None in sizes:
        return 0
    positions = int(math.prod(sizes))
    kernels = ("kernel", "depthwise_kernel", "pointwise_kernel")
    used = [getattr(call.layer, name) for name in kernels if getattr(call.layer, name, None) is not None]
    return positions * sum(int(math.prod(kernel.shape)) for kernel in used)
