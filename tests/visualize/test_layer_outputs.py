"""How little a forward pass costs: counted passes, counted traces, and nothing that outlives its model."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.visualize import extract_activations, maximize_activation, plot_activation_grid, saliency
from convvision.visualize._compiled import _passes
from counting import Counting
from foreign_models import FOREIGN, SHAPE, build_foreign

compiles = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="only TensorFlow compiles")


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


def counted() -> tuple[Any, Counting]:
    keras.utils.set_random_seed(0)
    counting = Counting()
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            counting,
            layers.Flatten(),
            layers.Dense(4, activation="softmax", name="classes"),
        ]
    )
    return model, counting


# Traces and passes


@compiles
def test_twenty_calls_with_other_numbers_of_images_take_one_trace() -> None:
    model, counting = counted()
    before = counting.traces
    random = np.random.default_rng(0)
    for count in range(1, 21):
        images = random.random((count, *SHAPE), np.float32)
        found = extract_activations(model, images, "conv")
        np.testing.assert_allclose(found["conv"].maps, np.asarray(model.get_layer("conv")(images)), atol=1e-6)
    assert counting.traces == before + 1
    assert counting.seen() == (20, sum(range(1, 21)))


def test_maps_and_logits_come_of_one_pass(images: np.ndarray) -> None:
    model, counting = counted()
    extract_activations(model, images)
    assert counting.seen() == (1, 3)
    extract_activations(model, images, batch_size=2)
    assert counting.seen() == (3, 6)


def test_no_model_is_made(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = counted()

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a model is made")

    monkeypatch.setattr(keras.Model, "__init__", refuse)
    for _ in range(3):
        plot_activation_grid(model, images)
        extract_activations(model, images)


# What may change between two calls


def test_weights_are_read_anew(images: np.ndarray) -> None:
    model, _ = counted()
    extract_activations(model, images)
    kernel, bias, *rest = model.get_weights()
    model.set_weights([0 * kernel, bias + 7, *rest])
    found = extract_activations(model, images, "conv")
    assert (found["conv"].maps == 7).all()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(images, np.arange(3), epochs=1, verbose=0)
    after = extract_activations(model, images, "conv")
    np.testing.assert_allclose(after["conv"].maps, np.asarray(model.get_layer("conv")(images)), atol=1e-6)
    assert not np.allclose(after["conv"].maps, 7, atol=1e-7)


def test_an_activation_that_is_changed_is_noticed(images: np.ndarray) -> None:
    model, _ = counted()
    assert extract_activations(model, images, "conv")["conv"].maps.min() >= 0
    model.get_layer("conv").activation = keras.activations.linear
    found = extract_activations(model, images, "conv")
    assert found["conv"].maps.min() < 0
    with_softmax = found.logits
    model.get_layer("classes").activation = keras.activations.linear
    without = extract_activations(model, images, "conv").logits
    assert with_softmax is not None
    assert without is not None
    np.testing.assert_allclose(without, with_softmax, atol=1e-5)
    np.testing.assert_allclose(without, np.asarray(model(images)), atol=1e-5)


def test_a_normalisation_that_is_adapted_is_noticed(images: np.ndarray) -> None:
    normalization = layers.Normalization(name="norm")
    model = keras.Sequential([keras.Input(SHAPE), normalization, layers.Flatten(), layers.Dense(2)])
    np.testing.assert_allclose(extract_activations(model, images, "norm")["norm"].maps, images, atol=1e-6)
    normalization.adapt(images)
    found = extract_activations(model, images, "norm")["norm"].maps
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_a_layer_that_is_put_in_the_place_of_another_is_noticed(images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3, name="first"), layers.Conv2D(2, 3, name="last")])
    extract_activations(model, images)
    for seed in range(3):
        model.pop()
        keras.utils.set_random_seed(seed)
        model.add(layers.Conv2D(2, 3, name="last"))
        found = extract_activations(model, images, "last")
        np.testing.assert_allclose(found["last"].maps, np.asarray(model(images)), atol=1e-6)


# What is left behind


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_is_kept_when_the_model_is_gone(name: str, images: np.ndarray) -> None:
    if name == "half_precision":
        images = (255 * images).astype(np.uint8)
    gc.collect()
    before = len(_passes)
    model = build_foreign(name)
    there = weakref.ref(model)
    weights = [weakref.ref(weight) for weight in model.weights]
    found = extract_activations(model, images)
    maximize_activation(model, found.layers[0].name, 0, steps=1, start=np.full(SHAPE, 0.5))
    assert len(_passes) == before + 1
    del model
    gc.collect()
    assert there() is None
    assert [weight() for weight in weights] == [None] * len(weights)
    assert len(_passes) == before


# The logits


@pytest.mark.parametrize("name", FOREIGN)
def test_logits_are_those_that_attributions_explain(name: str, images: np.ndarray) -> None:
    if name == "half_precision":
        images = (255 * images).astype(np.uint8)
    model = build_foreign(name)
    found = extract_activations(model, images).logits
    if name == "several_heads":
        assert found is None
        return
    assert found is not None
    assert found.dtype == np.float32
    # In half precision, a compiled pass rounds at other places than an eager one.
    tolerance = 1e-2 if name == "half_precision" else 1e-4
    np.testing.assert_allclose(found, saliency(model, images, 0).logits, rtol=tolerance, atol=tolerance)


def test_maps_are_squashed_where_the_model_squashes_them_and_logits_are_not(images: np.ndarray) -> None:
    """The last convolution has the softmax, and neutral layers stand behind it."""
    model = build_foreign("fully_convolutional")
    model = keras.Sequential([model.inputs[0], *model.layers[1:-1], layers.Dropout(0.5), layers.Flatten()])
    names = [layer.name for layer in convvision.summary(model).layers]
    last, behind = (extract_activations(model, images, position).layers[0].maps for position in (-3, -2))
    probabilities = np.asarray(model(images))
    assert len(names) == 6
    for maps in (last, behind):
        np.testing.assert_allclose(maps.reshape(3, 3), probabilities, atol=1e-6)
    logits = extract_activations(model, images, -3).logits
    assert logits is not None
    exponents = np.exp(logits)
    np.testing.assert_allclose(exponents / exponents.sum(axis=1, keepdims=True), probabilities, atol=1e-6)
    assert abs(exponents.sum(axis=1) - 1).max() > 0.01


def test_a_model_that_classifies_nothing_has_no_logits(images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3)])
    assert extract_activations(model, images).logits is None
