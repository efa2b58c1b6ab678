"""What happens while a training goes on: callbacks, seconds, the progress bar, Ctrl-C, a loss that is NaN."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.errors import NonFiniteLossError
from convvision.training import Recipe, load_run, train
from convvision.training._fit_callbacks import EpochClock, EpochRecorder, NonFiniteLossGuard

HOOKS = [
    f"on_{what}_{when}"
    for what in ("train", "epoch", "train_batch", "test", "test_batch", "predict", "predict_batch")
    for when in ("begin", "end")
]


class Hooks(keras.callbacks.Callback):
    """Notes every hook with its number, and which logs it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[int, ...], frozenset[str]]] = []


def _noting(hook: str) -> Callable[..., None]:
    def note(self: Hooks, *numbers: Any, logs: dict[str, Any] | None = None) -> None:
        given = [logs or {}, *(number for number in numbers if isinstance(number, dict))]
        counts = tuple(number for number in numbers if isinstance(number, int))
        self.calls.append((hook, counts, frozenset(itertools.chain(*given))))

    return note


for _hook in HOOKS:
    setattr(Hooks, _hook, _noting(_hook))


class OnBatch(keras.callbacks.Callback):
    """Does something at the end of one batch."""

    def __init__(self, epoch: int, batch: int, action: Callable[[], None]) -> None:
        super().__init__()
        self.when = (epoch, batch)
        self.action = action
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.epoch, batch) == self.when:
            self.action()


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


# Callbacks


def test_callbacks_are_called_as_fit_calls_them(
    validated_data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    by_hand, ours = Hooks(), Hooks()
    model = make_dense()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    validation = tuple(validated_data.validation)
    model.fit(*validated_data.train, validation_data=validation, epochs=2, callbacks=[by_hand], verbose=0)
    train(make_dense(), validated_data, epochs=2, callbacks=[ours], verbose=0)
    assert ours.calls == by_hand.calls
    # 160 images in batches of 32, and 40 for validation.
    assert sum(name == "on_train_batch_end" for name, *_ in ours.calls) == 10
    assert ("on_epoch_end", (1,), frozenset({"loss", "accuracy", "val_loss", "val_accuracy"})) in ours.calls


def test_a_callback_may_stop_the_training(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    class StopAfterTwo(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    run = train(make_dense(), data, epochs=9, callbacks=[StopAfterTwo()], verbose=0)
    assert len(run.history["loss"]) == len(run.seconds_per_epoch) == 2
    assert not run.interrupted
    assert "test_accuracy" in run.metrics
    assert run.recipe.epochs == 9


def test_an_error_in_a_callback_is_the_users_own(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    def fail() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        train(make_dense(), data, callbacks=[OnBatch(0, 1, fail)], verbose=0)


# Seconds


def test_seconds_an_epoch_are_those_of_training_alone(
    validated_data: Dataset, make_dense: Callable[..., keras.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("convvision.training._fit_callbacks.time", SimpleNamespace(perf_counter=lambda: clock.now))

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.now += 1

        def on_test_begin(self, logs: Any = None) -> None:
            clock.now += 100

        on_test_end = on_test_begin

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.now += 1000

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            clock.now += 10_000

    run = train(make_dense(), validated_data, epochs=2, callbacks=[Clock()], verbose=0)
    # Five batches an epoch, a second each.
    assert run.seconds_per_epoch == [5.0, 5.0]
    assert clock.now > 20_000


def test_without_validation_the_whole_epoch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 17.0, 20.0, 24.0])
    monkeypatch.setattr("convvision.training._fit_callbacks.time.perf_counter", lambda: next(times))
    clock = EpochClock()
    for epoch in range(2):
        clock.on_epoch_begin(epoch)
        clock.on_epoch_end(epoch)
    assert clock.seconds == [7.0, 4.0]


def test_numbers_are_recorded_and_a_metric_that_is_not_logged_is_nan() -> None:
    recorder = EpochRecorder()
    recorder.on_epoch_end(0, {"loss": np.float32(0.5), "f1": np.array([0.1, 0.2])})
    recorder.on_epoch_end(1, {"loss": np.float32(0.25), "val_loss": 0.75})
    assert recorder.history["loss"] == [0.5, 0.25]
    assert np.array_equal(recorder.history["val_loss"], [np.nan, 0.75], equal_nan=True)
    assert set(recorder.history) == {"loss", "val_loss"}
    assert {type(value) for value in recorder.history["loss"]} == {float}


# The progress bar


def test_the_progress_bar_is_drawn_on_standard_error_alone(
    validated_data: Dataset, make_dense: Callable[..., keras.Model], capfd: pytest.CaptureFixture[str]
) -> None:
    run = train(make_dense(name="seen"), validated_data, epochs=2, verbose=1)
    shown = capfd.readouterr()
    assert shown.out == ""
    first, second = (line for line in shown.err.splitlines() if line.startswith("seen "))
    assert first.startswith("seen 1/2")
    assert second.startswith("seen 2/2")
    for line, accuracy, validation in zip(
        (first, second), run.history["accuracy"], run.history["val_accuracy"], strict=True
    ):
        assert "5/5" in line
        assert f"accuracy {accuracy:.4f}  val_accuracy {validation:.4f}" in line


def test_it_draws_by_default(
    data: Dataset, make_dense: Callable[..., keras.Model], capsys: pytest.CaptureFixture[str]
) -> None:
    train(make_dense(name="seen"), data, epochs=1)
    assert "seen 1/1" in capsys.readouterr().err


def test_verbose_0_is_silent(
    data: Dataset, make_dense: Callable[..., keras.Model], capsys: pytest.CaptureFixture[str]
) -> None:
    train(make_dense(name="unseen"), data, epochs=1, verbose=0)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_the_bar_is_closed_when_the_training_fails(
    data: Dataset, make_dense: Callable[..., keras.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    from convvision.training._fit_callbacks import ProgressBar

    drawn = []
    close = ProgressBar.close
    monkeypatch.setattr(ProgressBar, "close", lambda bar: (drawn.append(bar._bar), close(bar)))

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        train(make_dense(), data, callbacks=[OnBatch(0, 0, fail)])
    (bar,) = drawn
    assert not bar.live.is_started


# Ctrl-C


def test_ctrl_c_leaves_a_run_of_the_finished_epochs_that_can_be_kept(
    validated_data: Dataset, make_dense: Callable[..., keras.Model], tmp_path: Path
) -> None:
    whole = make_dense()
    stopped = make_dense()
    stopped.set_weights(whole.get_weights())
    untouched = train(whole, validated_data, epochs=1, seed=3, verbose=0)

    run = train(stopped, validated_data, epochs=5, seed=3, callbacks=[OnBatch(1, 2, press_ctrl_c)], verbose=0)

    assert run.interrupted
    assert run.history == untouched.history
    assert len(run.seconds_per_epoch) == 1
    assert run.metrics == {}
    assert run.recipe.epochs == 5
    assert repr(run) == "<Run of 'dense_8' on 'quarters', 1 epoch: interrupted>"
    # Three steps of the second epoch are in the weights.
    assert not np.array_equal(stopped.get_weights()[0], whole.get_weights()[0])

    loaded = load_run(run.save(tmp_path / "run"))
    assert loaded.interrupted
    assert (loaded.history, loaded.metrics) == (run.history, {})
    images = validated_data.test.images
    np.testing.assert_array_equal(loaded.predict(images).probabilities, run.predict(images).probabilities)
    assert run.plot_history().axes_.shape == (1, 2)


def test_ctrl_c_in_the_first_epoch_leaves_an_empty_history(
    data: Dataset, make_dense: Callable[..., keras.Model], tmp_path: Path
) -> None:
    run = train(make_dense(), data, callbacks=[OnBatch(0, 0, press_ctrl_c)], verbose=0)
    assert (run.interrupted, run.history, run.seconds_per_epoch, run.metrics) == (True, {}, [], {})
    loaded = load_run(run.save(tmp_path / "run"))
    assert (loaded.interrupted, loaded.history, loaded.seconds_per_epoch) == (True, {}, [])


def test_ctrl_c_during_the_test_loses_nothing(
    data: Dataset, make_dense: Callable[..., keras.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convvision.training._train.score", lambda *_: press_ctrl_c())
    run = train(make_dense(), data, epochs=2, verbose=0)
    assert (run.interrupted, run.metrics) == (True, {})
    assert len(run.history["loss"]) == 2


# A loss that is no number


def test_a_loss_that_becomes_nan_stops_with_epoch_batch_and_learning_rate(
    data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    before = data.train.images.copy()
    model = make_dense()
    reference = keras.models.clone_model(model)
    reference.set_weights(model.get_weights())
    reference.compile(keras.optimizers.SGD(1e30), "sparse_categorical_crossentropy")
    images, labels = data.train
    order = np.random.default_rng([0, 0]).permutation(len(labels))
    batches = [order[start : start + 32] for start in range(0, len(labels), 32)]
    losses = [float(reference.train_on_batch(images[batch], labels[batch])) for batch in batches]
    first = int(np.flatnonzero(~np.isfinite(losses))[0])
    assert 0 < first < len(losses)

    for callbacks, by in (([], "[2-7]"), ([OnBatch(9, 9, press_ctrl_c)], str(first + 1))):
        said = rf"became (nan|inf) in epoch 1, by batch {by}, with learning rate 1e\+30\. Lower the"
        given = keras.models.clone_model(model)
        given.set_weights(model.get_weights())
        recipe = Recipe("too_fast", optimizer="sgd", learning_rate=1e30)
        # A callback that wants every batch has the loss looked at after every batch.
        with pytest.raises(NonFiniteLossError, match=said):
            train(given, data, recipe, callbacks=callbacks, seed=0, verbose=0)
    np.testing.assert_array_equal(data.train.images, before)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_the_guard_counts_from_one_and_reads_the_learning_rate_of_the_moment(loss: float) -> None:
    guard = NonFiniteLossGuard()
    guard.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=np.float32(0.25))))
    guard.on_epoch_begin(2)
    guard.on_train_batch_end(8, {"loss": 3.0})
    with pytest.raises(NonFiniteLossError, match=rf"became {loss} in epoch 3, by batch 10, with learning rate 0\.25\."):
        guard.on_train_batch_end(9, {"loss": loss})
