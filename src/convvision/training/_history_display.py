"""Loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from typing_extensions import override

from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize import Display
from convvision.visualize._display import new_figure

__all__ = ["HistoryDisplay"]


@set_module("convvision.training")
class HistoryDisplay(Display):
    """The metrics of trainings by epoch: a panel a metric, a colour a training, validation dashed.

    Args:
        histories: Name of a training -> name of a metric -> one value an epoch; validation metrics begin with ``val_``.
        title: What was trained on.

    Raises:
        InputError: No epoch was finished.
    """

    def __init__(self, histories: Mapping[str, Mapping[str, Sequence[float]]], *, title: str = "") -> None:
        self.histories = {name: dict(history) for name, history in histories.items() if any(history.values())}
        self.title = title
        if not self.histories:
            raise InputError("There is nothing to draw before the first epoch is finished. Received: empty histories")

    def best_validation_epoch(self, name: str) -> int | None:
        """Tell the epoch, counted from 1, with the lowest validation loss; None without validation.

        Where epochs follow it, the network learnt its training images rather than the classes in them: it overfits.
        """
        losses = self.histories[name].get("val_loss")
        return None if not losses else min(range(len(losses)), key=losses.__getitem__) + 1

    @override
    def plot(self) -> Self:
        """Draw a panel for each metric; a dotted line marks where validation loss was lowest."""
        metrics = dict.fromkeys(
            metric for history in self.histories.values() for metric in history if not metric.startswith("val_")
        )
        self.figure_, self.axes_ = new_figure(1, len(metrics), panel=(4.8, 3.6))
        for axes, metric in zip(self.axes_[0], metrics, strict=True):
            for index, name in enumerate(self.histories):
                self._draw(axes, metric, name, f"C{index % 10}")
            axes.set(xlabel="epoch", ylabel=metric)
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.grid(alpha=0.3)
            axes.legend()
        self.figure_.suptitle(self.title)
        return self

    def _draw(self, axes: Any, metric: str, name: str, colour: str) -> None:
        for key, line, label in ((metric, "o-", "training"), (f"val_{metric}", "s--", "validation")):
            values = self.histories[name].get(key)
            if values:
                epochs = range(1, len(values) + 1)
                axes.plot(epochs, values, line, markersize=4, color=colour, label=f"{name}, {label}")
        best = self.best_validation_epoch(name)
        if best is not None:
            axes.axvline(best, color=colour, linestyle=":", alpha=0.7)
