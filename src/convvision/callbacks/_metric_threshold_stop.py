"""Stop as soon as a metric is good enough."""

from __future__ import annotations

import math
from typing import Any

from convvision._checks import check_positive_int, is_number
from convvision._public import set_module
from convvision.callbacks._arguments import Mode, check_mode, check_monitor
from convvision.callbacks._metric_callback import MetricCallback, announce
from convvision.errors import InputError

__all__ = ["MetricThresholdStop"]


@set_module("convvision.callbacks")
class MetricThresholdStop(MetricCallback):
    """Stops a training at the end of the epoch in which a metric passes a threshold.

    The metric has to be strictly above the threshold, or strictly below it where less is better; NaN is neither. Epochs
    that are not validated (``validation_freq``) count for nothing when the metric is one of validation.

    A training metric is Keras's mean over the batches of an epoch, taken while the weights change. For what the model
    does at the end of the epoch, watch a metric of validation.

    Args:
        monitor: Name of a metric as the training logs it, as in ``"loss"`` or ``"val_accuracy"``.
        threshold: The finite number to pass.
        mode: ``"max"`` stops above the threshold, ``"min"`` below it; ``"auto"`` tells by the end of the metric's name,
            as in ``loss``, ``mean_squared_error``, ``accuracy`` or ``auc``.
        consecutive_epochs: How many epochs in a row have to be beyond the threshold.
        verbose: 1 prints a line when it has stopped the training, 0 is silent.

    Attributes:
        stopped_epoch: Index of the epoch that ended the training, counted from 0 as in the hooks of Keras; None if it
            did not stop the present or latest training.
        stopped_value: The metric in that epoch, or None.

    Raises:
        InputError: An argument cannot be used, or ``mode`` is "auto" and the name does not tell. In training: the
            metric is not one number.
        MetricNotLoggedError: In training: the metric is not logged. It lists those that are.

    Example:
        >>> import keras, numpy as np
        >>> from convvision.callbacks import MetricThresholdStop
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
        >>> x = np.linspace(-1, 1, 64).reshape(64, 1)
        >>> stop = MetricThresholdStop("loss", 0.1)
        >>> history = model.fit(x, 3 * x, epochs=1000, callbacks=[stop], verbose=0)
        >>> stop.stopped_epoch == history.epoch[-1] < 999
        True
        >>> history.history["loss"][-2] >= 0.1 > stop.stopped_value
        True
    """

    def __init__(
        self, monitor: str, threshold: float, *, mode: Mode = "auto", consecutive_epochs: int = 1, verbose: int = 0
    ) -> None:
        self.monitor = check_monitor(monitor)
        self.consecutive_epochs = check_positive_int(consecutive_epochs, "consecutive_epochs")
        super().__init__(self.monitor, epochs=self.consecutive_epochs)
        if not is_number(threshold) or not math.isfinite(threshold):
            raise InputError(f"threshold is a finite number. Received: threshold={threshold!r}")
        self.threshold = float(threshold)
        self.mode = check_mode(mode, monitor)
        self.verbose = verbose
        self.stopped_value: float | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.stopped_value = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = self.read(epoch, logs)
        if metrics is None:
            return
        (value,) = metrics
        if self.in_a_row(beyond=value > self.threshold if self.mode == "max" else value < self.threshold):
            self.stop(epoch)
            self.stopped_value = value

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_end(logs)
        # Not at the end of the epoch: Keras's progress bar still draws on that line then.
        if self.verbose and self.stopped_epoch is not None:
            sign = ">" if self.mode == "max" else "<"
            announce(
                f"Epoch {self.stopped_epoch + 1}: training stopped, "
                f"{self.monitor} {self.stopped_value:.6g} {sign} {self.threshold:g}"
            )
