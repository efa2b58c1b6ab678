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
    """The metrics of a training by epoch, a panel each, with those of validation beside them.

    Args:
        history: Name of a metric -> one value an epoch; validation metrics begin with ``val_``.
        title: What was trained.

    Raises:
        InputError: No epoch was finished.
    """

    def __init__(self, history: Mapping[str, Sequence[float]], *, title: str = "") -> None:
        if not any(history.values()):
            raise InputError("There is nothing to draw before the first epoch is finished. Received: an empty history")
        self.history = dict(history)
        self.title = title

    @property
    def best_validation_epoch(self) -> int | None:
        """The epoch, counted from 1, with the lowest validation loss; None without validation.

        From there on the network learns its training images rather than the classes: it overfits.
        """
        losses = self.history.get("val_loss")
        return None if not losses else min(range(len(losses)), key=losses.__getitem__) + 1

    @override
    def plot(self) -> Self:
        """Draw a panel for each metric; a dotted line marks where validation loss was lowest."""
        metrics = [name for name in self.history if not name.startswith("val_")]
        self.figure_, self.axes_ = new_figure(1, len(metrics), panel=(4.8, 3.6))
        for axes, metric in zip(self.axes_[0], metrics, strict=True):
            self._draw(axes, metric)
        self.figure_.suptitle(self.title)
        return self

    def _draw(self, axes: Any, metric: str) -> None:
        for name, label, colour in ((metric, "training", "C0"), (f"val_{metric}", "validation", "C1")):
            if name in self.history:
                values = self.history[name]
                axes.plot(range(1, len(values) + 1), values, "o-", markersize=4, color=colour, label=label)
        if self.best_validation_epoch is not None:
            axes.axvline(self.best_validation_epoch, color="0.5", linestyle=":", label="lowest validation loss")
        axes.set(xlabel="epoch", ylabel=metric)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
