"""The README's tables of figures, from results/: python benchmarks/readme_table.py."""

from __future__ import annotations

import dataclasses
import json
import operator
import statistics
from pathlib import Path
from typing import Any

import convvision

RESULTS = Path(__file__).parent / "results"

HEADER = "| what | the lesson | here |\n|---|---|---|"
SOONER_HEADER = "| what | test accuracy | seconds of training | the lesson's script |\n|---|---|---|---|"
SOONER = ("fast", "mnist", "strong")
# As people write them.
DATA = {"fashion_mnist": "Fashion-MNIST", "mnist": "MNIST"}


def table() -> str:
    """Put the lesson's figures beside ours, as Markdown."""
    rows = [_row(row) for row in _result("lesson_accuracy")["rows"]]
    stopping = _result("lesson_stopping")
    epochs = sorted(set(stopping["stopped_after_epochs"]))
    rows.append(
        f"| {stopping['model']}, MNIST, stopped above {stopping['threshold']:.1%} training accuracy "
        f"| {stopping['lesson_test_accuracy']:.2%}, {stopping['lesson_stopped_after_epochs']} epochs "
        f"| {stopping['test_accuracy']:.2%} ± {stopping['test_accuracy_sd']:.2%}, "
        f"{' or '.join(map(str, epochs))} epochs |"
    )
    return "\n".join([HEADER, *rows])


def sooner_table() -> str:
    """Put our accuracies and seconds beside those of the lesson's script, as Markdown."""
    rows = [_sooner(_result(f"time_to_accuracy_{name}")) for name in SOONER]
    return "\n".join([SOONER_HEADER, *rows, _best(_result("leaderboard")["rows"])])


def _sooner(result: dict[str, Any]) -> str:
    accuracy, ours, lesson = result["accuracy"], result["ours"]["towers"], result["lesson"]
    changed = ", ".join(f"{name}={value}" for name, value in result["recipe"].items() if name != "name")
    recipe = result["recipe"]["name"] + (f" with {changed}" if changed else "")
    return (
        f"| {result['model']}, recipe {recipe}, {DATA[result['data']]} "
        f"| {accuracy['mean']:.2%} ± {accuracy['sd']:.2%}, {result['seeds']} seeds | {ours['warm_seconds_median']:.0f} "
        f"| {lesson['accuracy']['mean']:.2%} in {lesson['seconds_median']:.0f} s |"
    )


def _best(rows: list[dict[str, Any]]) -> str:
    """Show the most accurate training by the recipe best, as it is now, beside which no script of the lesson ran."""
    recipe = dataclasses.asdict(convvision.get_recipe("best"))
    found = [row for row in rows if row["data"] == "fashion_mnist" and row["recipe"] == recipe]
    row = max(found, key=operator.itemgetter("test_accuracy"))
    seeds = f"{len(row['seeds'])} seed{'s' * (len(row['seeds']) > 1)}"
    return (
        f"| {row['model']}, recipe best, {DATA[row['data']]} | {row['test_accuracy']:.2%}, {seeds} "
        f"| {statistics.fmean(row['train_seconds']):,.0f} | – |"
    )


def _row(row: dict[str, Any]) -> str:
    ours = f"{row['test_accuracy']:.2%} ± {row['test_accuracy_sd']:.2%}"
    return f"| {row['model']}, Fashion-MNIST, 5 epochs | {row['lesson_test_accuracy']:.2%} | {ours} |"


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    print(table(), sooner_table(), sep="\n\n")
