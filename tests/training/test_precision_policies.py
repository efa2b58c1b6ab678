"""Models that compute in another precision than float32, and raw pixels, are trained in the graph by any recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
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


@pytest.fixture
def half_precision() -> Iterator[None]:
    """Keras scales the loss where this is the policy of the whole model."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


# Weights of half precision move so little that only the others learn.
@pytest.mark.parametrize(
    ("policy", "accuracy"), [("float64", 0.4), ("bfloat16", 0.0), ("mixed_bfloat16", 0.4), ("mixed_float16", 0.4)]
)
def test_a_model_keeps_its_precision_and_learns(policy: str, accuracy: float, data: Dataset) -> None:
    keras.utils.set_random_seed(0)
    model = convolutional(policy)
    run = train(model, data, RECIPE, sample_weight=np.full(len(data.train), 2.0), verbose=0)
    assert run.execution["loop"] == "graph"
    assert model.layers[0].compute_dtype == policy.removeprefix("mixed_")
    assert run.metrics["test_accuracy"] > accuracy, policy
    assert np.isfinite(run.history["loss"]).all()


@pytest.mark.usefixtures("half_precision")
def test_a_loss_that_is_scaled_moves_the_weights_as_fit_does(data: Dataset) -> None:
    model = convolutional("mixed_float16")
    start = model.get_weights()
    plain = dataclasses.replace(get_recipe("lesson"), batch_size=200, epochs=1, optimizer="sgd", learning_rate=0.1)
    run = train(model, data, plain, verbose=0)
    moved = model.get_weights()
    assert run.execution["loop"] == "graph"
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"

    model.set_weights(start)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy())
    model.fit(data.train.images, data.train.labels, batch_size=200, epochs=1, shuffle=False, verbose=0)
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
