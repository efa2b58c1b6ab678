"""The mean of the last weights, against NumPy on weights that were recorded step by step."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.training import Recipe, train
from convvision.training._graph_loop import GraphLoop

# Five steps an epoch of 160 images, fifteen in all: the mean is over the last six.
RECIPE = Recipe("mean", learning_rate=0.01, epochs=3, averaging=0.4)


class Named(keras.Model):
    """A class of one's own, whose layers are not called one by one."""


class Weights(keras.callbacks.Callback):
    """Records the weights after every step and at the end of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[list[np.ndarray]] = []
        self.epochs: list[list[np.ndarray]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps.append(self.model.get_weights())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(self.model.get_weights())


def normalised(kind: type = keras.Model) -> keras.Model:
    image = keras.Input((12, 12, 1))
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Flatten()(keras.layers.ReLU()(x))
    return kind(image, keras.layers.Dense(4, activation="softmax")(x), name="normalised")


def mean_of(weights: list[list[np.ndarray]]) -> list[np.ndarray]:
    return [np.mean(each, axis=0, dtype=np.float64) for each in zip(*weights, strict=True)]


@pytest.mark.parametrize("kind", [keras.Model, Named])
def test_the_model_ends_with_the_mean_and_the_statistics_that_go_with_it(kind: type, validated_data: Dataset) -> None:
    keras.utils.set_random_seed(1)
    model, recorder = normalised(kind), Weights()
    run = train(model, validated_data, RECIPE, callbacks=[recorder], seed=6, verbose=0)
    assert len(recorder.steps) == 15
    assert run.execution["averaged_steps"] == 6
    expected = mean_of(recorder.steps[9:])
    for variable, value in zip(model.weights, expected, strict=True):
        if variable.trainable:
            np.testing.assert_allclose(variable, value, atol=1e-6, err_msg=variable.path)

    # Statistics: of each batch of a fourth pass, weighted by its images, with the kernels of the mean.
    images = validated_data.train.images
    order = np.random.default_rng([6, 3]).permutation(160)
    maps = keras.ops.convert_to_numpy(keras.ops.conv(images[order], expected[0].astype(np.float32)))
    batches = [maps[start : start + 32] for start in range(0, 160, 32)]
    norm = model.get_layer("norm")
    np.testing.assert_allclose(norm.moving_mean, np.mean([b.mean((0, 1, 2)) for b in batches], 0), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, np.mean([b.var((0, 1, 2)) for b in batches], 0), rtol=1e-4)
    assert norm.momentum == 0.99


def test_a_last_batch_of_few_images_counts_by_them(data: Dataset) -> None:
    model = normalised()
    train(model, data, Recipe("mean", batch_size=64, epochs=1, averaging=0.5), seed=2, verbose=0)
    order = np.random.default_rng([2, 1]).permutation(200)
    maps = keras.ops.convert_to_numpy(keras.ops.conv(data.train.images[order], model.get_layer("conv").kernel))
    batches = [maps[start : start + 64] for start in range(0, 200, 64)]
    expected = np.average([b.var((0, 1, 2)) for b in batches], axis=0, weights=[64, 64, 64, 8])
    np.testing.assert_allclose(model.get_layer("norm").moving_variance, expected, rtol=1e-4)
    np.testing.assert_allclose(model.get_layer("norm").moving_mean, maps.mean((0, 1, 2)), atol=1e-5)


def test_callbacks_see_the_weights_as_they_are_trained_until_the_last_epoch_is_over(validated_data: Dataset) -> None:
    recorder = Weights()
    run = train(normalised(), validated_data, RECIPE, callbacks=[recorder], verbose=0)
    for epoch in (0, 1):
        for left, right in zip(recorder.epochs[epoch], recorder.steps[5 * epoch + 4], strict=True):
            np.testing.assert_array_equal(left, right)
    for left, right in zip(recorder.epochs[2], run.model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(recorder.epochs[2][0], recorder.steps[14][0])
    # So the last figures of validation are those of the model.
    loss, accuracy = run.model.evaluate(*validated_data.validation, verbose=0)
    assert run.history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert run.history["val_accuracy"][-1] == pytest.approx(accuracy)


def test_chunks_of_many_steps_give_the_same_mean(data: Dataset) -> None:
    weights = []
    for callbacks in ([], [Weights()]):
        keras.utils.set_random_seed(1)
        model = normalised()
        train(model, data, RECIPE, callbacks=callbacks, verbose=0)
        weights.append(model.get_weights())
    for left, right in zip(*weights, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


@pytest.mark.parametrize(("stop_at", "steps"), [(0, 0), (1, 1)])
def test_a_training_that_ends_early_has_the_mean_of_what_there_is(
    stop_at: int, steps: int, validated_data: Dataset
) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == stop_at

    recorder = Weights()
    run = train(normalised(), validated_data, RECIPE, callbacks=[recorder, Stop()], verbose=0)
    assert run.execution["averaged_steps"] == steps
    last = recorder.steps[-1]
    # After ten of fifteen steps it is the mean of one step, which is that step.
    for variable, value in zip(run.model.weights, last, strict=True):
        if variable.trainable:
            np.testing.assert_allclose(variable, value, atol=1e-6)
    if steps == 0:
        for found, value in zip(run.model.get_weights(), last, strict=True):
            np.testing.assert_array_equal(found, value)


def test_an_interrupted_training_keeps_the_weights_of_the_moment(validated_data: Dataset) -> None:
    class Interrupt(Weights):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            super().on_train_batch_end(batch, logs)
            if len(self.steps) == 12:
                raise KeyboardInterrupt

    recorder = Interrupt()
    run = train(normalised(), validated_data, RECIPE, callbacks=[recorder], verbose=0)
    assert run.interrupted
    assert run.execution["averaged_steps"] == 0
    for left, right in zip(run.model.get_weights(), recorder.steps[-1], strict=True):
        np.testing.assert_array_equal(left, right)


def test_interrupted_while_it_takes_effect_nothing_of_it_stays(
    validated_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: GraphLoop) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(GraphLoop, "_estimate_statistics", interrupt)
    recorder = Weights()
    run = train(normalised(), validated_data, RECIPE, callbacks=[recorder], verbose=0)
    assert run.interrupted
    for left, right in zip(run.model.get_weights(), recorder.steps[-1], strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_part_too_small_for_a_step_is_the_last_step(data: Dataset) -> None:
    run = train("dense_128", data, Recipe("mean", epochs=1, averaging=0.001), verbose=0)
    assert run.execution["averaged_steps"] == 1


def test_weights_that_a_callback_brings_back_are_not_called_a_mean(validated_data: Dataset) -> None:
    class Restore(Weights):
        def on_train_end(self, logs: Any = None) -> None:
            self.model.set_weights(self.steps[0])

    recorder = Restore()
    run = train(normalised(), validated_data, RECIPE, callbacks=[recorder], verbose=0)
    assert run.execution["averaged_steps"] == 0
    for left, right in zip(run.model.get_weights(), recorder.steps[0], strict=True):
        np.testing.assert_array_equal(left, right)
