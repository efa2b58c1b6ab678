"""Splitting a labelled set in two, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision.errors import InputError

__all__ = ["stratified_split"]


def stratified_split(
    labels: NDArray[np.integer[Any]], fraction: float, *, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose a fraction of every class at random.

    Args:
        labels: Class indices, shape (N,).
        fraction: Part of each class to choose, in (0, 1); rounded to the nearest whole image of each class.
        seed: Of the choice, at least 0.

    Returns:
        The positions that remain and the positions that were chosen: a partition of ``range(N)``, each in ascending
        order.

    Raises:
        InputError: One of the two parts would be empty, or a seed that cannot be.
    """
    # NumPy takes None too, and chooses differently every time.
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is a whole number of at least 0. Received: seed={seed!r}")
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        chosen[rng.permutation(members)[: round(fraction * len(members))]] = True
    if chosen.all() or not chosen.any():
        raise InputError(
            f"A fraction of {fraction} of each class leaves one of the two parts without an image. "
            f"Received: {len(labels)} labels of {len(np.unique(labels))} classes."
        )
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
