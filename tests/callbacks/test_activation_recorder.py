"""What is recorded is what the network makes of the images at that time, whatever becomes of the training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from convvision.callbacks import AccuracyThresholdStop, ActivationRecorder
from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import extract_activations, load_recording

SHAPE = (8, 8, 1)
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.random((24, *SHAPE), np.float32), np.arange(24) % 3
IMAGES = X[:2]


def new_model() -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Snapshots(keras.callbacks.Callback):
    """Keeps the weights after each epoch, to compute again what was to be recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[int, list[np.ndarray]] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.weights.setdefault(epoch, self.model.get_weights())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.weights[epoch + 1] = self.model.get_weights()


class Interruption(keras.callbacks.Callback):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._at, self._epoch = epoch, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self._epoch, batch) == (self._at, 1):
            raise KeyboardInterrupt


def fit(model: Any, *callbacks: Any, **options: Any) -> Any:
    return model.fit(X, Y, batch_size=8, verbose=0, callbacks=list(callbacks), **({"epochs": 3} | options))


def test_moments_are_those_of_the_weights_at_that_time() -> None:
    model, snapshots, recorder = new_model(), Snapshots(), ActivationRecorder(IMAGES, dtype="float32")
    fit(model, snapshots, recorder)
    recording = recorder.recording
    assert recording is not None
    assert recording.epochs.tolist() == [0, 1, 2, 3]
    assert recording.epochs.dtype == np.int64
    assert [(layer.name, layer.kind) for layer in recording.layers] == [
        ("conv", "Conv2D"), ("norm", "BatchNormalization"),
    ]  # fmt: skip
    assert recording["conv"].maps.shape == (4, 2, 6, 6, 4)
    assert str(recording["norm"].receptive_field) == "3 × 3"
    again = new_model()
    for moment, epoch in enumerate(recording.epochs.tolist()):
        again.set_weights(snapshots.weights[epoch])
        expected = extract_activations(again, IMAGES)
        for layer in recording.layers:
            np.testing.assert_allclose(layer.maps[moment], expected[layer.name].maps, atol=1e-5)
        assert recording.logits is not None
        np.testing.assert_allclose(recording.logits[moment], expected.logits, atol=1e-5)
    assert not np.allclose(recording["conv"].maps[0], recording["conv"].maps[3], atol=1e-3)


def test_recording_does_not_change_what_is_learned() -> None:
    alone, watched = new_model(), new_model()
    keras.utils.set_random_seed(1)
    without = fit(alone).history
    keras.utils.set_random_seed(1)
    assert fit(watched, ActivationRecorder(IMAGES)).history == without
    for one, other in zip(alone.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_half_precision_keeps_three_digits_and_its_own_bounds() -> None:
    model = new_model()
    kernel, _ = model.get_layer("conv").get_weights()
    model.get_layer("conv").set_weights([kernel, np.array([0, 1e6, 0, 0])])
    half, full = ActivationRecorder(IMAGES, "conv"), ActivationRecorder(IMAGES, "conv", dtype="float32")
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    fit(model, half, full, epochs=1)
    assert half.recording is not None
    assert full.recording is not None
    rough, exact = half.recording["conv"].maps, full.recording["conv"].maps
    assert (rough.dtype, exact.dtype) == (np.float16, np.float32)
    assert rough.nbytes == exact.nbytes / 2
    assert (exact[..., 1] > 9e5).all()
    assert (rough[..., 1] == 65504).all()
    np.testing.assert_allclose(rough[..., [0, 2, 3]], exact[..., [0, 2, 3]], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("every", "epochs"), [(1, [0, 1, 2, 3]), (2, [0, 2]), (9, [0])])
def test_every_so_many_epochs(every: int, epochs: list[int]) -> None:
    recorder = ActivationRecorder(IMAGES, every=every)
    fit(new_model(), recorder)
    assert recorder.recording is not None
    assert recorder.recording.epochs.tolist() == epochs


def test_a_training_that_goes_on_begins_with_the_number_of_its_epochs() -> None:
    model, recorder = new_model(), ActivationRecorder(IMAGES)
    fit(model, recorder, epochs=2)
    first = recorder.recording
    fit(model, recorder, epochs=5, initial_epoch=2)
    second = recorder.recording
    assert first is not None
    assert second is not None
    assert (first.epochs.tolist(), second.epochs.tolist()) == ([0, 1, 2], [2, 3, 4, 5])
    # Where the first ended, and what the caller has kept of it is as it was.
    np.testing.assert_array_equal(first["conv"].maps[-1], second["conv"].maps[0])
    assert first["conv"].maps.shape[0] == 3


def test_another_model_may_be_watched_next() -> None:
    recorder = ActivationRecorder(IMAGES, 1)
    fit(new_model(), recorder, epochs=1)
    other = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(7, 5), layers.Flatten(), layers.Dense(3)])
    other.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fit(other, recorder, epochs=1)
    assert recorder.recording is not None
    assert recorder.recording.layers[0].maps.shape == (2, 2, 4, 4, 7)


def test_an_interrupted_training_leaves_the_epochs_that_it_finished() -> None:
    model, recorder, snapshots = new_model(), ActivationRecorder(IMAGES, dtype="float32"), Snapshots()
    with pytest.raises(KeyboardInterrupt):
        fit(model, recorder, snapshots, Interruption(epoch=2), epochs=5)
    recording = recorder.recording
    assert recording is not None
    assert recording.epochs.tolist() == [0, 1, 2]
    model.set_weights(snapshots.weights[2])
    np.testing.assert_allclose(recording["conv"].maps[-1], extract_activations(model, IMAGES)["conv"].maps, atol=1e-5)


def test_an_interruption_while_it_records_leaves_whole_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, calls = ActivationRecorder(IMAGES), []

    def interrupted(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return extract_activations(*arguments)

    monkeypatch.setattr("convvision.callbacks._activation_recorder.extract_activations", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(new_model(), recorder)
    assert recorder.recording is not None
    assert recorder.recording.epochs.tolist() == [0, 1]
    assert len(recorder.recording.layers[0].maps) == 2


def test_a_training_that_another_callback_stops_ends_with_that_epoch() -> None:
    recorder = ActivationRecorder(IMAGES)
    fit(new_model(), recorder, AccuracyThresholdStop(0.0), epochs=9)
    assert recorder.recording is not None
    assert recorder.recording.epochs.tolist() == [0, 1]


def test_a_model_that_is_built_by_its_first_batch() -> None:
    model = keras.Sequential([layers.Conv2D(2, 3, name="conv"), layers.Flatten(), layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    recorder = ActivationRecorder(IMAGES)
    fit(model, recorder, epochs=1)
    assert recorder.recording is not None
    assert recorder.recording.epochs.tolist() == [0, 1]


def test_images_are_those_of_the_beginning() -> None:
    images = IMAGES.copy()
    recorder = ActivationRecorder(images)
    images[:] = 7
    fit(new_model(), recorder, epochs=1)
    assert recorder.recording is not None
    np.testing.assert_array_equal(recorder.recording.images, IMAGES)


def test_before_the_first_training_there_is_nothing_and_afterwards_it_can_be_saved(tmp_path: Any) -> None:
    recorder = ActivationRecorder(IMAGES, "conv")
    assert recorder.recording is None
    fit(new_model(), recorder, epochs=1)
    assert recorder.recording is not None
    read = load_recording(recorder.recording.save(tmp_path / "learning.npz"))
    np.testing.assert_array_equal(read["conv"].maps, recorder.recording["conv"].maps)


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"every": 0}, InputError, "every is a whole number of at least 1"),
        ({"dtype": "float64"}, InputError, r"dtype is 'float16' or 'float32'\. Received: dtype='float64'"),
        ({"images": X[0]}, ShapeError, "Images have the shape"),
        ({"images": X * np.nan}, ValueRangeError, "NaN"),
    ],
)
def test_arguments_that_cannot_be(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ActivationRecorder(**({"images": IMAGES} | options))


def test_what_the_model_does_not_take_ends_the_training_before_it_begins() -> None:
    model = new_model()
    before = model.get_weights()
    with pytest.raises(UnknownNameError, match="Did you mean 'conv'"):
        fit(model, ActivationRecorder(IMAGES, "convo"))
    with pytest.raises(ShapeError, match=r"\(N, 8, 8, 1\) here"):
        fit(model, ActivationRecorder(IMAGES[:, 1:]))
    for left, right in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
