"""Stop when the time is up."""

from __future__ import annotations

import math
import time
from typing import Any

from convvision._checks import is_number
from convvision._keras import keras
from convvision._public import set_module
from convvision.callbacks._metric_callback import announce
from convvision.errors import InputError

__all__ = ["TimeBudgetStop"]


@set_module("convvision.callbacks")
class TimeBudgetStop(keras.callbacks.Callback):
    """Stops a training at the end of the batch that passes a budget of time.

    The clock starts anew with each training, before its first batch, so the time that Keras takes to compile that batch
    counts. What comes after the batch is not cut short: ``fit`` still validates, if validation is due, and calls the
    other callbacks. The training metrics of that epoch are those of the batches it had. A budget that is spent
    between epochs, in validation or in another callback's ``on_epoch_end`` before this one's, begins no further epoch.

    At least one batch is trained, and the budget is looked at after each call of the train step only: with
    ``steps_per_execution`` that is after so many batches.

    Args:
        seconds: The budget, above 0 and finite.
        verbose: 1 prints a line when it has stopped the training, 0 is silent.

    Attributes:
        stopped_epoch: Index of the epoch that ended the training, counted from 0 as in the hooks of Keras; None if it
            did not stop the present or latest training.
        elapsed: Seconds from the beginning of the present or latest training to its latest batch, or to its end.

    Raises:
        InputError: ``seconds`` is no such number.

    Example:
        >>> import keras, numpy as np
        >>> from convvision.callbacks import TimeBudgetStop
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mean_squared_error")
        >>> x = np.linspace(-1, 1, 64).reshape(64, 1)
        >>> stop = TimeBudgetStop(0.5)
        >>> history = model.fit(x, 3 * x, epochs=1_000_000, callbacks=[stop], verbose=0)
        >>> stop.stopped_epoch == history.epoch[-1] and stop.elapsed >= 0.5
        True
    """

    # convvision's own training loop makes chunks of steps, of a quarter of a second: that is often enough.
    takes_chunks = True

    def __init__(self, seconds: float, *, verbose: int = 0) -> None:
        super().__init__()
        if not is_number(seconds) or not 0 < seconds < math.inf:
            raise InputError(
                f"seconds is the time a training may take, above 0 and finite. Received: seconds={seconds!r}"
            )
        self.seconds = float(seconds)
        self.verbose = verbose
        self.stopped_epoch: int | None = None
        self.elapsed = 0.0
        self._began = 0.0
        self._epoch = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.stopped_epoch = None
        self.elapsed = 0.0
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._look()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._look()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.elapsed = time.monotonic() - self._began
        if self.verbose and self.stopped_epoch is not None:
            announce(
                f"Epoch {self.stopped_epoch + 1}: training stopped, "
                f"{self.elapsed:.1f} s passed of a budget of {self.seconds:g} s"
            )

    def _look(self) -> None:
        self.elapsed = time.monotonic() - self._began
        if self.elapsed >= self.seconds:
            self.stopped_epoch = self._epoch
            self.model.stop_training = True
