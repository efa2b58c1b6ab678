"""Loading Fashion-MNIST from files at hand, ours against Keras's: python benchmarks/load_dataset.py [--pairs N].

Ours is ``convvision.load_dataset("fashion_mnist")``, the check of every file's hash included. The other side is
``keras.datasets.fashion_mnist.load_data()`` with the lesson's reshape and division by 255.0. Both read copies of the
same files, in turn, each time in a fresh process that imports what it needs before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _report import write_result

TARGET = 2 / 3


def ours() -> dict[str, Any]:
    """Load as our users do."""
    import convvision  # noqa: PLC0415

    # The names are resolved, and the modules of all data sets imported, when one is first asked for.
    convvision.get_dataset_info("fashion_mnist")
    watch = Watch()
    data = convvision.load_dataset("fashion_mnist", download=False)
    return watch.stop(data.train.images, data.train.labels, data.test.images, data.test.labels)


def keras() -> dict[str, Any]:
    """Load as the lesson does."""
    from keras.datasets import fashion_mnist  # noqa: PLC0415

    watch = Watch()
    (training_images, training_labels), (test_images, test_labels) = fashion_mnist.load_data()
    training_images = training_images.reshape(60000, 28, 28, 1)
    training_images = training_images / 255.0
    test_images = test_images.reshape(10000, 28, 28, 1)
    test_images = test_images / 255.0
    return watch.stop(training_images, training_labels, test_images, test_labels)


SIDES = {side.__name__: side for side in (ours, keras)}


class Watch:
    """Seconds and memory since it was made."""

    def __init__(self) -> None:
        self._memory = memory("VmRSS")
        self._cpu = time.process_time()
        self._start = time.perf_counter()

    def stop(self, *arrays: Any) -> dict[str, Any]:
        """Describe the loading, and what was loaded, so that the two sides can be compared."""
        seconds, cpu_seconds = time.perf_counter() - self._start, time.process_time() - self._cpu
        peak = memory("VmHWM")
        return {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "peak_bytes_beyond_imports": peak - self._memory,
            "peak_bytes_of_the_process": peak,
            "returned_bytes": sum(array.nbytes for array in arrays),
            "dtype": str(arrays[0].dtype),
            "loaded": [[list(array.shape), round(float(array.mean(dtype="float64")), 6)] for array in arrays],
        }


def memory(field: str) -> int:
    """Read from Linux, in bytes, VmRSS, what this process holds, or VmHWM, the most that it ever held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition(f"{field}:")[2].split()[0])


def in_a_fresh_process(side: str, home: Path) -> dict[str, Any]:
    """Measure one side once."""
    environment = os.environ | {
        "CONVVISION_DATA_HOME": str(home / "datasets"),
        "KERAS_HOME": str(home),
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, __file__, "--side", side]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def copy_files(home: Path) -> None:
    """Put the files where each side looks for them, which also brings them into the system's cache."""
    from convvision.datasets import get_data_home  # noqa: PLC0415

    source = get_data_home() / "fashion_mnist"
    files = sorted(source.glob("*-ubyte.gz"))
    if len(files) != 4:
        sys.exit(f"Expected the four .gz files of Fashion-MNIST in {source}; convvision.load_dataset downloads them.")
    for folder in ("fashion_mnist", "fashion-mnist"):
        target = home / "datasets" / folder
        target.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, target / file.name)


def run_pairs(pairs: int) -> dict[str, list[dict[str, Any]]]:
    """Measure both sides in turn."""
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        copy_files(Path(folder))
        for pair in range(pairs):
            for side, measurements in results.items():
                measurements.append(in_a_fresh_process(side, Path(folder)))
            seconds = {side: f"{measurements[-1]['seconds']:.3f} s" for side, measurements in results.items()}
            print(f"pair {pair + 1}: {seconds}", flush=True)
    first, other = (measurements[0]["loaded"] for measurements in results.values())
    if first != other:
        sys.exit(f"The two sides loaded different data: {first} and {other}")
    return results


def summarise(results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Put the pairs into figures."""
    return {
        "data": "fashion_mnist",
        "pairs": len(results["ours"]),
        "target_ratio": TARGET,
        "ratio": ratio(results, "seconds"),
        "ratio_of_cpu_seconds": ratio(results, "cpu_seconds"),
        "sides": {
            side: {
                "median_seconds": statistics.median(one["seconds"] for one in measurements),
                "median_cpu_seconds": statistics.median(one["cpu_seconds"] for one in measurements),
                "peak_bytes_beyond_imports": max(one["peak_bytes_beyond_imports"] for one in measurements),
                "peak_bytes_of_the_process": max(one["peak_bytes_of_the_process"] for one in measurements),
                "returned_bytes": measurements[0]["returned_bytes"],
                "dtype": measurements[0]["dtype"],
                "seconds": [one["seconds"] for one in measurements],
            }
            for side, measurements in results.items()
        },
    }


def ratio(results: dict[str, list[dict[str, Any]]], what: str) -> dict[str, Any]:
    """Divide ours by the other side's, pair by pair."""
    ratios = [one[what] / other[what] for one, other in zip(results["ours"], results["keras"], strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4)
    return {"median": median, "quartiles": [low, high], "range": [min(ratios), max(ratios)]}


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    for side, facts in figures["sides"].items():
        print(
            f"{side}: {facts['median_seconds']:.2f} s ({facts['median_cpu_seconds']:.2f} s of CPU), {facts['dtype']}, "
            f"{facts['returned_bytes'] / 1e6:.0f} MB returned, "
            f"{facts['peak_bytes_beyond_imports'] / 1e6:.0f} MB at the peak beyond the imports"
        )
    for what in ("ratio", "ratio_of_cpu_seconds"):
        median, (low, high) = figures[what]["median"], figures[what]["quartiles"]
        print(f"{what}, ours / keras: {median:.2f} (quartiles {low:.2f} to {high:.2f}, {figures['pairs']} pairs)")
    print(f"The ratio is {'within' if figures['ratio']['median'] <= TARGET else 'beyond'} the target of {TARGET:.2f}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7, help="how often each side is measured (default: %(default)s)")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pairs < 5:
        parser.error("fewer than 5 pairs say nothing about the spread")
    if arguments.side:
        print(json.dumps(SIDES[arguments.side]()))
    else:
        summary = summarise(run_pairs(arguments.pairs))
        show(summary)
        write_result("load_dataset", summary)
