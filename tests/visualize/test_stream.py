"""One pass over a data set: how often the model runs, how far, and what is kept of it."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.visualize import class_mean_activations, extract_activations, filter_report, top_patches
from counting import Counting
from foreign_models import build_foreign

LABELS = np.arange(50) % 3
PASSES: dict[str, Callable[..., Any]] = {
    "filter_report": filter_report,
    "class_mean_activations": lambda model, images, **options: class_mean_activations(
        model, images, np.arange(len(images)) % 3, **options
    ),
    "top_patches": lambda model, images, **options: top_patches(model, images, "second", [0, 1], **options),
}


@pytest.mark.parametrize("name", PASSES)
def test_the_model_runs_once_over_all_images_and_no_further_than_the_last_layer(name: str) -> None:
    before, between, behind = counters = [Counting(name=name) for name in ("before", "between", "behind")]
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            before,
            layers.Conv2D(3, 3, activation="relu", name="first"),
            between,
            layers.Conv2D(4, 3, activation="relu", name="second"),
            behind,
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    PASSES[name](model, np.ones((50, 10, 10, 1)), batch_size=16)
    assert [counter.seen() for counter in counters] == [(4, 50), (4, 50), (0, 0)]


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="only TensorFlow compiles")
@pytest.mark.parametrize("name", PASSES)
def test_one_trace_serves_every_number_of_images_and_reads_the_weights_anew(name: str) -> None:
    counting = Counting()
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            counting,
            layers.Conv2D(3, 3, activation="relu", name="first"),
            layers.Conv2D(4, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    images = np.random.default_rng(0).random((50, 10, 10, 1), np.float32)
    before = counting.traces
    for count in (50, 20, 37):
        PASSES[name](model, images[:count], batch_size=16)
    assert counting.traces == before + 1
    kernel, bias = model.get_layer("second").get_weights()
    model.get_layer("second").set_weights([0 * kernel, bias + 7])
    found = PASSES[name](model, images, batch_size=16)
    assert counting.traces == before + 1
    seen = {
        "filter_report": lambda: found["second"].maximum,
        "class_mean_activations": lambda: found["second"].maps,
        "top_patches": lambda: found.values,
    }[name]()
    np.testing.assert_allclose(seen, 7, rtol=1e-6)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="only TensorFlow compiles")
def test_other_channels_take_no_other_trace() -> None:
    counting = Counting()
    model = keras.Sequential([keras.Input((10, 10, 1)), counting, layers.Conv2D(4, 3, name="conv")])
    images = np.random.default_rng(0).random((5, 10, 10, 1), np.float32)
    before = counting.traces
    every = top_patches(model, images, "conv", range(4), k=2)
    for channel in range(4):
        found = top_patches(model, images, "conv", channel, k=2)
        np.testing.assert_array_equal(found.values[0], every.values[channel])
    assert counting.traces == before + 1


def test_images_of_any_size_are_read_at_theirs() -> None:
    model = build_foreign("fully_convolutional")
    for side in (8, 11):
        images = np.random.default_rng(0).random((5, side, side + 1, 2), np.float32)
        maps = extract_activations(model, images, "conv").layers[0].maps
        report = filter_report(model, images, layers=1)
        np.testing.assert_allclose(report.layers[0].mean, maps.mean(axis=(0, 1, 2)), rtol=1e-5)


def test_an_activation_that_is_changed_is_noticed() -> None:
    model = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu", name="conv")])
    images = np.random.default_rng(0).random((5, 6, 6, 1), np.float32)
    model.layers[0].set_weights([-np.ones((3, 3, 1, 2), np.float32), np.zeros(2, np.float32)])
    assert filter_report(model, images)["conv"].maximum.max() == 0
    model.layers[0].activation = keras.activations.sigmoid
    after = filter_report(model, images)["conv"]
    assert after.maximum.max() > 0
    assert after.at_bound is not None


@pytest.mark.parametrize("name", PASSES)
def test_memory_does_not_grow_with_the_number_of_images(name: str) -> None:
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(16, 3, name="first"),
            layers.Conv2D(16, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    images = np.random.default_rng(0).random((1000, 16, 16, 1), np.float32)
    PASSES[name](model, images[:64], batch_size=32)
    peaks = []
    for count in (100, 1000):
        tracemalloc.start()
        PASSES[name](model, images[:count], batch_size=32)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The maps of 1,000 images in both layers would take 22 MB.
    assert peaks[1] < peaks[0] + 2e5
    assert peaks[1] < 2e6


@pytest.mark.parametrize("name", PASSES)
def test_nothing_is_changed_and_nothing_is_kept(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(3, 3, activation="relu", name="first"),
            layers.BatchNormalization(),
            layers.Conv2D(4, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((50, 10, 10, 1), np.float32)
    weights, before, activation = model.get_weights(), images.copy(), model.layers[0].activation
    PASSES[name](model, images)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(images, before)
    assert model.layers[0].activation is activation
    assert model.compiled
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("name", convvision.list_models("conv_*"))
def test_every_registered_convolutional_model_is_diagnosed(name: str) -> None:
    model = convvision.create_model(name)
    images = np.random.default_rng(0).random((12, 28, 28, 1), np.float32)
    report = filter_report(model, images)
    means = class_mean_activations(model, images, LABELS[:12])
    for layer, mean in zip(report.layers, means.layers, strict=True):
        np.testing.assert_allclose(layer.mean, mean.channel_means.mean(axis=0), rtol=1e-3, atol=1e-6)
        found = top_patches(model, images, layer.name, range(3), k=2)
        np.testing.assert_allclose(found.values[:, 0], layer.maximum[:3], rtol=1e-5)
