"""How much sooner than the lesson's script we are as accurate: python benchmarks/time_to_accuracy.py CASE [--seeds N].

The lesson's script (``model.fit``; Fashion-MNIST for five epochs, MNIST until its callback stops it) and ours run in
turn, each in a fresh process; ours with one thread an operation, as the command line sets it ("towers"), and with
TensorFlow's own threads. "Warm" is the training behind its first step, which traces the graph; "training" is all of the
epochs; "process" is from the start of Python to its end. A ratio is that of the medians; least and most are those of
the ends that are farthest apart.

The case strong asks for more: an accuracy that the lesson does not reach, in no more time than its script takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from _processes import ratio, run_script, spread
from _report import write_result

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A comparison.

    Attributes:
        data: What both train on.
        model: Ours.
        recipe: Ours: its name and what is changed in it.
        target: The mean test accuracy that is asked of ours.
        seeds: Trainings of ours.
        lessons: Trainings of the lesson's script, spread among them.
    """

    data: str
    model: str
    recipe: dict[str, Any]
    target: float
    seeds: int
    lessons: int


CASES = {
    "fast": Case("fashion_mnist", "fast_conv", {"name": "fast"}, target=0.9118, seeds=10, lessons=2),
    "mnist": Case(
        "mnist",
        "fast_conv_small",
        {"name": "fast", "shift": 1, "hard_fraction": 0.1},
        target=0.9924,
        seeds=5,
        lessons=3,
    ),
    "strong": Case("fashion_mnist", "vgg_small", {"name": "strong"}, target=0.945, seeds=3, lessons=2),
}
SIDES = {"towers": 1, "default_threads": None}


def main(name: str, case: Case, default_threads: int) -> None:
    """Train both sides in turn, and write how they compare."""
    ours = [str(HERE / "_our_script.py"), case.model, case.data, "--recipe", json.dumps(case.recipe)]
    trained: dict[str, list[dict[str, Any]]] = {"lesson": [], **{side: [] for side in SIDES}}
    for seed in range(case.seeds):
        # So that they are spread evenly, the first of them first.
        if seed * case.lessons % case.seeds < case.lessons:
            trained["lesson"].append(run_script(HERE / "_lesson_script.py", case.data))
            show("lesson", trained["lesson"][-1])
        for side, threads in SIDES.items():
            if side == "towers" or seed < default_threads:
                trained[side].append(run_script(*ours, "--seed", str(seed), threads_an_operation=threads))
                show(side, trained[side][-1])
    figures = summarise(case, trained)
    for side in figures["ours"]:
        for what, found in figures["ours"][side]["ratios"].items():
            print(f"{side}, {what}: {found['median']:.1f} times ({found['least']:.1f} to {found['most']:.1f})")
    accuracy = figures["accuracy"]
    print(
        f"test accuracy {accuracy['mean']:.2%}, {accuracy['least']:.2%} to {accuracy['most']:.2%} "
        f"of {case.seeds} seeds; asked for {case.target:.2%}"
    )
    write_result(f"time_to_accuracy_{name}", figures)


def summarise(case: Case, trained: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Compare what the processes took.

    Args:
        case: The comparison.
        trained: What each process printed: "lesson", and each of ``SIDES``.

    Returns:
        The figures.
    """

    def seconds(side: str, what: str) -> list[float]:
        return [run[what] for run in trained[side]]

    return {
        **asdict(case),
        "lesson": {
            "accuracy": spread(seconds("lesson", "accuracy")),
            "seconds_median": statistics.median(seconds("lesson", "seconds")),
            "runs": trained["lesson"],
        },
        "accuracy": spread(seconds("towers", "accuracy")),
        "ours": {
            side: {
                "ratios": {
                    "warm": ratio(seconds("lesson", "seconds"), seconds(side, "warm_seconds")),
                    "training": ratio(seconds("lesson", "seconds"), seconds(side, "seconds")),
                    "process": ratio(seconds("lesson", "process_seconds"), seconds(side, "process_seconds")),
                },
                "warm_seconds_median": statistics.median(seconds(side, "warm_seconds")),
                "runs": trained[side],
            }
            for side in SIDES
            if trained[side]
        },
    }


def show(side: str, run: dict[str, Any]) -> None:
    print(
        f"{side}: {run['accuracy']:.2%} in {run['seconds']:.1f} s, {len(run['seconds_per_epoch'])} epochs", flush=True
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--seeds", type=int, help="trainings of ours, instead of the case's number")
    parser.add_argument("--lessons", type=int, help="trainings of the lesson's script, likewise")
    parser.add_argument(
        "--default-threads", type=int, default=2, help="how many of ours with TensorFlow's own threads as well"
    )
    asked = parser.parse_args()
    changed = {name: getattr(asked, name) for name in ("seeds", "lessons") if getattr(asked, name) is not None}
    main(asked.case, Case(**{**asdict(CASES[asked.case]), **changed}), asked.default_threads)
