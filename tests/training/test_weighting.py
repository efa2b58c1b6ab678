"""Weights of classes and of images, against Keras and by hand."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.errors import InputError
from convvision.training import Recipe, load_run, train
from convvision.training._weighting import weigh

RECIPE = Recipe("small", epochs=2)
EACH = np.random.default_rng(7).uniform(0, 3, 200)


class Own(keras.Model):
    """Goes through ``fit``."""

    def train_step(self, batch: Any) -> Any:
        return super().train_step(batch)


def of_own(model: keras.Model) -> keras.Model:
    """Make the same model, with the same weights, of a class of one's own."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return Own(copy.inputs[0], copy.outputs[0], name="own")


def few_of_one(data: Dataset) -> Dataset:
    """Leave only every fifth image of the first class: 10, 50, 50 and 50 are left."""
    keep = (data.train.labels != 0) | (np.arange(200) % 20 == 0)
    return dataclasses.replace(data, train=data.train.take(keep))


def by_hand(model: keras.Model, data: Dataset, weights: np.ndarray, *, seed: int) -> dict[str, list[float]]:
    """Train as RECIPE does, batch by batch, with nothing but Keras."""
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = data.train
    history: dict[str, list[float]] = {"loss": [0.0, 0.0], "accuracy": [0.0, 0.0]}
    for epoch in range(2):
        order = np.random.default_rng([seed, epoch]).permutation(len(labels))
        for start in range(0, len(labels), 32):
            chosen = order[start : start + 32]
            # Figures of this batch alone.
            logs = model.train_on_batch(images[chosen], labels[chosen], weights[chosen], return_dict=True)
            for name, values in history.items():
                values[epoch] += float(logs[name]) * len(chosen) / len(labels)
    return history


@pytest.mark.parametrize("own", [False, True], ids=["graph", "fit"])
def test_images_are_weighted_as_keras_does(own: bool, data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    theirs = make_dense()
    ours = of_own(theirs)
    if not own:
        ours = keras.models.clone_model(theirs)
        ours.set_weights(theirs.get_weights())
    expected = by_hand(theirs, data, EACH, seed=3)
    run = train(ours, data, RECIPE, sample_weight=EACH, seed=3, verbose=0)
    assert run.execution["loop"] == ("fit" if own else "graph")
    for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)
    # The loss is weighted, the accuracy is not.
    assert {name: run.history[name] for name in expected} == {
        name: pytest.approx(values, rel=1e-4) for name, values in expected.items()
    }


def test_classes_are_weighted_as_fit_does(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    """One batch of all images, so that the order in which fit shuffles them does not matter."""
    theirs = make_dense()
    ours = keras.models.clone_model(theirs)
    ours.set_weights(theirs.get_weights())
    theirs.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    theirs.fit(*data.train, batch_size=200, epochs=3, class_weight={1: 4.0, 3: 0.25}, verbose=0)
    recipe = Recipe("whole", batch_size=200, epochs=3)
    run = train(ours, data, recipe, class_weight={"top right": 4.0, 3: 0.25}, verbose=0)
    for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)
    assert run.weighting == {"class_weight": {"top right": 4.0, "bottom right": 0.25}}


def test_smoothed_labels_are_weighted_too(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    theirs = make_dense(classifier_activation=None)
    ours = keras.models.clone_model(theirs)
    ours.set_weights(theirs.get_weights())
    theirs.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2))
    images, labels = data.train
    order = np.random.default_rng([0, 0]).permutation(200)
    for start in range(0, 200, 32):
        chosen = order[start : start + 32]
        theirs.train_on_batch(images[chosen], keras.utils.to_categorical(labels[chosen], 4), EACH[chosen])
    train(ours, data, Recipe("smooth", epochs=1, label_smoothing=0.2), sample_weight=EACH, verbose=0)
    for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)


def test_balanced_gives_each_class_the_same_sum(data: Dataset) -> None:
    rare = few_of_one(data)
    weights, facts = weigh(rare, "balanced", None)
    assert weights is not None
    sums = [weights[rare.train.labels == label].sum() for label in range(4)]
    assert sums == pytest.approx([40.0] * 4)
    assert facts["class_weight"] == pytest.approx(
        {"top left": 4.0, "top right": 0.8, "bottom left": 0.8, "bottom right": 0.8}
    )
    five = dataclasses.replace(rare.info, class_names=(*rare.info.class_names, "nowhere"))
    assert weigh(dataclasses.replace(rare, info=five), "balanced", None)[1] == facts


def test_both_kinds_are_multiplied(data: Dataset) -> None:
    weights, facts = weigh(data, {"top left": 3}, EACH)
    expected = np.where(data.train.labels == 0, 3 * EACH, EACH)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert facts["sample_weight"] == pytest.approx({"smallest": EACH.min(), "mean": EACH.mean(), "largest": EACH.max()})
    assert weigh(data, None, None) == (None, {})


def test_the_hardest_are_those_of_the_largest_weighted_loss(data: Dataset) -> None:
    """Images that count nothing are never among them."""
    seen: list[np.ndarray] = []
    from convvision.training._hard_samples import HardSamples

    choose = HardSamples.choose

    def note(self: HardSamples, order: Any) -> Any:
        seen.append(choose(self, order))
        return seen[-1]

    weight = (data.train.labels >= 2).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HardSamples, "choose", note)
        recipe = Recipe("hard", epochs=2, hard_fraction=0.4)
        train("dense_128", data, recipe, sample_weight=weight, verbose=0)
    assert len(seen[0]) == 80
    assert (data.train.labels[seen[0]] >= 2).all()


def test_a_run_keeps_its_weighting_and_shows_it(data: Dataset, tmp_path: Path) -> None:
    run = train("dense_128", data, epochs=1, class_weight="balanced", sample_weight=EACH, verbose=0)
    assert "1 epoch, with class_weight and sample_weight: " in repr(run)
    loaded = load_run(run.save(tmp_path / "run"))
    assert loaded.weighting == run.weighting
    assert set(loaded.weighting["class_weight"]) == set(data.info.class_names)


NAN = np.where(np.arange(200) == 7, np.nan, 1.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"class_weight": "balance"}, "class_weight is 'balanced', or a mapping of .*Received: class_weight='balance'"),
        ({"class_weight": [1, 2, 3, 4]}, r"or a mapping .*Received: class_weight=\[1, 2, 3, 4\]"),
        (
            {"class_weight": {"left": 2.0}},
            r"'top left', .*or their indices from 0 to 3\. Received: 'left'\. Did you mean .*'top left'",
        ),
        ({"class_weight": {"Top Left": 2.0}}, r"Received: 'Top Left'\. Did you mean 'top left'"),
        ({"class_weight": {"xyz": 2.0}}, r"Received: 'xyz'\.$"),
        ({"class_weight": {4: 2.0}}, r"indices from 0 to 3\. Received: 4\.$"),
        ({"class_weight": {-1: 2.0}}, r"indices from 0 to 3\. Received: -1"),
        ({"class_weight": {True: 2.0}}, r"indices from 0 to 3\. Received: True"),
        ({"class_weight": {0: 1.0, "top left": 2.0}}, "names the class 'top left' twice"),
        ({"class_weight": {0: 0.0}}, r"weight is positive and finite\. Received: class_weight\[0\]=0\.0"),
        ({"class_weight": {0: -1}}, r"Received: class_weight\[0\]=-1"),
        ({"class_weight": {0: float("nan")}}, r"Received: class_weight\[0\]=nan"),
        ({"class_weight": {0: "2"}}, r"Received: class_weight\[0\]='2'"),
        ({"sample_weight": np.ones(60)}, r"each of the 200 training images.*shape \(200,\)\. Received: shape \(60,\)"),
        ({"sample_weight": 2.0}, r"Received: shape \(\)"),
        ({"sample_weight": np.ones((200, 1))}, r"Received: shape \(200, 1\)"),
        ({"sample_weight": np.full(200, "a")}, r"sample_weight holds numbers\. Received: dtype <U1"),
        ({"sample_weight": NAN}, r"at least 0 and finite\. Received: nan at position 7 \(1 of them cannot be\)"),
        ({"sample_weight": 1 - np.arange(200)}, r"Received: -1 at position 2 \(198 of them"),
        ({"sample_weight": np.zeros(200)}, "leaves out every image"),
    ],
    ids=str,
)
def test_weights_that_cannot_be(options: dict[str, Any], said: str, data: Dataset) -> None:
    with pytest.raises(InputError, match=said):
        train("dense_128", data, verbose=0, **options)


def test_weights_are_for_the_training_images_alone(validated_data: Dataset) -> None:
    with pytest.raises(InputError, match=re.escape("each of the 160 training images, without those of validation")):
        train("dense_128", validated_data, sample_weight=EACH, verbose=0)
