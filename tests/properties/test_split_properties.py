"""What holds for every stratified split."""

from __future__ import annotations

import contextlib

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convvision.datasets._splits import stratified_split
from convvision.errors import InputError

LABELS = hnp.arrays(np.int64, st.integers(1, 200), elements=st.integers(0, 6))
FRACTIONS = st.floats(0.001, 0.999)
SEEDS = st.integers(0, 2**32 - 1)


def split(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split, and leave out what cannot be split."""
    try:
        return stratified_split(labels, fraction, seed=seed)
    except InputError:
        assume(False)
        raise


@given(labels=LABELS, fraction=FRACTIONS, seed=SEEDS)
def test_the_parts_are_a_partition_in_ascending_order(labels: np.ndarray, fraction: float, seed: int) -> None:
    remain, chosen = split(labels, fraction, seed)
    assert sorted([*remain, *chosen]) == list(range(len(labels)))
    for part in (remain, chosen):
        assert len(part) >= 1
        assert (np.diff(part) > 0).all()


@given(labels=LABELS, fraction=FRACTIONS, seed=SEEDS)
def test_each_class_gives_its_share_to_one_image(labels: np.ndarray, fraction: float, seed: int) -> None:
    _, chosen = split(labels, fraction, seed)
    for label in set(labels.tolist()):
        members = sum(1 for other in labels if other == label)
        given_away = sum(1 for position in chosen if labels[position] == label)
        assert abs(given_away - fraction * members) < 1
        assert members == 1 or 1 <= given_away <= members - 1


@given(labels=LABELS, fraction=FRACTIONS, seed=SEEDS)
def test_the_same_seed_chooses_the_same_images(labels: np.ndarray, fraction: float, seed: int) -> None:
    for one, other in zip(split(labels, fraction, seed), split(labels.copy(), fraction, seed), strict=True):
        assert one.tolist() == other.tolist()


@given(labels=LABELS, fraction=FRACTIONS, seed=SEEDS)
def test_only_a_split_that_leaves_a_part_empty_is_refused(labels: np.ndarray, fraction: float, seed: int) -> None:
    chosen = sum(round(fraction * int(count)) for count in np.unique(labels, return_counts=True)[1])
    empty = chosen in (0, len(labels))
    with pytest.raises(InputError, match="leaves one of the two parts") if empty else contextlib.nullcontext():
        stratified_split(labels, fraction, seed=seed)
