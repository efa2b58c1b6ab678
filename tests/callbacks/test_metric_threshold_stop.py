"""MetricThresholdStop: in which epoch a training ends, and what is left of it."""

from __future__ import annotations

import math
import pickle
import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convvision.callbacks import MetricThresholdStop
from convvision.errors import InputError, MetricNotLoggedError

# Few values, so that equality with the threshold and rows of equals are drawn often.
VALUES = st.sampled_from([math.nan, -math.inf, -1.0, 0.0, 0.5, 1.0, math.inf])


def first_end_of_a_row(good: list[bool], length: int) -> int | None:
    """The oracle: the first place at which the last `length` flags are all true."""
    return next((end for end in range(len(good)) if end + 1 >= length and all(good[end + 1 - length : end + 1])), None)


@settings(deadline=None)
@given(
    values=st.lists(VALUES, min_size=1, max_size=8),
    threshold=st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    mode=st.sampled_from(["min", "max"]),
    consecutive_epochs=st.integers(1, 3),
    initial_epoch=st.integers(0, 3),
)
def test_the_epoch_of_the_stop_is_that_of_a_plain_loop(
    values, threshold, mode, consecutive_epochs, initial_epoch, drive
) -> None:
    good = [value > threshold if mode == "max" else value < threshold for value in values]
    expected = first_end_of_a_row(good, consecutive_epochs)

    stop = MetricThresholdStop("score", threshold, mode=mode, consecutive_epochs=consecutive_epochs)
    done = drive(stop, [{"score": value} for value in values], initial_epoch=initial_epoch)
    if expected is None:
        assert (done, stop.stopped_epoch, stop.stopped_value) == (len(values), None, None)
    else:
        assert (done, stop.stopped_epoch) == (expected + 1, initial_epoch + expected)
        assert stop.stopped_value == values[expected]


@settings(deadline=None)
@given(
    values=st.lists(st.none() | VALUES, min_size=1, max_size=8).filter(lambda some: any(v is not None for v in some)),
    consecutive_epochs=st.integers(1, 3),
)
def test_epochs_that_are_not_validated_neither_end_a_row_nor_lengthen_it(values, consecutive_epochs, drive) -> None:
    validated = [epoch for epoch, value in enumerate(values) if value is not None]
    end = first_end_of_a_row([values[epoch] > 0 for epoch in validated], consecutive_epochs)

    stop = MetricThresholdStop("val_accuracy", 0, consecutive_epochs=consecutive_epochs)
    drive(stop, [{"loss": 1.0} | ({} if value is None else {"val_accuracy": value}) for value in values])
    assert stop.stopped_epoch == (None if end is None else validated[end])


@pytest.mark.parametrize(("mode", "value"), [("max", 0.9), ("min", 0.9), ("max", math.nan), ("min", math.nan)])
def test_reaching_the_threshold_is_not_passing_it_and_nan_is_nothing(mode: str, value: float, drive) -> None:
    assert drive(MetricThresholdStop("score", 0.9, mode=mode), [{"score": value}] * 3) == 3


def test_the_lesson_stops_on_its_loss(drive) -> None:
    # The lesson's table of exercise 5: the loss of epochs 1 to 7.
    losses = [0.1485, 0.0497, 0.0330, 0.0245, 0.0181, 0.0144, 0.0112]
    stop = MetricThresholdStop("loss", 0.1)
    assert drive(stop, [{"loss": loss} for loss in losses]) == 2
    assert (stop.mode, stop.stopped_epoch, stop.stopped_value) == ("min", 1, 0.0497)


def test_it_stops_at_epoch_0_and_says_so(drive) -> None:
    stop = MetricThresholdStop("loss", 0.1)
    assert drive(stop, [{"loss": 0.05}] * 3) == 1
    assert stop.stopped_epoch == 0


def test_each_training_starts_afresh(drive) -> None:
    stop = MetricThresholdStop("accuracy", 0.9, consecutive_epochs=2)
    assert drive(stop, [{"accuracy": 0.95}] * 5) == 2
    # One good epoch at the end of the first training and one at the start of the next are no row of two.
    assert drive(stop, [{"accuracy": 0.1}, {"accuracy": 0.95}]) == 2
    assert (stop.stopped_epoch, stop.stopped_value) == (None, None)
    assert drive(stop, [{"accuracy": 0.95}, {"accuracy": 0.1}]) == 2
    assert stop.stopped_epoch is None


def test_values_may_be_numpy_scalars_and_tensors(drive) -> None:
    for value in (np.float32(0.95), np.array(0.95), keras.ops.convert_to_tensor(0.95)):
        stop = MetricThresholdStop("accuracy", 0.9)
        assert drive(stop, [{"accuracy": value}] * 2) == 1
        assert type(stop.stopped_value) is float


# In a real fit


def test_fit_ends_with_the_first_epoch_beyond_the_threshold(training) -> None:
    losses = training.fit().history["loss"]
    threshold = (losses[3] + losses[4]) / 2
    expected = next(epoch for epoch, loss in enumerate(losses) if loss < threshold)
    assert 0 < expected < 7

    stop = MetricThresholdStop("loss", threshold)
    history = training.fit(stop, model=training.new_model())
    assert stop.stopped_epoch == history.epoch[-1] == expected
    assert stop.stopped_value == history.history["loss"][-1] == pytest.approx(losses[expected], rel=1e-4)


def test_a_second_fit_of_the_same_object_is_right_also_with_an_initial_epoch(training) -> None:
    stop = MetricThresholdStop("val_loss", 1e9, consecutive_epochs=2)
    assert training.fit(stop, validation_data=training.validation_data).epoch == [0, 1]
    assert training.fit(stop, validation_data=training.validation_data, initial_epoch=3).epoch == [3, 4]
    assert stop.stopped_epoch == 4
    stop.threshold = 0.0
    assert len(training.fit(stop, validation_data=training.validation_data).epoch) == 8
    assert stop.stopped_epoch is None


def test_fit_that_validates_every_third_epoch_is_judged_by_those(training) -> None:
    stop = MetricThresholdStop("val_loss", 1e9, consecutive_epochs=2)
    history = training.fit(stop, validation_data=training.validation_data, validation_freq=3)
    assert history.epoch[-1] == stop.stopped_epoch == 5


def test_a_pickled_callback_does_the_same(training) -> None:
    stop = pickle.loads(pickle.dumps(MetricThresholdStop("loss", 1e9)))  # noqa: S301
    assert training.fit(stop).epoch == [0]
    assert stop.stopped_epoch == 0


def test_a_callback_that_was_not_told_to_be_is_silent(training, capsys: pytest.CaptureFixture[str]) -> None:
    training.fit(MetricThresholdStop("loss", 1e9))
    assert capsys.readouterr() == ("", "")


def test_verbose_prints_one_line(training, capsys: pytest.CaptureFixture[str]) -> None:
    stop = MetricThresholdStop("loss", 1e9, verbose=1)
    training.fit(stop)
    assert capsys.readouterr().out == f"Epoch 1: training stopped, loss {stop.stopped_value:.6g} < 1e+09\n"
    stop.threshold = 0.0
    training.fit(stop, epochs=1)
    assert capsys.readouterr().out == ""


def test_the_line_goes_where_keras_s_own_go(drive, capsys, caplog) -> None:
    keras.config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", logger="convvision.callbacks"):
            drive(MetricThresholdStop("accuracy", 0.9, verbose=1), [{"accuracy": 0.5}, {"accuracy": 0.96}])
    finally:
        keras.config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert caplog.messages == ["Epoch 2: training stopped, accuracy 0.96 > 0.9"]


# What is refused


def test_a_metric_that_is_not_logged_lists_those_that_are(training) -> None:
    with pytest.raises(MetricNotLoggedError) as caught:
        training.fit(MetricThresholdStop("acuracy", 0.9, mode="max"))
    assert str(caught.value) == (
        "Unknown metric 'acuracy'. Did you mean 'accuracy'? Known: 'accuracy', 'loss'. MetricThresholdStop reads what "
        "the training logs: pass one of these as monitor, or have 'acuracy' logged with compile(metrics=...)."
    )


def test_a_misspelt_metric_of_validation_is_known_in_the_first_epoch(training) -> None:
    stop, model = MetricThresholdStop("val_acuracy", 0.9, mode="max"), training.model
    with pytest.raises(MetricNotLoggedError, match=r"Unknown metric 'val_acuracy'\. Did you mean 'val_accuracy'"):
        training.fit(stop, validation_data=training.validation_data)
    assert int(model.optimizer.iterations) == 6


def test_a_training_without_validation_lacks_its_metrics(training) -> None:
    with pytest.raises(
        MetricNotLoggedError,
        match=re.escape(
            "MetricThresholdStop watches 'val_loss', and no epoch of this training was validated. "
            "Pass validation_data to fit. Logged: 'accuracy', 'loss'."
        ),
    ):
        training.fit(MetricThresholdStop("val_loss", 0.1), epochs=2)


def test_no_logs_at_all_are_an_error_too(drive) -> None:
    with pytest.raises(MetricNotLoggedError, match=r"Unknown metric 'loss'\. MetricThresholdStop reads"):
        drive(MetricThresholdStop("loss", 0.1), [{}])


def test_a_metric_of_several_numbers_is_refused_with_the_way_out(training) -> None:
    y = np.eye(2)[training.y]
    training.model.compile("sgd", "categorical_crossentropy", metrics=[keras.metrics.F1Score()])
    with pytest.raises(
        InputError, match=re.escape("Received: monitor='f1_score', of shape (2,). Average it, as in F1Score(average=")
    ):
        training.model.fit(training.x, y, callbacks=[MetricThresholdStop("f1_score", 0.9)], verbose=0)


@pytest.mark.parametrize("threshold", [math.nan, math.inf, -math.inf, "0.9", None, True, 1j])
def test_the_threshold_is_a_finite_number(threshold) -> None:
    with pytest.raises(InputError, match=r"threshold is a finite number\. Received: threshold="):
        MetricThresholdStop("loss", threshold)


@pytest.mark.parametrize("monitor", ["", None, ["loss"]])
def test_monitor_is_one_name(monitor) -> None:
    with pytest.raises(InputError, match=r"monitor is the name of one metric, as in 'val_loss'\. Received: monitor="):
        MetricThresholdStop(monitor, 0.1)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True])
def test_consecutive_epochs_is_a_whole_number(epochs) -> None:
    with pytest.raises(InputError, match="consecutive_epochs is a whole number of at least 1"):
        MetricThresholdStop("loss", 0.1, consecutive_epochs=epochs)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InputError, match=r"mode is 'auto', 'min' or 'max'\. Received: mode='up'"):
        MetricThresholdStop("loss", 0.1, mode="up")
