"""Several models on the same data: a table and a picture."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convvision._atomic import new_directory
from convvision._public import set_module
from convvision._tables import number_of, text_table
from convvision.training._comparison_display import ComparisonDisplay
from convvision.training._comparison_row import ComparisonRow
from convvision.training._history_display import HistoryDisplay
from convvision.training._recipe import Recipe
from convvision.training._run import Run

__all__ = ["Comparison"]


@set_module("convvision.training")
@dataclass(frozen=True, eq=False)
class Comparison:
    """Models trained by the same recipe on the same data; ``print`` shows a table.

    Attributes:
        data: Name of the data set.
        recipe: How every model was trained.
        runs: Name of a model -> its finished runs, one a seed.
        interrupted: Whether the user stopped it (Ctrl-C) before all was done.
        failures: Model and seed -> why that training could not go on.
    """

    data: str
    recipe: Recipe
    runs: dict[str, list[Run]]
    interrupted: bool = False
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[ComparisonRow]:
        """A row for each model that finished a training."""
        return [ComparisonRow.of(name, runs) for name, runs in self.runs.items() if runs]

    def __str__(self) -> str:
        header = ("model", "parameters", "train accuracy", "test accuracy", "seconds/epoch", "seeds")
        cells = [
            (
                row.model,
                f"{row.parameters:,}",
                _percent(row.train_accuracy, row.train_accuracy_sd),
                _percent(row.test_accuracy, row.test_accuracy_sd),
                f"{row.seconds_per_epoch:.1f}",
                str(row.seeds),
            )
            for row in self.rows
        ]
        title = f"{self.data}, recipe {self.recipe.name!r}, {number_of(self.recipe.epochs, 'epoch')}"
        failures = "".join(f"\n\n{which}: {reason}" for which, reason in self.failures.items())
        return f"{title}\n\n{text_table(header, cells, numbers={1, 2, 3, 4, 5})}{failures}"

    def plot(self) -> ComparisonDisplay:
        """Draw test accuracy, with its spread, against seconds an epoch.

        Returns:
            The drawn display; ``save(path)`` writes it.

        Example:
            >>> import convvision
            >>> comparison = convvision.compare(["dense_128"], "drawn_fashion", epochs=1, seeds=2, verbose=0)
            >>> print(comparison.plot().save("comparison.png"))
            comparison.png
        """
        return ComparisonDisplay(self.rows, title=f"{self.data}, {number_of(self.recipe.epochs, 'epoch')}").plot()

    def plot_history(self) -> HistoryDisplay:
        """Draw loss and accuracy by epoch, of each model's first seed.

        Returns:
            The drawn display; ``save(path)`` writes it.
        """
        return HistoryDisplay(
            {name: runs[0].history for name, runs in self.runs.items() if runs}, title=self.data
        ).plot()

    def save(self, directory: str | Path) -> Path:
        """Write ``comparison.json``, ``comparison.csv``, ``comparison.png`` and every run.

        Args:
            directory: New or empty. It appears whole or not at all.

        Returns:
            The folder; the run of model M with seed S is its folder ``M-seed-S``.

        Raises:
            OutputError: It holds something already, or cannot be written.
        """
        directory = Path(directory)
        with new_directory(directory) as partial:
            facts = {
                "data": self.data,
                "recipe": dataclasses.asdict(self.recipe),
                "rows": self.as_dicts(),
                "failures": self.failures,
            }
            (partial / "comparison.json").write_text(
                json.dumps(facts, indent=2, default=np.generic.item) + "\n", encoding="utf-8"
            )
            with (partial / "comparison.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(ComparisonRow)])
                writer.writeheader()
                writer.writerows(self.as_dicts())
            if self.rows:
                self.plot().save(partial / "comparison.png")
            for name, runs in self.runs.items():
                for run in runs:
                    run.save(partial / f"{name}-seed-{run.seed}")
        return directory

    def as_dicts(self) -> list[dict[str, Any]]:
        """List the rows as plain data; a standard deviation that does not exist is None."""
        return [
            {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
            for row in map(dataclasses.asdict, self.rows)
        ]


def _percent(mean: float, sd: float) -> str:
    return f"{mean:.2%}" if math.isnan(sd) else f"{mean:.2%} ± {sd:.2%}"
