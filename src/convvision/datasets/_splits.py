"""Splitting a labelled set in two, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_seed
from convvision.errors import InputError

__all__ = ["stratified_split"]


def stratified_split(
    labels: NDArray[np.integer[Any]], fraction: float, *, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose a fraction of every class at random.

    Args:
        labels: Class indices, shape (N,).
        fraction: Part of each class to choose, in (0, 1); rounded to a whole image of each class, and at least one
            on each side. The image of a class that has only one remains.
        seed: Of the choice.

    Returns:
        The positions that remain and the positions that were chosen: a partition of ``range(N)``, each in ascending
        order.

    Raises:
        InputError: One of the two parts would be empty, or a seed that cannot be.
    """
    rng = np.random.default_rng(check_seed(seed))
    classes, sizes = np.unique(labels, return_counts=True)
    counts = [round(fraction * int(size)) for size in sizes]
    if sum(counts) in (0, len(labels)):
        largest = int(sizes.max(initial=0))
        advice = f"choose a fraction above {0.5 / largest:.2g} and below {1 - 0.5 / largest:.2g}, or " * (largest > 1)
        raise InputError(
            f"A fraction of {fraction} of each class leaves one of the two parts without an image. "
            f"Received: {len(labels)} labels of {len(classes)} classes. "
            f"The largest class has {largest}: {advice}bring more images."
        )
    chosen = np.zeros(len(labels), bool)
    for label, size, count in zip(classes, sizes, counts, strict=True):
        members = rng.permutation(np.flatnonzero(labels == label))
        # A class that one part lacks is not learnt, or not tested.
        chosen[members[: min(max(count, 1), size - 1)]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
