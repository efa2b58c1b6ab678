"""Fashion-MNIST and MNIST as they were published: what is said of them, against the data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convvision
from convvision.datasets import Dataset, find_duplicates, from_idx, get_dataset_info

pytestmark = pytest.mark.realdata

# Of the stored files: 16 bytes of header and 28 × 28 bytes an image, or 8 bytes of header and a byte a label.
SIZES = (16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000)

# print(test_labels[:100]), as the lesson shows it.
LESSON_TEST_LABELS = """
9 2 1 1 6 1 4 6 5 7 4 5 7 3 4 1 2 4 8 0 2 5 7 9 1 4 6 0 9 3 8 8 3 3 8 0 7
5 7 9 6 1 3 7 6 7 2 1 2 2 4 4 5 8 2 2 8 4 8 0 7 7 8 5 1 1 2 3 9 8 7 0 2 6
2 3 1 2 8 4 1 8 5 9 5 0 3 2 0 6 5 3 6 7 1 8 0 1 4 2
"""


@functools.lru_cache(maxsize=2)
def stored(name: str, home: Path) -> Dataset:
    """Load the pixels as they are stored, once."""
    return convvision.load_dataset(name, scale=None, data_home=home, download=False)


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
def test_shapes_types_and_ranges(real_data_home: Path, name: str) -> None:
    data, info = stored(name, real_data_home), get_dataset_info(name)
    for split, count, facts_count in ((data.train, 60_000, info.train_count), (data.test, 10_000, info.test_count)):
        assert split.images.shape == (count, 28, 28, 1) == (facts_count, *info.image_shape)
        assert split.images.dtype == np.uint8
        assert (split.images.min(), split.images.max()) == (0, 255)
        assert split.labels.shape == (count,)
        assert split.labels.dtype == np.int64
        assert set(np.unique(split.labels)) == set(range(info.num_classes))


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
def test_mean_and_deviation_of_the_facts_to_four_decimals(real_data_home: Path, name: str) -> None:
    pixels = stored(name, real_data_home).train.images
    info = get_dataset_info(name)
    # In whole numbers, which do not round: E[x²] - E[x]².
    total, squares = int(pixels.sum(dtype=np.int64)), int(np.square(pixels, dtype=np.int64).sum())
    mean = total / pixels.size
    deviation = (squares / pixels.size - mean**2) ** 0.5
    assert info.mean == (round(mean / 255, 4),)
    assert info.std == (round(deviation / 255, 4),)


def test_fashion_mnist_is_in_balance(real_data_home: Path) -> None:
    data = stored("fashion_mnist", real_data_home)
    assert np.bincount(data.train.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10


def test_mnist_is_not_in_balance_as_its_facts_say(real_data_home: Path) -> None:
    counts = np.bincount(stored("mnist", real_data_home).train.labels)
    assert (counts.argmin(), counts.min(), counts.argmax(), counts.max()) == (5, 5421, 1, 6742)
    said = " ".join(get_dataset_info("mnist").known_issues)
    assert "5,421 training images show a 5, the rarest digit, and 6,742 a 1" in said


@pytest.mark.slow
def test_fashion_mnist_repeats_itself_as_its_facts_say(real_data_home: Path) -> None:
    data = stored("fashion_mnist", real_data_home)
    said = " ".join(get_dataset_info("fashion_mnist").known_issues)
    numbers = []
    for near in (0.03, 0.05):
        found = find_duplicates(data, near=near)
        assert not any(pairs.exact.any() for pairs in found.pairs)
        numbers += [len(found.between("train", part)) for part in ("test", "train")]
    of_test, of_train, more_of_test, more_of_train = numbers
    assert f"{of_test} test images are near-duplicates of training images, and {of_train} training images" in said
    assert f"({more_of_test} and {more_of_train} within 0.05)" in said


def test_test_labels_are_those_that_the_lesson_prints(real_data_home: Path) -> None:
    labels = stored("fashion_mnist", real_data_home).test.labels[:100]
    assert labels.tolist() == [int(label) for label in LESSON_TEST_LABELS.split()]
    # Its text speaks of three shoes, its code draws three others.
    names = get_dataset_info("fashion_mnist").class_names
    assert [names[labels[position]] for position in (0, 23, 28)] == ["Ankle boot"] * 3


def test_the_first_mnist_digits_are_the_well_known_ones(real_data_home: Path) -> None:
    data = stored("mnist", real_data_home)
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_unit_scales_into_zero_to_one(real_data_home: Path) -> None:
    data = convvision.load_dataset("fashion_mnist", data_home=real_data_home, download=False)
    pixels = stored("fashion_mnist", real_data_home).test.images
    assert data.train.images.dtype == data.test.images.dtype == np.float32
    assert (data.train.images.min(), data.train.images.max()) == (0, 1)
    np.testing.assert_array_equal(data.test.images, (pixels / 255).astype(np.float32))


def test_standard_has_mean_zero_and_deviation_one(real_data_home: Path) -> None:
    data = convvision.load_dataset("mnist", scale="standard", data_home=real_data_home, download=False)
    # The facts are rounded to four decimals, and a deviation is 0.31.
    assert data.train.images.mean(dtype=np.float64) == pytest.approx(0, abs=2e-4)
    assert data.train.images.std(dtype=np.float64) == pytest.approx(1, abs=2e-4)


def test_a_tenth_for_validation_is_six_hundred_of_each_class(real_data_home: Path) -> None:
    data = convvision.load_dataset(
        "fashion_mnist", scale=None, validation_split=0.1, data_home=real_data_home, download=False
    )
    assert np.bincount(data.validation.labels).tolist() == [600] * 10
    assert np.bincount(data.train.labels).tolist() == [5400] * 10
    whole = stored("fashion_mnist", real_data_home)
    assert data.test.images.tobytes() == whole.test.images.tobytes()
    parts = np.concatenate([data.train.images, data.validation.images]).sum(axis=(1, 2, 3))
    assert np.sort(parts).tolist() == np.sort(whole.train.images.sum(axis=(1, 2, 3))).tolist()


def test_the_fingerprint_is_stable_and_knows_the_data_sets_apart(real_data_home: Path) -> None:
    clothes = stored("fashion_mnist", real_data_home)
    again = convvision.load_dataset("fashion_mnist", scale=None, data_home=real_data_home, download=False)
    assert again is not clothes
    assert again.fingerprint == clothes.fingerprint
    assert clothes.fingerprint != stored("mnist", real_data_home).fingerprint


def test_from_idx_reads_the_same_files(real_data_home: Path) -> None:
    data, named = from_idx(real_data_home / "mnist", scale=None), stored("mnist", real_data_home)
    np.testing.assert_array_equal(data.train.images, named.train.images)
    np.testing.assert_array_equal(data.test.labels, named.test.labels)
    assert data.info.class_names == get_dataset_info("mnist").class_names
    assert data.info.mean == pytest.approx(get_dataset_info("mnist").mean, abs=5e-5)


@pytest.mark.parametrize("options", [{}, {"validation_split": 0.1}, {"scale": None}], ids=["plain", "split", "stored"])
def test_loading_takes_what_it_returns_the_stored_bytes_and_one_file(
    real_data_home: Path, options: dict[str, Any], memory_of_loading: Callable[..., dict[str, int]]
) -> None:
    measured = memory_of_loading(real_data_home, "fashion_mnist", options)
    assert measured["taken"] <= measured["returned"] + sum(SIZES) + max(SIZES) + measured["allowance"]
