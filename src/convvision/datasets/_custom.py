"""A data set from a user's own arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_fraction, check_images
from convvision._public import set_module
from convvision.datasets._labels import class_indices
from convvision.datasets._load import assemble
from convvision.datasets._scaling import Scale, Scaling
from convvision.datasets._splits import stratified_split
from convvision.datasets._types import Dataset, DatasetInfo, Split
from convvision.errors import InputError, ShapeError, ValueRangeError

__all__ = ["channel_statistics", "check_options", "from_arrays", "from_splits"]


@set_module("convvision.datasets")
def from_arrays(
    train_images: Any,
    train_labels: Any,
    test_images: Any = None,
    test_labels: Any = None,
    *,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    scale: Scale | None = "unit",
    test_split: float = 0.2,
    validation_split: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Make a data set from arrays.

    Args:
        train_images: uint8 pixels, shape (N, H, W, C), or (N, H, W) for grey images.
        train_labels: Class indices or class names, shape (N,); or one-hot rows, shape (N, classes).
        test_images: As ``train_images``. Without them, ``test_split`` of each class becomes the test images.
        test_labels: As ``train_labels``; given exactly when ``test_images`` are.
        class_names: The name of class i at position i. By default the names among the labels in alphabetical order, or
            the indices up to the largest label.
        name: What to call the data set in tables and saved runs.
        scale: As in :func:`load_dataset`; mean and standard deviation are those of the training images.
        test_split: Part of each class that becomes the test images where none are given, in (0, 1).
        validation_split: Part of each class of the training images that becomes ``validation``, in [0, 1).
        seed: Of the two splits.

    Returns:
        The data set.

    Raises:
        ShapeError: Images of another shape, or test images unlike the training images.
        ValueRangeError: Images that are not uint8.
        LabelError: Labels that are no class indices, names or one-hot rows.
        InputError: Test images without labels, or a split that leaves a part empty.

    Warns:
        DataWarning: Class indices that do not begin with 0, without ``class_names``: they leave a class empty.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import from_arrays
        >>> pixels = np.random.default_rng(0).integers(0, 256, (100, 12, 12), np.uint8)
        >>> from_arrays(pixels, np.arange(100) % 4, class_names=["a", "b", "c", "d"])
        Dataset('arrays', train=80, test=20, image_shape=(12, 12, 1), scale='unit')
    """
    if (test_images is None) != (test_labels is None):
        raise InputError("Give test_images and test_labels together, or neither. Received: one of them.")
    check_options(scale, test_split, validation_split)
    images = _pixels(train_images)
    test = None
    if test_images is None:
        (labels,), names = class_indices([(train_labels, len(images))], class_names)
    else:
        pixels = check_images(_pixels(test_images), image_shape=images.shape[1:])
        parts = [(train_labels, len(images)), (test_labels, len(pixels))]
        (labels, of_test), names = class_indices(parts, class_names)
        test = Split(pixels, of_test)
    return from_splits(
        Split(images, labels),
        test,
        class_names=names,
        name=name,
        source="arrays",
        scale=scale,
        test_split=test_split,
        validation_split=validation_split,
        seed=seed,
    )


def from_splits(
    train: Split,
    test: Split | None,
    *,
    class_names: Sequence[str],
    name: str,
    source: str,
    scale: Scale | None,
    test_split: float,
    validation_split: float,
    seed: int,
) -> Dataset:
    """Make a data set from raw pixels and class indices.

    Args:
        train: The training images, or all.
        test: The test images; without them, ``test_split`` of each class becomes these.
        class_names: The name of class i at position i.
        name: Of the data set.
        source: What it is made from, for its summary.
        scale: As in :func:`from_arrays`, as are those below.
        test_split: Part of each class.
        validation_split: Part of each class of the training images.
        seed: Of the two splits.

    Raises:
        ShapeError: A part without an image.
        InputError: A split that leaves a part empty.
    """
    if test is None:
        remain, chosen = stratified_split(train.labels, test_split, seed=seed)
        train, test = train.take(remain), train.take(chosen)
    _, *shape = check_images(train.images).shape
    mean, std = channel_statistics(train.images)
    info = DatasetInfo(
        name=name,
        summary=f"{len(train) + len(test)} images of {len(class_names)} classes, from {source}.",
        image_shape=(shape[0], shape[1], shape[2]),
        class_names=tuple(class_names),
        train_count=len(train),
        test_count=len(test),
        mean=mean,
        std=std,
    )
    scaling = Scaling(scale, mean, std)
    return assemble(info, train, test, scaling=scaling, validation_split=validation_split, seed=seed)


def check_options(scale: Scale | None, test_split: float, validation_split: float) -> None:
    """Refuse what cannot be before files are read, which may take long.

    Raises:
        InputError: Another scale, or a part that is no fraction.
    """
    # The statistics are not known yet; any will do.
    Scaling(scale, mean=(0.5,), std=(0.5,))
    check_fraction(test_split, "test_split")
    check_fraction(validation_split, "validation_split")


def _pixels(candidates: Any) -> NDArray[np.uint8]:
    images: NDArray[Any] = np.asarray(candidates)
    images = check_images(images[..., np.newaxis] if images.ndim == 3 else images)
    # As they are in PyTorch; images of 3 × 28 pixels with 28 channels are not meant.
    if images.shape[1] in (1, 3) and images.shape[2] == images.shape[3] > 4:
        raise ShapeError(
            f"Images have the shape (N, H, W, C), the channels last. Received: shape {images.shape}. "
            f"If they come first, use numpy.moveaxis(images, 1, -1)."
        )
    if images.dtype != np.uint8:
        in_unit = images.dtype.kind == "f" and images.max() <= 1
        raise ValueRangeError(
            f"Images are raw pixels, uint8 in [0, 255]. Received: dtype {images.dtype} "
            f"with values from {images.min():g} to {images.max():g}. "
            + (
                "Floats in [0, 1] become pixels by (images * 255).round().astype('uint8')."
                if in_unit
                else "If they are pixels in [0, 255], pass images.astype('uint8')."
            )
        )
    return images


def channel_statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel on the scale [0, 1], exactly, by counting the 256 pixel values."""
    values = np.arange(256) / 255
    means, stds = [], []
    for channel in range(images.shape[-1]):
        share = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., channel].size
        mean = float(share @ values)
        means.append(mean)
        stds.append(float(np.sqrt(share @ (values - mean) ** 2)))
    return tuple(means), tuple(stds)
