"""Which pixels a unit sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._forward import run_layers
from convvision.models._graph import LayerCall, ReceptiveField, class_names, layer_calls
from convvision.models._outputs import image_shape
from convvision.visualize._activations import find_layer

__all__ = ["PixelBox", "ReceptiveFields", "check_unit", "padding_before", "receptive_field"]


@set_module("convvision.visualize")
@dataclass(frozen=True)
class PixelBox:
    """A part of an image; ``image[box.slices]`` cuts it out.

    Attributes:
        top: The first row.
        left: The first column.
        bottom: The row after the last one.
        right: The column after the last one.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and the columns, to index an image with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class ReceptiveFields:
    """What each unit of a layer sees of the image.

    Attributes:
        layer: The layer's name, behind those of the nested models that hold it.
        size: How large a field is where no border cuts it, and how far apart neighbours are.
        rows: For each row of the layer's maps, the first row of the image that it sees and the one after the last,
            shape (h, 2).
        columns: For each column likewise, shape (w, 2).
    """

    layer: str
    size: ReceptiveField
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"ReceptiveFields({self.layer!r}, {self.size}, units={len(self.rows)} × {len(self.columns)})"

    def box(self, row: int, column: int) -> PixelBox:
        """Tell which pixels a unit sees; those that padding adds beyond the border of the image are left out.

        The box of a unit that sees padding alone is empty.

        Raises:
            InputError: The layer has no such unit.

        Example:
            >>> import convvision
            >>> fields = convvision.visualize.receptive_field(convvision.create_model("conv_64_64"), "conv_2")
            >>> fields.box(0, 3)
            PixelBox(top=0, left=6, bottom=8, right=14)
        """
        row, column = check_unit((row, column), self.layer, (len(self.rows), len(self.columns)))
        (top, bottom), (left, right) = self.rows[row].tolist(), self.columns[column].tolist()
        # Padding alone in one direction is padding alone.
        return PixelBox(top, left, bottom, right) if top < bottom and left < right else PixelBox(0, 0, 0, 0)


@set_module("convvision.visualize")
def receptive_field(model: keras.Model, layer: str | int) -> ReceptiveFields:
    """Tell which pixels of the image the units of a layer see.

    It follows kernels, strides, dilations and paddings from the image to the layer, along every branch. A pixel outside
    a unit's box has no influence on it; one inside may have none either.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`.

    Returns:
        The fields of all units.

    Raises:
        InputError: A model that is not built, a layer without feature maps, images whose size is open, or a layer on
            the way of which it is not known what it sees.
        UnknownNameError: No layer has this name.
        ShapeError: A model that reads something else than images.

    Example:
        >>> import convvision
        >>> seen = convvision.visualize.receptive_field(convvision.create_model("conv_64_64"), "pool_2")
        >>> seen
        ReceptiveFields('pool_2', 10 × 10, units=5 × 5)
        >>> seen.box(0, 1)
        PixelBox(top=0, left=4, bottom=10, right=14)
    """
    height, width, _ = image_shape(model)
    calls = layer_calls(model)
    call = calls[find_layer(calls, layer, model.name)]
    if height is None or width is None:
        raise InputError(
            f"Boxes need images of one size. Received: {model.name!r} for images of {height} × {width} pixels. "
            f"Build it with keras.Input((28, 28, 1)), say."
        )
    known = {id(each.outputs[0]): each for each in calls}

    def follow(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        seen = [value for value in keras.tree.flatten([args, kwargs]) if isinstance(value, _Seen | _Unknown)]
        return [_follow(known[id(node.outputs[0])], node, seen, (height, width))] * len(node.outputs)

    run = run_layers(
        model, [_Seen(*(np.stack([np.arange(n), np.arange(1, n + 1)], 1) for n in (height, width)))], follow
    )
    found = next(value for each, value in zip(calls, run, strict=False) if each is call)
    if isinstance(found, _Unknown) or call.receptive_field is None:
        behind = found.layer if isinstance(found, _Unknown) else call.name
        raise InputError(
            f"What {call.name!r} sees is not known, for it is behind {behind!r}, which is no convolution, pooling or "
            f"layer that works on each position alone. Received: layer={layer!r}"
        )
    return ReceptiveFields(call.name, call.receptive_field, *(_emptied(ends) for ends in (found.rows, found.columns)))


def check_unit(unit: Sequence[int], layer: str, shape: Sequence[int]) -> tuple[int, int]:
    """Return the row and the column of a unit as whole numbers, or say which units there are.

    Raises:
        InputError: No such unit.
    """
    places = tuple(unit) if isinstance(unit, Sequence | np.ndarray) else ()
    if (
        len(places) != 2
        or not all(isinstance(place, int | np.integer) and not isinstance(place, bool) for place in places)
        or not all(0 <= place < size for place, size in zip(places, shape, strict=True))
    ):
        raise InputError(
            f"A unit is the row and the column in the maps of {layer!r}, from (0, 0) to {shape[0] - 1, shape[1] - 1}. "
            f"Received: {unit!r}"
        )
    return int(places[0]), int(places[1])


def padding_before(padding: str, size: int, outputs: int, kernel: int, stride: int, dilation: int) -> int:
    """Tell how many rows of zeros stand before the first row: half of what "same" needs, the smaller half if odd."""
    if padding != "same":
        return 0
    return max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2


@dataclass(frozen=True)
class _Seen:
    """For each row and each column of a tensor, where what it sees of the image begins and ends; shape (n, 2)."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class _Unknown:
    """It is not known what a tensor sees, because of this layer."""

    layer: str


_Value: TypeAlias = _Seen | _Unknown


def _follow(call: LayerCall, node: Any, seen: list[_Value], image: tuple[int, int]) -> _Value:
    for value in seen:
        if isinstance(value, _Unknown):
            return value
    inputs = [value for value in seen if isinstance(value, _Seen)]
    field, shape = call.receptive_field, node.outputs[0].shape
    if field is None or not inputs:
        return _Unknown(call.name)
    if math.isinf(field.height) or len(shape) != 4:
        sides = shape[1:3] if len(shape) == 4 else (1, 1)
        return _Seen(*(np.tile([[0, side]], (count, 1)) for side, count in zip(image, sides, strict=True)))
    read = []
    for axis, size in enumerate(shape[1:3]):
        ends = _joined([(value.rows, value.columns)[axis] for value in inputs])
        taps = None if ends is None else _taps(call.layer, axis, len(ends), size)
        if ends is None or taps is None:
            return _Unknown(call.name)
        read.append(_taken(ends, taps))
    return _Seen(*read)


def _joined(several: list[NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """Join what several branches see; one of a single row is there for all rows. None for branches of other sizes."""
    if len({len(ends) for ends in several} - {1}) > 1:
        return None
    starts = np.stack(np.broadcast_arrays(*(ends[:, 0] for ends in several))).min(axis=0)
    stops = np.stack(np.broadcast_arrays(*(ends[:, 1] for ends in several))).max(axis=0)
    return np.stack([starts, stops], axis=1)


def _taps(layer: Any, axis: int, size: int, outputs: int) -> NDArray[np.int64] | None:
    """Tell which rows (or columns) of its input each one of a layer's output reads, shape (outputs, taps).

    None where that is not one for one, as for maps that are joined one beneath the other.
    """
    places: NDArray[np.int64] = np.arange(outputs)[:, None]
    kinds = class_names(layer)
    if size == outputs and kinds & {"ZeroPadding2D", "Cropping2D"}:
        # It changes the other axis, or the channels.
        return places
    if kinds & {"ZeroPadding2D"}:
        return places - int(layer.padding[axis][0])
    if kinds & {"Cropping2D"}:
        return places + int(layer.cropping[axis][0])
    kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if kernel is None:
        return places if size == outputs else None
    stride, dilation = int(layer.strides[axis]), int(getattr(layer, "dilation_rate", (1, 1))[axis])
    before = padding_before(layer.padding, size, outputs, kernel[axis], stride, dilation)
    return places * stride - before + dilation * np.arange(int(kernel[axis]))


def _taken(ends: NDArray[np.int64], taps: NDArray[np.int64]) -> NDArray[np.int64]:
    inside = (taps >= 0) & (taps < len(ends))
    read = ends[np.clip(taps, 0, len(ends) - 1)]
    # What reads padding alone begins behind its end, and adds nothing where it is joined with others.
    starts = np.where(inside, read[..., 0], _NOWHERE).min(axis=1)
    stops = np.where(inside, read[..., 1], 0).max(axis=1)
    return np.stack([starts, stops], axis=1)


def _emptied(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(ends[:, :1] < ends[:, 1:], ends, 0)


_NOWHERE = np.iinfo(np.int64).max
