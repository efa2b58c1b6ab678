"""What excites a channel most: the parts of a data set's images to which it answers strongest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._named import check_channels
from convvision.visualize._receptive_field import ReceptiveFields, receptive_field
from convvision.visualize._stream import prepared_layers, reduced_batches

__all__ = ["TopPatches", "top_patches"]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class TopPatches:
    """The patches that excite some channels most, the strongest first.

    Attributes:
        layer: The layer's name, behind those of the nested models that hold it.
        channels: Which channels.
        indices: Of the images, int64, shape (channels, k).
        positions: Row and column of the unit in the layer's maps, int64, shape (channels, k, 2).
        values: The unit's output, float32, shape (channels, k).
        patches: The pixels that the unit sees, float32, shape (channels, k, height, width, C); NaN where its view
            reaches over the border of the image.
    """

    layer: str
    channels: tuple[int, ...]
    indices: NDArray[np.int64]
    positions: NDArray[np.int64]
    values: NDArray[np.float32]
    patches: NDArray[np.float32]

    def __repr__(self) -> str:
        return f"TopPatches({self.layer!r}, channels={list(self.channels)}, patches={self.patches.shape})"


@set_module("convvision.visualize")
def top_patches(
    model: keras.Model,
    images: Any,
    layer: str | int,
    channels: int | Sequence[int],
    *,
    k: int = 9,
    batch_size: int = 256,
) -> TopPatches:
    """Find the patches of a data set that excite channels most, each from another image.

    Of every image only the strongest unit takes part, for its neighbours see nearly the same. Of equals, the first
    image comes first.

    Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", show such patches.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`.
        channels: One channel or several.
        k: Patches a channel, at most one an image.
        batch_size: Images a forward pass.

    Returns:
        Images, units, their outputs and their patches. One forward pass over the images; memory does not grow with
        their number.

    Raises:
        InputError: A model that is not built, a layer without feature maps or of which it is not known what it sees, a
            channel that it does not have, or more patches than images.
        UnknownNameError: No layer has this name.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_16_16")
        >>> images = np.random.default_rng(0).random((10, 28, 28, 1))
        >>> convvision.visualize.top_patches(model, images, "conv_2", [0, 5], k=4)
        TopPatches('conv_2', channels=[0, 5], patches=(2, 4, 8, 8, 1))
    """
    images, calls, (position,) = prepared_layers(model, images, [layer], batch_size)
    call = calls[position]
    chosen = check_channels(channels, call.name, int(call.outputs[0].shape[-1]))
    if check_positive_int(k, "k") > len(images):
        raise InputError(f"Each of k patches is from another image, of which there are {len(images)}. Received: k={k}")
    fields = receptive_field(model, position)

    values: NDArray[Any] = np.empty((0, len(chosen)), np.float32)
    units: NDArray[Any] = np.empty((0, len(chosen)), np.int64)
    indices: NDArray[Any] = np.empty((0, len(chosen)), np.int64)
    numbers = np.array(chosen, np.int32)
    for batch, (highest, where) in reduced_batches(
        model, calls, images, [position], _strongest, throughout=[numbers], batch_size=batch_size
    ):
        of_images = np.repeat(np.arange(batch.start, batch.stop)[:, None], len(chosen), axis=1)
        values, units, indices = (
            np.concatenate(both) for both in ((values, highest), (units, where), (indices, of_images))
        )
        # What was found before stands first, so that a stable order leaves it before its equals.
        best = np.argsort(-values, axis=0, kind="stable")[:k]
        values, units, indices = (np.take_along_axis(each, best, axis=0) for each in (values, units, indices))
    rows, columns = np.divmod(units.T, len(fields.columns))
    patches = [
        [_patch(images[index], fields, row, column) for index, row, column in zip(*of_channel, strict=True)]
        for of_channel in zip(indices.T, rows, columns, strict=True)
    ]
    return TopPatches(
        call.name,
        chosen,
        indices.T.astype(np.int64),
        np.stack([rows, columns], axis=-1).astype(np.int64),
        values.T.astype(np.float32),
        np.asarray(patches, np.float32),
    )


def _strongest(maps: list[Any], channels: Any) -> list[Any]:
    """Give the largest value of each of some channels, (n, channels), and where it is among all positions."""
    _, height, width, count = maps[0].shape
    of_channels = keras.ops.take(keras.ops.reshape(maps[0], (-1, height * width, count)), channels, axis=-1)
    return [keras.ops.max(of_channels, axis=1), keras.ops.argmax(of_channels, axis=1)]


def _patch(image: NDArray[Any], fields: ReceptiveFields, row: int, column: int) -> NDArray[np.float32]:
    """Cut out what a unit sees, as large as what any unit of the layer does; beyond the border stands NaN."""
    places = []
    for ends, unit in ((fields.rows, row), (fields.columns, column)):
        size, (start, stop) = int((ends[:, 1] - ends[:, 0]).max()), ends[unit].tolist()
        # A view that begins at the border is cut there; any other that is short is cut at the far end.
        first = size - (stop - start) if start == 0 else 0
        places.append((size, slice(first, first + stop - start), slice(start, stop)))
    (height, into_rows, of_rows), (width, into_columns, of_columns) = places
    patch = np.full((height, width, image.shape[-1]), np.nan, np.float32)
    patch[into_rows, into_columns] = image[of_rows, of_columns]
    return patch
