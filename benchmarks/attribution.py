"""Seconds and passes of each attribution for 100 images of conv_64_64: python benchmarks/attribution.py [ROUNDS].

Methods are timed in turn, a round each, so that a busy moment of the machine falls on all of them. Weights do not
matter for the time, so the network is not trained.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from _report import write_result

import convvision
from convvision import _gradients
from convvision.visualize import _cam, _gradient_methods
from convvision.visualize._class_scores import ClassScores

IMAGES = 100
METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(convvision.visualize, name)
    for name in (
        "saliency",
        "grad_cam",
        "grad_cam_pp",
        "layer_cam",
        "smoothgrad",
        "integrated_gradients",
        "score_cam",
        "occlusion",
    )
}


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Count the forward passes that end in logits, and those of them with a backward pass."""
    count = {"forward": 0, "backward": 0}
    run, differentiate = ClassScores._run, _gradients.gradient

    def counting_run(scores: ClassScores, images: Any) -> Any:
        count["forward"] += 1
        return run(scores, images)

    def counting_gradient(function: Any, at: Any) -> Any:
        count["backward"] += 1
        return differentiate(function, at)

    ClassScores._run = counting_run
    _cam.gradient = _gradient_methods.gradient = counting_gradient
    try:
        yield count
    finally:
        ClassScores._run = run
        _cam.gradient = _gradient_methods.gradient = differentiate


def main(rounds: int) -> None:
    """Time each method, once a round, and write seconds and passes."""
    keras.utils.set_random_seed(0)
    model = convvision.create_model("conv_64_64")
    images = np.random.default_rng(0).random((IMAGES, 28, 28, 1), np.float32)
    passes = {}
    for name, method in METHODS.items():
        # This also warms it.
        with counted() as count:
            method(model, images)
        passes[name] = dict(count)
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    for _ in range(rounds):
        for name, method in METHODS.items():
            started = time.perf_counter()
            method(model, images)
            seconds[name].append(time.perf_counter() - started)
    figures = {}
    for name, taken in seconds.items():
        figures[name] = {
            "seconds_median": statistics.median(taken),
            "seconds_range": [min(taken), max(taken)],
            "times_saliency": statistics.median(
                mine / plain for mine, plain in zip(taken, seconds["saliency"], strict=True)
            ),
            **passes[name],
        }
        middle, times = figures[name]["seconds_median"], figures[name]["times_saliency"]
        print(
            f"{name:22} {middle:8.3f} s ({min(taken):.3f} to {max(taken):.3f}), {times:6.1f} times saliency, "
            f"{passes[name]['forward']} forward and {passes[name]['backward']} backward passes"
        )
    write_result("attribution", {"model": "conv_64_64", "images": IMAGES, "rounds": rounds, "methods": figures})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=5, help="timings of each method (default 5)")
    main(parser.parse_args().rounds)
