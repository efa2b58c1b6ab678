"""IDX, gzip, CIFAR and archive files that were damaged: refused in our own words, or read for what they hold.

What is read is held against a parser that was written for this test alone, or against the whole file where a checksum
in the format leaves no other choice. Memory is bounded whatever a header claims.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convvision.datasets import read_idx
from convvision.datasets._archives import read_tar_members, read_zip_members
from convvision.datasets._cifar import parse_cifar
from convvision.datasets._data_file import DataFile
from convvision.errors import ConvvisionError
from fuzz.mutations import mutate

_MOST_MEMORY = 8 << 20
_FORMATS = {0x08: "B", 0x09: "b", 0x0B: "h", 0x0C: "i", 0x0D: "f", 0x0E: "d"}

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
IDX = struct.pack(">HBB3I", 0, 0x08, 3, 3, 28, 28) + PIXELS.tobytes()
SHORTS = struct.pack(">HBB2I6h", 0, 0x0B, 2, 2, 3, -32768, -1, 0, 1, 256, 32767)
RECORDS = b"".join(bytes([label]) + np.random.default_rng(label).bytes(3072) for label in (0, 9, 5))
MEMBERS = {"set/train.bin": RECORDS[:3073], "set/test.bin": RECORDS[3073:]}


@dataclass(frozen=True)
class Kind:
    """A format.

    Attributes:
        name: For the report.
        whole: A good file.
        read: Ours: the file's bytes and a folder to use -> something that can be compared.
        expected: The other parser, which gives None where the file is to be refused.
        wrap: What is done to a damaged file before it is read, so that a checksum does not hide the damage.
        strict: Whether what the other parser accepts must be accepted.
    """

    name: str
    whole: bytes
    read: Callable[[bytes, Path], Any]
    expected: Callable[[bytes], Any]
    wrap: Callable[[bytes], bytes] = bytes
    strict: bool = False


def file_of(mutant: bytes, folder: Path) -> Path:
    path = folder / "mutant"
    path.write_bytes(mutant)
    return path


def read_array(mutant: bytes, folder: Path) -> Any:
    array = read_idx(file_of(mutant, folder))
    return array.dtype.itemsize, array.shape, array.ravel().astype(array.dtype.newbyteorder(">")).tobytes()


def parse_array(mutant: bytes) -> Any:
    """Read IDX with struct, one value after the other."""
    if len(mutant) < 4 or mutant[:2] != b"\0\0" or mutant[2] not in _FORMATS or mutant[3] == 0:
        return None
    axes = mutant[3]
    if len(mutant) < 4 + 4 * axes:
        return None
    shape = struct.unpack_from(f">{axes}I", mutant, 4)
    width = struct.calcsize(f">{_FORMATS[mutant[2]]}")
    values = mutant[4 + 4 * axes :]
    # NumPy holds up to 64 axes, or 32 before its version 2.
    if len(values) != math.prod(shape) * width or axes > 32:
        return None
    return width, shape, values


def parse_whole_or_array(whole: bytes, values: bytes) -> Callable[[bytes], Any]:
    """Expect of a file with a checksum all that it held, unless it does not look compressed any more."""
    return lambda mutant: parse_array(values) if mutant[:2] == whole[:2] else parse_array(mutant)


def read_published(mutant: bytes, folder: Path) -> Any:
    return PUBLISHED.read(file_of(mutant, folder))


def read_records(mutant: bytes, folder: Path) -> Any:
    images, labels = parse_cifar(mutant, label_count=1, num_classes=10, source="mutant")
    return images.tolist(), labels.tolist()


def parse_records(mutant: bytes) -> Any:
    if not mutant or len(mutant) % 3073:
        return None
    images, labels = [], []
    for start in range(0, len(mutant), 3073):
        label, planes = mutant[start], mutant[start + 1 : start + 3073]
        if label > 9:
            return None
        labels.append(label)
        images.append(
            [
                [[planes[1024 * channel + 32 * row + column] for channel in range(3)] for column in range(32)]
                for row in range(32)
            ]
        )
    return images, labels


LIMITS = {name: len(content) for name, content in MEMBERS.items()}


def read_tar(mutant: bytes, folder: Path) -> Any:
    return read_tar_members(io.BytesIO(mutant), LIMITS, source="mutant")


def parse_tar(mutant: bytes) -> Any:
    """Walk through the blocks of a plain tar archive (POSIX.1-1988)."""
    found: dict[str, bytes] = {}
    position = 0
    while position + 512 <= len(mutant) and any(mutant[position : position + 512]):
        block = mutant[position : position + 512]
        try:
            size, checksum = (int(block[slice(*field)].split(b"\0")[0], 8) for field in ((124, 136), (148, 156)))
        except ValueError:
            break
        if checksum != sum(block) - sum(block[148:156]) + 8 * 32:
            break
        name = block[:100].split(b"\0")[0].decode()
        if name in LIMITS and size <= LIMITS[name] and block[156:157] == b"0":
            found.setdefault(name, mutant[position + 512 : position + 512 + size])
        position += 512 + -(-size // 512) * 512
    return found if found.keys() == LIMITS.keys() else None


def tar_of(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in {"set/readme": b"text", **members}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, gzip.compress(content, mtime=0))
    return file.getvalue()


def read_zip(mutant: bytes, folder: Path) -> Any:
    return read_zip_members(io.BytesIO(mutant), LIMITS, source="mutant")


PUBLISHED = DataFile("mutant", hashlib.sha256(IDX).hexdigest(), len(IDX), ())
GZIP = gzip.compress(IDX, mtime=0)
TAR = tar_of(MEMBERS)

KINDS = [
    Kind("idx", IDX, read_array, parse_array, strict=True),
    Kind("idx of shorts", SHORTS, read_array, parse_array, strict=True),
    Kind("gzip", GZIP, read_array, parse_whole_or_array(GZIP, IDX)),
    Kind("damaged, then gzip", IDX, read_array, parse_array, wrap=gzip.compress, strict=True),
    Kind("published", GZIP, read_published, lambda mutant: IDX),
    Kind("cifar", RECORDS, read_records, parse_records, strict=True),
    Kind("tar.gz", gzip.compress(TAR, mtime=0), read_tar, lambda mutant: MEMBERS),
    Kind("damaged, then tar.gz", TAR, read_tar, parse_tar, wrap=gzip.compress),
    Kind("zip", zip_of(MEMBERS), read_zip, lambda mutant: MEMBERS),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_whole_file_is_read_and_the_other_parser_agrees(kind: Kind, tmp_path: Path) -> None:
    assert kind.read(kind.wrap(kind.whole), tmp_path) == kind.expected(kind.whole) is not None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    ("count", "seed"), [pytest.param(28, 0, id="28"), pytest.param(560, 1, id="560", marks=pytest.mark.slow)]
)
def test_damaged_files_are_refused_or_read_for_what_they_hold(
    kind: Kind, tmp_path: Path, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    refused = read = 0
    tracemalloc.start()
    try:
        for number in range(count):
            mutant = mutate(kind.whole, rng)
            damaged = kind.wrap(mutant)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                held = kind.read(damaged, tmp_path)
            except ConvvisionError:
                held = None
            taken = tracemalloc.get_traced_memory()[1] - before
            assert taken < _MOST_MEMORY, f"mutant {number} of seed {seed} takes {taken} bytes"
            expected = kind.expected(mutant)
            if held is not None or kind.strict:
                assert held == expected, f"mutant {number} of seed {seed}"
            read += held is not None
            refused += held is None
    finally:
        tracemalloc.stop()
    assert refused > count // 20
    if kind.wrap is not bytes or kind.strict:
        assert read, "no mutant was left good enough to be read"


def test_a_header_that_claims_2_to_the_40_images_and_a_bomb_behind_it_allocate_nothing(tmp_path: Path) -> None:
    claim = struct.pack(">HBB3I", 0, 0x08, 3, 2**20, 2**10, 2**10)
    path = tmp_path / "claim"
    path.write_bytes(gzip.compress(claim + bytes(1000)))
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(bytes(200_000_000), compresslevel=1))
    tracemalloc.start()
    try:
        with pytest.raises(ConvvisionError, match="cut short"):
            read_idx(path)
        with pytest.raises(ConvvisionError, match="holds more than"):
            PUBLISHED.read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
