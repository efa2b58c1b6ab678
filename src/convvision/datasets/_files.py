"""Published data files: where they lie, and loading them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.datasets._data_file import DATA_HOME_VARIABLE, DataFile
from convvision.datasets._download import download_files
from convvision.datasets._idx import parse_idx
from convvision.datasets._types import Split
from convvision.errors import CorruptDataError, DataNotFoundError

__all__ = ["delete_and_load_again", "fetch", "get_data_home", "load_idx_splits"]


@set_module("convvision.datasets")
def get_data_home(data_home: str | Path | None = None) -> Path:
    """Tell the folder in which data sets lie, each in a folder of its name.

    Args:
        data_home: The folder to use. By default the environment variable ``CONVVISION_DATA_HOME``, else the user's
            cache folder.

    Returns:
        The folder; it need not exist.

    Example:
        >>> from convvision.datasets import get_data_home
        >>> get_data_home("course/data").as_posix()
        'course/data'
    """
    chosen = data_home or os.environ.get(DATA_HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("convvision")


def fetch(files: Sequence[DataFile], folder: Path, *, download: bool) -> list[Path]:
    """Find every file in a folder, downloading those that are missing.

    Raises:
        DataNotFoundError: Some are missing and ``download`` is false; the message names them all.
        DownloadError: Some are missing and could not be had.
    """
    missing = [file for file in files if file.find(folder) is None]
    if missing and not download:
        where = "".join(f"\n  {file.where(folder)}, from {file.mirrors[0]}" for file in missing)
        raise DataNotFoundError(
            f"Expected {len(files)} data files in {folder}; {len(missing)} are missing, and download=False. "
            f"Put these there, or set {DATA_HOME_VARIABLE} to the folder that holds {folder.name}/:{where}"
        )
    if missing:
        download_files(missing, folder)
    return [_found(file, folder) for file in files]


def load_idx_splits(files: Sequence[DataFile], folder: Path, *, download: bool) -> tuple[Split, Split]:
    """Load training images, training labels, test images and test labels, four IDX files in this order.

    Raises:
        DataError: As :func:`fetch` and :meth:`DataFile.read`.
    """
    arrays: list[NDArray[Any]] = []
    for file, path in zip(files, fetch(files, folder, download=download), strict=True):
        with delete_and_load_again():
            arrays.append(parse_idx(file.read(path), source=str(path)))
    train_images, train_labels, test_images, test_labels = arrays
    return (
        Split(train_images[..., np.newaxis], train_labels.astype(np.int64)),
        Split(test_images[..., np.newaxis], test_labels.astype(np.int64)),
    )


@contextmanager
def delete_and_load_again() -> Iterator[None]:
    """Say of a file in the data home, which is not what it should be, what to do about it."""
    try:
        yield
    except CorruptDataError as error:
        raise CorruptDataError(f"{error} Delete it and load again.") from error


def _found(file: DataFile, folder: Path) -> Path:
    path = file.find(folder)
    if path is None:
        raise DataNotFoundError(f"{folder / file.name} was there a moment ago and is gone. Load again.")
    return path
