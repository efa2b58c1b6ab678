"""How much each training image counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convvision._checks import is_number
from convvision.datasets import Dataset, StreamedDataset
from convvision.errors import InputError
from convvision.registry import did_you_mean

__all__ = ["ClassWeight", "weigh"]

ClassWeight: TypeAlias = Literal["balanced"] | Mapping[str, float] | Mapping[int, float] | Mapping[str | int, float]


def weigh(
    data: Dataset | StreamedDataset, class_weight: ClassWeight | None, sample_weight: ArrayLike | None
) -> tuple[NDArray[np.float32] | None, dict[str, Any]]:
    """Give a weight to each training image.

    Args:
        data: The data set.
        class_weight: As in :func:`train`.
        sample_weight: As in :func:`train`.

    Returns:
        The weights (N,), None where all count alike; and what a run keeps of them: ``class_weight`` by name,
        ``sample_weight`` as its smallest, mean and largest value.

    Raises:
        InputError: A class that there is not, or weights that cannot be.
    """
    if class_weight is None and sample_weight is None:
        return None, {}
    weights = np.ones(len(data.train))
    facts: dict[str, Any] = {}
    if class_weight is not None:
        of_class = _of_classes(class_weight, data)
        names = data.info.class_names
        facts["class_weight"] = {names[index]: weight for index, weight in of_class.items()}
        # A class that nothing is said about counts as it is, as for Keras.
        weights *= np.array([of_class.get(index, 1.0) for index in range(len(names))])[data.train.labels]
    if sample_weight is not None:
        each = _of_images(sample_weight, len(data.train))
        facts["sample_weight"] = {
            "smallest": float(each.min()),
            "mean": float(each.mean()),
            "largest": float(each.max()),
        }
        weights *= each
    return weights.astype(np.float32), facts


def _of_classes(class_weight: Any, data: Dataset | StreamedDataset) -> dict[int, float]:
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(data.train.labels, minlength=data.info.num_classes)
        present = np.flatnonzero(counts)
        return {int(index): len(data.train) / (len(present) * int(counts[index])) for index in present}
    if not isinstance(class_weight, Mapping):
        raise InputError(
            f"class_weight is 'balanced', or a mapping of class names or indices to positive numbers. "
            f"Received: class_weight={class_weight!r}"
        )
    found: dict[int, float] = {}
    for label, weight in class_weight.items():
        index = _index(label, data.info.class_names)
        if index in found:
            raise InputError(
                f"class_weight names the class {data.info.class_names[index]!r} twice, by name and by index. "
                f"Received: class_weight={class_weight!r}"
            )
        if not is_number(weight) or not 0 < weight < np.inf:
            raise InputError(f"A class's weight is positive and finite. Received: class_weight[{label!r}]={weight!r}")
        found[index] = float(weight)
    return found


def _index(label: Any, names: tuple[str, ...]) -> int:
    if isinstance(label, str) and label in names:
        return names.index(label)
    whole = isinstance(label, int | np.integer) and not isinstance(label, bool)
    if whole and 0 <= label < len(names):
        return int(label)
    listed = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
    question = did_you_mean(label, names) if isinstance(label, str) else ""
    raise InputError(
        f"class_weight names classes, {listed}, or their indices from 0 to {len(names) - 1}. "
        f"Received: {label!r}. {question}".rstrip()
    )


def _of_images(sample_weight: ArrayLike, count: int) -> NDArray[np.float64]:
    try:
        given = np.asarray(sample_weight)
    except ValueError:
        given = np.empty(0)
    if given.shape != (count,):
        raise InputError(
            f"sample_weight has a number for each of the {count:,} training images, without those of validation: "
            f"shape ({count},). Received: shape {given.shape}"
        )
    if given.dtype.kind not in "iuf":
        raise InputError(f"sample_weight holds numbers. Received: dtype {given.dtype}")
    wrong = np.flatnonzero(~(np.isfinite(given) & (given >= 0)))
    if len(wrong):
        raise InputError(
            f"sample_weight is at least 0 and finite. Received: {given[wrong[0]]} at position {wrong[0]} "
            f"({len(wrong)} of them cannot be)."
        )
    if not given.any():
        raise InputError("sample_weight leaves out every image: one at least is above 0. Received: 0 for all.")
    return given.astype(np.float64)
