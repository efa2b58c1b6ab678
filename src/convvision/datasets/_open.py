"""Whatever a user may mean by "the data"."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, overload

from convvision.datasets._csv import from_csv
from convvision.datasets._folder import from_folder
from convvision.datasets._idx_folder import from_idx, holds_idx
from convvision.datasets._load import load_dataset
from convvision.datasets._pictures import Aspect
from convvision.datasets._registry import list_datasets
from convvision.datasets._scaling import Scale
from convvision.datasets._stream import StreamedDataset
from convvision.datasets._types import Dataset
from convvision.errors import InputError
from convvision.registry import unknown_name

__all__ = ["is_own_data", "open_data"]


@overload
def open_data(
    data: Dataset | str | os.PathLike[str],
    *,
    scale: Scale | None = ...,
    validation_split: float = ...,
    image_shape: tuple[int, int, int] = ...,
    aspect: Aspect = ...,
    on_error: Literal["raise", "skip"] = ...,
    options: Mapping[str, Any] = ...,
) -> Dataset: ...


@overload
def open_data(
    data: Dataset | StreamedDataset | str | os.PathLike[str],
    *,
    scale: Scale | None = ...,
    validation_split: float = ...,
    image_shape: tuple[int, int, int] = ...,
    aspect: Aspect = ...,
    on_error: Literal["raise", "skip"] = ...,
    options: Mapping[str, Any] = ...,
) -> Dataset | StreamedDataset: ...


def open_data(
    data: Dataset | StreamedDataset | str | os.PathLike[str],
    *,
    scale: Scale | None = "unit",
    validation_split: float = 0.0,
    image_shape: tuple[int, int, int] = (28, 28, 1),
    aspect: Aspect = "stretch",
    on_error: Literal["raise", "skip"] = "raise",
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Dataset | StreamedDataset:
    """Load a data set by name or from a folder or a file; one that is loaded already is returned as it is.

    Args:
        data: A data set; the name of one; a folder, of image files in class folders or of IDX files; or a CSV file. A
            name comes before a folder of the same name.
        scale: As in :func:`load_dataset`.
        validation_split: As in :func:`load_dataset`.
        image_shape: (H, W, C) that image files are read as; C is 1 or 3.
        aspect: As in :func:`read_picture`.
        on_error: As in :func:`from_folder`.
        options: Further arguments for :func:`from_folder`, :func:`from_idx` or :func:`from_csv`, as
            :attr:`Dataset.options` has them; they come before those above. What the one that reads the data has no
            argument for is passed over.

    Raises:
        InputError: Something else, such as arrays.
        UnknownNameError: Neither a data set nor a folder or a CSV file.
        ConvvisionError: As :func:`load_dataset`, :func:`from_idx`, :func:`from_folder` and :func:`from_csv`.
    """
    if isinstance(data, Dataset | StreamedDataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise InputError(
            f"Data are a Dataset, the name of one, a folder, or a CSV file. Received: {type(data).__name__}. "
            f"convvision.datasets.from_arrays makes a Dataset from arrays."
        )
    known = list_datasets()
    # The seed of the splits is always the same: a test image of today is none to train on tomorrow.
    if data in known:
        return load_dataset(str(data), scale=scale, validation_split=validation_split)
    if not is_own_data(data):
        raise unknown_name("data set", data, known, hint="It is no folder either, and no CSV file.")
    path = Path(data)
    if path.is_file():
        return from_csv(path, scale=scale, validation_split=validation_split, **_known(options, from_csv))
    if holds_idx(path):
        return from_idx(path, scale=scale, validation_split=validation_split, **_known(options, from_idx))
    height, width, channels = image_shape
    return from_folder(
        path,
        image_size=(height, width),
        color_mode="rgb" if channels == 3 else "grayscale",
        aspect=aspect,
        scale=scale,
        validation_split=validation_split,
        **{"on_error": on_error, **_known(options, from_folder)},
    )


def is_own_data(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path leads to what may be data: a folder or a CSV file."""
    # Not Path's methods, which raise where a name is too long for a file.
    is_csv = str(path).lower().endswith((".csv", ".csv.gz"))
    return os.path.isdir(path) or (is_csv and os.path.isfile(path))  # noqa: PTH112, PTH113


def _known(options: Mapping[str, Any], reader: Callable[..., Dataset]) -> dict[str, Any]:
    parameters = inspect.signature(reader).parameters
    return {name: value for name, value in options.items() if name in parameters}
