"""A data set that stays on the disk: for folders of pictures that are larger than memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int, check_seed
from convvision._public import set_module
from convvision.datasets._class_folders import LabelledFiles, find_class_folders
from convvision.datasets._custom import channel_statistics, check_options
from convvision.datasets._picture_reader import ColorMode, PictureReader
from convvision.datasets._pictures import Aspect
from convvision.datasets._scaling import Scale, Scaling
from convvision.datasets._splits import stratified_split
from convvision.datasets._types import DatasetInfo

__all__ = ["StreamedDataset", "StreamedSplit", "stream_folder"]

# Training images that mean and standard deviation are taken from.
_SAMPLE = 1000


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class StreamedSplit:
    """Image files and their labels, read when they are asked for.

    Attributes:
        paths: The image files.
        labels: Class indices, shape (N,), int64.
        image_shape: (H, W, C) that they are read as.
        aspect: As in :func:`read_picture`.
    """

    paths: Sequence[Path]
    labels: NDArray[np.int64]
    image_shape: tuple[int, int, int]
    aspect: Aspect = "stretch"

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"StreamedSplit({len(self)} image files, image_shape={self.image_shape})"

    def read(self, positions: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Read some of the images.

        Args:
            positions: Which, counted from 0, shape (how many,).

        Returns:
            uint8 pixels, shape (len(positions), H, W, C), in the order of ``positions``.

        Raises:
            DataNotFoundError: A file that is gone, or may not be read.
            CorruptDataError: A file that is no image.
        """
        images, _, _ = PictureReader(self.image_shape, self.aspect).read([self.paths[at] for at in positions])
        return images

    def order(self, seed: int | None = None, *, epoch: int = 0) -> NDArray[np.intp]:
        """Shuffle the positions of all images.

        Args:
            seed: Of the order; None leaves it as it is.
            epoch: Another one for each.

        Returns:
            A permutation of ``range(N)``, shape (N,).
        """
        if seed is None:
            return np.arange(len(self))
        return np.random.default_rng([check_seed(seed), epoch]).permutation(len(self))

    def batches(
        self, batch_size: int, *, seed: int | None = None, epoch: int = 0
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """Read all images once, batch by batch; no more than one batch is in memory.

        Args:
            batch_size: Images a batch; the last may have fewer.
            seed: Of the order; None gives them as they lie in the folders, class by class.
            epoch: Another order for each.

        Yields:
            uint8 pixels, shape (N, H, W, C), and class indices, shape (N,).

        Raises:
            DataError: As :meth:`read`.
        """
        check_positive_int(batch_size, "batch_size")
        order = self.order(seed, epoch=epoch)
        for start in range(0, len(order), batch_size):
            positions = order[start : start + batch_size]
            yield self.read(positions), self.labels[positions]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the names, sizes and labels of the files, not of their contents."""
        digest = hashlib.sha256(f"{self.image_shape}{self.aspect}".encode())
        for path, label in zip(self.paths, self.labels, strict=True):
            size = path.stat().st_size if path.exists() else -1
            digest.update(f"{path.name}\0{size}\0{label}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class StreamedDataset:
    """A data set whose images stay on the disk until they are read; :func:`stream_folder` makes one.

    Attributes:
        info: Its facts; mean and standard deviation are those of a sample.
        train: The training images, without those that went into ``validation``.
        test: The test images.
        validation: A part of the training images, or None where none was asked for.
        scaling: How the pixels are scaled once they are read.
        location: Absolute path of the folder.
        aspect: How image files are brought to the shape of the images, as in :func:`read_picture`.
        options: With what else :func:`stream_folder` found them; names of its arguments -> plain data.
    """

    info: DatasetInfo
    train: StreamedSplit
    test: StreamedSplit
    validation: StreamedSplit | None = None
    scaling: Scaling = field(default_factory=Scaling)
    location: str = ""
    aspect: Aspect = "stretch"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        validation = "" if self.validation is None else f", validation={len(self.validation)}"
        return (
            f"StreamedDataset({self.info.name!r}, train={len(self.train)}{validation}, test={len(self.test)}, "
            f"image_shape={self.info.image_shape}, scale={self.scaling.scale!r})"
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the splits' fingerprints."""
        return hashlib.sha256("".join(split.fingerprint for split in self.parts.values()).encode()).hexdigest()

    @property
    def parts(self) -> dict[str, StreamedSplit]:
        """The splits that there are, by name: "train", "validation" where there is one, "test"."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in splits.items() if split is not None}


@set_module("convvision.datasets")
def stream_folder(
    directory: str | os.PathLike[str],
    *,
    image_size: tuple[int, int] = (28, 28),
    color_mode: ColorMode = "grayscale",
    aspect: Aspect = "stretch",
    test_split: float = 0.2,
    validation_split: float = 0.0,
    scale: Scale | None = "unit",
    seed: int = 0,
) -> StreamedDataset:
    """Make a data set from a folder that holds a folder for each class, without loading its images.

    For data that are larger than memory; others train faster from :func:`from_folder`. The files are listed now and
    read while :func:`convvision.train` works, a batch at a time. One that cannot be read then ends the training, with
    its name.

    Args:
        directory: The folder, as in :func:`from_folder`.
        image_size: Height and width to resize to, with antialiasing.
        color_mode: "grayscale" for one channel, "rgb" for three.
        aspect: As in :func:`from_folder`.
        test_split: Part of each class that becomes the test images where there is no ``test`` folder, in (0, 1).
        validation_split: Part of each class of the training images that becomes ``validation``, in [0, 1).
        scale: As in :func:`load_dataset`; "standard" takes mean and standard deviation from 1,000 of the training
            images.
        seed: Of the two splits, and of that sample.

    Returns:
        The data set; the splits are those of :func:`from_folder` with the same seed.

    Raises:
        DataNotFoundError: No such folder, or a file that may not be read.
        InputError: As :func:`from_folder`.
        CorruptDataError: A file of the sample that is no image.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from convvision.datasets import stream_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in range(10):
        ...         for name, grey in (("day", 220), ("night", 20)):
        ...             Path(folder, name).mkdir(exist_ok=True)
        ...             Image.new("L", (40, 30), grey).save(Path(folder, name, f"{number}.png"))
        ...     data = stream_folder(folder, image_size=(64, 64))
        ...     images, labels = next(data.train.batches(8, seed=0))
        >>> images.shape, len(data.train), len(data.test)
        ((8, 64, 64, 1), 16, 4)
    """
    directory = Path(directory)
    reader = PictureReader.of(image_size, color_mode, aspect)
    check_options(scale, test_split, validation_split)
    found = find_class_folders(directory)
    train, test, validation = found.train, found.test, None
    if test is None:
        remain, chosen = stratified_split(train.labels, test_split, seed=seed)
        train, test = train.take(remain), train.take(chosen)

    def split(files: LabelledFiles) -> StreamedSplit:
        return StreamedSplit(files.paths, files.labels, reader.image_shape, reader.aspect)

    # Validation images included, as where the images are in memory.
    whole = split(train)
    mean, std = channel_statistics(whole.read(whole.order(seed)[:_SAMPLE]))
    if validation_split:
        remain, chosen = stratified_split(train.labels, validation_split, seed=seed)
        train, validation = train.take(remain), train.take(chosen)
    info = DatasetInfo(
        name=directory.resolve().name,
        summary=f"{len(whole) + len(test.paths)} image files of {len(found.class_names)} classes.",
        image_shape=reader.image_shape,
        class_names=tuple(found.class_names),
        train_count=len(whole),
        test_count=len(test.paths),
        mean=mean,
        std=std,
    )
    return StreamedDataset(
        info=info,
        train=split(train),
        test=split(test),
        validation=None if validation is None else split(validation),
        scaling=Scaling(scale, mean, std),
        location=str(directory.resolve()),
        aspect=aspect,
        options={"test_split": test_split, "seed": seed},
    )
