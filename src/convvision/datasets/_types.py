"""What a loaded data set is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_labels
from convvision._public import set_module
from convvision.datasets._pictures import Aspect
from convvision.datasets._scaling import Scaling
from convvision.errors import InputError, ValueRangeError

__all__ = ["Dataset", "DatasetInfo", "Split", "check_in_memory"]


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels; unpacks as ``images, labels = split``.

    Attributes:
        images: Shape (N, H, W, C); uint8 as stored, or float32 once scaled.
        labels: Class indices, shape (N,), int64.
        paths: The image files that the images were read from, in their order; empty where they come from no such files.
            They begin as the folder was named.

    Raises:
        InputError: Another number of paths than of images.

    Example:
        >>> import convvision
        >>> test = convvision.load_dataset("drawn_fashion").test
        >>> bags = test.take(test.labels == 8)
        >>> len(bags), set(bags.labels.tolist())
        (200, {8})
    """

    images: NDArray[Any]
    labels: NDArray[np.integer[Any]]
    paths: Sequence[Path] = ()

    def __post_init__(self) -> None:
        # A copy, for which a list that grows later or an array will do.
        object.__setattr__(self, "paths", tuple(self.paths))
        if self.paths and len(self.paths) != len(self.images):
            raise InputError(
                f"paths has the file of each image, or none. "
                f"Received: {len(self.paths)} paths for {len(self.images)} images"
            )

    def __iter__(self) -> Iterator[NDArray[Any]]:
        yield self.images
        yield self.labels

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Split(images={self.images.dtype}{self.images.shape}, labels={self.labels.dtype}{self.labels.shape})"

    def take(self, chosen: slice | Sequence[int] | NDArray[Any]) -> Split:
        """Choose some of the images, with their labels and paths.

        Args:
            chosen: Their positions, integers in any order; or which of them, bool, shape (N,); or a slice.

        Returns:
            These; of a slice, the arrays are views, otherwise copies.

        Raises:
            InputError: No positions, one beyond the last image, or another number of bools.
        """
        index = chosen if isinstance(chosen, slice) else self._index(chosen)
        positions = np.arange(len(self))[index] if self.paths else ()
        return Split(self.images[index], self.labels[index], [self.paths[position] for position in positions])

    def _index(self, chosen: Sequence[int] | NDArray[Any]) -> NDArray[Any]:
        index: NDArray[Any] = np.asarray(chosen)
        # An empty list is one of positions, whatever NumPy takes it for.
        index = index.astype(np.intp) if index.shape == (0,) else index
        count = len(self)
        if index.ndim == 1 and (
            len(index) == count
            if index.dtype == bool
            else index.dtype.kind in "iu" and np.all((-count <= index) & (index < count))
        ):
            return index
        raise InputError(
            f"Images are chosen by their positions, integers below {count:,}; by {count:,} bools; or by a slice. "
            f"Received: {chosen!r}"
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of images and labels."""
        digest = hashlib.sha256()
        for array in self:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@set_module("convvision.datasets")
@dataclass(frozen=True)
class DatasetInfo:
    """The facts about a data set, known without loading it.

    Attributes:
        name: The registered name.
        summary: One line.
        image_shape: (H, W, C) of every image.
        class_names: The name of class i at position i.
        train_count: Number of training images, before any validation split.
        test_count: Number of test images.
        mean: Mean of the training pixels of each channel, on the scale [0, 1].
        std: Standard deviation of the training pixels of each channel, on the scale [0, 1].
        licence: Under which the data are published.
        homepage: Where they are published.
        citation: How to cite them.
        known_issues: What is known to be wrong with them.
        files: Names of the data files, without ``.gz`` where they are good uncompressed too; empty where there are
            none.
        folder: Name of their folder in the data home; by default that of the data set.
        download_size: Bytes that are downloaded where no file is there yet.
        mirrored: Whether an image that is mirrored left to right is still one of its class: false for digits; None
            where nobody said.
    """

    name: str
    summary: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    train_count: int
    test_count: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    licence: str = "unknown"
    homepage: str = ""
    citation: str = ""
    known_issues: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folder: str = ""
    download_size: int = 0
    mirrored: bool | None = None

    def __post_init__(self) -> None:
        channels = self.image_shape[-1]
        if not len(self.mean) == len(self.std) == channels:
            raise InputError(
                f"mean and std have one value a channel, {channels} here. Received: mean={self.mean}, std={self.std}"
            )

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in memory, split and scaled.

    Attributes:
        info: Its facts.
        train: The training images, without those that went into ``validation``.
        test: The test images.
        validation: A part of the training images, or None where none was asked for.
        scaling: How the pixels were scaled; knows how to do the same to other images.
        location: Absolute path of the folder or file that it was read from; empty for a registered set and for arrays.
        aspect: How image files were brought to the shape of the images, as in :func:`read_picture`.
        options: With what else :func:`from_folder`, :func:`from_idx` or :func:`from_csv` read it; names of their
            arguments -> plain data.

    Raises:
        ShapeError: Images of another shape than ``info`` says.
        LabelError: Labels that are no class indices.
        ValueRangeError: NaN; or uint8 images that are said to be scaled, or floats that are said to be raw.
    """

    info: DatasetInfo
    train: Split
    test: Split
    validation: Split | None = None
    scaling: Scaling = field(default_factory=Scaling)
    location: str = ""
    aspect: Aspect = "stretch"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for images, labels in self.parts.values():
            if (images.dtype == np.uint8) != (self.scaling.scale is None):
                raise ValueRangeError(
                    f"Images are uint8 where scaling.scale is None, and floats otherwise. "
                    f"Received: {images.dtype} with scaling.scale={self.scaling.scale!r}"
                )
            check_images(images, image_shape=self.info.image_shape)
            check_labels(labels, count=len(images), num_classes=self.info.num_classes)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={len(split)}" for name, split in self.parts.items())
        return (
            f"Dataset({self.info.name!r}, {counts}, image_shape={self.info.image_shape}, scale={self.scaling.scale!r})"
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the splits, by which a saved run tells what it was trained on."""
        return hashlib.sha256("".join(split.fingerprint for split in self.parts.values()).encode()).hexdigest()

    @property
    def parts(self) -> dict[str, Split]:
        """The splits that there are, by name: "train", "validation" where there is one, "test"."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in splits.items() if split is not None}


def check_in_memory(data: Any) -> None:
    """Refuse what is no data set in memory, before images are looked for.

    Raises:
        InputError: Anything but a :class:`Dataset`.
    """
    if not isinstance(data, Dataset):
        raise InputError(
            f"Expected a Dataset, whose images are in memory. Received: {type(data).__name__}. "
            f"load_dataset, from_folder and from_arrays make one."
        )
