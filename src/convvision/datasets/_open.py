"""Whatever a user may mean by "the data"."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from convvision.datasets._custom import from_idx
from convvision.datasets._folder import from_folder
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
    image_shape: tuple[int, int, int] = (28, 28, 1),
    on_error: Literal["raise", "skip"] = "raise",
) -> Dataset:
    """Load a data set by name or from a folder; one that is loaded already is returned as it is.

    Args:
        data: A data set, the name of one, or a folder, of image files in class folders or of IDX
            files. A name comes before a folder of the same name.
        scale: As in :func:`load_dataset`.
        validation_split: As in :func:`load_dataset`.
        image_shape: (H, W, C) that image files are read as; C is 1 or 3.
        on_error: As in :func:`from_folder`.

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
    # The seed of the splits is always the same: a test image of today is none to train on tomorrow.
    if data in known:
        return load_dataset(str(data), scale=scale, validation_split=validation_split)
    folder = Path(data)
    if not folder.is_dir():
        raise unknown_name("data set", data, known, hint="It is no folder either.")
    if any(folder.glob("train-images*")):
        return from_idx(folder, scale=scale, validation_split=validation_split)
    height, width, channels = image_shape
    return from_folder(
        folder,
        image_size=(height, width),
        color_mode="rgb" if channels == 3 else "grayscale",
        scale=scale,
        validation_split=validation_split,
        on_error=on_error,
    )
