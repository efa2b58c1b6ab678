"""A training against the same training written by hand, and its figures against NumPy and Keras."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import convvision
from convvision.datasets import Dataset
from convvision.training import Recipe, Run, train


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in model.get_weights()]


def assert_equal_weights(one: keras.Model, other: keras.Model) -> None:
    for left, right in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(left, right)


def differ(one: keras.Model, other: keras.Model) -> bool:
    return any(not np.array_equal(left, right) for left, right in zip(weights(one), weights(other), strict=True))


def lesson_compile(model: keras.Model) -> keras.Model:
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def plain(data: Dataset, make_dense: Callable[..., keras.Model]) -> Run:
    """Two epochs without validation, of a recipe for ten."""
    return train(make_dense(), data, Recipe("ten", epochs=10), epochs=2, verbose=0)


# The same as by hand


def train_by_hand(model: keras.Model, data: Dataset, *, seed: int, epochs: int) -> dict[str, list[float]]:
    """Batches of 32 in the documented order, a Python loop, and nothing of ours."""
    history: dict[str, list[float]] = {}
    images, labels = data.train
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(labels))
        logs: dict[str, float] = {}
        for start in range(0, len(labels), 32):
            chosen = order[start : start + 32]
            model.reset_metrics()
            of_batch = model.train_on_batch(images[chosen], labels[chosen], return_dict=True)
            for name, value in of_batch.items():
                logs[name] = logs.get(name, 0.0) + float(value) * len(chosen) / len(labels)
        if data.validation is not None:
            tested = model.evaluate(*data.validation, batch_size=32, return_dict=True, verbose=0)
            logs |= {f"val_{name}": value for name, value in tested.items()}
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))
    return history


def assert_close_weights(one: keras.Model, other: keras.Model) -> None:
    for left, right in zip(weights(one), weights(other), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)


def assert_close_histories(one: dict[str, list[float]], other: dict[str, list[float]]) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        assert values == pytest.approx(other[name], rel=1e-4), name


def test_it_is_the_training_of_the_lesson(data: Dataset) -> None:
    keras.utils.set_random_seed(7)
    # As the lesson writes it: not built, activations of TensorFlow's.
    by_hand = lesson_compile(
        keras.Sequential(
            [
                keras.layers.Flatten(),
                keras.layers.Dense(128, activation=tf.nn.relu),
                keras.layers.Dense(4, activation=tf.nn.softmax),
            ]
        )
    )
    by_hand.build((None, 12, 12, 1))
    history = train_by_hand(by_hand, data, seed=7, epochs=2)
    run = train("dense_128", data, epochs=2, seed=7, verbose=0)
    assert_close_weights(run.model, by_hand)
    assert_close_histories(run.history, history)


def test_it_is_the_training_of_the_lesson_with_convolutions(validated_data: Dataset) -> None:
    keras.utils.set_random_seed(3)
    by_hand = lesson_compile(convvision.create_model("conv_16_16", (12, 12, 1), 4))
    history = train_by_hand(by_hand, validated_data, seed=3, epochs=2)
    run = train("conv_16_16", validated_data, "lesson", epochs=2, seed=3, verbose=0)
    assert_close_weights(run.model, by_hand)
    assert_close_histories(run.history, history)


def test_a_models_own_weights_are_trained_on(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    by_hand, given = make_dense(), make_dense()
    given.set_weights(by_hand.get_weights())
    train_by_hand(lesson_compile(by_hand), data, seed=4, epochs=1)
    run = train(given, data, epochs=1, seed=4, verbose=0)
    assert run.model is given
    assert_close_weights(given, by_hand)


def test_a_second_training_goes_on_from_the_first(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    model = make_dense()
    first = train(model, data, epochs=2, verbose=0)
    second = train(model, data, epochs=1, verbose=0)
    assert len(second.history["loss"]) == 1
    assert second.history["loss"][0] < first.history["loss"][0]


# Figures


def test_test_metrics_are_accuracy_and_cross_entropy_of_the_final_weights(run: Run, validated_data: Dataset) -> None:
    images, labels = validated_data.test
    probabilities = np.asarray(run.model(images), np.float64)
    hits = sum(int(row.argmax() == label) for row, label in zip(probabilities, labels, strict=True))
    loss = -np.mean([np.log(row[label]) for row, label in zip(probabilities, labels, strict=True)])
    assert 0 < hits < len(labels)
    assert run.metrics["test_accuracy"] == hits / len(labels)
    assert run.metrics["test_loss"] == pytest.approx(loss, rel=1e-5)


def test_test_metrics_are_those_of_evaluate(run: Run, validated_data: Dataset) -> None:
    loss, accuracy = run.model.evaluate(*validated_data.test, verbose=0)
    assert run.metrics["test_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert run.metrics["test_loss"] == pytest.approx(loss, rel=1e-5)


def test_validation_metrics_are_those_of_evaluate(run: Run, validated_data: Dataset) -> None:
    loss, accuracy = run.model.evaluate(*validated_data.validation, verbose=0)
    assert run.metrics["val_loss"] == run.history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert run.metrics["val_accuracy"] == run.history["val_accuracy"][-1] == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize("certainty", [50.0, 1e4])
def test_a_mistake_made_with_certainty_counts_in_full_and_leaves_the_loss_finite(
    certainty: float, run: Run, validated_data: Dataset
) -> None:
    # Whatever the image, the first class; 50 nats are beyond what Keras's epsilon would cut off.
    model = keras.models.clone_model(run.model)
    units = model.get_layer("classifier").input.shape[-1]
    model.get_layer("classifier").set_weights([np.zeros((units, 4)), np.array([certainty, 0, 0, 0])])
    metrics = dataclasses.replace(run, model=model).evaluate(validated_data)
    assert metrics["test_accuracy"] == 0.25
    assert metrics["test_loss"] == pytest.approx(0.75 * min(certainty, 126 * np.log(2)), rel=1e-5)


def test_history_has_a_value_an_epoch_and_validation_only_where_there_is_some(run: Run, plain: Run) -> None:
    assert set(run.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in [*run.history.values(), run.seconds_per_epoch]} == {3}
    assert set(plain.history) == {"loss", "accuracy"}
    assert {len(values) for values in [*plain.history.values(), plain.seconds_per_epoch]} == {2}
    assert set(plain.metrics) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}


def test_train_metrics_are_the_last_epochs(run: Run) -> None:
    assert run.metrics["train_accuracy"] == run.history["accuracy"][-1]
    assert run.metrics["train_loss"] == run.history["loss"][-1]
    assert run.history["loss"][-1] < run.history["loss"][0]


def test_the_run_says_what_was_trained_on(run: Run, validated_data: Dataset) -> None:
    record = run.data
    assert (record.name, record.image_shape, record.class_names) == (
        "quarters",
        (12, 12, 1),
        ("top left", "top right", "bottom left", "bottom right"),
    )
    assert (record.train_count, record.validation_count, record.test_count) == (160, 40, 60)
    assert record.scaling == validated_data.scaling
    digests = [
        hashlib.sha256(
            b"".join(f"{array.dtype.str}{array.shape}".encode() + array.tobytes() for array in split)
        ).hexdigest()
        for split in (validated_data.train, validated_data.validation, validated_data.test)
    ]
    assert record.fingerprint == hashlib.sha256("".join(digests).encode()).hexdigest()
    assert record.test_fingerprint == digests[-1]


def test_the_run_says_when_and_with_what_it_was_made(run: Run) -> None:
    assert run.versions["keras"] == keras.__version__
    assert run.versions["tensorflow"] == tf.__version__
    assert run.versions["numpy"] == np.__version__
    assert run.versions["convvision"] == convvision.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", run.created)
    assert (run.seed, run.interrupted) == (5, False)


def test_repr_says_what_and_how_well(run: Run) -> None:
    assert re.fullmatch(r"<Run of 'small_conv' on 'quarters', 3 epochs: .*test_accuracy=0\.\d{4}.*>", repr(run))


# Models of every kind


def test_logits_and_probabilities_learn_the_same(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    softmax, logits = make_dense(), make_dense(classifier_activation=None)
    logits.set_weights(softmax.get_weights())
    of_softmax, of_logits = (train(model, data, epochs=2, verbose=0) for model in (softmax, logits))
    np.testing.assert_allclose(of_logits.history["loss"], of_softmax.history["loss"], rtol=1e-4)
    assert of_logits.metrics["test_accuracy"] == of_softmax.metrics["test_accuracy"]
    assert of_logits.metrics["test_loss"] == pytest.approx(of_softmax.metrics["test_loss"], rel=1e-4)


def unbuilt() -> keras.Model:
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")])


def nested_logits() -> keras.Model:
    inner = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(4, 3)])
    return keras.Sequential([keras.Input((12, 12, 1)), inner, keras.layers.GlobalAveragePooling2D()])


@pytest.mark.parametrize("build", [unbuilt, nested_logits])
def test_the_loss_fits_the_ending_of_the_model(build: Callable[[], keras.Model], data: Dataset) -> None:
    run = train(build(), data, Recipe("still", learning_rate=1e-30), epochs=1, verbose=0)
    outputs = np.asarray(run.model(data.train.images), np.float64)
    if build is nested_logits:
        outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    chosen = outputs[np.arange(len(outputs)), data.train.labels]
    # The weights stand still, so the loss of the epoch is that of one set of weights.
    assert run.history["loss"][0] == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_colour_images(make_data: Callable[..., Dataset]) -> None:
    run = train("conv_16_16", make_data(channels=3), epochs=1, verbose=0)
    assert run.model.input_shape == (None, 12, 12, 3)
    assert run.data.image_shape == (12, 12, 3)


def test_data_by_name(registered: str, data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    run = train("dense_128", registered, epochs=1, verbose=0)
    assert run.data.name == registered
    assert_equal_weights(run.model, train("dense_128", data, epochs=1, verbose=0).model)


# Seeds


def test_the_same_seed_gives_the_same_weights_bit_by_bit_and_another_seed_others(data: Dataset) -> None:
    one, same, other = (train("conv_16_16", data, epochs=1, seed=seed, verbose=0) for seed in (11, 11, 12))
    assert_equal_weights(one.model, same.model)
    assert one.history == same.history
    assert one.metrics == same.metrics
    assert differ(one.model, other.model)


def test_the_seed_also_decides_on_the_order_of_the_images(
    data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    one, other = make_dense(), make_dense()
    other.set_weights(one.get_weights())
    train(one, data, epochs=1, seed=0, verbose=0)
    train(other, data, epochs=1, seed=1, verbose=0)
    assert differ(one, other)


def test_dropout_follows_the_seed(data: Dataset) -> None:
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = convvision.create_model("dense_128", (12, 12, 1), 4, dropout=0.5)
        runs.append(train(model, data, epochs=1, seed=2, verbose=0))
    assert_equal_weights(runs[0].model, runs[1].model)


# Recipes


class CountSteps(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1


def test_every_field_of_a_recipe_takes_effect(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    recipe = Recipe("slow_sgd", optimizer="sgd", learning_rate=0.03, batch_size=60, epochs=2)
    counted = CountSteps()
    run = train(make_dense(), data, recipe, callbacks=[counted], verbose=0)
    assert run.recipe is recipe
    assert type(run.model.optimizer) is keras.optimizers.SGD
    assert float(run.model.optimizer.learning_rate) == pytest.approx(0.03)
    # 200 images in batches of 60 are four steps, the last of 20 images.
    assert (len(run.history["loss"]), counted.steps) == (2, 8)


def test_a_step_of_gradient_descent_is_the_learning_rate_times_the_gradient(data: Dataset) -> None:
    keras.utils.set_random_seed(0)
    model = unbuilt()
    model.build((None, 12, 12, 1))
    kernel, bias = (weight.astype(np.float64) for weight in model.get_weights())
    pixels = data.train.images.reshape(200, -1).astype(np.float64)
    scores = pixels @ kernel + bias
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    error = (probabilities - np.eye(4)[data.train.labels]) / 200
    recipe = Recipe("one_step", optimizer="sgd", learning_rate=0.5, batch_size=200, epochs=1)
    train(model, data, recipe, verbose=0)
    trained_kernel, trained_bias = model.get_weights()
    np.testing.assert_allclose(trained_kernel, kernel - 0.5 * pixels.T @ error, atol=1e-5)
    np.testing.assert_allclose(trained_bias, bias - 0.5 * error.sum(axis=0), atol=1e-5)


def test_epochs_overrides_the_recipe_and_the_run_says_so(plain: Run) -> None:
    assert len(plain.history["loss"]) == 2
    assert plain.recipe == Recipe("ten", epochs=2)


# What it leaves alone


def test_images_and_labels_are_not_changed(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    before = [array.copy() for split in (data.train, data.test) for array in split]
    train(make_dense(), data, epochs=1, verbose=0)
    after = [array for split in (data.train, data.test) for array in split]
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left, right)
        assert left.dtype == right.dtype
