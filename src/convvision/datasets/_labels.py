"""From labels as users have them to class indices."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_labels
from convvision._tables import number_of
from convvision.errors import DataWarning, LabelError

__all__ = ["class_indices"]

# The largest label would mean as many classes. ImageNet-21k has the most of all that are in use.
_MOST_CLASSES = 30_000
_ANEW = "numpy.unique(labels, return_inverse=True)[1] numbers them anew; or name every class in class_names"


def class_indices(
    parts: Sequence[tuple[Any, int]], class_names: Sequence[str] | None
) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Turn the labels of each part of a data set into class indices.

    Indices stay what they are. Names become positions in ``class_names``, or else in the alphabetical order of all
    names; one-hot rows become the positions of their ones.

    Args:
        parts: The labels of a part, and how many images it has.
        class_names: The name of class i at position i, or None.

    Returns:
        The indices of each part, and the class names.

    Raises:
        LabelError: Labels that are none of these.

    Warns:
        DataWarning: Indices without a name that begin above 0, as where classes are counted from 1.
    """
    labels = [_as_array(candidates, count) for candidates, count in parts]
    # One-hot rows tell of classes that no image belongs to.
    columns = max((one.shape[1] for one in labels if one.ndim == 2), default=1)
    if all(one.dtype.kind in "UOS" and one.ndim == 1 for one in labels):
        labels, class_names = _from_names(labels, class_names)
    else:
        labels = [_from_one_hot(one) for one in labels]
    count = len(class_names) if class_names is not None else max(columns, _count(labels))
    checked = [
        check_labels(one, count=wanted, num_classes=count).astype(np.int64)
        for one, (_, wanted) in zip(labels, parts, strict=True)
    ]
    if class_names is not None:
        return checked, tuple(class_names)
    least = min((int(one.min()) for one in checked if one.size), default=0)
    if least and columns == 1:
        warnings.warn(
            f"Class indices count from 0. Received: labels from {least} to {count - 1}, which leaves "
            f"{number_of(least, 'class', 'classes')} without an image. {_ANEW}, the empty ones too.",
            DataWarning,
            stacklevel=3,
        )
    return checked, tuple(map(str, range(count)))


def _as_array(candidates: Any, count: int) -> NDArray[Any]:
    try:
        return np.asarray(candidates)
    except ValueError as error:
        raise LabelError(
            f"Expected one label an image: shape ({count},). Received: parts that are not equally long."
        ) from error


def _from_names(
    labels: list[NDArray[Any]], class_names: Sequence[str] | None
) -> tuple[list[NDArray[Any]], Sequence[str]]:
    for one in labels:
        strange = next((label for label in one.tolist() if not isinstance(label, str)), None)
        if strange is not None:
            raise LabelError(f"Labels are class indices, or all of them names (str). Received: {strange!r} among them.")
    known = sorted({label for one in labels for label in one.tolist()}) if class_names is None else list(class_names)
    index = {name: position for position, name in enumerate(known)}
    unknown = sorted({label for one in labels for label in one.tolist()} - set(index))
    if unknown:
        raise LabelError(f"Labels that are names are among class_names, {known}. Received: {unknown[0]!r}")
    return [np.array([index[label] for label in one.tolist()], np.int64) for one in labels], known


def _from_one_hot(labels: NDArray[Any]) -> NDArray[Any]:
    """Read rows of zeros with a single one; everything else is left as it is, to be refused."""
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "biuf":
        return labels
    is_one = labels == 1
    one_each = (is_one | (labels == 0)).all() and (is_one.sum(axis=1) == 1).all()
    return np.asarray(is_one.argmax(axis=1)) if one_each else labels


def _count(labels: Sequence[NDArray[Any]]) -> int:
    """Count the classes up to the largest label; what cannot be labels is left to check_labels, which says why."""
    largest = max((int(one.max()) for one in labels if one.size and one.dtype.kind in "iu"), default=0)
    if largest >= _MOST_CLASSES:
        raise LabelError(
            f"Labels are class indices, counted from 0, so the largest tells how many classes there are. "
            f"Received: a label of {largest}, which would mean {largest + 1:,} classes. "
            f"{_ANEW}."
        )
    return max(largest, 0) + 1
