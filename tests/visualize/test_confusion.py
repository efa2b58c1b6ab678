"""Confusion against counting image by image."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.errors import InputError, LabelError, ShapeError, ValueRangeError
from convvision.visualize import Confusion, confusion
from foreign_models import FOREIGN, SHAPE, build_foreign


@pytest.fixture
def found() -> Confusion:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(4), 60).astype(np.float32)
    # Class 3 has no image, and class 2 is never predicted.
    probabilities[:, 2] = 0
    return Confusion(random.integers(0, 3, 60), probabilities, ["bag", "coat", "shirt", "boot"])


def test_the_figures_are_those_of_counting(found: Confusion) -> None:
    matrix = np.zeros((4, 4), int)
    for label, row in zip(found.labels, found.probabilities, strict=True):
        matrix[label, row.argmax()] += 1
    np.testing.assert_array_equal(found.matrix, matrix)
    assert found.matrix.dtype == np.int64
    assert found.accuracy == np.trace(matrix) / 60
    for label in range(4):
        hits, predicted, of_class = matrix[label, label], matrix[:, label].sum(), matrix[label].sum()
        precision = hits / predicted if predicted else np.nan
        recall = hits / of_class if of_class else np.nan
        np.testing.assert_equal(found.precision[label], precision)
        np.testing.assert_equal(found.recall[label], recall)
        if hits:
            assert found.f1[label] == pytest.approx(2 / (1 / precision + 1 / recall))
        else:
            assert found.f1[label] == 0
    assert np.isnan(found.precision[2])
    assert np.isnan(found.recall[3])


def test_a_class_that_never_occurs_has_no_f1() -> None:
    assert np.isnan(Confusion([0, 1], np.eye(3)[[0, 1]]).f1[2])


def test_the_most_confused_pairs_come_first_with_the_surest_mistakes_first(found: Confusion) -> None:
    pairs = found.most_confused(100)
    counts = [len(pair.indices) for pair in pairs]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == (found.predictions != found.labels).sum()
    for pair in pairs:
        assert pair.true != pair.predicted
        assert counts[pairs.index(pair)] == found.matrix[pair.true, pair.predicted]
        assert (found.labels[pair.indices] == pair.true).all()
        assert (found.predictions[pair.indices] == pair.predicted).all()
        np.testing.assert_array_equal(pair.probabilities, found.probabilities[pair.indices, pair.predicted])
        assert (np.diff(pair.probabilities) <= 0).all()
    assert len(found.most_confused(2)) == 2
    assert Confusion([0, 1], np.eye(2)).most_confused() == []
    with pytest.raises(InputError, match="count is a whole number"):
        found.most_confused(0)


def logits_model(activation: str | None, classes: int = 3) -> Any:
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(classes, activation=activation),
        ]
    )


@pytest.mark.parametrize("activation", ["softmax", None, "sigmoid"])
def test_a_models_answers_are_read_as_it_means_them(activation: str | None) -> None:
    model = logits_model(activation)
    images = np.random.default_rng(0).normal(size=(9, *SHAPE)).astype(np.float32)
    labels = np.arange(9) % 3
    found = confusion(model, images, labels, batch_size=4)
    expected = np.asarray(model(images))
    if activation is None:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.images is images
    assert found.names == ("0", "1", "2")


@pytest.mark.parametrize("name", FOREIGN)
def test_it_runs_on_models_of_others(name: str) -> None:
    model = build_foreign(name)
    images = np.random.default_rng(0).random((5, *SHAPE), np.float32)
    labels = np.array([0, 1, 1, 0, 1])
    found = confusion(model, images, labels, output="kind" if name == "several_heads" else None)
    outputs = model(images)
    expected = np.asarray(outputs["kind"] if name == "several_heads" else outputs)
    if name == "sigmoid_head":
        expected = np.concatenate([1 - expected, expected], axis=1)
    np.testing.assert_array_equal(found.predictions, expected.argmax(axis=1))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_table_names_what_a_class_is_taken_for() -> None:
    found = Confusion([0, 0, 0, 1], np.eye(3)[[0, 2, 2, 1]], ["a bag", "coat", "shirt"])
    lines = [line.split() for line in str(found).splitlines()]
    assert lines[2] == ["a", "bag", "3", "100.0%", "33.3%", "50.0%", "shirt", "(2)"]
    assert lines[3] == ["coat", "1", "100.0%", "100.0%", "100.0%"]
    assert lines[4] == ["shirt", "0", "0.0%", "–", "0.0%"]
    assert lines[-1] == ["accuracy", "4", "50.0%"]
    assert repr(found) == "<Confusion of 3 classes over 4 images: accuracy=0.5000>"


def test_what_cannot_be_compared_is_refused() -> None:
    good = np.full((4, 3), 1 / 3)
    images = np.ones((4, *SHAPE))
    wrong: Any
    for wrong, error, message in (
        (([0, 1, 2], good), LabelError, r"shape \(4,\). Received: shape \(3,\)"),
        (([0, 1, 2, 3], good), LabelError, "from 0 to 2. Received: 3 at position 3"),
        ((np.eye(3)[[0, 1, 2, 0]], good), LabelError, "not one-hot rows"),
        (([0, 1, 2, 2], good[:, 0]), ShapeError, r"\(N, classes\). Received: shape \(4,\)"),
        (([0, 1, 2, 2], 5 * good), ValueRangeError, r"Received: 1.66667 to 1.66667. Take the softmax"),
        (([0, 1, 2, 2], np.nan * good), ValueRangeError, "Probabilities lie in"),
        (([0, 1, 2, 2], good, ["a", "b"]), InputError, "class names: 3, one a class. Received: 2"),
        (([0, 1, 2, 2], good, None, images[:3]), ShapeError, "Expected 4 images, one a label. Received: 3"),
    ):
        with pytest.raises(error, match=message):
            Confusion(*wrong)
    model = logits_model("softmax")
    with pytest.raises(LabelError, match="from 0 to 2"):
        confusion(model, images, [0, 1, 2, 3])
    with pytest.raises(InputError, match="class names: 3"):
        confusion(model, images, [0, 1, 2, 2], class_names=["a"])
    with pytest.raises(ShapeError, match=r"\(N, 12, 10, 2\)"):
        confusion(model, images[:, :4], [0, 1, 2, 2])
    with pytest.raises(InputError, match="choose one of"):
        confusion(build_foreign("several_heads"), images, [0, 1, 2, 2])


@pytest.mark.parametrize("name", [name for name in convvision.list_models() if "512" not in name])
def test_every_registered_model_is_compared(name: str) -> None:
    model = convvision.create_model(name, num_classes=4)
    found = confusion(model, np.random.default_rng(0).random((6, 28, 28, 1)), [0, 1, 2, 3, 0, 1])
    assert found.matrix.sum(axis=1).tolist() == [2, 2, 1, 1]
