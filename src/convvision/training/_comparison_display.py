"""Accuracy against cost, a point a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from typing_extensions import override

from convvision._public import set_module
from convvision.errors import InputError
from convvision.training._comparison_row import ComparisonRow
from convvision.visualize import Display
from convvision.visualize._display import new_figure

__all__ = ["ComparisonDisplay"]


@set_module("convvision.training")
class ComparisonDisplay(Display):
    """Test accuracy of models against seconds an epoch.

    Args:
        rows: The models.
        title: What they were compared on.

    Raises:
        InputError: No rows.
    """

    def __init__(self, rows: Sequence[ComparisonRow], *, title: str = "") -> None:
        if not rows:
            raise InputError("There is nothing to draw before the first model is trained. Received: no rows")
        self.rows = rows
        self.title = title

    @override
    def plot(self) -> Self:
        """Draw a point a model, with a bar of one standard deviation where there are several seeds."""
        self.figure_, self.axes_ = new_figure(1, 1, panel=(7.2, 4.4))
        axes = self.axes_[0, 0]
        for index, row in enumerate(self.rows):
            spread = 0.0 if math.isnan(row.test_accuracy_sd) else row.test_accuracy_sd
            axes.errorbar(
                row.seconds_per_epoch,
                row.test_accuracy * 100,
                yerr=spread * 100 or None,
                fmt="o",
                markersize=8,
                capsize=4,
                color=f"C{index % 10}",
                label=f"{row.model} ({row.parameters:,})",
            )
        axes.set(xlabel="seconds an epoch", ylabel="test accuracy (%)", title=self.title)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
        axes.legend(title="model (parameters)", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        return self
