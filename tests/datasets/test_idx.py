"""The IDX format: bytes put together by hand, and files that lie."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convvision.datasets import read_idx, write_idx
from convvision.datasets._idx import parse_idx
from convvision.errors import ConvvisionError, CorruptDataError, DataNotFoundError, InputError, OutputError

# [[1, 258], [-2, 32767]] as int16: zero, zero, type 0x0B, two axes, 2, 2, then the values, big-endian.
KNOWN = np.array([[1, 258], [-2, 32767]], np.int16)
KNOWN_BYTES = bytes.fromhex("00000b02 00000002 00000002 0001 0102 fffe 7fff")

LARGEST = 2**32 - 1


def header(code: int, *shape: int) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


# What is read and written


@pytest.mark.parametrize("compress", [False, True])
def test_a_known_array_is_read(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "known"
    path.write_bytes(gzip.compress(KNOWN_BYTES) if compress else KNOWN_BYTES)
    array = read_idx(path)
    assert array.dtype == np.int16
    assert array.tolist() == KNOWN.tolist()


def test_a_known_array_is_written(tmp_path: Path) -> None:
    write_idx(tmp_path / "known", KNOWN)
    assert (tmp_path / "known").read_bytes() == KNOWN_BYTES


def test_gz_in_the_name_compresses_what_is_written(tmp_path: Path) -> None:
    write_idx(tmp_path / "known.gz", KNOWN)
    assert gzip.decompress((tmp_path / "known.gz").read_bytes()) == KNOWN_BYTES


def test_the_same_array_makes_the_same_compressed_bytes(tmp_path: Path) -> None:
    for name in ("one.gz", "other.gz"):
        write_idx(tmp_path / name, KNOWN)
    one, other = ((tmp_path / name).read_bytes() for name in ("one.gz", "other.gz"))
    assert one == other
    # Bytes 4 to 7 of a gzip header are the time (RFC 1952).
    assert one[4:8] == bytes(4)


@pytest.mark.parametrize(
    ("code", "value", "dtype", "expected"),
    [
        (0x08, "fe", np.uint8, 254),
        (0x09, "fe", np.int8, -2),
        (0x0B, "fffe", np.int16, -2),
        (0x0C, "00010000", np.int32, 65536),
        (0x0D, "3fc00000", np.float32, 1.5),
        (0x0E, "c004000000000000", np.float64, -2.5),
    ],
)
def test_each_type_of_the_format(tmp_path: Path, code: int, value: str, dtype: type, expected: float) -> None:
    (tmp_path / "one").write_bytes(header(code, 1) + bytes.fromhex(value))
    array = read_idx(tmp_path / "one")
    assert array.dtype == dtype
    assert array.dtype.isnative
    assert array.tolist() == [expected]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("view", [lambda a: a, lambda a: a.T, lambda a: a[::-1, ::2]], ids=["C", "F", "strided"])
def test_byte_order_and_memory_layout_do_not_matter(
    tmp_path: Path, order: str, view: Callable[[np.ndarray], np.ndarray]
) -> None:
    array = view(np.arange(12, dtype=f"{order}i4").reshape(3, 4))
    write_idx(tmp_path / "array", array)
    assert read_idx(tmp_path / "array").tolist() == array.tolist()


def test_uint8_shares_the_memory_of_its_bytes() -> None:
    payload = header(0x08, 3) + b"abc"
    assert np.shares_memory(parse_idx(payload, source="here"), np.frombuffer(payload, np.uint8))


def test_members_of_a_gzip_file_are_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "known.gz").write_bytes(gzip.compress(KNOWN_BYTES[:7]) + gzip.compress(KNOWN_BYTES[7:]))
    assert read_idx(tmp_path / "known.gz").tolist() == KNOWN.tolist()


def test_a_name_that_ends_in_gz_does_not_make_a_gzip_file(tmp_path: Path) -> None:
    (tmp_path / "known.gz").write_bytes(KNOWN_BYTES)
    assert read_idx(tmp_path / "known.gz").tolist() == KNOWN.tolist()


# Files that lie


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path, compress: bool) -> None:
    whole = gzip.compress(KNOWN_BYTES) if compress else KNOWN_BYTES
    path = tmp_path / "cut"
    for count in range(len(whole)):
        path.write_bytes(whole[:count])
        with pytest.raises(CorruptDataError, match=r"cut short|is not an IDX file|is a broken gzip file"):
            read_idx(path)


def test_cut_values_say_what_the_header_promised() -> None:
    with pytest.raises(CorruptDataError, match=r"here is cut short: .*shape \(2, 2\) of int16, 20 bytes.*Received: 19"):
        parse_idx(KNOWN_BYTES[:-1], source="here")


def test_a_cut_header_says_so() -> None:
    with pytest.raises(CorruptDataError, match=r"here is cut short: its header takes 12 bytes\. Received: 11 bytes"):
        parse_idx(KNOWN_BYTES[:11], source="here")


def test_bytes_left_over_are_refused() -> None:
    with pytest.raises(CorruptDataError, match=r"here has bytes left over: .*20 bytes\. Received: 21 bytes"):
        parse_idx(KNOWN_BYTES + b"\0", source="here")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0\0\x08",
        b"\x01\0\x08\x01\0\0\0\x01x",
        b"\0\x01\x08\x01\0\0\0\x01x",
        b"\0\0\x0a\x01\0\0\0\x01x",
        b"\0\0\x08\0x",
        b"<!DOCTYPE html>",
    ],
    ids=["empty", "three bytes", "first byte", "second byte", "type", "no axes", "HTML"],
)
def test_other_files_are_told_from_idx(payload: bytes) -> None:
    with pytest.raises(CorruptDataError, match="here is not an IDX file: it should begin with two zero bytes"):
        parse_idx(payload, source="here")


@pytest.mark.parametrize(
    "shape",
    [(LARGEST,), (LARGEST, LARGEST), (LARGEST,) * 255, (65536, 65536, 65536, 65536)],
    ids=["one axis", "two", "255", "the product overflows 64 bits to 0"],
)
def test_a_header_that_lies_allocates_nothing(shape: tuple[int, ...]) -> None:
    payload = header(0x0E, *shape) + bytes(8)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptDataError, match="is cut short"):
            parse_idx(payload, source="here")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "payload",
    [header(0x08, *[1] * 200) + b"x", header(0x08, LARGEST, LARGEST, LARGEST, 0)],
    ids=["200 axes", "no values, yet axes beyond 64 bits"],
)
def test_a_true_header_of_an_array_that_numpy_cannot_hold(payload: bytes) -> None:
    with pytest.raises(CorruptDataError, match="here holds an array that NumPy cannot: "):
        parse_idx(payload, source="here")


@pytest.mark.parametrize(
    "broken",
    [
        lambda whole: whole[:12] + bytes([whole[12] ^ 0xFF]) + whole[13:],
        lambda whole: whole[:-8] + bytes(4) + whole[-4:],
        lambda whole: whole[:-4] + bytes(4),
        lambda whole: whole + b"more",
        lambda whole: b"\x1f\x8b" + b"no gzip at all",
    ],
    ids=["data", "checksum", "length", "something after it", "magic alone"],
)
def test_broken_gzip_is_named(tmp_path: Path, broken: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "broken.gz"
    path.write_bytes(broken(gzip.compress(KNOWN_BYTES)))
    with pytest.raises(CorruptDataError, match=r"broken\.gz is a broken gzip file: ") as caught:
        read_idx(path)
    # It is a file of the user's own, and perhaps the only one.
    assert "Delete" not in str(caught.value)


def test_gzip_of_gzip_is_unpacked_once(tmp_path: Path) -> None:
    (tmp_path / "twice.gz").write_bytes(gzip.compress(gzip.compress(KNOWN_BYTES)))
    with pytest.raises(CorruptDataError, match=r"is not an IDX file: .*Received: b'\\x1f\\x8b"):
        read_idx(tmp_path / "twice.gz")


@pytest.mark.parametrize(
    ("beginning", "said"),
    [
        (b"", r"is not an IDX file: .*Received: b'\\x00\\x00\\x00\\x00'"),
        (header(0x08, 3), "holds more than the 11 bytes that it should"),
        (
            header(0x08, 2**10, 2**20),
            r"was made to fill the memory: its header says shape \(1024, 1048576\) of uint8, 1073741836 bytes\. "
            r"Received: a file of \d+ bytes",
        ),
    ],
    ids=["no header", "a small header", "a large header"],
)
def test_a_small_file_that_unpacks_without_end_is_left_at_its_limit(
    tmp_path: Path, beginning: bytes, said: str
) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(beginning + bytes(50_000_000), compresslevel=1))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptDataError, match=said):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_labels_that_gzip_makes_a_thousand_times_smaller_are_read(tmp_path: Path) -> None:
    labels = np.repeat(np.arange(10, dtype=np.uint8), 100_000)
    write_idx(tmp_path / "labels.gz", labels)
    assert (tmp_path / "labels.gz").stat().st_size < labels.size / 500
    np.testing.assert_array_equal(read_idx(tmp_path / "labels.gz"), labels)


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_five_hundred_mutants_are_refused_or_hold_what_they_say(tmp_path: Path, compress: bool) -> None:
    rng = np.random.default_rng(0)
    whole = gzip.compress(KNOWN_BYTES, mtime=0) if compress else KNOWN_BYTES
    path = tmp_path / "mutant"
    read = 0
    for _ in range(500):
        mutant = mutate(whole, rng)
        path.write_bytes(mutant)
        try:
            array = read_idx(path)
        except ConvvisionError:
            continue
        read += 1
        payload = gzip.decompress(mutant) if mutant[:2] == b"\x1f\x8b" else mutant
        values = array.astype(array.dtype.newbyteorder(">")).tobytes()
        assert payload == struct.pack(f">{array.ndim}I", *array.shape).join([payload[:4], values])
        assert payload[3] == array.ndim
    # Mutants of both kinds came up: a changed value is still a file, a changed header is none.
    assert 0 < read < 500


def mutate(whole: bytes, rng: np.random.Generator) -> bytes:
    """Change, insert or delete one to three bytes, or cut the end."""
    mutant = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        position = int(rng.integers(len(mutant)))
        match rng.integers(4):
            case 0:
                mutant[position] = int(rng.integers(256))
            case 1:
                mutant.insert(position, int(rng.integers(256)))
            case 2 if len(mutant) > 1:
                del mutant[position]
            case 3:
                mutant[position] ^= 1 << int(rng.integers(8))
    return bytes(mutant[: int(rng.integers(1, len(mutant)))] if rng.random() < 0.1 else mutant)


# Paths and arguments


@pytest.mark.parametrize("name", ["nowhere.idx", "."], ids=["missing", "a folder"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataNotFoundError, match="There is no IDX file") as caught:
        read_idx(tmp_path / name)
    assert isinstance(caught.value, FileNotFoundError)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("array", "received"),
    [
        (np.zeros(3, np.int64), r"dtype int64, shape \(3,\)"),
        (np.zeros(3, bool), r"dtype bool, shape \(3,\)"),
        (np.zeros(3, np.uint16), r"dtype uint16, shape \(3,\)"),
        (np.uint8(3), r"dtype uint8, shape \(\)"),
        (np.array(["a"]), r"dtype <U1, shape \(1,\)"),
        (np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (2**32,), (0,)), r"dtype uint8, shape \(4294967296,\)"),
    ],
    ids=["int64", "bool", "uint16", "no axes", "text", "an axis of 2**32"],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, array: np.ndarray, received: str) -> None:
    with pytest.raises(InputError, match=f"IDX holds uint8, int8, .*Received: {received}"):
        write_idx(tmp_path / "array", array)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_an_output_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write .*taken"):
        write_idx(tmp_path / "taken", KNOWN)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
