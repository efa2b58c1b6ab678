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


class Passes(keras.layers.Layer):
    """Counts the forward passes, those of compiled graphs too."""

    def build(self, shape: tuple[int | None, ...]) -> None:  # noqa: ARG002
        """Make the counter."""
        self.made = self.add_weight(name="made", shape=(), dtype="int32", initializer="zeros", trainable=False)

    def call(self, images: Any) -> Any:
        """Count a pass."""
        self.made.assign_add(1)
        return images


@contextmanager
def backward_counted() -> Iterator[list[Any]]:
    """List the functions of which a gradient was taken."""
    differentiate, differentiated = _gradients.gradient, []

    def counting(function: Any, at: Any) -> Any:
        differentiated.append(function)
        return differentiate(function, at)

    _cam.gradient = _gradient_methods.gradient = counting
    try:
        yield differentiated
    finally:
        _cam.gradient = _gradient_methods.gradient = differentiate


def count_passes(method: Callable[..., Any], model: keras.Model, images: Any) -> dict[str, int]:
    """Count what a method asks of a model; what is compiled has been before, so that tracing counts for nothing."""
    passes = Passes()
    inputs = keras.Input(model.input_shape[1:])
    counting = keras.Model(inputs, model(passes(inputs)))
    method(counting, images)
    before = int(passes.made)
    with backward_counted() as backward:
        method(counting, images)
    return {"forward": int(passes.made) - before, "backward": len(backward)}


def main(rounds: int) -> None:
    """Time each method, once a round, and write seconds and passes."""
    keras.utils.set_random_seed(0)
    model = convvision.create_model("conv_64_64")
    images = np.random.default_rng(0).random((IMAGES, 28, 28, 1), np.float32)
    passes = {name: count_passes(method, model, images) for name, method in METHODS.items()}
    for method in METHODS.values():
        # What is compiled is compiled before it is timed.
        method(model, images)
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
