"""Stop as soon as the model is accurate enough."""

from __future__ import annotations

from convvision._public import set_module
from convvision.callbacks._arguments import check_accuracy, check_monitor, direction_of
from convvision.callbacks._metric_threshold_stop import MetricThresholdStop
from convvision.errors import InputError

__all__ = ["AccuracyThresholdStop"]


@set_module("convvision.callbacks")
class AccuracyThresholdStop(MetricThresholdStop):
    """Stops a training at the end of the epoch whose accuracy is strictly above a threshold.

    With its defaults it is the callback of the lesson's fifth exercise. See :class:`MetricThresholdStop` for what it is
    made of, for other metrics, and for what a training accuracy is.

    Args:
        threshold: A fraction, at least 0 and below 1.
        monitor: Name of an accuracy as the training logs it: what ``compile(metrics=["accuracy"])`` calls
            ``"accuracy"``, or ``"val_accuracy"`` on the validation data.
        consecutive_epochs: How many epochs in a row have to be above the threshold.
        verbose: 1 prints a line when it has stopped the training, 0 is silent.

    Attributes:
        stopped_epoch: Index of the epoch that ended the training, counted from 0 as in the hooks of Keras; None if it
            did not stop the present or latest training.
        stopped_value: The accuracy in that epoch, or None.

    Raises:
        InputError: An argument cannot be used, such as a percentage as threshold or a loss as monitor.
        MetricNotLoggedError: In training: the metric is not logged. It lists those that are.

    Example:
        >>> import keras, numpy as np
        >>> from convvision.callbacks import AccuracyThresholdStop
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
        >>> model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> x = np.linspace(-1, 1, 64).reshape(64, 1)
        >>> stop = AccuracyThresholdStop(0.9)
        >>> history = model.fit(x, x[:, 0] > 0, epochs=1000, callbacks=[stop], verbose=0)
        >>> history.history["accuracy"][stop.stopped_epoch] == stop.stopped_value > 0.9
        True
    """

    def __init__(
        self, threshold: float = 0.995, *, monitor: str = "accuracy", consecutive_epochs: int = 1, verbose: int = 0
    ) -> None:
        if direction_of(check_monitor(monitor)) == "min":
            raise InputError(
                f"AccuracyThresholdStop watches an accuracy, and less of {monitor!r} is better. "
                f"Use MetricThresholdStop({monitor!r}, threshold). Received: monitor={monitor!r}"
            )
        super().__init__(
            monitor,
            check_accuracy(threshold, "threshold"),
            mode="max",
            consecutive_epochs=consecutive_epochs,
            verbose=verbose,
        )
