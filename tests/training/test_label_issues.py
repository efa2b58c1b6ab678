"""Suspicious labels of the test images, as a run sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from convvision.datasets import Dataset, find_label_issues, from_arrays
from convvision.errors import InputError
from convvision.training import Run, train


def test_it_asks_the_run_about_the_test_images(run: Run, data: Dataset, raw_data: Dataset) -> None:
    expected = find_label_issues(data.test.labels, run.predict(data.test.images).probabilities)
    assert len(expected) > 0
    for given in (data, raw_data):
        issues = run.label_issues(given)
        np.testing.assert_array_equal(issues.indices, expected.indices)
        np.testing.assert_array_equal(issues.joint, expected.joint)


def test_the_data_of_the_run_by_name(run: Run, registered: str, data: Dataset) -> None:
    np.testing.assert_array_equal(run.label_issues(registered).indices, run.label_issues(data).indices)


def test_what_is_suspicious_are_the_labels_that_were_swapped(make_dense: Callable[..., object]) -> None:
    rng = np.random.default_rng(0)

    def easy(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 4
        images = rng.integers(0, 100, (count, 12, 12), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 3] += 150
        return images, labels

    clean = from_arrays(*easy(400), *easy(80))
    swapped = rng.choice(80, 16, replace=False)
    labels = clean.test.labels.copy()
    labels[swapped] = (labels[swapped] + 1) % 4
    noisy = dataclasses.replace(clean, test=dataclasses.replace(clean.test, labels=labels))
    issues = train(make_dense(), noisy, epochs=20, verbose=0).label_issues(noisy)
    # Images of which the model is a little less sure than of their class on average are missed, by definition.
    assert len(issues) >= 6
    assert set(issues.indices.tolist()) <= set(swapped.tolist())
    np.testing.assert_array_equal(issues.suggested, clean.test.labels[issues.indices])


def test_other_classes_are_refused(run: Run, make_data: Callable[..., Dataset]) -> None:
    with pytest.raises(InputError, match=r"The run tells these classes apart: .*\. Received: cat, dog, bird, fish"):
        run.label_issues(make_data(class_names=("cat", "dog", "bird", "fish")))
