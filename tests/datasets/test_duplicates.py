"""Duplicates: what was planted is found, and said of the right images; and how many there are in the real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import convvision
from convvision.datasets import Dataset, find_duplicates, from_arrays
from convvision.errors import InputError, UnknownNameError


def planted(scale: str | None = "unit", validation_split: float = 0.0) -> Dataset:
    """Noise of 8 × 8, and in it: train 5 = train 2, test 1 = train 2, test 3 near train 7, test 4 = test 0."""
    rng = np.random.default_rng(0)
    train, test = (rng.integers(20, 236, (count, 8, 8), np.uint8) for count in (12, 6))
    train[5] = test[1] = train[2]
    test[3] = train[7] + np.uint8(5)
    test[4] = test[0]
    train_labels, test_labels = np.arange(12) % 3, np.array([0, 2, 1, 0, 1, 2])
    return from_arrays(train, train_labels, test, test_labels, scale=scale, validation_split=validation_split)


@pytest.mark.parametrize("scale", [None, "unit", "standard"])
def test_what_was_planted_is_found_on_every_scale(scale: str | None) -> None:
    found = find_duplicates(planted(scale))
    within, between, test = (
        found.between(*parts) for parts in (("train", "train"), ("train", "test"), ("test", "test"))
    )
    assert within.positions.tolist() == [[2, 5]]
    assert between.positions.tolist() == [[2, 1], [7, 3]]
    assert test.positions.tolist() == [[0, 4]]
    assert between.exact.tolist() == [True, False]
    assert between.distances.tolist() == [0, pytest.approx(5 / 255)]
    assert between.labels.tolist() == [[2, 2], [1, 0]]
    assert between.conflicting.tolist() == [False, True]
    assert test.conflicting.tolist() == [True]
    assert repr(between) == "DuplicatePairs(train-test: 1 exact, 1 near, 1 with conflicting labels)"


def test_without_near_ones_only_identical_images_are_found() -> None:
    found = find_duplicates(planted(), near=0)
    assert [pairs.positions.tolist() for pairs in found.pairs] == [[[2, 5]], [[2, 1]], [[0, 4]]]
    assert all(pairs.exact.all() for pairs in found.pairs)


def test_validation_images_are_compared_too() -> None:
    data = planted(validation_split=0.25)
    found = find_duplicates(data)
    assert [pairs.parts for pairs in found.pairs] == [
        ("train", "train"), ("train", "validation"), ("train", "test"),
        ("validation", "validation"), ("validation", "test"), ("test", "test"),
    ]  # fmt: skip
    for pairs in found.pairs:
        first, second = (data.parts[part] for part in pairs.parts)
        for (one, other), distance, labels in zip(pairs.positions, pairs.distances, pairs.labels, strict=True):
            difference = (first.images[one] - second.images[other]).astype(float)
            assert np.sqrt(np.square(difference).mean()) == pytest.approx(distance, abs=1e-6)
            assert labels.tolist() == [first.labels[one], second.labels[other]]


def test_many_equal_images_are_one_pair_each() -> None:
    blank = np.zeros((3000, 4, 4), np.uint8)
    found = find_duplicates(from_arrays(blank, np.arange(3000) % 2, blank[:50], np.arange(50) % 2))
    assert found.between("train", "train").positions.tolist() == [[0, later] for later in range(1, 3000)]
    assert found.between("train", "test").positions.tolist() == [[0, image] for image in range(50)]


@pytest.mark.parametrize("near", [0.0, 0.03])
def test_copies_of_copies_are_paired_with_the_first(near: float) -> None:
    rng = np.random.default_rng(1)
    train = rng.integers(0, 256, (4, 8, 8), np.uint8)[[0, 1, 0, 1, 0, 2]]
    found = find_duplicates(from_arrays(train, [0, 1, 0, 0, 1, 1], train[[3, 5, 3]], [0, 1, 1]), near=near)
    assert found.between("train", "train").positions.tolist() == [[0, 2], [1, 3], [0, 4]]
    assert found.between("train", "train").conflicting.tolist() == [False, True, True]
    assert found.between("train", "test").positions.tolist() == [[1, 0], [5, 1], [1, 2]]
    assert found.between("test", "test").positions.tolist() == [[0, 2]]


def test_the_table() -> None:
    assert str(find_duplicates(planted())).splitlines() == [
        "images of  repeat one of   exactly  nearly (≤ 0.03)  with another label",
        "─" * 71,
        "train      train, earlier        1                0                   0",
        "test       train                 1                1                   1",
        "test       test, earlier         1                0                   1",
    ]


def test_parts_that_are_not_there() -> None:
    with pytest.raises(UnknownNameError, match=r"train and test, test and test\. Received: 'test' and 'train'"):
        find_duplicates(planted(), near=0).between("test", "train")


@pytest.mark.parametrize("near", [-0.1, 1, float("nan"), "small", True])
def test_a_distance_that_cannot_be(near: float) -> None:
    with pytest.raises(InputError, match=r"at least 0 and below 1\. Received: "):
        find_duplicates(planted(), near=near)


# Those between training and test images were also found by the product of whole images (benchmarks/data_quality.py).
@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(("name", "counts"), [("fashion_mnist", (38, 12, 1)), ("mnist", (2, 1, 0))])
def test_near_duplicates_of_the_real_data(real_data_home: Path, name: str, counts: tuple[int, ...]) -> None:
    data = convvision.load_dataset(name, scale=None, data_home=real_data_home, download=False)
    found = find_duplicates(data)
    assert tuple(map(len, found.pairs)) == counts
    assert not any(pairs.exact.any() or pairs.conflicting.any() for pairs in found.pairs)
    pairs = found.between("train", "test")
    difference = data.train.images[pairs.positions[:, 0]] / 255 - data.test.images[pairs.positions[:, 1]] / 255
    np.testing.assert_allclose(np.sqrt(np.square(difference).mean(axis=(1, 2, 3))), pairs.distances)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
def test_no_two_images_of_the_real_data_are_the_same(real_data_home: Path, name: str) -> None:
    data = convvision.load_dataset(name, scale=None, data_home=real_data_home, download=False)
    assert all(len(pairs) == 0 for pairs in find_duplicates(data, near=0).pairs)
    whole = {image.tobytes() for split in (data.train, data.test) for image in split.images}
    assert len(whole) == 70_000
