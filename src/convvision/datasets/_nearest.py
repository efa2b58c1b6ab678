"""The closest image within a distance, found exactly and without comparing every pixel of every pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["closest_within"]

# Of the coarse images: about so many blocks a side.
_BLOCKS = 8
# Pairs of a coarse comparison, 32 MB of products; and pixels of a fine one.
_ROWS, _COLUMNS = 2048, 4096
_PIXELS_AT_ONCE = 1 << 21
_IMAGES_AT_ONCE = 1024


def closest_within(
    images: NDArray[np.uint8], others: NDArray[np.uint8], near: float, *, only_earlier: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find, for each of ``others``, the closest of ``images``, if it is close enough.

    The distance is the root of the mean squared difference of pixels on the scale [0, 1]. Projected onto the means of
    blocks, with the length of what that leaves over as one more coordinate, images are never farther apart (Pythagoras
    and the triangle inequality). So a product of small matrices leaves few pairs to be compared pixel by pixel, in
    whole numbers.

    Args:
        images: Shape (N, H, W, C).
        others: Shape (M, H, W, C).
        near: The largest distance, in [0, 1].
        only_earlier: Where both are the same array, whether an image is compared with those before it alone.

    Returns:
        Position of the closest, the first of several, -1 where none is close enough; and its distance, NaN where none
        is. Both have the shape (M,).
    """
    pixels = int(np.prod(images.shape[1:]))
    limit = pixels * (255 * near) ** 2
    coarse, coarse_others = _coarse(images), _coarse(others)
    # Small numbers round less.
    centre = coarse.mean(axis=0)
    left, right = _facing(coarse - centre, coarse_others - centre, limit)
    flat, flat_others = images.reshape(len(images), -1), others.reshape(len(others), -1)
    position = np.full(len(others), -1, np.int64)
    # One more than any sum of squares.
    smallest = np.full(len(others), pixels * 255**2 + 1, np.int64)
    for row in range(0, len(images), _ROWS):
        for column in range(0, len(others), _COLUMNS):
            if only_earlier and row >= column + _COLUMNS:
                continue
            products = left[row : row + _ROWS] @ right[:, column : column + _COLUMNS]
            # Of few among many, NumPy finds the flat positions many times faster than rows and columns.
            first, second = np.divmod(np.flatnonzero(products >= 0), products.shape[1])
            first, second = first + row, second + column
            if only_earlier:
                first, second = first[first < second], second[first < second]
            squares = _squares(flat, flat_others, first, second)
            kept = np.sqrt(squares / pixels) / 255 <= near
            first, second, squares = first[kept], second[kept], squares[kept]
            order = np.lexsort((first, squares, second))
            _, starts = np.unique(second[order], return_index=True)
            best = order[starts]
            # Rows rise, so that the first of equally close ones stays.
            better = best[squares[best] < smallest[second[best]]]
            smallest[second[better]], position[second[better]] = squares[better], first[better]
    distance = np.where(position >= 0, np.sqrt(smallest / pixels) / 255, np.nan)
    return position, distance


def _coarse(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Give each image as its means of blocks and the length of the rest, so scaled that lengths are those of pixels."""
    count, height, width, channels = images.shape
    size = -(-max(height, width) // _BLOCKS)
    rows, columns = np.arange(0, height, size), np.arange(0, width, size)
    area = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    coarse = np.empty((count, area.size * channels + 1))
    for start in range(0, count, _IMAGES_AT_ONCE):
        part = images[start : start + _IMAGES_AT_ONCE]
        sums = np.add.reduceat(np.add.reduceat(part, rows, axis=1, dtype=np.int64), columns, axis=2)
        means = (sums / np.sqrt(area)[:, :, np.newaxis]).reshape(len(part), -1)
        squares = np.square(part, dtype=np.int64).sum(axis=(1, 2, 3))
        rest = np.maximum(squares - np.square(means).sum(axis=1), 0)
        coarse[start : start + len(part)] = np.column_stack([means, np.sqrt(rest)])
    return coarse


def _facing(
    left: NDArray[np.float64], right: NDArray[np.float64], limit: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make matrices whose product is at least 0 wherever the squared distance of two rows is at most ``limit``.

    From 2 ab - a² - b² + limit. Elsewhere it may be so too: float32 rounds a product of n terms by at most n · epsilon
    of their size, and what could be lost is given to both sides many times over.
    """
    slack = 8 * (left.shape[1] + 2) * float(np.finfo(np.float32).eps)
    squares = [np.square(side).sum(axis=1) * (1 - slack) for side in (left, right)]
    # The smallest constant keeps identical images even where everything rounds to zero.
    allowance = limit * (1 + slack) + 1e-3
    one = np.column_stack([left, (allowance - squares[0]) / 2, np.ones(len(left))])
    other = np.column_stack([right, np.ones(len(right)), -squares[1] / 2])
    return one.astype(np.float32), np.ascontiguousarray(other.T, np.float32)


def _squares(
    images: NDArray[np.uint8], others: NDArray[np.uint8], first: NDArray[Any], second: NDArray[Any]
) -> NDArray[np.int64]:
    """Sum the squared differences of pairs, without rounding."""
    sums: NDArray[np.int64] = np.empty(len(first), np.int64)
    step = max(1, _PIXELS_AT_ONCE // images.shape[1])
    for start in range(0, len(first), step):
        chosen = slice(start, start + step)
        difference = np.subtract(images[first[chosen]], others[second[chosen]], dtype=np.int32)
        sums[chosen] = np.square(difference).sum(axis=1, dtype=np.int64)
    return sums
