"""Through Keras's ``fit``: the same training as in our own loop, and views batch by batch."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.errors import InputError
from convvision.training import Recipe, train
from convvision.training._augment import Augmentation
from convvision.training._feed import Batches

RECIPE = Recipe(
    "all_that_fit_can_do",
    learning_rate=0.005,
    schedule="cosine",
    warmup=0.2,
    weight_decay=0.02,
    batch_size=48,
    epochs=3,
    label_smoothing=0.1,
    flip=True,
)


class Own(keras.Model):
    def train_step(self, batch: Any) -> Any:
        return super().train_step(batch)


def build(kind: type = keras.Model) -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input((12, 12, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    return kind(image, keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(x)), name="network")


def test_fit_gives_the_training_of_our_loop(validated_data: Dataset) -> None:
    graph = train(build(), validated_data, RECIPE, class_weight={0: 2.0}, seed=4, verbose=0)
    fitted = train(build(Own), validated_data, RECIPE, class_weight={0: 2.0}, seed=4, verbose=0)
    assert (graph.execution["loop"], fitted.execution["loop"]) == ("graph", "fit")
    for left, right in zip(graph.model.get_weights(), fitted.model.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)
    for name, values in graph.history.items():
        assert fitted.history[name] == pytest.approx(values, rel=1e-4), name
    for model in (graph.model, fitted.model):
        assert float(model.optimizer.learning_rate) == pytest.approx(0.005)
        assert type(model.loss) is keras.losses.SparseCategoricalCrossentropy


def test_the_learning_rate_of_a_fit_follows_the_schedule(data: Dataset) -> None:
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            rates.append(float(self.model.optimizer.learning_rate))

    recipe = Recipe("falling", optimizer="sgd", learning_rate=0.1, schedule="linear", batch_size=50, epochs=2)
    train(build(Own), data, recipe, callbacks=[Rates()], verbose=0)
    assert rates == pytest.approx([0.1 * (1 - (step + 0.5) / 8) for step in range(8)], rel=1e-5)


def test_views_are_made_anew_each_epoch_and_are_the_same_when_asked_twice(data: Dataset) -> None:
    batches = Batches(data.train, data.scaling, 32, seed=5, augmentation=Augmentation(flip=True, shift=1, cutout=3))
    order = np.random.default_rng([5, 0]).permutation(200)
    images, labels = batches[2]
    np.testing.assert_array_equal(labels, data.train.labels[order[64:96]])
    np.testing.assert_array_equal(images, batches[2][0])
    assert images.shape == (32, 12, 12, 1)
    assert not np.array_equal(images, data.train.images[order[64:96]])
    # What is not blanked comes from the image or its mirror image, at most a pixel away.
    for view, original in zip(images, data.train.images[order[64:96]], strict=True):
        padded = np.pad(original, ((1, 1), (1, 1), (0, 0)))
        places = [
            turned[row : row + 12, column : column + 12]
            for turned in (padded, padded[:, ::-1])
            for row in range(3)
            for column in range(3)
        ]
        assert max((view == place).mean() for place in places) >= 1 - 9 / 144
    first = images.copy()
    batches.start_epoch(1)
    assert not np.array_equal(batches[2][0], first)


def test_mirrored_in_every_other_epoch(data: Dataset) -> None:
    batches = Batches(data.train, data.scaling, 200, seed=5, augmentation=Augmentation(flip=True))
    coins = np.random.default_rng(5).integers(0, 2, 200)
    for epoch in range(3):
        batches.start_epoch(epoch)
        order = np.random.default_rng([5, epoch]).permutation(200)
        turned = ((coins[order] + epoch) % 2 == 1)[:, None, None, None]
        originals = data.train.images[order]
        np.testing.assert_array_equal(batches[0][0], np.where(turned, originals[:, :, ::-1], originals))


def test_views_through_fit_are_seeded(data: Dataset) -> None:
    recipe = dataclasses.replace(RECIPE, shift=1, cutout=2)
    one, same, other = (train(build(Own), data, recipe, seed=seed, verbose=0).history for seed in (2, 2, 3))
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("options", "asked", "advised"),
    [
        ({"hard_fraction": 0.5}, "hard_fraction=0.5", "hard_fraction=1.0"),
        ({"averaging": 0.25}, "averaging=0.25", "averaging=0.0"),
        ({"mixup": 0.2, "averaging": 0.25}, "averaging=0.25 and mixup=0.2", "averaging=0.0, mixup=0.0"),
    ],
)
def test_what_fit_cannot_do_is_refused_by_name(
    options: dict[str, Any], asked: str, advised: str, data: Dataset
) -> None:
    said = (
        f"The recipe 'more' has {asked}, which Keras's fit cannot do, and convvision's own loop cannot train "
        f"'network': Own has a train_step of its own. Use dataclasses.replace(recipe, {advised})."
    )
    with pytest.raises(InputError, match=re.escape(said)):
        train(build(Own), data, Recipe("more", flip=True, **options), verbose=0)
