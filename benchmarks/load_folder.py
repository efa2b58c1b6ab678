"""Loading a folder of JPEGs, ours against Keras's: python benchmarks/load_folder.py [--images N] [--pairs N].

The folder holds MNIST's training images as JPEGs of 32 × 32, ten class folders. Ours is
``convvision.datasets.from_folder``: once with an empty cache, once with the cache that this left. The other side is
``keras.utils.image_dataset_from_directory``, iterated once, which is what an epoch costs it. The three run in turn,
each time in a fresh process that imports what it needs before the clock starts; all files are in the system's cache.
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

SIDE = 32
TARGET_SECONDS = 60


def ours(folder: str) -> tuple[int, float]:
    """Load as our users do: all images, without a test part that would be copied."""
    from convvision.datasets import from_folder  # noqa: PLC0415

    started = time.perf_counter()
    data = from_folder(folder, image_size=(SIDE, SIDE), scale=None)
    return len(data.train) + len(data.test), time.perf_counter() - started


def keras(folder: str) -> tuple[int, float]:
    """Go through the images once, as Keras's users do in each epoch."""
    from keras.utils import image_dataset_from_directory  # noqa: PLC0415

    started = time.perf_counter()
    data = image_dataset_from_directory(
        folder, image_size=(SIDE, SIDE), color_mode="grayscale", batch_size=64, verbose=False
    )
    count = sum(len(labels) for _, labels in data)
    return count, time.perf_counter() - started


# What is run under which name; "cached" finds what "decoded" left.
SIDES = {"decoded": ours, "cached": ours, "keras": keras}


def in_a_fresh_process(side: str, folder: Path, home: Path) -> dict[str, Any]:
    """Measure one side once."""
    environment = os.environ | {
        "CONVVISION_DATA_HOME": str(home),
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, __file__, "--side", side, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def write_folder(folder: Path, images: int) -> None:
    """Write MNIST's images as JPEGs, padded to 32 × 32 as LeNet reads them."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    import convvision  # noqa: PLC0415

    pixels, labels = convvision.load_dataset("mnist", scale=None, download=False).train
    padded = np.pad(pixels[:images, ..., 0], ((0, 0), (2, 2), (2, 2)))
    for number, (image, label) in enumerate(zip(padded, labels, strict=False)):
        path = folder / str(label) / f"{number:05}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path, quality=95)


def run_rounds(images: int, pairs: int) -> dict[str, list[float]]:
    """Measure the three in turn."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as temporary:
        folder, home = Path(temporary, "mnist_jpeg"), Path(temporary, "home")
        folder.mkdir()
        write_folder(folder, images)
        for pair in range(pairs):
            shutil.rmtree(home, ignore_errors=True)
            for side in SIDES:
                measured = in_a_fresh_process(side, folder, home)
                if measured["images"] != images:
                    sys.exit(f"Expected {images} images. Received: {measured['images']} from {side}")
                seconds[side].append(measured["seconds"])
            print(f"pair {pair + 1}: { ({side: round(times[-1], 2) for side, times in seconds.items()}) }", flush=True)
    return seconds


def summarise(images: int, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Put the rounds into figures."""
    return {
        "data": f"{images} JPEGs of {SIDE} × {SIDE}, from MNIST",
        "pairs": len(seconds["keras"]),
        "target_seconds": TARGET_SECONDS,
        "seconds": {side: {"median": statistics.median(times), "all": times} for side, times in seconds.items()},
        "ratio_to_keras": {side: ratio(seconds[side], seconds["keras"]) for side in ("decoded", "cached")},
    }


def ratio(ours_seconds: list[float], others: list[float]) -> dict[str, Any]:
    """Divide ours by the other side's, pair by pair."""
    ratios = [one / other for one, other in zip(ours_seconds, others, strict=True)]
    return {"median": statistics.median(ratios), "range": [min(ratios), max(ratios)]}


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    for side, facts in figures["seconds"].items():
        print(f"{side}: {facts['median']:.2f} s")
    for side, facts in figures["ratio_to_keras"].items():
        low, high = facts["range"]
        print(f"{side} / keras: {facts['median']:.2f} ({low:.2f} to {high:.2f}, {figures['pairs']} pairs)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60_000, help="files in the folder (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=5, help="how often each side is measured (default: %(default)s)")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("folder", nargs="?", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        count, taken = SIDES[arguments.side](arguments.folder)
        print(json.dumps({"images": count, "seconds": taken}))
    else:
        summary = summarise(arguments.images, run_rounds(arguments.images, arguments.pairs))
        show(summary)
        write_result("load_folder", summary)
