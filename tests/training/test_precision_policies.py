"""Models that compute in another precision than float32, and raw pixels, are trained in the graph by any recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from convvision.datasets import Dataset
from convvision.training import Recipe, get_recipe, load_run, train

RECIPE = Recipe("everything", epochs=9, batch_size=20, hard_fraction=0.5, mixup=0.3, averaging=0.3, label_smoothing=0.1)


def convolutional(policy: str) -> keras.Model:
    """Every layer by the policy, the classifier too."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 3, dtype=policy),
            layers.BatchNormalization(dtype=policy),
            layers.Flatten(dtype=policy),
            layers.Dense(4, activation="softmax", dtype=policy),
        ]
    )


def by_fit(model: keras.Model, start: list[np.ndarray], data: Dataset, rate: float) -> None:
    """Take the same one step of all images by Keras's own fit."""
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy())
    model.fit(*data.train, batch_size=200, epochs=1, shuffle=False, verbose=0)


@pytest.fixture
def half_precision(set_policy: Callable[[str], None]) -> None:
    """Keras scales the loss where this is the policy of the whole model."""
    set_policy("mixed_float16")


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_a_model_keeps_its_precision_and_learns(policy: str, data: Dataset) -> None:
    keras.utils.set_random_seed(0)
    model = convolutional(policy)
    run = train(model, data, RECIPE, sample_weight=np.full(len(data.train), 2.0), verbose=0)
    assert run.execution["loop"] == "graph"
    assert model.layers[0].compute_dtype == policy.removeprefix("mixed_")
    assert run.metrics["test_accuracy"] > 0.4


def test_a_model_whose_weights_are_of_half_precision_is_left_to_kerass_kernel(data: Dataset) -> None:
    """A step is often less than such a weight can say, so it hardly learns; but the first steps are those of fit."""
    plain = dataclasses.replace(get_recipe("lesson"), batch_size=200, epochs=1, optimizer="sgd", learning_rate=0.5)
    keras.utils.set_random_seed(0)
    model = convolutional("bfloat16")
    start = model.get_weights()
    run = train(model, data, plain, verbose=0)
    moved = model.get_weights()
    assert run.execution["loop"] == "graph"
    by_fit(model, start, data, 0.5)
    for ours, theirs in zip(moved, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours.astype(np.float32), theirs.astype(np.float32), rtol=0.02, atol=0.02)
    assert any((weight != before).any() for weight, before in zip(moved, start, strict=True))
    assert np.isfinite(train(model, data, RECIPE, verbose=0).history["loss"]).all()


@pytest.mark.usefixtures("half_precision")
def test_a_loss_that_is_scaled_moves_the_weights_as_fit_does(data: Dataset) -> None:
    model = convolutional("mixed_float16")
    start = model.get_weights()
    plain = dataclasses.replace(get_recipe("lesson"), batch_size=200, epochs=1, optimizer="sgd", learning_rate=0.1)
    run = train(model, data, plain, verbose=0)
    moved = model.get_weights()
    assert run.execution["loop"] == "graph"
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"

    by_fit(model, start, data, 0.1)
    for ours, theirs in zip(moved, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert max(np.abs(weight - before).max() for weight, before in zip(moved, start, strict=True)) > 0.01


@pytest.mark.usefixtures("half_precision")
def test_a_run_in_half_precision_holds_nothing_of_ours(data: Dataset, tmp_path: Path) -> None:
    muon = dataclasses.replace(RECIPE, optimizer="muon", learning_rate=0.01)
    run = train(convolutional("mixed_float16"), data, muon, verbose=0)
    loaded = load_run(run.save(tmp_path / "run")).model
    assert type(loaded.optimizer.inner_optimizer) is keras.optimizers.Adam


@pytest.mark.parametrize("name", ["conv_16_16", "fast_conv"])
def test_raw_pixels_are_trained_on(name: str, make_data: Callable[..., Dataset]) -> None:
    raw = make_data(size=28, scale=None)
    assert raw.train.images.dtype == np.uint8
    run = train(name, raw, epochs=2, verbose=0)
    assert run.execution["loop"] == "graph"
    assert np.isfinite(run.metrics["test_loss"])
