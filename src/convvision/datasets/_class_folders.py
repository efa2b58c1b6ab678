"""Where the image files of a data set lie: a folder a class, with or without ``train`` and ``test`` above them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convvision.errors import DataNotFoundError, InputError

__all__ = ["ClassFolders", "LabelledFiles", "find_class_folders"]

_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
# Names that say which part of the data a folder holds, and are hardly those of classes.
_PARTS = {"train", "test", "val", "valid", "validation"}


@dataclass(frozen=True, eq=False)
class LabelledFiles:
    """Image files and their classes.

    Attributes:
        paths: The files.
        labels: Class indices, shape (N,).
    """

    paths: Sequence[Path]
    labels: NDArray[np.int64]

    def take(self, positions: NDArray[np.intp]) -> LabelledFiles:
        """Choose some of the files."""
        return LabelledFiles([self.paths[position] for position in positions], self.labels[positions])


@dataclass(frozen=True, eq=False)
class ClassFolders:
    """What was found in a folder.

    Attributes:
        class_names: Names of the class folders, in alphabetical order.
        train: The training files.
        test: The test files; None where no folder sets them apart.
    """

    class_names: list[str]
    train: LabelledFiles
    test: LabelledFiles | None


def find_class_folders(directory: Path) -> ClassFolders:
    """List the image files of a folder, class by class; none is opened.

    Raises:
        DataNotFoundError: No such folder, or one that may not be read.
        InputError: No class folders, fewer than two, an empty one, classes that one of ``train`` and ``test`` lacks, or
            a ``val`` folder beside them.
    """
    try:
        parts = {part: _class_files(folder) for part, folder in _parts(directory).items()}
    except OSError as error:
        if isinstance(error, DataNotFoundError):
            raise
        raise DataNotFoundError(
            f"{error.filename or directory} cannot be read: {error.strerror}. Change its permissions, or leave it out."
        ) from error
    class_names = list(parts["train"])
    if "test" in parts and set(parts["test"]) != set(class_names):
        odd = sorted(set(parts["test"]) ^ set(class_names))
        raise InputError(
            f"{directory / 'train'} and {directory / 'test'} should hold the same class folders. "
            f"Received: {', '.join(odd)} in one of them only"
        )
    labelled = {part: _labelled(files, class_names) for part, files in parts.items()}
    return ClassFolders(class_names, labelled["train"], labelled.get("test"))


def _labelled(files: dict[str, list[Path]], class_names: list[str]) -> LabelledFiles:
    label = {name: index for index, name in enumerate(class_names)}
    paths = [path for of_class in files.values() for path in of_class]
    labels = np.array([label[name] for name in files], np.int64)
    return LabelledFiles(paths, np.repeat(labels, [len(one) for one in files.values()]))


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
    def refuse(error: OSError) -> None:
        # What os.walk passes over in silence would be a class that is smaller than its folder.
        raise error

    found: list[Path] = []
    for folder, subfolders, names in os.walk(directory, onerror=refuse):
        subfolders[:] = sorted(name for name in subfolders if not _is_hidden(name))
        found.extend(
            Path(folder, name)
            for name in sorted(names)
            if not _is_hidden(name) and os.path.splitext(name)[1].lower() in _ENDINGS  # noqa: PTH122
        )
    return found


def _visible(directory: Path) -> list[Path]:
    return sorted(entry for entry in directory.iterdir() if not _is_hidden(entry.name))


def _is_hidden(name: str) -> bool:
    # Archives made on a Mac carry a folder of that name beside the real ones.
    return name.startswith(".") or name == "__MACOSX"
