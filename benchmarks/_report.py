"""What every benchmark leaves in results/: its figures, and the circumstances under which they came about."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

__all__ = ["write_result"]

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
    circumstances = {
        "command": " ".join(["python", "benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]]),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {package: importlib.metadata.version(package) for package in _PACKAGES},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"circumstances": circumstances, **figures}, indent=2) + "\n", encoding="utf-8")
    print(f"Wrote benchmarks/results/{path.name}")
    return path


def _cpu() -> str:
    facts = Path("/proc/cpuinfo")
    names = [line for line in facts.read_text().splitlines() if line.startswith("model name")] if facts.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor()
