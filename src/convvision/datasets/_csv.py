"""A data set from CSV files of a row an image, the form in which Kaggle hands out MNIST and its relatives."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.datasets._csv_file import read_csv
from convvision.datasets._custom import check_options, from_arrays
from convvision.datasets._scaling import Scale
from convvision.datasets._types import Dataset

__all__ = ["from_csv"]


@set_module("convvision.datasets")
def from_csv(
    path: str | os.PathLike[str],
    test_path: str | os.PathLike[str] | None = None,
    *,
    image_shape: tuple[int, int, int] | None = None,
    label_column: str | int = "label",
    class_names: Sequence[str] | None = None,
    scale: Scale | None = "unit",
    test_split: float = 0.2,
    validation_split: float = 0.0,
    seed: int = 0,
) -> Dataset:
    r"""Make a data set from a CSV file with a row for each image: its label, and its pixels from 0 to 255.

    Args:
        path: The file, with or without a header, gzip-compressed or not.
        test_path: A second file of the same form with the test images. Without it, ``test_split`` of each class
            becomes the test images.
        image_shape: (H, W, C) of the images; the columns hold their pixels row by row, the channels of a pixel side by
            side. By default square and grey.
        label_column: The name of the column with the labels; or its position, counted from 0. A file without a header
            has them in the first column, unless a position is given.
        class_names: The name of class i at position i; labels are then indices, or among these names. By default the
            classes are the labels that occur, in numerical or alphabetical order.
        scale: As in :func:`load_dataset`.
        test_split: Part of each class that becomes the test images where there is no ``test_path``, in (0, 1).
        validation_split: Part of each class of the training images that becomes ``validation``, in [0, 1).
        seed: Of the two splits.

    Returns:
        The data set, named as the file.

    Raises:
        DataNotFoundError: No such file, or one that cannot be read.
        CorruptDataError: A row of another length, or a value that is no pixel; the message names its line.
        InputError: No column of labels, pixels that make no image, or as :func:`from_arrays`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from convvision.datasets import from_csv
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = ["label,pixel0,pixel1,pixel2,pixel3", *["3,0,0,255,255", "8,255,0,255,0"] * 10]
        ...     _ = Path(folder, "train.csv").write_text("\n".join(rows))
        ...     data = from_csv(Path(folder, "train.csv"))
        >>> data.info.class_names, data.train.images.shape
        (('3', '8'), (16, 2, 2, 1))
    """
    check_options(scale, test_split, validation_split)
    path = Path(path)
    paths = [path] if test_path is None else [path, Path(test_path)]
    options = {
        "test_path": None if test_path is None else str(Path(test_path).resolve()),
        "image_shape": image_shape,
        "label_column": label_column,
        "class_names": None if class_names is None else tuple(map(str, class_names)),
        "test_split": test_split,
        "seed": seed,
    }
    files = [read_csv(one, image_shape, label_column) for one in paths]
    labels = _as_numbers([labels for _, labels in files])
    if class_names is None:
        # Before the two parts are told apart, since one may lack a class.
        distinct = np.unique(np.concatenate(labels))
        class_names = [str(name) for name in distinct.tolist()]
        labels = [np.searchsorted(distinct, one) for one in labels]
    data = from_arrays(
        *(array for (images, _), indices in zip(files, labels, strict=True) for array in (images, indices)),
        class_names=class_names,
        name=path.name.removesuffix(".gz").removesuffix(".csv"),
        scale=scale,
        test_split=test_split,
        validation_split=validation_split,
        seed=seed,
    )
    return dataclasses.replace(data, location=str(path.resolve()), options=options)


def _as_numbers(labels: list[NDArray[np.str_]]) -> list[NDArray[Any]]:
    """Turn labels into integers where all of them are, so that 10 comes behind 9."""
    if all(re.fullmatch("[0-9]{1,18}", label) for one in labels for label in np.unique(one).tolist()):
        return [one.astype(np.int64) for one in labels]
    return list(labels)
