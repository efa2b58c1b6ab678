"""Notice that a model learns its training images rather than the classes."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

from convvision._checks import check_positive_int, is_number
from convvision._public import set_module
from convvision.callbacks._arguments import Mode, check_accuracy, check_mode, check_monitor
from convvision.callbacks._metric_callback import MetricCallback, announce
from convvision.errors import InputError, OverfittingWarning

__all__ = ["OverfittingMonitor"]


@set_module("convvision.callbacks")
class OverfittingMonitor(MetricCallback):
    """Watches how far a metric is better in training than in validation; warns or stops when that grows too far.

    The gap is training minus validation where more of the metric is better, validation minus training where less is:
    above zero the model does better on what it has seen. Keras takes the training metric while the weights still
    change, and with dropout at work, but validation afterwards and without: young models often have a gap below zero,
    and that of a model with dropout is an underestimate.

    Needs validation data. Epochs that are not validated (``validation_freq``) have no gap and count for nothing.

    Args:
        monitor: Name of the training metric; its counterpart is the one with ``val_`` before it.
        max_gap: The largest gap that is accepted; finite, at least 0, in units of the metric.
        mode: ``"max"`` where more of the metric is better, ``"min"`` where less is; ``"auto"`` tells by the end of the
            metric's name, as in ``loss``, ``mean_squared_error``, ``accuracy`` or ``auc``.
        patience: How many epochs in a row the gap has to be above ``max_gap``.
        action: ``"warn"`` gives one :class:`~convvision.errors.OverfittingWarning` a training, ``"stop"`` stops it.
        verbose: 1 prints a line when it has stopped the training, 0 is silent.

    Attributes:
        gaps: One gap for each validated epoch of the present or latest training.
        stopped_epoch: Index of the epoch that ended the training, counted from 0 as in the hooks of Keras; None if it
            did not stop the present or latest training.

    Raises:
        InputError: An argument cannot be used, or ``mode`` is "auto" and the name does not tell. In training: the
            metric is not one number.
        MetricNotLoggedError: In training: a metric is not logged. It lists those that are. Without any validation this
            is known only when the training ends, since the first may still be due; the log tells after an epoch.

    Example:
        >>> import keras, numpy as np
        >>> from convvision.callbacks import OverfittingMonitor
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
        >>> x, elsewhere = np.linspace(0, 1, 64).reshape(64, 1), np.linspace(1, 2, 64).reshape(64, 1)
        >>> monitor = OverfittingMonitor("loss", max_gap=1.0, action="stop")
        >>> history = model.fit(
        ...     x, x**2, epochs=100, validation_data=(elsewhere, elsewhere**2), callbacks=[monitor], verbose=0
        ... )
        >>> monitor.gaps[-1] == history.history["val_loss"][-1] - history.history["loss"][-1] > 1
        True
    """

    def __init__(
        self,
        monitor: str = "accuracy",
        *,
        max_gap: float = 0.05,
        mode: Mode = "auto",
        patience: int = 1,
        action: Literal["warn", "stop"] = "warn",
        verbose: int = 0,
    ) -> None:
        self.monitor = check_monitor(monitor)
        self.patience = check_positive_int(patience, "patience")
        super().__init__(monitor, f"val_{monitor}", epochs=self.patience)
        if monitor.startswith("val_"):
            raise InputError(
                f"monitor is the name of the training metric; that of validation is found from it. "
                f"Did you mean {monitor.removeprefix('val_')!r}? Received: monitor={monitor!r}"
            )
        self.mode = check_mode(mode, monitor)
        self.max_gap = _check_gap(max_gap, monitor)
        if action not in ("warn", "stop"):
            raise InputError(f"action is 'warn' or 'stop'. Received: action={action!r}")
        self.action = action
        self.verbose = verbose
        self.gaps: list[float] = []
        self._warned = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        # A new list, so that one that the caller has kept from an earlier training stays what it was.
        self.gaps = []
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = self.read(epoch, logs)
        if metrics is None:
            return
        training, validation = metrics
        gap = training - validation if self.mode == "max" else validation - training
        self.gaps.append(gap)
        if not self.in_a_row(beyond=gap > self.max_gap):
            return
        if self.action == "stop":
            self.stop(epoch)
        elif not self._warned:
            self._warned = True
            warnings.warn(self._report(epoch, training, validation), OverfittingWarning, stacklevel=2)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_end(logs)
        # Not at the end of the epoch: Keras's progress bar still draws on that line then.
        if self.verbose and self.stopped_epoch is not None:
            announce(
                f"Epoch {self.stopped_epoch + 1}: training stopped, "
                f"gap of {self.monitor} {self.gaps[-1]:.4g} > {self.max_gap:g}"
            )

    def _report(self, epoch: int, training: float, validation: float) -> str:
        in_a_row = f" for {self.patience} epochs in a row" if self.patience > 1 else ""
        return (
            f"Overfitting in epoch {epoch + 1}: {self.monitor} is {training:.4g} in training and {validation:.4g} in "
            f"validation, a gap of {self.gaps[-1]:.4g}, above {self.max_gap:g}{in_a_row}. "
            f"More data, augmentation, dropout, a smaller model or fewer epochs narrow it."
        )


def _check_gap(max_gap: float, monitor: str) -> float:
    if monitor.endswith(("accuracy", "acc")):
        return check_accuracy(max_gap, "max_gap")
    if not is_number(max_gap) or not 0 <= max_gap < math.inf:
        raise InputError(f"max_gap is a finite number of at least 0. Received: max_gap={max_gap!r}")
    return float(max_gap)
