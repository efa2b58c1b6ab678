"""How much sooner than ``model.predict`` we classify: python benchmarks/predict.py [--rounds N].

One image: ``run.predict`` on an array. Many: ``Predictor`` in float32 and in bfloat16, against ``model.predict`` at
whichever of its batch sizes is the fastest. A round runs both sides in turn, each in a fresh process, with TensorFlow's
own threads; and ours once more with one thread an operation, where it computes several batches side by side. Graphs are
compiled before the clock starts. Weights do not matter for the time, so the networks are not trained.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _processes import run_script
from _report import write_result

MODELS = ("conv_64_64", "fast_conv")
KERAS_BATCHES = (32, 64, 128, 256, 512, 1024, 2048)
OUR_BATCHES = (64, 128, 256, 512)
REPEATS = 3


def least_seconds(compute: Callable[[], Any], repeats: int) -> float:
    """Seconds of the quickest of several, after one that is not counted."""
    compute()
    return min(_seconds(compute) for _ in range(repeats))


def _seconds(compute: Callable[[], Any]) -> float:
    began = time.perf_counter()
    compute()
    return time.perf_counter() - began


def keras_side(name: str, images: Any, calls: int) -> dict[str, Any]:
    """Seconds of ``model.predict``, for one image and for many by batch size."""
    import convvision  # noqa: PLC0415

    model = convvision.create_model(name)
    one = images[:1]
    model.predict(one, verbose=0)
    return {
        "one": statistics.median(_seconds(lambda: model.predict(one, verbose=0)) for _ in range(calls)),
        "many": {
            size: least_seconds(functools.partial(model.predict, images, size, 0), REPEATS) for size in KERAS_BATCHES
        },
    }


def our_side(name: str, images: Any, calls: int) -> dict[str, Any]:
    """Seconds of ``run.predict`` for one image, and of ``Predictor`` for many by precision and by batch size."""
    import convvision  # noqa: PLC0415
    from convvision.datasets import from_arrays  # noqa: PLC0415
    from convvision.training import DatasetRecord, Predictor  # noqa: PLC0415

    model = convvision.create_model(name)
    pixels, labels = np.zeros((20, 28, 28, 1), np.uint8), np.arange(20) % 10
    record = DatasetRecord.of(from_arrays(pixels, labels, pixels, labels))
    run = convvision.Run(model, convvision.get_recipe("lesson"), record, 0, {}, [], {})
    one = images[:1]
    run.predict(one)
    default, half = Predictor(model), Predictor(model, precision="bfloat16")
    return {
        "one": statistics.median(_seconds(lambda: run.predict(one)) for _ in range(calls)),
        "many": {
            "float32": least_seconds(lambda: default(images), REPEATS),
            "bfloat16": least_seconds(lambda: half(images), REPEATS),
        },
        "float32_by_batch_size": {
            size: least_seconds(functools.partial(Predictor(model, batch_size=size), images), REPEATS)
            for size in OUR_BATCHES
        },
    }


def process(side: str, name: str, asked: argparse.Namespace, *, one_thread: bool = False) -> dict[str, Any]:
    """Run one side in a process of its own."""
    arguments = ["--side", side, "--models", name, "--images", str(asked.images), "--calls", str(asked.calls)]
    return run_script(__file__, *arguments, threads_an_operation=1 if one_thread else None)


def spread(ratios: list[float]) -> dict[str, float]:
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def compare(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Run the rounds of a model."""
    rounds = []
    for index in range(asked.rounds):
        # Each is the first of a round as often as the last.
        sides = ("keras", "ours", "ours_one_thread")[:: -1 if index % 2 else 1]
        rounds.append({side: process(side.split("_")[0], name, asked, one_thread="one" in side) for side in sides})
        print(name, rounds[-1])
    ratios = {
        side: {
            "one_image": spread([each["keras"]["one"] / each[side]["one"] for each in rounds]),
            **{
                precision: spread(
                    [min(each["keras"]["many"].values()) / each[side]["many"][precision] for each in rounds]
                )
                for precision in ("float32", "bfloat16")
            },
        }
        for side in ("ours", "ours_one_thread")
    }
    for side, found in ratios.items():
        for what, ratio in found.items():
            print(f"{name}, {side}, {what}: {ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})")
    return {"ratios": ratios, "rounds": rounds}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of processes a model (default 5)")
    parser.add_argument("--images", type=int, default=10_000, help="how many are many (default 10,000)")
    parser.add_argument("--calls", type=int, default=50, help="calls for one image (default 50)")
    parser.add_argument("--models", nargs="+", default=MODELS, help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--side", choices=("keras", "ours"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side is not None:
        some = np.random.default_rng(0).random((asked.images, 28, 28, 1), np.float32)
        measure = keras_side if asked.side == "keras" else our_side
        print(json.dumps(measure(asked.models[0], some, asked.calls)))
        sys.exit()
    found = {name: compare(name, asked) for name in asked.models}
    write_result("predict", {"images": asked.images, "calls": asked.calls, "models": found})
