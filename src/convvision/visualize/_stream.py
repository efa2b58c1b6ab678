"""One pass over a data set: of each batch's feature maps, only what is left of them after a reduction is kept."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision.models._forward import run_layers
from convvision.models._graph import LayerCall, layer_calls
from convvision.models._outputs import image_shape
from convvision.visualize._activations import Layers, choose_layers
from convvision.visualize._compiled import compiled

__all__ = ["Reduction", "position_maxima", "position_means", "prepared_layers", "reduced_batches"]

# From the maps of each layer, (n, h, w, channels) in float32, and a batch of each array beside them, to tensors. Two
# that are equal compute the same, for a pass that was compiled for one serves the other.
Reduction: TypeAlias = Callable[..., list[Any]]


def prepared_layers(
    model: keras.Model, images: Any, layers: Layers, batch_size: int
) -> tuple[NDArray[Any], list[LayerCall], list[int]]:
    """Check what every pass over a data set is given.

    Returns:
        The images, the calls of the model's layers, and the positions of those that are asked for.
    """
    images = check_images(images, image_shape=image_shape(model))
    check_positive_int(batch_size, "batch_size")
    calls = layer_calls(model)
    return images, calls, choose_layers(calls, layers, model.name)


def reduced_batches(
    model: keras.Model,
    calls: Sequence[LayerCall],
    images: NDArray[Any],
    positions: Sequence[int],
    reduce: Reduction,
    *,
    beside: Sequence[NDArray[Any]] = (),
    throughout: Sequence[NDArray[Any]] = (),
    batch_size: int,
) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
    """Run a model forward, once over all images, and give what a reduction leaves of each batch.

    The maps of 10,000 images would fill gigabytes. The reduction is computed where they are, and only its result is
    brought to NumPy. On TensorFlow both are compiled together, once for each model, size of images, choice of layers
    and reduction.

    Args:
        model: As for :func:`extract_activations`.
        calls: Its calls of layers.
        images: Shape (N, H, W, C).
        positions: Of the layers among the calls; the model is run no further than the last of them.
        reduce: Computes tensors from the list of the layers' maps of a batch, the batch of each array ``beside``, and
            each array ``throughout``. Hashable, and equal to another only if it computes the same.
        beside: Arrays with a row an image, such as labels.
        throughout: Vectors that are the same for all batches, such as the numbers of channels.
        batch_size: Images a forward pass.

    Yields:
        Which images a batch holds, and its reduced tensors.
    """
    chosen, dtype = tuple(positions), str(model.inputs[0].dtype)
    arrays = [*beside, *throughout]
    # Of a model for images of any size, the maps have the size that they have for these.
    forward = compiled(
        model,
        calls,
        ("reduced", chosen, reduce),
        lambda reference: _forward_pass(reference, chosen, reduce),
        ((None, *images.shape[1:]), dtype),
        *(((None, *array.shape[1:]), str(array.dtype)) for array in arrays),
    )
    constants = [keras.ops.convert_to_tensor(array) for array in throughout]
    for start in range(0, len(images), batch_size):
        batch = slice(start, min(start + batch_size, len(images)))
        tensor = keras.ops.convert_to_tensor(images[batch], dtype=dtype)
        found = forward(tensor, *(keras.ops.convert_to_tensor(array[batch]) for array in beside), *constants)
        yield batch, [np.asarray(keras.ops.convert_to_numpy(each)) for each in found]


def position_means(maps: Any) -> Any:
    """Average a tensor (n, h, w, channels) over positions: (n, channels)."""
    # One pooling over the whole map, which on a CPU is several times as fast as a mean.
    return keras.ops.average_pool(maps, tuple(maps.shape[1:3]), data_format="channels_last")[:, 0, 0]


def position_maxima(maps: Any) -> Any:
    """Take the largest value of a tensor (n, h, w, channels) over positions: (n, channels)."""
    return keras.ops.max_pool(maps, tuple(maps.shape[1:3]), data_format="channels_last")[:, 0, 0]


def _forward_pass(
    model: weakref.ref[keras.Model], positions: tuple[int, ...], reduce: Reduction
) -> Callable[..., list[Any]]:
    def forward(batch: Any, *others: Any) -> list[Any]:
        outputs = list(itertools.islice(run_layers(model(), [batch]), max(positions) + 1))
        return reduce([keras.ops.cast(outputs[position], "float32") for position in positions], *others)

    return forward
