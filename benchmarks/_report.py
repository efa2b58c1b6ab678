"""What every benchmark leaves in results/: its figures, and the circumstances under which they came about."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
import shlex
import sys
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "circumstances", "write_result"]

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("convvision", "keras", "tensorflow", "numpy")


def write_result(name: str, figures: dict[str, Any]) -> Path:
    """Write ``results/NAME.json``.

    Args:
        name: Of the result.
        figures: Plain data.

    Returns:
        The file.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"circumstances": circumstances(), **figures}, indent=2) + "\n", encoding="utf-8")
    # Whoever is interrupted here loses nothing that an earlier run wrote.
    partial.replace(path)
    print(f"Wrote benchmarks/results/{path.name}")
    return path


def circumstances() -> dict[str, Any]:
    """Tell by which command, when, on what machine and with which versions this process measures."""
    return {
        "command": shlex.join(["python", "benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]]),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {package: importlib.metadata.version(package) for package in _PACKAGES},
    }


def _cpu() -> str:
    facts = Path("/proc/cpuinfo")
    names = [line for line in facts.read_text().splitlines() if line.startswith("model name")] if facts.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor()
