"""A data set from a folder of IDX files."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.datasets._custom import from_arrays
from convvision.datasets._idx import read_idx
from convvision.datasets._scaling import Scale
from convvision.datasets._types import Dataset
from convvision.errors import DataNotFoundError

__all__ = ["from_idx", "holds_idx"]

# MNIST calls its test files t10k, whatever their number; EMNIST and QMNIST call them test.
_SPELLINGS = {"train": ("train",), "test": ("t10k", "test")}


@set_module("convvision.datasets")
def from_idx(
    directory: str | os.PathLike[str],
    *,
    prefix: str = "",
    transpose: bool = False,
    class_names: Sequence[str] | None = None,
    scale: Scale | None = "unit",
    validation_split: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Make a data set from a folder of four IDX files, named as those of MNIST and EMNIST are, compressed or not.

    Args:
        directory: Holds ``*train-images*``, ``*train-labels*``, and ``*t10k-images*`` and ``*t10k-labels*`` or, as
            EMNIST spells them, ``*test-images*`` and ``*test-labels*``. Images have three axes (N, H, W), or four with
            the channels last.
        prefix: What the names of the files begin with, where the folder holds several sets: "emnist-letters".
        transpose: Whether rows and columns are stored in exchange, as in all files of EMNIST.
        class_names: As in :func:`from_arrays`. Labels that count from 1, as those of EMNIST's letters do, become
            indices from 0: where no label is 0 but some are 1, and the largest is the number of names, if they are
            given.
        scale: As in :func:`load_dataset`.
        validation_split: As in :func:`load_dataset`.
        seed: Of the choice of validation images.

    Returns:
        The data set, named as the folder, or as the prefix where there is one.

    Raises:
        DataNotFoundError: A file is missing, or two would do.
        CorruptDataError: A file is not an IDX file, or cut short.
        InputError: As :func:`from_arrays`.

    Warns:
        DataWarning: As :func:`from_arrays`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from convvision.datasets import from_idx, write_idx
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for part, count in (("train", 60), ("t10k", 10)):
        ...         write_idx(Path(folder, f"{part}-images-idx3-ubyte"), np.zeros((count, 8, 8), np.uint8))
        ...         write_idx(Path(folder, f"{part}-labels-idx1-ubyte.gz"), np.arange(count, dtype=np.uint8) % 2)
        ...     from_idx(folder).train
        Split(images=float32(60, 8, 8, 1), labels=int64(60,))
    """
    directory = Path(directory)
    options = {
        "prefix": prefix,
        "transpose": transpose,
        "class_names": None if class_names is None else tuple(map(str, class_names)),
    }
    images: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    for part in _SPELLINGS:
        stored = read_idx(_only(directory, prefix, part, "images"))
        images.append(np.swapaxes(stored, 1, 2) if transpose and stored.ndim > 2 else stored)
        labels.append(read_idx(_only(directory, prefix, part, "labels")))
    if _count_from_one(labels, class_names):
        class_names = class_names or [str(label) for label in range(1, 1 + max(int(one.max()) for one in labels))]
        labels = [one - 1 for one in labels]
    data = from_arrays(
        images[0],
        labels[0],
        images[1],
        labels[1],
        class_names=class_names,
        name=prefix or directory.resolve().name,
        scale=scale,
        validation_split=validation_split,
        seed=seed,
    )
    return dataclasses.replace(data, location=str(directory.resolve()), options=options)


def _count_from_one(labels: Sequence[NDArray[Any]], class_names: Sequence[str] | None) -> bool:
    """Tell labels that leave out 0, for which there would be an empty class; the rest is for from_arrays to judge."""
    if not all(one.size and one.dtype.kind in "iu" for one in labels) or min(int(one.min()) for one in labels) != 1:
        return False
    return class_names is None or max(int(one.max()) for one in labels) == len(class_names)


def holds_idx(directory: Path) -> bool:
    """Tell a folder of IDX files from one of image files."""
    return bool(_candidates(directory, "", "train", "images"))


def _only(directory: Path, prefix: str, part: str, what: str) -> Path:
    found = _candidates(directory, prefix, part, what)
    if len(found) != 1:
        named = " or ".join(f"{prefix or ''}*{spelling}-{what}*" for spelling in _SPELLINGS[part])
        advice = " Say by prefix which set is meant." if len(found) > 1 else ""
        raise DataNotFoundError(
            f"Expected exactly one file named {named} in {directory}. "
            f"Received: {[path.name for path in found]}.{advice}"
        )
    return found[0]


def _candidates(directory: Path, prefix: str, part: str, what: str) -> list[Path]:
    if not directory.is_dir():
        return []
    stems = [f"{spelling}-{what}" for spelling in _SPELLINGS[part]]
    return sorted(
        path
        for path in directory.iterdir()
        if path.name.startswith(prefix) and path.name[0] != "." and any(stem in path.name for stem in stems)
    )
