"""A step of our loop against one of ``model.fit``: python benchmarks/loop_against_fit.py [--rounds N] [--accuracy N].

The lesson's network and recipe (conv_64_64, Adam, batches of 32) on Fashion-MNIST. In each round every side trains in a
fresh process on the first images for a few epochs, of which the first, which traces the graph, does not count. Ours
runs in float32 and bfloat16, with one thread an operation and each batch shared among the cores ("towers"), and with
TensorFlow's own threads, which are also those of ``fit``. ``--accuracy`` trains for the lesson's five epochs too.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _processes import ratio, run_script, spread
from _report import write_result

HERE = Path(__file__).parent
BATCH = 32


@dataclass(frozen=True)
class Side:
    """One way to train: in which precision by our loop, or by ``fit``; and with how many threads an operation."""

    precision: str | None
    threads: int | None

    def train(self, *, epochs: int, images: int | None = None, seed: int = 0) -> dict[str, Any]:
        """Train in a fresh process."""
        if self.precision is None:
            command = [str(HERE / "_lesson_script.py"), "fashion_mnist", "--epochs", str(epochs)]
        else:
            recipe = json.dumps({"name": "lesson", "precision": self.precision, "epochs": epochs})
            command = [str(HERE / "_our_script.py"), "conv_64_64", "fashion_mnist", "--recipe", recipe]
        some = [] if images is None else ["--images", str(images)]
        return run_script(*command, *some, "--seed", str(seed), threads_an_operation=self.threads)


SIDES = {
    "fit": Side(None, None),
    "float32_towers": Side("float32", 1),
    "bfloat16_towers": Side("bfloat16", 1),
    "float32_default_threads": Side("float32", None),
    "bfloat16_default_threads": Side("bfloat16", None),
}


def steps(rounds: int, images: int, epochs: int) -> dict[str, Any]:
    """Time the steps of every side in turn."""
    milliseconds: dict[str, list[float]] = {name: [] for name in SIDES}
    order = list(SIDES)
    for _ in range(rounds):
        for name in order:
            timed = SIDES[name].train(epochs=epochs, images=images)["seconds_per_epoch"][1:]
            milliseconds[name].append(1000 * statistics.median(timed) / -(-images // BATCH))
            print(f"{name}: {milliseconds[name][-1]:.2f} ms a step", flush=True)
        # Each is the first of a round as often as the others.
        order.append(order.pop(0))
    return {"milliseconds_a_step": milliseconds, "ratios": compare(milliseconds)}


def compare(milliseconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Say how many times as long ``fit`` takes."""
    return {name: ratio(milliseconds["fit"], each) for name, each in milliseconds.items() if name != "fit"}


def accuracies(seeds: int) -> dict[str, Any]:
    """Train for the lesson's five epochs by ``fit`` and by our loop."""
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(seeds):
        for name in ("fit", "float32_towers", "bfloat16_towers"):
            run = SIDES[name].train(epochs=5, seed=seed)
            found.setdefault(name, []).append(run)
            print(f"{name}: {run['accuracy']:.2%} after 5 epochs in {run['seconds']:.0f} s", flush=True)
    return {
        name: {
            "test_accuracy": spread([run["accuracy"] for run in runs]),
            "seconds": [run["seconds"] for run in runs],
        }
        for name, runs in found.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=19_200, help="of an epoch (default 19200, which are 600 steps)")
    parser.add_argument("--epochs", type=int, default=3, help="the first of them does not count (default 3)")
    parser.add_argument("--accuracy", type=int, default=0, metavar="SEEDS", help="also five epochs of all images")
    asked = parser.parse_args()
    figures = {"model": "conv_64_64", "data": "fashion_mnist", "batch_size": BATCH}
    figures |= {"rounds": asked.rounds, "images": asked.images, **steps(asked.rounds, asked.images, asked.epochs)}
    for name, found in figures["ratios"].items():
        print(f"fit takes {found['median']:.2f} times as long as {name} ({found['least']:.2f} to {found['most']:.2f}).")
    if asked.accuracy:
        figures["five_epochs"] = accuracies(asked.accuracy)
    write_result("loop_against_fit", figures)
