"""What ``import convvision`` costs over a bare interpreter: python benchmarks/import_time.py [ROUNDS].

Fresh processes in turn: nothing, ``import convvision``, and for comparison ``import keras``, which it does not load.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from _report import write_result

STATEMENTS = {"bare": "pass", "convvision": "import convvision", "keras": "import keras"}


def seconds(statement: str) -> float:
    """Measure a process from its start to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, list[float]]:
    """Measure all statements in turn, ``rounds`` times, after a round that fills the caches of the disk."""
    for statement in STATEMENTS.values():
        seconds(statement)
    measured: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(rounds):
        for name, statement in STATEMENTS.items():
            measured[name].append(seconds(statement))
    return measured


def over_bare(measured: dict[str, list[float]], name: str) -> dict[str, float]:
    """Compare with the bare interpreter, round by round, in milliseconds."""
    differences = [1000 * (one - bare) for one, bare in zip(measured[name], measured["bare"], strict=True)]
    lower, median, upper = statistics.quantiles(differences, n=4)
    return {"median_ms": round(median, 1), "lower_quartile_ms": round(lower, 1), "upper_quartile_ms": round(upper, 1)}


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    measured = measure(rounds)
    figures = {name: over_bare(measured, name) for name in ("convvision", "keras")}
    for name, figure in figures.items():
        print(
            f"import {name}: {figure['median_ms']} ms over a bare interpreter "
            f"(half of {rounds} rounds within {figure['lower_quartile_ms']} to {figure['upper_quartile_ms']} ms)"
        )
    write_result(
        "import_time",
        {"rounds": rounds, "bare_ms": round(1000 * statistics.median(measured["bare"]), 1), "over_bare": figures},
    )
