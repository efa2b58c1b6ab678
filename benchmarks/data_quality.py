"""Duplicates in Fashion-MNIST and MNIST, and how fast they are found: python benchmarks/data_quality.py [ROUNDS].

Ours compares coarse images first; the plain way is the product of whole images, from which the same distances come.
Both look for the training image that is closest to each test image, within the same distance, in turn; and both have to
find the same. Within the training images, and for other distances, ours is run once.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from _report import write_result
from numpy.typing import NDArray

import convvision
from convvision.datasets import Dataset, Duplicates, find_duplicates
from convvision.datasets._nearest import closest_within

NAMES = ("fashion_mnist", "mnist")
NEAR = 0.03
OTHER_DISTANCES = (0.0, 0.02, 0.05)


def plain_way(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find the closest image of each, without a coarse look; float32, and the winners again in whole numbers."""
    one, other = (pixels.reshape(len(pixels), -1).astype(np.float32) / 255 for pixels in (images, others))
    squares = np.square(one).sum(axis=1)
    smallest, position = np.full(len(other), np.inf, np.float32), np.zeros(len(other), np.intp)
    for start in range(0, len(one), 2000):
        block = squares[start : start + 2000, np.newaxis] - 2 * (one[start : start + 2000] @ other.T)
        rows = block.argmin(axis=0)
        values = block[rows, np.arange(len(other))]
        better = values < smallest
        smallest[better], position[better] = values[better], rows[better] + start
    difference = images[position].astype(np.int64) - others
    return position, np.sqrt(np.square(difference).mean(axis=(1, 2, 3))) / 255


def seconds_of_both(data: Dataset, rounds: int) -> list[tuple[float, float]]:
    """Time a pair a round, plain and ours, and see that they agree."""
    timed = []
    for index in range(rounds):
        taken = {}
        for ours in (True, False) if index % 2 else (False, True):
            started = time.perf_counter()
            if ours:
                found, distances = closest_within(data.train.images, data.test.images, NEAR)
            else:
                expected, expected_distances = plain_way(data.train.images, data.test.images)
            taken[ours] = time.perf_counter() - started
        timed.append((taken[False], taken[True]))
        np.testing.assert_array_equal(found >= 0, expected_distances <= NEAR)
        np.testing.assert_array_equal(distances[found >= 0], expected_distances[found >= 0])
        np.testing.assert_array_equal(found[found >= 0], expected[found >= 0])
    return timed


def figures(found: Duplicates) -> list[dict[str, Any]]:
    return [
        {
            "parts": pairs.parts,
            "exact": int(pairs.exact.sum()),
            "near": int((~pairs.exact).sum()),
            "conflicting": int(pairs.conflicting.sum()),
        }
        for pairs in found.pairs
    ]


def main(rounds: int) -> None:
    """Count, time and write."""
    results: dict[str, Any] = {"near": NEAR, "rounds": rounds}
    for name in NAMES:
        data = convvision.load_dataset(name, scale=None)
        counts, seconds = {}, {}
        for near in sorted({NEAR, *OTHER_DISTANCES}):
            started = time.perf_counter()
            found = find_duplicates(data, near=near)
            seconds[f"{near:g}"], counts[f"{near:g}"] = time.perf_counter() - started, figures(found)
            print(f"{name}\n{found}\n{seconds[f'{near:g}']:.1f} s\n")
        timed = seconds_of_both(data, rounds)
        ratios = [plain / ours for plain, ours in timed]
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        print(f"{name}: the plain way takes {statistics.median(ratios):.1f} times as long ({spread})\n")
        results[name] = {
            "by_distance": counts,
            "seconds_by_distance": seconds,
            "plain_seconds_median": statistics.median(plain for plain, _ in timed),
            "ours_seconds_median": statistics.median(ours for _, ours in timed),
            "ratio_median": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
        }
    write_result("data_quality", results)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=5, help="pairs of timings (default 5)")
    main(parser.parse_args().rounds)
