"""Images that are there twice, or nearly so."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convvision._checks import is_number
from convvision._public import set_module
from convvision._tables import text_table
from convvision.datasets._nearest import closest_within
from convvision.datasets._types import Dataset, check_in_memory
from convvision.errors import InputError, UnknownNameError

__all__ = ["DuplicatePairs", "Duplicates", "find_duplicates"]


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class DuplicatePairs:
    """Images of one part of a data set that repeat one of another part, or an earlier one of the same.

    Attributes:
        parts: The names of both, as in ``("train", "test")``.
        positions: Of both images in their parts, int64, shape (M, 2). An image of the second part is there once, with
            the closest of the first part.
        distances: Root mean square difference of the pixels on the scale [0, 1], float64, shape (M,); 0 for images that
            are the same in every pixel.
        labels: Of both images, int64, shape (M, 2).
    """

    parts: tuple[str, str]
    positions: NDArray[np.int64]
    distances: NDArray[np.float64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def __repr__(self) -> str:
        return (
            f"DuplicatePairs({self.parts[0]}-{self.parts[1]}: {int(self.exact.sum())} exact, "
            f"{int((~self.exact).sum())} near, {int(self.conflicting.sum())} with conflicting labels)"
        )

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Whether the images of a pair are the same in every pixel, shape (M,)."""
        return np.asarray(self.distances == 0)

    @property
    def conflicting(self) -> NDArray[np.bool_]:
        """Whether the images of a pair have different labels, shape (M,)."""
        return np.asarray(self.labels[:, 0] != self.labels[:, 1])


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class Duplicates:
    """Exact and near duplicates within and between the parts of a data set; ``print`` shows a table.

    Attributes:
        near: The largest distance that was asked for.
        pairs: Of every two parts.
    """

    near: float
    pairs: tuple[DuplicatePairs, ...]

    def between(self, first: str, second: str) -> DuplicatePairs:
        """Give the pairs of two parts; of the same part twice for those within it.

        Raises:
            UnknownNameError: The data set has no such parts, or not in this order.
        """
        for pairs in self.pairs:
            if pairs.parts == (first, second):
                return pairs
        known = ", ".join(f"{one} and {other}" for one, other in (pairs.parts for pairs in self.pairs))
        raise UnknownNameError(f"There are pairs of {known}. Received: {first!r} and {second!r}")

    def __str__(self) -> str:
        header = ("images of", "repeat one of", "exactly", f"nearly (≤ {self.near:g})", "with another label")
        rows = [
            (
                pairs.parts[1],
                f"{pairs.parts[0]}{', earlier' if len(set(pairs.parts)) == 1 else ''}",
                *(f"{int(some.sum()):,}" for some in (pairs.exact, ~pairs.exact, pairs.conflicting)),
            )
            for pairs in self.pairs
        ]
        return text_table(header, rows, numbers={2, 3, 4})


@set_module("convvision.datasets")
def find_duplicates(data: Dataset, *, near: float = 0.03) -> Duplicates:
    """Find images that repeat others, within and between the training, validation and test images.

    A test image that was trained on is no test; a repeated image with another label has one that is wrong. Identical
    images are found by their hash. The distance of others is the root of the mean squared difference of their pixels on
    the scale [0, 1], and the search is exact: no pair within ``near`` is missed. It compares all pairs, though most of
    them coarsely, so its time grows with the square of the number of images: 2.5 billion pairs for Fashion-MNIST, which
    take seconds.

    Where an image has several duplicates, the pair names the closest, the first of those that are equally close.

    Args:
        data: On any scale; pixels are compared as the 256 steps that they were stored in.
        near: The largest distance of near duplicates, in [0, 1). Images of few bright pixels are close to each other
            for that alone: at 0.05, many a one of MNIST is like another. 0 finds identical images only, at once.

    Returns:
        The pairs.

    Raises:
        InputError: ``near`` outside [0, 1), or no data set in memory, such as a stream.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import find_duplicates, from_arrays
        >>> pixels = np.random.default_rng(0).integers(0, 250, (6, 8, 8), np.uint8)
        >>> brighter = pixels[:2] + np.array([0, 5], np.uint8)[:, None, None]
        >>> data = from_arrays(pixels, [0, 1, 0, 1, 0, 1], brighter, [1, 1])
        >>> pairs = find_duplicates(data).between("train", "test")
        >>> pairs
        DuplicatePairs(train-test: 1 exact, 1 near, 1 with conflicting labels)
        >>> pairs.distances.round(4).tolist()
        [0.0, 0.0196]
    """
    if not is_number(near) or not 0 <= near < 1:
        raise InputError(
            f"near is a distance of pixels on the scale [0, 1]: at least 0 and below 1. Received: {near!r}"
        )
    check_in_memory(data)
    parts = {
        name: _Distinct(data.scaling.restore(split.images), split.labels.astype(np.int64))
        for name, split in data.parts.items()
    }
    pairs = itertools.combinations_with_replacement(parts, 2)
    return Duplicates(
        float(near), tuple(_pairs((one, parts[one]), (other, parts[other]), near) for one, other in pairs)
    )


class _Distinct:
    """The images of a part, each once: where it is first, and which of them every image is."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self.labels = labels
        known: dict[bytes, int] = {}
        self.digests = [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images]
        self.which = np.array([known.setdefault(digest, len(known)) for digest in self.digests], np.int64)
        self.first = np.unique(self.which, return_index=True)[1].astype(np.int64)
        self.images = images[self.first] if len(known) < len(images) else images
        self.known = known


def _pairs(one: tuple[str, _Distinct], other: tuple[str, _Distinct], near: float) -> DuplicatePairs:
    (first_name, first), (second_name, second) = one, other
    within = first is second
    if near:
        # Of the images that are there several times, the first stands for all.
        closest, distances = closest_within(first.images, second.images, near, only_earlier=within)
    else:
        same = [-1 if within else first.known.get(digest, -1) for digest in second.known]
        closest = np.array(same, np.int64)
        distances = np.where(closest >= 0, 0.0, np.nan)
    closest, distances = closest[second.which], distances[second.which]
    if within:
        repeated = second.first[second.which] != np.arange(len(second.which))
        closest[repeated], distances[repeated] = second.which[repeated], 0.0
    found = np.flatnonzero(closest >= 0)
    positions = np.column_stack([first.first[closest[found]], found])
    labels = np.column_stack([first.labels[positions[:, 0]], second.labels[found]])
    return DuplicatePairs((first_name, second_name), positions, distances[found], labels)
