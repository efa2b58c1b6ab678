"""AccuracyThresholdStop: the lesson's callback, and thresholds that are no fractions."""

from __future__ import annotations

import re

import keras
import pytest

from convvision.callbacks import AccuracyThresholdStop, MetricThresholdStop
from convvision.errors import InputError, MetricNotLoggedError

# The accuracy of epochs 1 to 7 that the lesson prints.
LESSON = [0.9538, 0.9843, 0.9897, 0.9920, 0.9940, 0.9949, 0.9961]


class LessonCallback(keras.callbacks.Callback):
    """The lesson's, without its print."""

    def on_epoch_end(self, epoch, logs=None) -> None:
        if logs.get("accuracy") > 0.995:
            self.model.stop_training = True


def test_it_stops_in_the_lesson_s_epoch_as_the_lesson_s_callback_does(drive) -> None:
    epochs = [{"accuracy": accuracy} for accuracy in [*LESSON, 0.999, 0.999, 0.999]]
    stop = AccuracyThresholdStop()
    assert drive(stop, epochs) == drive(LessonCallback(), epochs) == 7
    assert (stop.stopped_epoch, stop.stopped_value) == (6, 0.9961)


def test_exactly_the_threshold_is_not_above_it(drive) -> None:
    assert drive(AccuracyThresholdStop(0.75), [{"accuracy": 0.75}, {"accuracy": 0.7500001}, {"accuracy": 1.0}]) == 2


def test_it_is_a_metric_threshold_stop_on_another_metric_and_row_too(drive) -> None:
    stop = AccuracyThresholdStop(0.5, monitor="val_accuracy", consecutive_epochs=2)
    assert isinstance(stop, MetricThresholdStop)
    assert drive(stop, [{"accuracy": 0.9, "val_accuracy": value} for value in (0.6, 0.4, 0.6, 0.6, 0.6)]) == 4


def test_an_accuracy_of_any_name_may_be_watched(drive) -> None:
    assert drive(AccuracyThresholdStop(0.5, monitor="share_right"), [{"share_right": 0.6}] * 2) == 1


def test_fit_ends_above_the_threshold(training) -> None:
    accuracies = training.fit(epochs=12).history["accuracy"]
    threshold = (min(accuracies) + max(accuracies)) / 2
    expected = next(epoch for epoch, accuracy in enumerate(accuracies) if accuracy > threshold)
    assert expected > 0

    stop = AccuracyThresholdStop(threshold)
    history = training.fit(stop, model=training.new_model(), epochs=12)
    assert stop.stopped_epoch == history.epoch[-1] == expected
    assert stop.stopped_value == history.history["accuracy"][-1]


def test_a_model_compiled_without_accuracy_says_what_it_logs(training) -> None:
    with pytest.raises(MetricNotLoggedError, match=r"Unknown metric 'accuracy'\. Known: 'acc', 'loss'\. AccuracyThr"):
        training.fit(AccuracyThresholdStop(), model=training.new_model(metrics=["acc"]))


@pytest.mark.parametrize(("percent", "fraction"), [(99.5, "0.995"), (90, "0.9"), (1.5, "0.015")])
def test_a_percentage_is_recognised(percent: float, fraction: str) -> None:
    with pytest.raises(
        InputError,
        match=re.escape(
            f"threshold is a fraction, at least 0 and below 1: did you mean {fraction}? Received: threshold={percent}"
        ),
    ):
        AccuracyThresholdStop(percent)


@pytest.mark.parametrize("one", [1, 1.0])
def test_one_can_never_be_exceeded(one: float) -> None:
    with pytest.raises(InputError, match=rf"below 1, since no accuracy exceeds 1\. Received: threshold={one}"):
        AccuracyThresholdStop(one)


@pytest.mark.parametrize("threshold", [-0.1, 100, float("nan"), float("inf"), "0.9", None, True])
def test_what_is_no_fraction_is_refused(threshold) -> None:
    with pytest.raises(InputError, match=rf"threshold is a fraction: .* Received: threshold={threshold!r}"):
        AccuracyThresholdStop(threshold)


def test_a_loss_is_no_accuracy() -> None:
    with pytest.raises(InputError, match=r"less of 'val_loss' is better\. Use MetricThresholdStop\('val_loss', thresh"):
        AccuracyThresholdStop(0.1, monitor="val_loss")
