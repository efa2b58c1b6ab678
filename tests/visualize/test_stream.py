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
from convvision.visualize import class_mean_activations, filter_report, top_patches

LABELS = np.arange(50) % 3
PASSES: dict[str, Callable[..., Any]] = {
    "filter_report": filter_report,
    "class_mean_activations": lambda model, images, **options: class_mean_activations(
        model, images, np.arange(len(images)) % 3, **options
    ),
    "top_patches": lambda model, images, **options: top_patches(model, images, "second", [0, 1], **options),
}


class Counting(layers.Identity):
    """Hands on what it gets, and notes for how many images it was called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.batches: list[int] = []

    def call(self, x: Any) -> Any:
        # Without a number of images it is a shape that passes by, while the model is built.
        if x.shape[0] is not None:
            self.batches.append(int(x.shape[0]))
        return x


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
    assert [counter.batches for counter in counters] == [[16, 16, 16, 2], [16, 16, 16, 2], []]


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
