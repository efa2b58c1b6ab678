"""The README's table of figures, from results/: python benchmarks/readme_table.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

HEADER = "| what | the lesson | here |\n|---|---|---|"


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


def _row(row: dict[str, Any]) -> str:
    ours = f"{row['test_accuracy']:.2%} ± {row['test_accuracy_sd']:.2%}"
    return f"| {row['model']}, Fashion-MNIST, 5 epochs | {row['lesson_test_accuracy']:.2%} | {ours} |"


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    print(table())
