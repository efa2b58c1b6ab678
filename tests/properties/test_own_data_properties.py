"""What holds for every data set that is made from a user's own arrays and files."""

from __future__ import annotations

import itertools
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convvision.datasets import Dataset, from_arrays, from_csv, from_idx, write_idx
from convvision.errors import InputError

LABELS = hnp.arrays(np.int64, st.integers(4, 80), elements=st.integers(0, 4))
FRACTIONS = st.floats(0.01, 0.9)
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 4))


def split(labels: np.ndarray, test: float, validation: float, seed: int) -> Dataset:
    """Make a data set whose image i shows the number i; leave out what cannot be split."""
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    try:
        # Any of the five may be without an image.
        options = {"test_split": test, "validation_split": validation, "class_names": "abcde"}
        return from_arrays(images, labels, scale=None, seed=seed, **options)
    except InputError:
        assume(False)
        raise


def numbers(data: Dataset) -> list[list[int]]:
    assert data.validation is not None
    return [part.images.ravel().tolist() for part in (data.train, data.validation, data.test)]


@given(labels=LABELS, test=FRACTIONS, validation=FRACTIONS, seed=SEEDS)
def test_the_three_parts_are_a_partition_that_keeps_its_labels(
    labels: np.ndarray, test: float, validation: float, seed: int
) -> None:
    data = split(labels, test, validation, seed)
    assert sorted(itertools.chain(*numbers(data))) == list(range(len(labels)))
    for part in (data.train, data.validation, data.test):
        assert part is not None
        assert part.labels.tolist() == [labels[number] for number in part.images.ravel()]


@given(labels=LABELS, test=FRACTIONS, validation=FRACTIONS, seed=SEEDS)
def test_each_part_has_its_share_of_each_class_to_one_image(
    labels: np.ndarray, test: float, validation: float, seed: int
) -> None:
    data = split(labels, test, validation, seed)
    assert data.validation is not None
    for label in set(labels.tolist()):
        members = int((labels == label).sum())
        tested = int((data.test.labels == label).sum())
        validated = int((data.validation.labels == label).sum())
        assert abs(tested - test * members) < 1
        assert abs(validated - validation * (members - tested)) < 1


@given(labels=LABELS, test=FRACTIONS, validation=FRACTIONS, seed=SEEDS)
def test_the_same_seed_splits_in_the_same_way(labels: np.ndarray, test: float, validation: float, seed: int) -> None:
    assert numbers(split(labels, test, validation, seed)) == numbers(split(labels.copy(), test, validation, seed))


# NumPy's strings end at a NUL.
@given(names=st.lists(st.text(st.characters(exclude_characters="\0"), max_size=3), min_size=5, max_size=30))
def test_names_come_back_from_their_indices(names: list[str]) -> None:
    data = from_arrays(np.zeros((len(names), 1, 1), np.uint8), names, np.zeros((1, 1, 1), np.uint8), names[:1])
    assert [data.info.class_names[label] for label in data.train.labels] == names
    assert list(data.info.class_names) == sorted(set(names))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@given(drawn=SHAPES.flatmap(lambda shape: hnp.arrays(np.uint8, shape)), transpose=st.booleans())
def test_what_is_written_as_idx_is_what_from_idx_reads(folder: Path, drawn: np.ndarray, transpose: bool) -> None:
    labels = np.arange(len(drawn), dtype=np.uint8)
    for part in ("train", "test"):
        write_idx(folder / f"{part}-images", drawn.swapaxes(1, 2) if transpose else drawn)
        write_idx(folder / f"{part}-labels", labels)
    data = from_idx(folder, transpose=transpose, scale=None)
    for split_ in (data.train, data.test):
        assert split_.images[..., 0].tolist() == drawn.tolist()
        assert split_.labels.tolist() == labels.tolist()


@given(drawn=SHAPES.flatmap(lambda shape: hnp.arrays(np.uint8, shape)), header=st.booleans())
def test_what_is_written_as_csv_is_what_from_csv_reads(folder: Path, drawn: np.ndarray, header: bool) -> None:
    rows = [",".join(map(str, [number, *image.ravel()])) for number, image in enumerate(drawn)]
    first = [",".join(["label", *map(str, range(drawn[0].size))])] if header else []
    path = folder / "drawn.csv"
    path.write_text("\n".join([*first, *rows]))
    data = from_csv(path, path, image_shape=(*drawn.shape[1:], 1), scale=None)
    assert data.train.images[..., 0].tolist() == drawn.tolist()
    assert data.train.labels.tolist() == list(range(len(drawn)))
