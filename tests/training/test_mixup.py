"""Mixtures of images and of losses, against NumPy and against Keras on soft labels."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.training import Recipe, train
from convvision.training._mixup import mixed, neighbours, shares


def test_shares_are_the_larger_part_of_beta() -> None:
    drawn = np.random.default_rng(4).beta(0.4, 0.4, 1000)
    found = shares(0.4, 1000, seed=4)
    np.testing.assert_allclose(found, np.where(drawn < 0.5, 1 - drawn, drawn), rtol=1e-6)
    # E|2λ - 1| of Beta(1, 1) is a half, so that the larger part is three quarters.
    assert shares(1.0, 20_000, seed=0).mean() == pytest.approx(0.75, abs=0.01)
    # As small an α as can be mixes nothing, and is no NaN.
    assert (shares(1e-6, 100, seed=0) == 1).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_each_image_is_mixed_with_the_one_before_it(dtype: type) -> None:
    images = (np.random.default_rng(0).random((5, 4, 3, 2)) * 255).astype(dtype)
    found = np.asarray(mixed(keras.ops.convert_to_tensor(images), 0.7))
    assert found.dtype == np.float32
    for index in range(5):
        np.testing.assert_allclose(found[index], 0.7 * images[index] + 0.3 * images[index - 1], rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(neighbours(np.arange(4))), [3, 0, 1, 2])


@pytest.mark.parametrize("raw", [False, True], ids=["scaled", "raw"])
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_the_loss_is_the_mixture_of_that_on_both_labels(
    raw: bool, weighted: bool, data: Dataset, raw_data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    """Keras's own loss is on soft labels; their rows are not scaled to 1, so that they can carry weights."""
    data = raw_data if raw else data
    theirs = make_dense(classifier_activation=None)
    ours = keras.models.clone_model(theirs)
    ours.set_weights(theirs.get_weights())
    # TensorFlow's gradient for logits takes each row for one that sums to 1; that for their log-softmax does not.
    soft = keras.Model(theirs.inputs[0], keras.ops.log_softmax(theirs.outputs[0]))
    rate = 1e-6 if raw else 0.1
    soft.compile(
        keras.optimizers.SGD(rate), keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    images, labels = data.train
    rows = np.eye(4, dtype=np.float32)[labels]
    weights = np.random.default_rng(1).uniform(0.5, 2, 200).astype(np.float32) if weighted else np.ones(200)
    drawn = np.random.default_rng(9).beta(0.5, 0.5, 14)
    step = 0
    expected = {"loss": [0.0, 0.0], "accuracy": [0.0, 0.0]}
    for epoch in range(2):
        order = np.random.default_rng([9, epoch]).permutation(200)
        for start in range(0, 200, 32):
            chosen = order[start : start + 32]
            other = np.concatenate([chosen[-1:], chosen[:-1]])
            share = np.float32(max(drawn[step], 1 - drawn[step]))
            mixture = share * images[chosen].astype(np.float32) + (1 - share) * images[other]
            own, others = weights[chosen, None] * rows[chosen], weights[other, None] * rows[other]
            logs = soft.train_on_batch(mixture, share * own + (1 - share) * others, return_dict=True)
            step += 1
            for name, values in expected.items():
                values[epoch] += float(logs[name]) * len(chosen) / 200
    recipe = Recipe("mixed", optimizer="sgd", learning_rate=rate, epochs=2, mixup=0.5)
    run = train(ours, data, recipe, sample_weight=weights if weighted else None, seed=9, verbose=0)
    for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)
    assert run.history["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    # With weights, the larger entry of a row may be the smaller part of the mixture.
    if not weighted:
        assert run.history["accuracy"] == pytest.approx(expected["accuracy"])
