"""A convolution and its gradients, TensorFlow's way and ours, in turn: python benchmarks/patch_gradient.py [ROUNDS].

Ours takes the gradient of the kernel as one matrix product over patches; outputs and the gradient of the inputs are
TensorFlow's. One thread an operation, as in a training. Which positions and which precision pay is what the training
loop goes by; whether a case is among those is the column "used".
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from _processes import ratio, run_script
from _report import write_result

from convvision._tables import text_table
from convvision.training._patch_gradient import convolve_with_patch_gradient, suits_patch_gradient

Way = Callable[[Any, Any], list[Any]]

# Images, positions a side, channels before and behind.
CASES = (
    (64, 4, 128, 128), (128, 4, 192, 256), (128, 4, 256, 256), (48, 4, 48, 96), (32, 4, 32, 64), (64, 5, 128, 128),
    (64, 7, 128, 128), (128, 7, 192, 192),
)  # fmt: skip
POLICIES = {"bfloat16": "mixed_bfloat16", "float32": "float32"}


def there_and_back(call: Callable[[Any], Any], kernel: Any) -> Way:
    """Make a graph of a convolution and both its gradients."""

    @tf.function
    def compute(inputs: Any, back: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = call(inputs)
        return [outputs, *tape.gradient(outputs, [inputs, kernel], output_gradients=back)]

    return compute


def both_ways(layer: keras.layers.Conv2D) -> tuple[Way, Way]:
    """Give TensorFlow's way and ours."""
    kernel = layer.kernel.value
    return there_and_back(layer, kernel), there_and_back(lambda x: convolve_with_patch_gradient(layer, x), kernel)


def seconds(compute: Way, inputs: Any, back: Any) -> float:
    began = time.perf_counter()
    for tensor in compute(inputs, back):
        tensor.numpy()
    return time.perf_counter() - began


def measure(case: tuple[int, int, int, int], dtype: str, rounds: int) -> dict[str, Any]:
    """Time one case both ways, a pair a round."""
    images, side, before, behind = case
    layer = keras.layers.Conv2D(behind, 3, padding="same", use_bias=False, dtype=POLICIES[dtype])
    layer.build((images, side, side, before))
    inputs = tf.cast(tf.random.normal((images, side, side, before)), dtype)
    back = tf.cast(tf.random.normal((images, side, side, behind)), dtype)
    theirs, ours = both_ways(layer)
    # This also warms both.
    for pair in zip(theirs(inputs, back), ours(inputs, back), strict=True):
        one, other = (tf.cast(tensor, "float32").numpy() for tensor in pair)
        np.testing.assert_allclose(one, other, atol=0.02 * np.abs(one).max())
    timed: dict[Way, list[float]] = {theirs: [], ours: []}
    for index in range(rounds):
        for compute in (theirs, ours) if index % 2 else (ours, theirs):
            timed[compute].append(seconds(compute, inputs, back))
    return {
        "images": images,
        "positions": [side, side],
        "channels": [before, behind],
        "precision": dtype,
        "used": suits_patch_gradient(layer, inputs),
        "milliseconds": {"tensorflow": 1000 * statistics.median(timed[theirs]),
                         "ours": 1000 * statistics.median(timed[ours])},
        "ratio": ratio(timed[theirs], timed[ours])["median"],
    }  # fmt: skip


def main(rounds: int) -> None:
    """Time all cases and write the ratios."""
    cases = run_script(__file__, "--child", str(rounds), threads_an_operation=1)["cases"]
    rows = [
        (
            one["precision"],
            str(one["images"]),
            " × ".join(map(str, one["positions"])),
            " → ".join(map(str, one["channels"])),
            f"{one['milliseconds']['tensorflow']:.2f}",
            f"{one['milliseconds']['ours']:.2f}",
            f"{one['ratio']:.2f}",
            "yes" if one["used"] else "no",
        )
        for one in cases
    ]
    header = ("precision", "images", "positions", "channels", "TensorFlow, ms", "ours, ms", "ratio", "used")
    print(text_table(header, rows, numbers={1, 4, 5, 6}))
    write_result("patch_gradient", {"rounds": rounds, "cases": cases})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=30, help="pairs of timings (default 30)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps({"cases": [measure(case, dtype, asked.rounds) for dtype in POLICIES for case in CASES]}))
    else:
        main(asked.rounds)
