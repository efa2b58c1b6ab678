"""Suspicious labels: thresholds and joint by hand, by a loop, and planted noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convvision.datasets import find_label_issues
from convvision.errors import LabelError, ShapeError, ValueRangeError

# Thresholds: class 0 (0.9 + 0.7 + 0.2) / 3 = 0.6; class 1 (0.8 + 0.6 + 0.1) / 3 = 0.5; class 2 (0.9 + 0.3) / 2 = 0.6.
LABELS = [0, 0, 0, 1, 1, 1, 2, 2]
PROBABILITIES = [
    [0.9, 0.1, 0.0],  # confident of 0
    [0.7, 0.2, 0.1],  # confident of 0
    [0.2, 0.8, 0.0],  # confident of 1: suspicious, margin -0.6
    [0.1, 0.8, 0.1],  # confident of 1
    [0.2, 0.6, 0.2],  # confident of 1
    [0.0, 0.1, 0.9],  # confident of 2: suspicious, margin -0.8
    [0.1, 0.0, 0.9],  # confident of 2
    [0.3, 0.4, 0.3],  # confident of nothing
]


def test_by_hand() -> None:
    issues = find_label_issues(LABELS, PROBABILITIES)
    np.testing.assert_allclose(issues.thresholds, [0.6, 0.5, 0.6])
    assert issues.indices.tolist() == [5, 2]
    assert issues.given.tolist() == [1, 0]
    assert issues.suggested.tolist() == [2, 1]
    np.testing.assert_allclose(issues.confidences, [0.1, 0.2])
    np.testing.assert_allclose(issues.margins, [-0.8, -0.6])
    # Counted are 2 + 1, 2 + 1 and 1; the last row is scaled to its two labels.
    np.testing.assert_allclose(issues.joint, [[2, 1, 0], [0, 2, 1], [0, 0, 2]])
    assert issues.noise == pytest.approx(2 / 8)
    assert repr(issues) == "LabelIssues(2 of 8 labels, estimated noise 25.0%)"


@given(count=st.integers(1, 40), classes=st.integers(2, 5), sharpness=st.floats(0.2, 5), seed=st.integers(0, 2**32 - 1))
def test_as_a_loop_over_the_definition(count: int, classes: int, sharpness: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    probabilities = rng.dirichlet([1 / sharpness] * classes, count)
    issues = find_label_issues(labels, probabilities)
    thresholds = {}
    for label in set(labels.tolist()):
        confidences = [row[label] for row, own in zip(probabilities, labels, strict=True) if own == label]
        thresholds[label] = sum(confidences) / len(confidences)
    joint, suspicious = np.zeros((classes, classes)), []
    for index, (row, own) in enumerate(zip(probabilities, labels, strict=True)):
        passing = [(row[label], -label) for label, threshold in thresholds.items() if row[label] >= threshold - 1e-12]
        if passing:
            likeliest = -max(passing)[1]
            joint[own, likeliest] += 1
            if likeliest != own:
                rival = max(p for label, p in enumerate(row) if label != own)
                suspicious.append((row[own] - rival, index))
    for label in thresholds:
        joint[label] *= (labels == label).sum() / joint[label].sum()
    assert issues.indices.tolist() == [index for _, index in sorted(suspicious)]
    np.testing.assert_allclose(issues.joint, joint)
    np.testing.assert_allclose(issues.joint.sum(axis=1), np.bincount(labels, minlength=classes))


def test_planted_noise_is_found_and_its_amount_estimated() -> None:
    # Three Gaussians in the plane, whose probabilities are known: each centre is 4 from the others.
    rng = np.random.default_rng(0)
    centres = 4 * np.array([[0, 0], [1, 0], [0.5, 0.75**0.5]])
    true = np.arange(3000) % 3
    points = centres[true] + rng.normal(size=(3000, 2))
    likelihood = np.exp(-np.square(points[:, None] - centres).sum(axis=2) / 2)
    probabilities = likelihood / likelihood.sum(axis=1, keepdims=True)
    given = true.copy()
    swapped = rng.choice(np.flatnonzero(true == 0), 150, replace=False)
    given[swapped] = 2
    issues = find_label_issues(given, probabilities)
    found = set(issues.indices.tolist())
    # Found are those that are as clearly of class 0 as its images are on average.
    clear = probabilities[swapped, 0] >= probabilities[given == 0, 0].mean()
    assert found >= set(swapped[clear].tolist())
    assert clear.sum() >= 0.75 * 150
    assert len(found - set(swapped.tolist())) <= 0.03 * 3000
    # Of the hundred that are most suspicious, nearly all were planted.
    assert np.isin(issues.indices[:100], swapped).mean() > 0.95
    assert issues.joint[2, 0] == pytest.approx(150, abs=25)
    assert issues.noise == pytest.approx(0.05, abs=0.03)
    np.testing.assert_array_equal(np.sort(issues.margins), issues.margins)


def test_a_model_that_agrees_with_every_label_suspects_none() -> None:
    labels = np.arange(9) % 3
    issues = find_label_issues(labels, np.eye(3)[labels])
    assert len(issues) == 0
    assert issues.noise == 0
    np.testing.assert_array_equal(issues.joint, 3 * np.eye(3))


def test_a_class_without_images_is_never_suggested() -> None:
    issues = find_label_issues([0, 0, 1], [[0.1, 0.0, 0.9], [0.3, 0.2, 0.5], [0.0, 0.2, 0.8]])
    assert np.isnan(issues.thresholds[2])
    assert 2 not in issues.suggested
    assert issues.joint[:, 2].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("labels", "probabilities", "error", "said"),
    [
        ([0, 1], [0.5, 0.5], ShapeError, r"shape \(N, classes\), of two classes or more\. Received: \(2,\)"),
        ([0], [[1.0]], ShapeError, r"Received: \(1, 1\)"),
        ([0], [["a", "b"]], ShapeError, "Probabilities are numbers"),
        ([0], [[3.0, -2.0]], ValueRangeError, r"Received: values from -2 to 3\. If they are logits, apply softmax\."),
        ([0], [[np.nan, 1.0]], ValueRangeError, "from nan"),
        ([0, 0], [[0.5, 0.5], [0.5, 0.4]], ValueRangeError, r"sum to 1\. Received: 0\.9 in row 1"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], LabelError, "from 0 to 1"),
        ([0], [[0.5, 0.5], [0.5, 0.5]], LabelError, "one label an image"),
    ],
)
def test_what_cannot_be(labels: list[int], probabilities: list, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        find_label_issues(labels, probabilities)
