"""The feature maps of the lesson's picture, its way and ours, in turn: python benchmarks/activation_grid.py [ROUNDS].

Its way is a model of all layer outputs and twelve calls of ``predict``, one for each panel of three images and four
layers. Ours is one forward pass that ends at the fourth layer. Drawing is left out, for it is the same. Weights do not
matter for the time, so the network is not trained.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import keras
import numpy as np
from _report import write_result
from numpy.typing import NDArray

import convvision
from convvision.visualize._activations import forward_layers

Maps = list[list[NDArray[np.float32]]]

LAYERS = ("conv_1", "pool_1", "conv_2", "pool_2")
CHANNEL = 1


def lesson_way(model: keras.Model) -> Callable[[NDArray[np.float32]], Maps]:
    """Make the lesson's model of all layer outputs, once; return what its loop does with it."""
    everything = keras.Model(model.inputs, [layer.output for layer in model.layers[1:]])

    def compute(images: NDArray[np.float32]) -> Maps:
        return [
            [everything.predict(image[np.newaxis], verbose=0)[panel][0, ..., CHANNEL] for panel in range(len(LAYERS))]
            for image in images
        ]

    return compute


def our_way(model: keras.Model) -> Callable[[NDArray[np.float32]], Maps]:
    """Return what plot_activation_grid does before it draws."""

    def compute(images: NDArray[np.float32]) -> Maps:
        found = forward_layers(model, images, LAYERS, batch_size=128, logits=False)
        return [[layer.maps[row, ..., CHANNEL] for layer in found.layers] for row in range(len(images))]

    return compute


def seconds(compute: Callable[[NDArray[np.float32]], Maps], images: NDArray[np.float32]) -> float:
    started = time.perf_counter()
    compute(images)
    return time.perf_counter() - started


def main(rounds: int) -> None:
    """Time both, a pair a round, and write the ratios."""
    keras.utils.set_random_seed(0)
    model = convvision.create_model("conv_64_64")
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    theirs, ours = lesson_way(model), our_way(model)
    # This also warms both: predict traces its graph in the first of its calls.
    panels = (itertools.chain.from_iterable(compute(images)) for compute in (theirs, ours))
    for one, other in zip(*panels, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)

    timed: list[tuple[float, float]] = []
    for index in range(rounds):
        # Each is the first of a pair as often as the other.
        taken = {compute: seconds(compute, images) for compute in ((theirs, ours) if index % 2 else (ours, theirs))}
        timed.append((taken[theirs], taken[ours]))
    ratios = [lesson / mine for lesson, mine in timed]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"The lesson's loop takes {middle:.0f} times as long (middle half of {rounds} pairs: {low:.0f} to {high:.0f})."
    )
    write_result(
        "activation_grid",
        {
            "model": "conv_64_64",
            "images": len(images),
            "layers": LAYERS,
            "rounds": rounds,
            "lesson_seconds_median": statistics.median(lesson for lesson, _ in timed),
            "ours_seconds_median": statistics.median(mine for _, mine in timed),
            "ratio_median": middle,
            "ratio_quartiles": [low, high],
            "ratio_range": [min(ratios), max(ratios)],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=30, help="pairs of timings, at least 2 (default 30)")
    main(parser.parse_args().rounds)
