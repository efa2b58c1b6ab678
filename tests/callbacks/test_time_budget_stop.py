"""TimeBudgetStop: which batch is the last, and what still happens after it."""

from __future__ import annotations

import math
from types import SimpleNamespace

import keras
import pytest

from convvision.callbacks import TimeBudgetStop
from convvision.errors import InputError


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Work(keras.callbacks.Callback):
    """Lets a batch take so many seconds of a clock, and counts the batches."""

    def __init__(self, clock: Clock, *, batch: float) -> None:
        super().__init__()
        self.clock, self.batch, self.batches = clock, batch, 0

    def on_train_batch_begin(self, batch, logs=None) -> None:
        self.batches += 1
        self.clock.now += self.batch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("convvision.callbacks._time_budget_stop.time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.mark.parametrize(
    ("seconds", "batches", "epoch"),
    [(0.5, 1, 0), (2.0, 1, 0), (2.5, 2, 0), (10.0, 5, 0), (11.0, 6, 1), (29.0, 15, 2), (100.0, 15, None)],
)
def test_the_last_batch_is_the_one_that_uses_the_budget_up(
    seconds: float, batches: int, epoch: int | None, clock: Clock, drive
) -> None:
    # Three epochs of five batches of two seconds.
    stop, work = TimeBudgetStop(seconds), Work(clock, batch=2.0)
    drive(stop, [{}] * 3, batches=5, others=[work])
    assert (work.batches, stop.stopped_epoch) == (batches, epoch)
    assert stop.elapsed == 2.0 * batches


def test_a_budget_used_up_by_validation_begins_no_further_epoch(clock: Clock, drive) -> None:
    class Validation(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None) -> None:
            self.left = 2

        def on_train_batch_end(self, batch, logs=None) -> None:
            self.left -= 1
            # After the time budget has looked at the last batch, as validation comes after it.
            clock.now += 100.0 if self.left == 0 else 1.0

    stop = TimeBudgetStop(50.0)
    assert drive(stop, [{}] * 3, batches=2, others=[Validation()]) == 1
    assert (stop.stopped_epoch, stop.elapsed) == (0, 101.0)


def test_each_training_has_the_whole_budget_and_its_own_epochs(clock: Clock, drive) -> None:
    stop, work = TimeBudgetStop(5.0), Work(clock, batch=2.0)
    assert drive(stop, [{}] * 2, batches=2, others=[work]) == 2
    clock.now += 1e6
    assert drive(stop, [{}] * 4, initial_epoch=7, others=[work]) == 3
    assert (stop.stopped_epoch, stop.elapsed) == (9, 6.0)
    assert drive(stop, [{}], others=[work]) == 1
    assert (stop.stopped_epoch, stop.elapsed) == (None, 2.0)


def test_verbose_prints_one_line(clock: Clock, drive, capsys: pytest.CaptureFixture[str]) -> None:
    drive(TimeBudgetStop(2.5, verbose=1), [{}] * 3, others=[Work(clock, batch=2.0)])
    assert capsys.readouterr().out == "Epoch 2: training stopped, 4.0 s passed of a budget of 2.5 s\n"
    drive(TimeBudgetStop(2.5), [{}] * 3, others=[Work(clock, batch=2.0)])
    drive(TimeBudgetStop(99, verbose=1), [{}] * 3, others=[Work(clock, batch=2.0)])
    assert capsys.readouterr().out == ""


# In a real fit: what Keras does once stop_training is set after a batch


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_fit_trains_no_further_batch_and_still_validates_in_full(training, steps_per_execution: int) -> None:
    model = training.new_model(steps_per_execution=steps_per_execution)
    stop = TimeBudgetStop(1e-9)
    history = training.fit(stop, model=model, validation_data=training.validation_data)
    assert int(model.optimizer.iterations) == steps_per_execution
    assert history.epoch == [stop.stopped_epoch] == [0]
    assert stop.elapsed > 0
    # The same figures as an evaluation of its own, so no batch of validation was left out.
    loss, accuracy = model.evaluate(*training.validation_data, batch_size=16, verbose=0)
    assert history.history["val_loss"] == pytest.approx([loss], rel=1e-5)
    assert history.history["val_accuracy"] == pytest.approx([accuracy])


def test_the_training_metrics_of_the_last_epoch_are_those_of_its_batches(training) -> None:
    before = training.model.evaluate(training.x[:16], training.y[:16], verbose=0)
    history = training.fit(TimeBudgetStop(1e-9))
    assert [history.history["loss"][0], history.history["accuracy"][0]] == pytest.approx(before, rel=1e-5)


def test_fit_within_the_budget_runs_to_its_end(training) -> None:
    stop = TimeBudgetStop(3600)
    assert len(training.fit(stop, epochs=2).epoch) == 2
    assert stop.stopped_epoch is None
    assert 0 < stop.elapsed < 3600


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, "60", None, True])
def test_the_budget_is_positive_and_finite(seconds) -> None:
    with pytest.raises(InputError, match=r"seconds is the time a training may take, above 0 and finite\. Received: s"):
        TimeBudgetStop(seconds)
