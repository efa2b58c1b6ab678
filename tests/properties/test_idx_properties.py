"""What holds for every array that the IDX format can hold."""

from __future__ import annotations

import gzip
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convvision.datasets import read_idx, write_idx
from convvision.datasets._idx import parse_idx
from convvision.errors import CorruptDataError

TYPES = ("u1", "i1", "<i2", ">i2", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8")

ARRAYS = st.sampled_from(TYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=4))
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx")


@given(array=ARRAYS, ending=st.sampled_from(("", ".gz")))
def test_what_is_written_is_what_is_read(folder: Path, array: np.ndarray, ending: str) -> None:
    path = folder / f"array{ending}"
    write_idx(path, array)
    read = read_idx(path)
    native = array.astype(array.dtype.newbyteorder("="))
    assert read.dtype == native.dtype
    assert read.shape == native.shape
    # As bytes, because NaN equals nothing and -0 equals 0.
    assert read.tobytes() == native.tobytes()


@given(array=ARRAYS)
def test_the_size_of_a_file_follows_from_its_shape(folder: Path, array: np.ndarray) -> None:
    write_idx(folder / "sized", array)
    assert (folder / "sized").stat().st_size == 4 + 4 * array.ndim + array.nbytes


@given(array=ARRAYS)
def test_compression_changes_the_container_alone(folder: Path, array: np.ndarray) -> None:
    write_idx(folder / "raw", array)
    write_idx(folder / "compressed.gz", array)
    assert gzip.decompress((folder / "compressed.gz").read_bytes()) == (folder / "raw").read_bytes()


@given(payload=st.binary(max_size=64) | st.binary(max_size=60).map(lambda rest: b"\0\0\x08\x01" + rest))
def test_any_bytes_are_an_array_or_a_corrupt_file(payload: bytes) -> None:
    try:
        array = parse_idx(payload, source="here")
    except CorruptDataError:
        return
    assert payload.endswith(array.astype(array.dtype.newbyteorder(">")).tobytes())
    assert len(payload) == 4 + 4 * array.ndim + array.nbytes
