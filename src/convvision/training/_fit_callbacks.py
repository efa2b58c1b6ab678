"""Callbacks that every training carries: what it keeps, what it shows, when it must not go on."""

from __future__ import annotations

import math
import time
from typing import Any

from convvision._keras import keras
from convvision.errors import NonFiniteLossError

__all__ = ["EpochRecorder", "NonFiniteLossGuard", "ProgressBar"]

# Seconds between two drawings of the progress bar; the eye asks for no more.
_REDRAW = 0.1


class EpochRecorder(keras.callbacks.Callback):
    """Keeps the logs of each epoch, and its seconds without those of validation.

    Keras's History is only reachable after ``fit`` returns, which an interrupted one does not.

    Attributes:
        history: Name of a metric -> one value an epoch.
        seconds: One value an epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
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
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))


class NonFiniteLossGuard(keras.callbacks.Callback):
    """Ends a training whose loss is NaN or infinite, with the reason."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            learning_rate = float(self.model.optimizer.learning_rate)
            raise NonFiniteLossError(
                f"The loss became {loss} in epoch {self._epoch + 1}, at batch {batch + 1}, with learning rate "
                f"{learning_rate:g}. Lower the learning rate, and check that the images are on the scale the model "
                f"expects."
            )


class ProgressBar(keras.callbacks.Callback):
    """Draws one bar an epoch on standard error, so that standard output holds results alone.

    Args:
        title: What is being trained.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        self._title = title
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
        )
        self._task: Any = None
        self._drawn = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        description = f"{self._title} {epoch + 1}/{self.params['epochs']}"
        self._task = self._bar.add_task(description, total=self.params["steps"], figures="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.monotonic()
        if now - self._drawn >= _REDRAW:
            self._drawn = now
            self._bar.update(self._task, completed=batch + 1, figures=_figures(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        total = self.params["steps"]
        self._bar.update(self._task, completed=total, figures=_figures(logs))
        self._bar.stop_task(self._task)

    def close(self) -> None:
        """Leave the terminal as it was, also when the training did not end by itself."""
        self._bar.stop()


def _figures(logs: dict[str, Any] | None) -> str:
    shown = {name: value for name, value in (logs or {}).items() if name.removeprefix("val_") == "accuracy"}
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
