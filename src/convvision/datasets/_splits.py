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
        InputError: No class has two images, or a seed that cannot be.
    """
    rng = np.random.default_rng(check_seed(seed))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        # At least one on each side, where there are two: a class that one part lacks is neither learnt nor tested.
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        chosen[rng.permutation(members)[:count]] = True
    if not chosen.any():
        raise InputError(
            f"A split needs a class of at least two images. "
            f"Received: {len(labels)} labels of {len(np.unique(labels))} classes."
        )
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
