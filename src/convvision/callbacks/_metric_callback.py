"""What callbacks that watch metrics have in common: reading them, counting epochs, stopping, saying so."""

from __future__ import annotations

import logging
import sys
from typing import Any

from convvision._keras import keras
from convvision.errors import InputError, MetricNotLoggedError
from convvision.registry import unknown_name

__all__ = ["MetricCallback", "announce"]

_LOGGER = logging.getLogger("convvision.callbacks")


class MetricCallback(keras.callbacks.Callback):
    """Reads metrics at the end of each epoch, and counts epochs in a row.

    Validation may be due only every few epochs (``validation_freq``), and no hook tells how often. An epoch was
    validated if its logs hold any ``val_`` metric; one that was not is passed over, and only a training without a
    single validated epoch lacks the metric.

    Args:
        metrics: The names to read.
        epochs: How many epochs in a row matter.
    """

    def __init__(self, *metrics: str, epochs: int) -> None:
        super().__init__()
        self.stopped_epoch: int | None = None
        self._metrics = metrics
        self._epochs = epochs
        self._row = 0
        self._read_once = False
        self._unvalidated: dict[str, Any] | None = None

    @property
    def validation_metrics(self) -> list[str]:
        """The names among those to read that only a training with validation data logs."""
        return [metric for metric in self._metrics if metric.startswith("val_")]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.stopped_epoch = None
        self._row = 0
        self._read_once = False
        self._unvalidated = None

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # A training that another callback stopped may have ended before its first validation was due.
        if self._unvalidated is not None and not self._read_once and not self.model.stop_training:
            raise MetricNotLoggedError(
                f"{type(self).__name__} watches {self._metrics[-1]!r}, and no epoch of this training was validated. "
                f"Pass validation_data to fit. Logged: {', '.join(map(repr, sorted(self._unvalidated)))}."
            )

    def read(self, epoch: int, logs: dict[str, Any] | None) -> list[float] | None:
        """Give the metrics of an epoch that has ended, or None where they were not due.

        Raises:
            MetricNotLoggedError: A metric is not logged.
            InputError: A metric is not one number.
        """
        logs = logs or {}
        missing = [metric for metric in self._metrics if metric not in logs]
        if not missing:
            self._read_once = True
            return [self._number(metric, logs[metric]) for metric in self._metrics]
        if not missing[0].startswith("val_") or any(name.startswith("val_") for name in logs):
            raise MetricNotLoggedError(str(unknown_name("metric", missing[0], logs, hint=self._hint(missing[0]))))
        if self._unvalidated is None and not self._read_once:
            # The user would otherwise learn of forgotten validation data when the training is over. It is no warning:
            # there is nothing to change about a training that is validated every other epoch.
            _LOGGER.warning(
                "%s watches %r, and epoch %d was not validated. If none will be, pass validation_data to fit.",
                type(self).__name__,
                missing[0],
                epoch + 1,
            )
        self._unvalidated = logs
        return None

    def in_a_row(self, *, beyond: bool) -> bool:
        """Count an epoch, and tell whether it ends a row of as many epochs beyond the limit as matter."""
        self._row = self._row + 1 if beyond else 0
        return self._row >= self._epochs

    def stop(self, epoch: int) -> None:
        """Let this epoch be the training's last."""
        self.stopped_epoch = epoch
        self.model.stop_training = True

    def _hint(self, metric: str) -> str:
        return (
            f"{type(self).__name__} reads what the training logs: pass one of these as monitor, or have {metric!r} "
            f"logged with compile(metrics=...)."
        )

    def _number(self, metric: str, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{type(self).__name__} watches a metric that is one number an epoch. Received: monitor={metric!r}, "
                f"of shape {getattr(value, 'shape', None)}. Average it, as in F1Score(average='macro')."
            ) from error


def announce(message: str) -> None:
    """Say what a callback did, where Keras says what its own did."""
    if keras.config.is_interactive_logging_enabled():
        sys.stdout.write(f"{message}\n")
        sys.stdout.flush()
    else:
        _LOGGER.info(message)
