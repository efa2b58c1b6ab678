"""Whatever a user may mean by "the data"."""

from __future__ import annotations

import os
from pathlib import Path

from convvision.datasets._custom import from_idx
from convvision.datasets._folder import from_folder, is_image_folder
from convvision.datasets._load import load_dataset
from convvision.datasets._registry import list_datasets
from convvision.datasets._scaling import Scale
from convvision.datasets._types import Dataset
from convvision.errors import InputError
from convvision.registry import unknown_name

__all__ = ["open_data"]


def open_data(
    data: Dataset | str | os.PathLike[str],
    *,
    scale: Scale | None = "unit",
    validation_split: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Load a data set by name or from a folder; one that is loaded already is returned as it is.

    Args:
        data: A data set, the name of one, or a folder, of image files in class folders or of IDX
            files. A name comes before a folder of the same name.
        scale: As in :func:`load_dataset`.
        validation_split: As in :func:`load_dataset`.
        seed: As in :func:`load_dataset`.

    Raises:
        InputError: Something else, such as arrays.
        UnknownNameError: Neither a data set nor a folder.
        ConvvisionError: As :func:`load_dataset` and :func:`from_idx`.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise InputError(
            f"Data are a Dataset, the name of one, or a folder. Received: {type(data).__name__}. "
            f"convvision.datasets.from_arrays makes a Dataset from arrays."
        )
    known = list_datasets()
    if data in known:
        return load_dataset(str(data), scale=scale, validation_split=validation_split, seed=seed)
    if Path(data).is_dir():
        read = from_folder if is_image_folder(Path(data)) else from_idx
        return read(Path(data), scale=scale, validation_split=validation_split, seed=seed)
    raise unknown_name("data set", data, known, hint="It is no folder either.")
