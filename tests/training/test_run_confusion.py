"""The confusion of a run against what it predicts and evaluates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.errors import InputError
from convvision.training import Run


def test_it_counts_what_the_run_predicts(run: Run, data: Dataset) -> None:
    found = run.confusion(data)
    images, labels = data.test
    np.testing.assert_array_equal(found.predictions, run.predict(images).labels)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.accuracy == pytest.approx(run.metrics["test_accuracy"])
    assert found.names == run.data.class_names
    assert found.images is not None
    np.testing.assert_array_equal(found.images, images)


def test_raw_data_are_scaled_as_in_the_training(run: Run, raw_data: Dataset, data: Dataset) -> None:
    found, expected = run.confusion(raw_data), run.confusion(data)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    np.testing.assert_allclose(np.asarray(found.images), np.asarray(expected.images), atol=1e-6)


def test_the_data_of_the_training_are_opened_again(run: Run, registered: str, data: Dataset) -> None:
    np.testing.assert_array_equal(run.confusion(registered).matrix, run.confusion(data).matrix)


def test_other_classes_are_refused(run: Run, make_data: Callable[..., Dataset]) -> None:
    with pytest.raises(InputError, match=r"Received: cat, dog, bird, fish"):
        run.confusion(make_data(class_names=("cat", "dog", "bird", "fish")))
