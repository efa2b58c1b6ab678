"""Callbacks that every training carries: what it keeps, what it shows, when it must not go on."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from convvision._keras import keras
from convvision.errors import NonFiniteLossError
from convvision.training._recipe import Recipe
from convvision.training._schedule import rate_factor

__all__ = ["EpochClock", "EpochRecorder", "NonFiniteLossGuard", "ProgressBar", "RateSchedule", "non_finite"]

# Seconds between two drawings of the progress bar; the eye asks for no more.
_REDRAW = 0.1


class EpochClock(keras.callbacks.Callback):
    """Takes the seconds of each epoch, without those of validation and of the callbacks behind it.

    Attributes:
        seconds: One value an epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._started = 0.0
        self._trained: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._started, self._trained = time.perf_counter(), None

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # Validation is the last thing in an epoch.
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.seconds.append((self._trained or time.perf_counter()) - self._started)


class EpochRecorder(keras.callbacks.Callback):
    """Keeps the logs of each epoch.

    Keras's History is only reachable after ``fit`` returns, which an interrupted one does not.

    Attributes:
        epochs: Number of epochs that ended.
        history: Name of a metric that is one number -> one value an epoch, NaN where it was not logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        numbers = {name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0}
        # A metric that is not logged every epoch, such as one of rare validation, has a value for each all the same.
        for name in {**self.history, **numbers}:
            self.history.setdefault(name, [math.nan] * self.epochs).append(numbers.get(name, math.nan))
        self.epochs += 1


class NonFiniteLossGuard(keras.callbacks.Callback):
    """Ends a training whose loss is NaN or infinite, with the reason."""

    # A mean that is NaN stays so: the end of a chunk of batches tells as much as the end of each.
    takes_chunks = True

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._check("loss", logs, f"by batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._check("val_loss", logs, "in validation")

    def _check(self, name: str, logs: dict[str, Any] | None, where: str) -> None:
        loss = (logs or {}).get(name, 0.0)
        if not math.isfinite(loss):
            raise non_finite(loss, f"in epoch {self._epoch + 1}, {where}", self.model)


def non_finite(loss: float, where: str, model: keras.Model) -> NonFiniteLossError:
    """Make the error for a loss that is no number, with what to do."""
    return NonFiniteLossError(
        f"The loss became {loss} {where}, with learning rate {float(model.optimizer.learning_rate):g}. "
        f"Lower the learning rate, and check that the images are on the scale the model expects."
    )


class RateSchedule(keras.callbacks.Callback):
    """Moves the learning rate of a ``fit`` as a recipe says.

    Args:
        recipe: The recipe.
        steps: Steps of the whole training.
    """

    def __init__(self, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self._recipe, self._steps = recipe, steps
        self._step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # A training that was broken off does not begin with the first.
        self._step = epoch * self._steps // self._recipe.epochs

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if keras.config.backend() == "jax":
            # There a fit keeps the optimiser's variables to itself, and reads them again only where it is told to.
            self.model.jax_state_sync()
        progress = (self._step + 0.5) / self._steps
        factor = float(rate_factor(self._recipe.schedule, self._recipe.warmup, progress))
        self.model.optimizer.learning_rate = self._recipe.learning_rate * factor
        self._step += 1


class ProgressBar(keras.callbacks.Callback):
    """Draws one bar an epoch on standard error, so that standard output holds results alone.

    Args:
        title: What is being trained.
    """

    takes_chunks = True

    def __init__(self, title: str) -> None:
        super().__init__()
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        self._title = title
        self._columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        self._console = Console(stderr=True)
        self._new_bar = Progress
        self._bar: Progress | None = None
        self._task: Any = None
        self._drawn = 0.0
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # A bar of its own for each epoch: one that is finished stays as plain text, and however many there are, the one
        # that moves is in sight.
        self._bar, self._batches = self._new_bar(*self._columns, console=self._console), 0
        description = f"{self._title} {epoch + 1}/{self.params['epochs']}"
        self._task = self._bar.add_task(description, total=self.params["steps"], figures="")
        self._bar.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches = batch + 1
        now = time.monotonic()
        if now - self._drawn >= _REDRAW:
            self._drawn = now
            self._draw(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._draw(logs)
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was, also when the training did not end by itself."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, logs: dict[str, Any] | None) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=self._batches, figures=_figures(logs))


def _figures(logs: dict[str, Any] | None) -> str:
    shown = {name: value for name, value in (logs or {}).items() if name.removeprefix("val_") == "accuracy"}
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
