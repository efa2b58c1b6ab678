"""A data set from image files, a folder a class."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.datasets._custom import from_arrays
from convvision.datasets._pictures import read_picture
from convvision.datasets._scaling import Scale
from convvision.datasets._types import Dataset
from convvision.errors import CorruptDataError, DataNotFoundError, DataWarning, InputError

__all__ = ["from_folder"]

_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
_CHANNELS = {"grayscale": 1, "rgb": 3}
# Names that say which part of the data a folder holds, and are hardly those of classes.
_PARTS = {"train", "test", "val", "valid", "validation"}


@set_module("convvision.datasets")
def from_folder(
    directory: str | os.PathLike[str],
    *,
    image_size: tuple[int, int] = (28, 28),
    color_mode: Literal["grayscale", "rgb"] = "grayscale",
    test_split: float = 0.2,
    validation_split: float = 0.0,
    scale: Scale | None = "unit",
    seed: int = 0,
    on_error: Literal["raise", "skip"] = "raise",
) -> Dataset:
    """Make a data set from a folder that holds a folder for each class.

    ``FOLDER/cat/1.png`` is an image of the class "cat"; folders inside a class folder are searched too. Where the
    folders are just ``train`` and ``test``, each of them holds the class folders. Hidden files and files of other
    endings than .png, .jpg, .jpeg, .webp, .bmp and .gif are passed over; so are links to folders inside a class folder.

    Args:
        directory: The folder.
        image_size: Height and width to resize to, with antialiasing; the aspect ratio is not kept.
        color_mode: "grayscale" for one channel, "rgb" for three.
        test_split: Part of each class that becomes the test images where there is no ``test`` folder, in (0, 1).
        validation_split: Part of each class of the training images that becomes ``validation``, in [0, 1).
        scale: As in :func:`load_dataset`.
        seed: Of the two splits.
        on_error: "raise" ends at the first file that cannot be read; "skip" leaves such files out and warns of them.

    Returns:
        The data set, named as the folder; its class names are the names of the class folders, in alphabetical order.

    Raises:
        DataNotFoundError: No such folder.
        InputError: No class folders, fewer than two, an empty one, classes that one of ``train`` and ``test`` lacks, or
            a ``val`` folder beside them.
        CorruptDataError: A file that is no image.

    Warns:
        DataWarning: Files were skipped; the message counts and lists them.
    """
    directory = Path(directory)
    if color_mode not in _CHANNELS:
        raise InputError(f"color_mode is 'grayscale' or 'rgb'. Received: color_mode={color_mode!r}")
    if on_error not in ("raise", "skip"):
        raise InputError(f"on_error is 'raise' or 'skip'. Received: on_error={on_error!r}")
    if not isinstance(image_size, Sequence) or len(image_size) != 2:
        raise InputError(f"image_size is (height, width). Received: image_size={image_size!r}")
    height, width = (check_positive_int(size, "Each size of image_size") for size in image_size)
    reader = _Reader((height, width, _CHANNELS[color_mode]), on_error)

    parts = {part: _class_files(folder) for part, folder in _parts(directory).items()}
    class_names = list(parts["train"])
    if "test" in parts and set(parts["test"]) != set(class_names):
        odd = sorted(set(parts["test"]) ^ set(class_names))
        raise InputError(
            f"{directory / 'train'} and {directory / 'test'} should hold the same class folders. "
            f"Received: {', '.join(odd)} in one of them only"
        )
    arrays = [array for files in parts.values() for array in reader.read(files, class_names)]
    reader.warn(directory)
    data = from_arrays(
        *arrays,
        class_names=class_names,
        name=directory.resolve().name,
        scale=scale,
        test_split=test_split,
        validation_split=validation_split,
        seed=seed,
    )
    return dataclasses.replace(data, location=str(directory.resolve()))


class _Reader:
    """Reads the files of one data set and remembers those it had to skip."""

    def __init__(self, image_shape: tuple[int, int, int], on_error: str) -> None:
        self._image_shape = image_shape
        self._on_error = on_error
        self._skipped: list[str] = []

    def read(
        self, files: dict[str, list[Path]], class_names: Sequence[str]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Read every file, on all cores: Pillow lets other threads run while it decodes."""
        paths = [(path, class_names.index(name)) for name, of_class in files.items() for path in of_class]
        images: NDArray[np.uint8] = np.empty((len(paths), *self._image_shape), np.uint8)
        read = np.zeros(len(paths), bool)

        def read_one(position: int) -> None:
            path, _ = paths[position]
            try:
                images[position] = read_picture(path, image_shape=self._image_shape)
                read[position] = True
            except CorruptDataError as error:
                if self._on_error == "raise":
                    raise
                self._skipped.append(str(error))

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            try:
                # Consuming the results raises what a thread raised.
                for _ in pool.map(read_one, range(len(paths))):
                    pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        labels = np.array([label for _, label in paths], np.int64)
        return (images, labels) if read.all() else (images[read], labels[read])

    def warn(self, directory: Path) -> None:
        """Say which files were skipped, the first ten by name."""
        if self._skipped:
            listed = "".join(f"\n  {reason}" for reason in sorted(self._skipped)[:10])
            more = f"\n  and {len(self._skipped) - 10} more" if len(self._skipped) > 10 else ""
            warnings.warn(
                f"{len(self._skipped)} files in {directory} were skipped:{listed}{more}", DataWarning, stacklevel=3
            )


def _parts(directory: Path) -> dict[str, Path]:
    if not directory.is_dir():
        raise DataNotFoundError(f"There is no folder {directory}.")
    folders = {entry.name: entry for entry in _visible(directory) if entry.is_dir()}
    if set(folders) == {"train", "test"}:
        return {part: folders[part] for part in ("train", "test")}
    if "train" in folders and set(folders) <= _PARTS:
        raise InputError(
            f"Expected class folders in {directory}, or just train and test with class folders in them. "
            f"Received: {', '.join(sorted(folders))}. Validation images are split off by validation_split."
        )
    return {"train": directory}


def _class_files(directory: Path) -> dict[str, list[Path]]:
    classes = {entry.name: _image_files(entry) for entry in _visible(directory) if entry.is_dir()}
    if len(classes) < 2:
        loose = len(_image_files(directory)) if not classes else 0
        what = f"{loose} image files and no folders" if not classes else f"one folder, {next(iter(classes))!r}"
        raise InputError(
            f"Expected at least two class folders in {directory}, as in cat/1.png and dog/1.png. Received: {what}"
        )
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise InputError(
            f"Every class folder holds image files ({', '.join(sorted(_ENDINGS))}). "
            f"Received: none in {', '.join(str(directory / name) for name in empty)}. Fill or remove these folders."
        )
    return classes


def _image_files(directory: Path) -> list[Path]:
    found: list[Path] = []
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        found.extend(
            Path(folder, name)
            for name in sorted(names)
            if not name.startswith(".") and Path(name).suffix.lower() in _ENDINGS
        )
    return found


def _visible(directory: Path) -> list[Path]:
    # Archives made on a Mac carry a folder of that name beside the real ones.
    hidden = ("__MACOSX",)
    return sorted(entry for entry in directory.iterdir() if entry.name[0] != "." and entry.name not in hidden)
