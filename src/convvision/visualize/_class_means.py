"""What each class looks like to a layer, over a whole data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision._public import set_module
from convvision.visualize._activations import Layers
from convvision.visualize._named import layer_named, names_of_classes
from convvision.visualize._stream import prepared_layers, reduced_batches

__all__ = ["ClassMeanActivations", "LayerClassMeanActivations", "class_mean_activations"]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class LayerClassMeanActivations:
    """The mean feature maps of each class in one layer.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it.
        maps: float32, shape (classes, h, w, channels); NaN for a class without images.
    """

    name: str
    maps: NDArray[np.float32]

    @property
    def channel_means(self) -> NDArray[np.float64]:
        """The mean output of each channel for each class, shape (classes, channels)."""
        means: NDArray[np.float64] = self.maps.mean(axis=(1, 2), dtype=np.float64)
        return means

    @property
    def preferred(self) -> NDArray[np.int64]:
        """The class for which each channel's mean output is highest, shape (channels,)."""
        means = self.channel_means
        return np.asarray(np.where(np.isnan(means), -np.inf, means).argmax(axis=0), np.int64)

    @property
    def selectivity(self) -> NDArray[np.float64]:
        """How much each channel prefers one class to the others, shape (channels,).

        (μ_max − μ_rest) / (μ_max + μ_rest), of the highest of the classes' mean outputs and the mean of all the others:
        0 for a channel that answers all classes alike or none, 1 for one that answers a single class. That range is for
        outputs that are never below zero, as behind a ReLU; where μ_max + μ_rest is not above zero it is 0.

        Morcos, Barrett, Rabinowitz and Botvinick 2018, "On the importance of single directions for generalization".
        """
        means = self.channel_means
        means = means[~np.isnan(means).any(axis=1)]
        highest = means.max(axis=0)
        rest = (means.sum(axis=0) - highest) / max(len(means) - 1, 1)
        total = highest + rest
        return np.asarray(np.divide(highest - rest, total, out=np.zeros_like(total), where=total > 0))


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class ClassMeanActivations:
    """The mean image and the mean feature maps of each class.

    Attributes:
        class_names: The name of class i at position i.
        counts: How many images each class has, int64, shape (classes,).
        images: The mean image of each class, float32, shape (classes, H, W, C); NaN for a class without images.
        layers: In the order of the data.
    """

    class_names: tuple[str, ...]
    counts: NDArray[np.int64]
    images: NDArray[np.float32]
    layers: tuple[LayerClassMeanActivations, ...]

    def __getitem__(self, name: str) -> LayerClassMeanActivations:
        """Look a layer up by its name.

        Raises:
            UnknownNameError: There are no means of a layer of this name.
        """
        return layer_named(self.layers, name)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{layer.name} {layer.maps.shape[1:]}" for layer in self.layers)
        return f"<ClassMeanActivations of {len(self.counts)} classes over {self.counts.sum()} images: {shapes}>"


@set_module("convvision.visualize")
def class_mean_activations(
    model: keras.Model,
    images: Any,
    labels: Any,
    layers: Layers = "conv",
    *,
    class_names: Sequence[str] | None = None,
    batch_size: int = 256,
) -> ClassMeanActivations:
    """Average the feature maps of each class, in one pass over a data set.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        labels: Class indices, shape (N,).
        layers: As in :func:`extract_activations`.
        class_names: The name of class i at position i; by default classes up to the largest label, named "0", "1" ….
        batch_size: Images a forward pass.

    Returns:
        Mean maps and counts; ``layer.selectivity`` tells which channels prefer a class. One forward pass over the
        images; memory does not grow with their number.

    Raises:
        InputError: A model that is not built, or a layer without feature maps.
        LabelError: Labels that are no class indices, or not one an image.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.
        UnknownNameError: No layer has this name.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_16_16")
        >>> images = np.random.default_rng(0).random((6, 28, 28, 1))
        >>> means = convvision.visualize.class_mean_activations(model, images, [0, 1, 2, 0, 1, 0])
        >>> means
        <ClassMeanActivations of 3 classes over 6 images: conv_1 (26, 26, 16), conv_2 (11, 11, 16)>
        >>> means["conv_2"].selectivity.shape
        (16,)
    """
    images, calls, positions = prepared_layers(model, images, layers, batch_size)
    names, labels = names_of_classes(labels, class_names, count=len(images))
    sums: list[NDArray[np.float64]] = []
    pixels = np.zeros((len(names), *images.shape[1:]))
    indices = labels.astype(np.int32)
    reduce = _SumsOfClasses(len(names))
    for batch, found in reduced_batches(
        model, calls, images, positions, reduce, beside=[indices], batch_size=batch_size
    ):
        # In double precision: single loses digits over ten thousand images.
        sums = sums or [np.zeros(each.shape) for each in found]
        for total, each in zip(sums, found, strict=True):
            np.add(total, each, out=total)
        of_class = (labels[batch] == np.arange(len(names))[:, None]).astype(np.float64)
        # No matrix product: NumPy's threads would go on spinning beside those that run the network.
        pixels += np.einsum("kn,nhwc->khwc", of_class, images[batch])
    counts = np.bincount(labels, minlength=len(names)).astype(np.int64)
    return ClassMeanActivations(
        names,
        counts,
        _divided(pixels, counts),
        tuple(
            LayerClassMeanActivations(calls[position].name, _divided(total, counts))
            for position, total in zip(positions, sums, strict=True)
        ),
    )


@dataclass(frozen=True)
class _SumsOfClasses:
    """Sums the maps of each class, to (classes, h, w, channels) for each layer."""

    classes: int

    def __call__(self, maps: list[Any], labels: Any) -> list[Any]:
        # One product sums all classes at once.
        of_class = keras.ops.transpose(keras.ops.one_hot(labels, self.classes, dtype="float32"))
        return [
            keras.ops.reshape(
                keras.ops.matmul(of_class, keras.ops.reshape(each, (-1, int(np.prod(each.shape[1:]))))),
                (self.classes, *each.shape[1:]),
            )
            for each in maps
        ]


def _divided(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    divisors = np.where(counts > 0, counts, np.nan).reshape(-1, *[1] * (sums.ndim - 1))
    return (sums / divisors).astype(np.float32)
