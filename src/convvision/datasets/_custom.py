"""Data sets from a user's own arrays and IDX files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_fraction, check_images, check_labels
from convvision._public import set_module
from convvision.datasets._idx import read_idx
from convvision.datasets._load import assemble
from convvision.datasets._scaling import Scale, Scaling
from convvision.datasets._splits import stratified_split
from convvision.datasets._types import Dataset, DatasetInfo, Split
from convvision.errors import DataNotFoundError, InputError, ValueRangeError

__all__ = ["from_arrays", "from_idx"]

_IDX_STEMS = ("train-images", "train-labels", "t10k-images", "t10k-labels")


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
        train_labels: Class indices, shape (N,).
        test_images: As ``train_images``. Without them, ``test_split`` of each class becomes the test images.
        test_labels: As ``train_labels``; given exactly when ``test_images`` are.
        class_names: The name of class i at position i. By default the indices, up to the largest label.
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
        LabelError: Labels that are no class indices.
        InputError: Test images without labels, or a split that leaves a part empty.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import from_arrays
        >>> pixels = np.random.default_rng(0).integers(0, 256, (100, 12, 12), np.uint8)
        >>> from_arrays(pixels, np.arange(100) % 4, class_names=["a", "b", "c", "d"])
        Dataset('arrays', train=80, test=20, image_shape=(12, 12, 1), scale='unit')
    """
    if (test_images is None) != (test_labels is None):
        raise InputError("Give test_images and test_labels together, or neither. Received: one of them.")
    images = _pixels(train_images)
    count = len(class_names) if class_names is not None else _class_count(train_labels, test_labels)
    train = Split(images, check_labels(train_labels, count=len(images), num_classes=count).astype(np.int64))
    if test_images is None:
        check_fraction(test_split, "test_split")
        remain, chosen = stratified_split(train.labels, test_split, seed=seed)
        test = Split(train.images[chosen], train.labels[chosen])
        train = Split(train.images[remain], train.labels[remain])
    else:
        pixels = check_images(_pixels(test_images), image_shape=images.shape[1:])
        test = Split(pixels, check_labels(test_labels, count=len(pixels), num_classes=count).astype(np.int64))
    mean, std = _statistics(train.images)
    info = DatasetInfo(
        name=name,
        summary=f"{len(train) + len(test)} images of {count} classes, from arrays.",
        image_shape=(images.shape[1], images.shape[2], images.shape[3]),
        class_names=tuple(class_names) if class_names is not None else tuple(map(str, range(count))),
        train_count=len(train),
        test_count=len(test),
        mean=mean,
        std=std,
    )
    scaling = Scaling(scale, mean, std)
    check_fraction(validation_split, "validation_split")
    return assemble(info, train, test, scaling=scaling, validation_split=validation_split, seed=seed)


@set_module("convvision.datasets")
def from_idx(
    directory: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    scale: Scale | None = "unit",
    validation_split: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Make a data set from a folder of four IDX files, named as MNIST's, compressed or not.

    Args:
        directory: Holds ``train-images*``, ``train-labels*``, ``t10k-images*`` and ``t10k-labels*``.
        class_names: As in :func:`from_arrays`.
        scale: As in :func:`load_dataset`.
        validation_split: As in :func:`load_dataset`.
        seed: Of the choice of validation images.

    Returns:
        The data set, named as the folder.

    Raises:
        DataNotFoundError: A file is missing, or two would do.
        CorruptDataError: A file is not an IDX file, or cut short.
        InputError: As :func:`from_arrays`.
    """
    directory = Path(directory)
    arrays: list[NDArray[Any]] = [read_idx(_only(directory, stem)) for stem in _IDX_STEMS]
    data = from_arrays(
        *arrays,
        class_names=class_names,
        name=directory.resolve().name,
        scale=scale,
        validation_split=validation_split,
        seed=seed,
    )
    return dataclasses.replace(data, location=str(directory.resolve()))


def _only(directory: Path, stem: str) -> Path:
    found = sorted(directory.glob(f"{stem}*"))
    if len(found) != 1:
        raise DataNotFoundError(
            f"Expected exactly one file named {stem}* in {directory}. Received: {[path.name for path in found]}"
        )
    return found[0]


def _pixels(candidates: Any) -> NDArray[np.uint8]:
    images: NDArray[Any] = np.asarray(candidates)
    images = check_images(images[..., np.newaxis] if images.ndim == 3 else images)
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


def _class_count(*label_arrays: Any) -> int:
    """Count the classes up to the largest label; what cannot be labels is left to check_labels, which says why."""
    counts = [1]
    for labels in map(np.asarray, label_arrays):
        if labels.ndim == 2:
            counts.append(labels.shape[1])  # one-hot rows, perhaps
        elif labels.size and labels.dtype.kind in "iu":
            counts.append(int(labels.max()) + 1)
    return max(counts)


def _statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel on the scale [0, 1], exactly, by counting the 256 pixel values."""
    values = np.arange(256) / 255
    means, stds = [], []
    for channel in range(images.shape[-1]):
        share = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., channel].size
        mean = float(share @ values)
        means.append(mean)
        stds.append(float(np.sqrt(share @ (values - mean) ** 2)))
    return tuple(means), tuple(stds)
