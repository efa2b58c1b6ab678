"""Splits, class by class."""

from __future__ import annotations

import numpy as np
import pytest

from convvision.datasets._splits import stratified_split
from convvision.errors import InputError

# 5 of class 0, 10 of class 1, 20 of class 2, none of class 3, 40 of class 4.
LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2, 4], [5, 10, 20, 40]))


def test_the_parts_are_a_partition() -> None:
    remain, chosen = stratified_split(LABELS, 0.2, seed=0)
    assert sorted([*remain, *chosen]) == list(range(75))


def test_each_class_gives_its_fraction() -> None:
    _, chosen = stratified_split(LABELS, 0.2, seed=0)
    assert np.bincount(LABELS[chosen], minlength=5).tolist() == [1, 2, 4, 0, 8]


def test_a_share_that_is_no_whole_number_is_rounded() -> None:
    _, chosen = stratified_split(LABELS, 0.33, seed=0)
    # 1.65, 3.3, 6.6 and 13.2
    assert np.bincount(LABELS[chosen], minlength=5).tolist() == [2, 3, 7, 0, 13]


def test_positions_ascend_so_that_the_order_of_images_is_kept() -> None:
    for part in stratified_split(LABELS, 0.4, seed=0):
        assert part.tolist() == sorted(part.tolist())


def test_the_same_seed_chooses_the_same_and_another_others() -> None:
    chosen = [stratified_split(LABELS, 0.4, seed=seed)[1].tolist() for seed in (7, 7, 8)]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]


def test_every_image_is_chosen_as_often_as_any_other() -> None:
    times = np.zeros(75)
    for seed in range(400):
        times[stratified_split(LABELS, 0.4, seed=seed)[1]] += 1
    # Of 400 choices at 0.4: 160 with a standard deviation of 9.8; six of them leave a chance of one in a million.
    assert times.min() > 160 - 60
    assert times.max() < 160 + 60


def test_the_choice_leaves_the_global_generator_alone() -> None:
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    stratified_split(LABELS, 0.4, seed=0)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize(("fraction", "counts"), [(0.05, [1, 1, 1, 0, 2]), (0.95, [4, 9, 19, 0, 38])])
def test_every_class_is_on_both_sides(fraction: float, counts: list[int]) -> None:
    _, chosen = stratified_split(LABELS, fraction, seed=0)
    assert np.bincount(LABELS[chosen], minlength=5).tolist() == counts


@pytest.mark.parametrize("fraction", [0.4, 0.6])
def test_the_only_image_of_a_class_remains(fraction: float) -> None:
    remain, _ = stratified_split(np.array([0, 1, 0, 0]), fraction, seed=0)
    assert 1 in remain


def test_the_refusal_says_which_fractions_would_do() -> None:
    labels = np.repeat(np.arange(3), 4)
    with pytest.raises(InputError, match=r"has 4: choose a fraction above 0\.12 and below 0\.88, or bring more images"):
        stratified_split(labels, 0.1, seed=0)
    assert [len(stratified_split(labels, fraction, seed=0)[1]) for fraction in (0.13, 0.87)] == [3, 9]
    with pytest.raises(InputError, match="The largest class has 1: bring more images"):
        stratified_split(np.arange(3), 0.5, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.999, 1.0])
def test_a_fraction_that_leaves_a_part_empty_is_refused(fraction: float) -> None:
    with pytest.raises(
        InputError,
        match=rf"A fraction of {fraction} of each class leaves one of the two parts without an image\. "
        r"Received: 75 labels of 4 classes\.",
    ):
        stratified_split(LABELS, fraction, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "0", None, True])
def test_a_seed_that_cannot_be_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match=rf"is a whole number from 0 to 4294967295\. Received: seed={seed!r}"):
        stratified_split(LABELS, 0.4, seed=seed)  # type: ignore[arg-type]


def test_a_seed_of_numpy_is_as_good_as_pythons() -> None:
    assert (
        stratified_split(LABELS, 0.4, seed=np.int64(3))[1].tolist() == stratified_split(LABELS, 0.4, seed=3)[1].tolist()
    )
