"""One plain pass over 10,000 images against those that diagnose, in turn: python benchmarks/diagnosis.py [ROUNDS].

The plain pass calls the model, batch by batch; Keras's own ``predict``, which compiles the model as filter_report and
class_mean_activations do, is timed beside it. The diagnosis reads both convolutions and stops behind the last, so it
saves the dense layers. Weights and pixels do not matter for the time: the network is untrained, the images are noise.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import keras
import numpy as np
from _report import write_result
from numpy.typing import NDArray

from convvision import create_model
from convvision.visualize import class_mean_activations, filter_report

BATCH = 256


def plain_pass(model: keras.Model, images: NDArray[np.float32]) -> None:
    for start in range(0, len(images), BATCH):
        keras.ops.convert_to_numpy(model(images[start : start + BATCH], training=False))


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main(rounds: int, count: int) -> None:
    """Time all, one after another in each round, and write the ratios."""
    keras.utils.set_random_seed(0)
    model = create_model("conv_64_64")
    random = np.random.default_rng(0)
    images = random.random((count, 28, 28, 1), np.float32)
    labels = random.integers(0, 10, count)
    passes: dict[str, Callable[[], object]] = {
        "plain": lambda: plain_pass(model, images),
        "predict": lambda: model.predict(images, batch_size=BATCH, verbose=0),
        "filter_report": lambda: filter_report(model, images, batch_size=BATCH),
        "class_mean_activations": lambda: class_mean_activations(model, images, labels, batch_size=BATCH),
    }
    for run in passes.values():
        run()

    timed: dict[str, list[float]] = {name: [] for name in passes}
    order = list(passes)
    for _ in range(rounds):
        for name in order:
            timed[name].append(seconds(passes[name]))
        # Each is the first of a round as often as the others.
        order.append(order.pop(0))
    ratios = {}
    for name in ("filter_report", "class_mean_activations"):
        for beside in ("plain", "predict"):
            each = [mine / theirs for mine, theirs in zip(timed[name], timed[beside], strict=True)]
            low, middle, high = statistics.quantiles(each, n=4)
            ratios[f"{name}_over_{beside}"] = {
                "median": middle,
                "quartiles": [low, high],
                "range": [min(each), max(each)],
            }
            print(
                f"{name} takes {middle:.2f} times as long as {beside} "
                f"(middle half of {rounds} rounds: {low:.2f} to {high:.2f})."
            )
    write_result(
        "diagnosis",
        {
            "model": "conv_64_64",
            "images": count,
            "batch_size": BATCH,
            "rounds": rounds,
            "seconds_median": {name: statistics.median(taken) for name, taken in timed.items()},
            "ratios": ratios,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=20, help="rounds, at least 2 (default 20)")
    parser.add_argument("--images", type=int, default=10_000, help="images of each pass (default 10000)")
    options = parser.parse_args()
    main(options.rounds, options.images)
