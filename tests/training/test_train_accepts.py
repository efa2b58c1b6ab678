"""Which models, data, recipes and seeds a training takes, and how it refuses the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from convvision.datasets import Dataset
from convvision.errors import InputError, ShapeError, UnknownNameError
from convvision.models._outputs import gives_logits
from convvision.training import Recipe, load_run, train
from convvision.training._graph_loop import GraphLoop


def classifier(*ending: Any) -> keras.Model:
    return keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), *ending], name="mine")


def functional(ending: Callable[[Any], Any], *, shape: tuple[int, ...] = (12, 12, 1)) -> keras.Model:
    image = keras.Input(shape)
    return keras.Model(image, ending(layers.Flatten()(image)), name="mine")


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.flatten = layers.Flatten()
        self.classifier = layers.Dense(4, activation="softmax")

    def call(self, images: Any) -> Any:
        return self.classifier(self.flatten(images))


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(self: Any, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("the training began")

    monkeypatch.setattr(keras.Model, "fit", fit)
    monkeypatch.setattr(GraphLoop, "fit", fit)


# Endings: probabilities or logits


@pytest.mark.parametrize(
    "ending",
    [
        [layers.Dense(4, activation="softmax")],
        [layers.Dense(4, activation=tf.nn.softmax)],
        [layers.Dense(4), layers.Softmax()],
        [layers.Dense(4), layers.Activation("softmax", dtype="float32")],
        [layers.Dense(4, activation="softmax"), layers.Activation("linear", dtype="float32")],
        [layers.Dense(4, activation="softmax"), layers.Dropout(0.1)],
        [layers.Dense(4, activation="softmax"), layers.Reshape((2, 2)), layers.Flatten()],
        [keras.Sequential([layers.Dense(4, activation="softmax")]), layers.Identity()],
    ],
    ids=["softmax", "tensorflow", "layer", "activation", "cast", "dropout", "reshaped", "nested"],
)
def test_a_softmax_near_the_end_gives_probabilities(ending: list[Any]) -> None:
    model = classifier(*ending)
    sums = np.asarray(model(np.random.default_rng(0).random((3, 12, 12, 1)))).sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    assert not gives_logits(model)


def test_a_softmax_that_is_an_operation_gives_probabilities() -> None:
    assert not gives_logits(functional(lambda x: keras.ops.softmax(layers.Dense(4)(x))))


@pytest.mark.parametrize(
    "ending",
    [
        [layers.Dense(4)],
        [layers.Dense(8, activation="softmax"), layers.Dense(4)],
        [layers.Dense(4), layers.Activation("linear", dtype="float32")],
        [layers.Dense(4), layers.Dropout(0.1)],
        [layers.Reshape((12, 12, 1)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()],
    ],
    ids=["dense", "softmax_before", "cast", "dropout", "pooled"],
)
def test_without_an_activation_at_the_end_it_gives_logits(ending: list[Any]) -> None:
    assert gives_logits(classifier(*ending))


@pytest.mark.parametrize(
    ("ending", "named"),
    [
        ([layers.Dense(4, activation="sigmoid", name="last")], "layer 'last' (Dense) with activation 'sigmoid'"),
        ([layers.Dense(4, activation="relu", name="last")], "layer 'last' (Dense) with activation 'relu'"),
        ([layers.Dense(4), layers.ReLU(name="last")], "layer 'last' (ReLU)."),
        ([layers.Dense(4), layers.BatchNormalization(name="last")], "layer 'last' (BatchNormalization)."),
        ([layers.Dense(4, activation=lambda x: x, name="last")], "layer 'last' (Dense) with activation '<lambda>'"),
    ],
)
@pytest.mark.usefixtures("no_fit")
def test_another_ending_is_refused_rather_than_guessed(ending: list[Any], named: str, data: Dataset) -> None:
    with pytest.raises(InputError, match=re.escape(named)) as refusal:
        train(classifier(*ending), data, verbose=0)
    assert str(refusal.value).startswith("A classifier ends in a softmax, or in a layer without an activation")
    assert "keras.layers.Softmax()" in str(refusal.value)


# Models that do not fit


@pytest.mark.usefixtures("no_fit")
def test_another_number_of_classes(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    with pytest.raises(InputError, match=r"'quarters' has 4 classes\. Received: a model with 7 outputs\. .*=4"):
        train(make_dense(num_classes=7), data, verbose=0)


@pytest.mark.parametrize("shape", [(28, 28, 1), (12, 12, 3)])
@pytest.mark.usefixtures("no_fit")
def test_images_of_another_shape(
    shape: tuple[int, int, int], data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    said = rf"reads images of shape {re.escape(str(shape))}\. Received: 'quarters' with images of shape \(12, 12, 1\)\."
    with pytest.raises(ShapeError, match=said):
        train(make_dense(input_shape=shape), data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_model_that_reads_no_images(data: Dataset) -> None:
    model = functional(layers.Dense(4), shape=(144,))
    with pytest.raises(ShapeError, match=r"reads images \(N, H, W, C\)\. Received: 'mine' .* \(None, 144\)"):
        train(model, data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_model_with_two_outputs(data: Dataset) -> None:
    model = functional(lambda x: [layers.Dense(4)(x), layers.Dense(4)(x)])
    with pytest.raises(InputError, match=r"one output of shape \(N, classes\)\. Received: .*\(None, 4\), \(None, 4\)"):
        train(model, data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_model_whose_output_is_no_row_of_classes(data: Dataset) -> None:
    model = functional(layers.Reshape((12, 12)))
    with pytest.raises(InputError, match=r"one output of shape \(N, classes\)\. Received: .*\(None, 12, 12\)"):
        train(model, data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_model_with_two_inputs(data: Dataset) -> None:
    one, other = keras.Input((12, 12, 1)), keras.Input((12, 12, 1))
    model = keras.Model([one, other], layers.Dense(4)(layers.Flatten()(layers.Add()([one, other]))), name="twin")
    with pytest.raises(InputError, match=r"images from one input\. Received: 'twin' with inputs of shape"):
        train(model, data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_subclassed_model_hides_its_layers(data: Dataset) -> None:
    model = Subclassed()
    with pytest.raises(InputError, match=r"'subclassed' are not connected yet.*keras\.Sequential or the functional"):
        train(model, data, verbose=0)
    model(data.test.images)
    with pytest.raises(InputError, match=r"keras\.Sequential or the functional API"):
        train(model, data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_sequential_model_that_cannot_be_built_for_the_images(data: Dataset) -> None:
    model = keras.Sequential([layers.Conv2D(4, 15), layers.Flatten(), layers.Dense(4)], name="coarse")
    with pytest.raises(ShapeError, match=r"'coarse' cannot be built for the images of 'quarters', \(12, 12, 1\)"):
        train(model, data, verbose=0)


@pytest.mark.parametrize("no_model", [None, 3, layers.Dense(4)])
@pytest.mark.usefixtures("no_fit")
def test_something_that_is_no_model(no_model: Any, data: Dataset) -> None:
    with pytest.raises(InputError, match=r"Expected a keras\.Model\. Received: "):
        train(no_model, data, verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_images_too_small_for_a_registered_model(data: Dataset) -> None:
    with pytest.raises(ShapeError, match=r"12 × 12 are too small .*pooling 2 → "):
        train("conv_64_64_64", data, verbose=0)


# Names


@pytest.mark.usefixtures("no_fit")
def test_unknown_names_say_what_was_meant(data: Dataset) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown model 'conv_6464'\. Did you mean 'conv_64_64'"):
        train("conv_6464", data, verbose=0)
    with pytest.raises(UnknownNameError, match=r"Unknown recipe 'leson'\. Did you mean 'lesson'\?"):
        train("dense_128", data, "leson", verbose=0)
    with pytest.raises(UnknownNameError, match=r"Unknown data set 'fashion_mnits'\. Did you mean 'fashion_mnist'"):
        train("dense_128", "fashion_mnits", verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_arrays_are_no_data_set_and_the_way_to_make_one_is_named(data: Dataset) -> None:
    with pytest.raises(InputError, match=r"Received: tuple\. convvision\.datasets\.from_arrays"):
        train("dense_128", tuple(data.train), verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_an_unknown_optimizer(data: Dataset) -> None:
    said = r"optimizer is 'muon' or the name of one of Keras's, as in 'adam'\. Received: 'adamm'"
    with pytest.raises(InputError, match=said):
        train("dense_128", data, Recipe("typo", optimizer="adamm"), verbose=0)


# Numbers


@pytest.mark.parametrize(
    "callback",
    [keras.callbacks.ReduceLROnPlateau(), keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))],
)
@pytest.mark.usefixtures("no_fit")
def test_a_callback_that_the_schedule_would_overrule(callback: keras.callbacks.Callback, data: Dataset) -> None:
    message = (
        "The recipe 'fast' sets the learning rate at every step (schedule='linear', warmup=0.1). "
        f"Received: {type(callback).__name__}, which would do nothing. "
        "Use dataclasses.replace(recipe, schedule='constant', warmup=0.0), or leave the callback out."
    )
    with pytest.raises(InputError, match=re.escape(message)):
        train("dense_128", data, "fast", callbacks=[callback], verbose=0)
    with pytest.raises(AssertionError, match="the training began"):
        train("dense_128", data, "lesson", callbacks=[callback], verbose=0)


@pytest.mark.usefixtures("no_fit")
def test_a_backup_that_would_lack_what_the_recipe_gathers(data: Dataset, tmp_path: Path) -> None:
    message = (
        "BackupAndRestore takes up a training of which each epoch stands by itself. "
        "Received: the recipe 'gathers' with hard_fraction=0.5 and averaging=0.3, "
        "which gathers from one epoch to the next what no backup holds. "
        "Use dataclasses.replace(recipe, hard_fraction=1.0, averaging=0.0), or leave the callback out."
    )
    backup = keras.callbacks.BackupAndRestore(str(tmp_path))
    with pytest.raises(InputError, match=re.escape(message)):
        train("dense_128", data, Recipe("gathers", hard_fraction=0.5, averaging=0.3), callbacks=[backup], verbose=0)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True])
@pytest.mark.usefixtures("no_fit")
def test_epochs_is_a_positive_whole_number(epochs: Any, data: Dataset) -> None:
    with pytest.raises(InputError, match=rf"epochs is a whole number of at least 1\. Received: epochs={epochs}"):
        train("dense_128", data, epochs=epochs, verbose=0)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "0", None, True])
@pytest.mark.usefixtures("no_fit")
def test_seed_is_a_whole_number_that_numpy_takes(seed: Any, data: Dataset) -> None:
    with pytest.raises(InputError, match=rf"A seed is a whole number from 0 to 4294967295\. Received: seed={seed!r}"):
        train("dense_128", data, seed=seed, verbose=0)


def test_numbers_out_of_an_array_are_numbers(data: Dataset, tmp_path: Path) -> None:
    recipe = Recipe("of_numpy", learning_rate=np.float32(0.5), batch_size=np.int64(64), epochs=np.int64(1))
    run = train(classifier(layers.Dense(4)), data, recipe, seed=np.arange(3)[2], verbose=0)
    loaded = load_run(run.save(tmp_path / "run"))
    assert (loaded.seed, loaded.recipe) == (2, Recipe("of_numpy", learning_rate=0.5, batch_size=64, epochs=1))


# The lesson's own code


def test_a_model_with_activations_of_tensorflow_is_trained_and_comes_back(data: Dataset, tmp_path: Path) -> None:
    model = keras.Sequential(
        [
            layers.Flatten(),
            layers.Dense(8, activation=tf.nn.relu),
            layers.Dense(4, activation=tf.nn.softmax),
        ]
    )
    run = train(model, data, epochs=1, verbose=0)
    loaded = load_run(run.save(tmp_path / "run"))
    before, after = (some.predict(data.test.images).probabilities for some in (run, loaded))
    np.testing.assert_array_equal(before, after)
