"""How much sooner than the lesson's script we reach its accuracy: python benchmarks/time_to_accuracy.py [--seeds N].

Fashion-MNIST. The lesson's script (conv_64_64, five epochs of ``model.fit``) and ours (fast_conv by the recipe fast)
run in turn, each in a fresh process; ours with one thread an operation, as the command line sets it ("towers"), and
with TensorFlow's own threads. "Warm" is the training behind its first step, which traces the graph; "training" is all
of the epochs; "process" is from the start of Python to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from _report import write_result

HERE = Path(__file__).parent
LESSON = 0.9118


def ours(seed: int) -> None:
    """One training, and what it took, as a line of JSON."""
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

    data = convvision.load_dataset("fashion_mnist")
    chunk = FirstChunk()
    run = convvision.train("fast_conv", data, recipe="fast", seed=seed, callbacks=[chunk], verbose=0)
    print(
        json.dumps(
            {
                "accuracy": run.metrics["test_accuracy"],
                "seconds": sum(run.seconds_per_epoch),
                "warm_seconds": chunk.warm,
                "execution": run.execution,
            }
        )
    )


def process(*command: str, threads: int | None = None) -> dict[str, Any]:
    """Run a process, and add its seconds to what it prints."""
    environment = dict(os.environ)
    if threads is not None:
        environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": str(threads)}
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, env=environment)
    seconds = time.perf_counter() - began
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": seconds}


def spread(values: list[float]) -> dict[str, float]:
    """Mean, standard deviation and ends."""
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else 0.0,
        "least": min(values),
        "most": max(values),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="trainings of ours")
    parser.add_argument("--lessons", type=int, default=2, help="trainings of the lesson's script, spread among them")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        ours(asked.one)
        sys.exit()
    cores = os.cpu_count() or 1
    trained: dict[str, list[dict[str, Any]]] = {"lesson": [], "towers": [], "default_threads": []}
    for seed in range(asked.seeds):
        if seed * asked.lessons % asked.seeds < asked.lessons:
            trained["lesson"].append(process(str(HERE / "_lesson_script.py"), "fashion_mnist"))
            print("lesson", trained["lesson"][-1])
        trained["towers"].append(process(__file__, "--one", str(seed), threads=cores))
        print("ours", trained["towers"][-1])
        if seed < 3:
            trained["default_threads"].append(process(__file__, "--one", str(seed)))
            print("ours, TensorFlow's own threads", trained["default_threads"][-1])
    lesson = statistics.median(run["seconds"] for run in trained["lesson"])
    lesson_process = statistics.median(run["process_seconds"] for run in trained["lesson"])
    figures = {
        "data": "fashion_mnist",
        "lesson_test_accuracy": LESSON,
        "lesson": trained["lesson"],
        "accuracy": spread([run["accuracy"] for run in trained["towers"]]),
        **{
            side: {
                "warm_ratio": lesson / statistics.median(run["warm_seconds"] for run in trained[side]),
                "training_ratio": lesson / statistics.median(run["seconds"] for run in trained[side]),
                "process_ratio": lesson_process / statistics.median(run["process_seconds"] for run in trained[side]),
                "runs": trained[side],
            }
            for side in ("towers", "default_threads")
        },
    }
    for side in ("towers", "default_threads"):
        ratios = {name: round(value, 1) for name, value in figures[side].items() if name.endswith("ratio")}
        print(side, ratios)
    print("test accuracy", figures["accuracy"])
    write_result("time_to_accuracy", figures)
