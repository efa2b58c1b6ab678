"""OverfittingMonitor: the gap, when it is too wide, and what is done about it."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convvision.callbacks import OverfittingMonitor, TimeBudgetStop
from convvision.errors import InputError, MetricNotLoggedError, OverfittingWarning

# Eighths, whose differences are exact.
VALUES = st.sampled_from([math.nan, 0.0, 0.125, 0.25, 0.5, 0.875, 1.0])


def epochs_of(pairs, metric: str = "accuracy") -> list[dict[str, float]]:
    return [{metric: t} | ({} if v is None else {f"val_{metric}": v}) for t, v in pairs]


@settings(deadline=None)
@given(
    pairs=st.lists(st.tuples(VALUES, st.none() | VALUES), min_size=1, max_size=8).filter(
        lambda some: any(v is not None for _, v in some)
    ),
    metric=st.sampled_from(["accuracy", "loss"]),
    max_gap=st.sampled_from([0.0, 0.125, 0.375]),
    patience=st.integers(1, 3),
)
def test_gaps_and_the_epoch_of_the_stop_are_those_of_a_plain_loop(pairs, metric, max_gap, patience, drive) -> None:
    gaps: list[float] = []
    expected = None
    for epoch, (t, v) in enumerate(pairs):
        if v is not None:
            gaps.append(t - v if metric == "accuracy" else v - t)
            if len(gaps) >= patience and all(gap > max_gap for gap in gaps[-patience:]):
                expected = epoch
                break

    monitor = OverfittingMonitor(metric, max_gap=max_gap, patience=patience, action="stop")
    done = drive(monitor, epochs_of(pairs, metric))
    assert monitor.stopped_epoch == expected
    assert done == (len(pairs) if expected is None else expected + 1)
    assert np.array_equal(monitor.gaps, gaps, equal_nan=True)


def test_it_warns_once_a_training_with_the_figures_and_lets_it_go_on(drive) -> None:
    monitor = OverfittingMonitor(patience=2)
    epochs = epochs_of([(0.75, 0.5), (0.5, 0.5), (0.75, 0.5), (0.875, 0.75), (1.0, 0.5)])
    for _ in range(2):
        with pytest.warns(OverfittingWarning) as caught:
            assert drive(monitor, epochs) == 5
        assert [str(warning.message) for warning in caught] == [
            "Overfitting in epoch 4: accuracy is 0.875 in training and 0.75 in validation, a gap of 0.125, above 0.05 "
            "for 2 epochs in a row. More data, augmentation, dropout, a smaller model or fewer epochs narrow it."
        ]
        assert monitor.gaps == [0.25, 0.0, 0.25, 0.125, 0.5]
        assert monitor.stopped_epoch is None


def test_it_warns_at_epoch_0(drive) -> None:
    with pytest.warns(OverfittingWarning, match="epoch 1: loss is 0.5 in training and 2 in validation, a gap of 1.5, "):
        drive(OverfittingMonitor("loss", max_gap=1), epochs_of([(0.5, 2.0)], "loss"))


def test_no_gap_is_no_warning(drive) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # The gap must be above the largest that is accepted; validation may be better than training.
        drive(OverfittingMonitor(max_gap=0.125), epochs_of([(0.875, 0.75), (0.5, 0.875)]))
    assert caught == []


def test_gaps_kept_from_one_training_are_not_changed_by_the_next(drive) -> None:
    monitor = OverfittingMonitor(max_gap=0.5)
    drive(monitor, epochs_of([(0.5, 0.25), (0.5, 0.5)]))
    kept = monitor.gaps
    drive(monitor, epochs_of([(0.5, 0.375)]))
    assert (kept, monitor.gaps) == ([0.25, 0.0], [0.125])


def test_mode_says_which_way_a_metric_of_another_name_is_better(drive) -> None:
    for mode, gap in (("max", 0.25), ("min", -0.25)):
        monitor = OverfittingMonitor("score", mode=mode, max_gap=0.5)
        drive(monitor, epochs_of([(0.75, 0.5)], "score"))
        assert monitor.gaps == [gap]


# In a real fit


def test_the_gaps_of_fit_are_those_of_its_history(training) -> None:
    for metric, sign in (("loss", -1), ("accuracy", 1)):
        monitor = OverfittingMonitor(metric, max_gap=0.99)
        history = training.fit(monitor, validation_data=training.validation_data, epochs=3).history
        differences = sign * (np.array(history[metric]) - np.array(history[f"val_{metric}"]))
        np.testing.assert_array_equal(monitor.gaps, differences)


def test_stop_ends_fit_and_says_so(training, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = training.validation_data
    monitor = OverfittingMonitor("loss", max_gap=0.0, action="stop", patience=2, verbose=1)
    # Wrong labels in validation: there is a gap from the first epoch on.
    history = training.fit(monitor, validation_data=(x + 2 * np.sign(x), 1 - y))
    assert monitor.stopped_epoch == history.epoch[-1] == 1
    assert capsys.readouterr().out == f"Epoch 2: training stopped, gap of loss {monitor.gaps[1]:.4g} > 0\n"


def test_epochs_that_fit_does_not_validate_have_no_gap(training, caplog: pytest.LogCaptureFixture) -> None:
    monitor = OverfittingMonitor("loss", max_gap=99.0)
    history = training.fit(monitor, validation_data=training.validation_data, validation_freq=3).history
    expected = np.array(history["val_loss"]) - np.array(history["loss"])[[2, 5]]
    np.testing.assert_array_equal(monitor.gaps, expected)
    assert caplog.messages == [
        "OverfittingMonitor watches 'val_loss', and epoch 1 was not validated. If none will be, pass validation_data "
        "to fit."
    ]


def test_a_training_that_ended_before_its_first_validation_was_due_is_no_error(training) -> None:
    monitor, stop = OverfittingMonitor(), TimeBudgetStop(1e-9)
    training.fit(monitor, stop, validation_data=training.validation_data, validation_freq=3)
    assert (monitor.gaps, stop.stopped_epoch) == ([], 0)


def test_a_fit_without_any_epoch_is_no_error(training) -> None:
    training.fit(OverfittingMonitor(), epochs=2, initial_epoch=2)


# What is refused


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_a_training_without_validation_asks_for_its_data(training, monitor: str) -> None:
    with pytest.raises(
        MetricNotLoggedError,
        match=re.escape(
            f"OverfittingMonitor watches 'val_{monitor}', and no epoch of this training was validated. "
            f"Pass validation_data to fit. Logged: 'accuracy', 'loss'."
        ),
    ):
        training.fit(OverfittingMonitor(monitor), epochs=1)


def test_each_training_needs_validation_of_its_own(training) -> None:
    monitor = OverfittingMonitor("loss", max_gap=99.0)
    training.fit(monitor, validation_data=training.validation_data, epochs=1)
    with pytest.raises(MetricNotLoggedError, match="no epoch of this training was validated"):
        training.fit(monitor, epochs=1)


def test_a_metric_that_is_not_logged_lists_those_that_are(training) -> None:
    with pytest.raises(
        MetricNotLoggedError, match=r"Unknown metric 'acuracy'\. Did you mean 'accuracy' .*'val_loss'\."
    ):
        training.fit(OverfittingMonitor("acuracy", mode="max"), validation_data=training.validation_data)


def test_the_metric_of_validation_is_not_named(training) -> None:
    with pytest.raises(InputError, match=r"Did you mean 'accuracy'\? Received: monitor='val_accuracy'"):
        OverfittingMonitor("val_accuracy")


@pytest.mark.parametrize("max_gap", [-0.1, math.nan, math.inf, "0.1", None, True])
def test_max_gap_is_a_finite_number(max_gap) -> None:
    with pytest.raises(InputError, match=rf"max_gap is a finite number of at least 0\. Received: max_gap={max_gap!r}"):
        OverfittingMonitor("loss", max_gap=max_gap)
    with pytest.raises(InputError, match="max_gap is a fraction"):
        OverfittingMonitor("accuracy", max_gap=max_gap)


def test_a_gap_of_accuracy_in_percent_is_recognised() -> None:
    with pytest.raises(InputError, match=r"max_gap is a fraction, .* did you mean 0\.05\? Received: max_gap=5"):
        OverfittingMonitor(max_gap=5)
    assert OverfittingMonitor("loss", max_gap=5).max_gap == 5


@pytest.mark.parametrize("action", ["Stop", "", None])
def test_an_unknown_action_is_refused(action) -> None:
    with pytest.raises(InputError, match=rf"action is 'warn' or 'stop'\. Received: action={action!r}"):
        OverfittingMonitor(action=action)


@pytest.mark.parametrize("patience", [0, 1.0, False])
def test_patience_is_a_whole_number(patience) -> None:
    with pytest.raises(InputError, match="patience is a whole number of at least 1"):
        OverfittingMonitor(patience=patience)


def test_a_name_that_does_not_tell_asks_for_the_mode() -> None:
    with pytest.raises(InputError, match="The name 'score' does not tell"):
        OverfittingMonitor("score")
