"""Comparisons of speed: fresh processes that take turns, and how far what they took is spread."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

__all__ = ["CORES", "ratio", "run_script", "spread"]

CORES = os.cpu_count() or 1


def run_script(*command: str | os.PathLike[str], threads_an_operation: int | None = None) -> dict[str, Any]:
    """Run a script of Python whose last line of output is a JSON object, and add its ``process_seconds``.

    Args:
        command: The script and its arguments.
        threads_an_operation: TensorFlow's. With 1, as many operations as there are cores run side by side, as the
            command line of convvision sets it. None leaves both to TensorFlow.

    Returns:
        The object.

    Raises:
        RuntimeError: The script failed; the message is the end of what it wrote to standard error.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM_")}
    if threads_an_operation is not None:
        environment["TF_NUM_INTRAOP_THREADS"] = str(threads_an_operation)
        environment["TF_NUM_INTEROP_THREADS"] = str(max(1, CORES // threads_an_operation))
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command], check=False, capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:].strip() or f"exit status {done.returncode}")
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": seconds}


def ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    """Say how many times as long theirs takes: of the medians, and of the ends that are farthest apart."""
    return {
        "median": statistics.median(theirs) / statistics.median(ours),
        "least": min(theirs) / max(ours),
        "most": max(theirs) / min(ours),
    }


def spread(values: list[float]) -> dict[str, float | None]:
    """Mean, standard deviation (n − 1; None for one value) and ends."""
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "least": min(values),
        "most": max(values),
    }
