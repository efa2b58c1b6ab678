"""One training of ours: python benchmarks/_our_script.py MODEL DATA [--recipe JSON] [--seed N] [--images N].

Prints a line of JSON: test accuracy and seconds. "Warm" is what is behind the first step, which traces the graph.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import convvision

__all__ = ["parser", "train_once"]


def train_once(asked: argparse.Namespace) -> tuple[convvision.training.Run, dict[str, Any]]:
    """Train as the arguments ask.

    Args:
        asked: Of :func:`parser`.

    Returns:
        The run, and what it took.
    """
    import keras  # noqa: PLC0415

    import convvision  # noqa: PLC0415

    class FirstChunk(keras.callbacks.Callback):
        """Notes when the graph has been traced: the first chunk is one step."""

        takes_chunks = True
        ended: float | None = None

        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            self.ended = self.ended or time.perf_counter()

        def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            self.warm = time.perf_counter() - (self.ended or 0.0)

    changes = dict(asked.recipe)
    recipe = dataclasses.replace(convvision.get_recipe(changes.pop("name")), **changes)
    data = convvision.load_dataset(asked.data)
    if asked.images is not None:
        data = dataclasses.replace(data, train=data.train.take(slice(asked.images)))
    chunk = FirstChunk()
    run = convvision.train(asked.model, data, recipe, seed=asked.seed, callbacks=[chunk], verbose=0)
    return run, {
        "accuracy": run.metrics["test_accuracy"],
        "seconds": sum(run.seconds_per_epoch),
        "warm_seconds": chunk.warm,
        "seconds_per_epoch": run.seconds_per_epoch,
        "execution": run.execution,
    }


def parser() -> argparse.ArgumentParser:
    """Make what reads the arguments; a recipe is JSON, its name and what is changed in it."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("model")
    made.add_argument("data")
    made.add_argument("--recipe", type=json.loads, default={"name": "fast"}, help='as in \'{"name": "fast"}\'')
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--images", type=int, help="train on the first of them only")
    return made


if __name__ == "__main__":
    print(json.dumps(train_once(parser().parse_args())[1]))
