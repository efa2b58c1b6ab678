"""The IDX format, in which MNIST and its relatives are published (Y. LeCun, C. Cortes, C. Burges, 1998).

A file is two zero bytes, a byte for the type, a byte for the number of axes, each axis as a big-endian unsigned 32-bit
integer, then the values in C order, big-endian.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._atomic import replace_file
from convvision._public import set_module
from convvision.errors import CorruptDataError, DataNotFoundError, InputError

__all__ = ["parse_idx", "read_idx", "read_stream", "write_idx"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CODES = {np.dtype(name).newbyteorder("="): code for code, name in _TYPES.items()}
_LONGEST_HEADER = 4 + 4 * 255
# gzip makes images a few times smaller, and labels that are sorted a thousand times, but they are few. What promises
# to become much larger was made to fill the memory.
_MOST_BYTES = 2**28
_MOST_BYTES_A_BYTE = 100
# No deflate stream becomes larger than this many times itself (RFC 1951: 258 bytes for two bits).
_DEFLATE = 1032
_GZIP_MAGIC = b"\x1f\x8b"


@set_module("convvision.datasets")
def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an IDX file, gzip-compressed or not.

    Args:
        path: The file; it is recognised as gzip by its first bytes, whatever its name.

    Returns:
        The array, of the shape and dtype that the file names, in the machine's byte order. The usual files hold images
        of shape (N, H, W) and labels of shape (N,), both uint8.

    Raises:
        DataNotFoundError: No such file, or one that cannot be read.
        CorruptDataError: Not an IDX file, cut short, with bytes left over, or one of more than 256 MiB that its
            compression makes more than a hundred times smaller, as it does with no images.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import read_idx, write_idx
        >>> write_idx("labels-idx1-ubyte.gz", np.array([7, 2, 1], np.uint8))
        >>> read_idx("labels-idx1-ubyte.gz")
        array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"There is no IDX file {path}.")
    source = str(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataNotFoundError(f"{source} cannot be read: {error.strerror or error}.") from error
    with file:
        head = _read(file, source, _LONGEST_HEADER)
        file.seek(0)
        if not _is_gzip(file):
            return parse_idx(_read(file, source, -1), source=source)
        header = _Header.of(head, source)
        stored = os.fstat(file.fileno()).st_size
        if header.size > min(_DEFLATE * stored, max(_MOST_BYTES, _MOST_BYTES_A_BYTE * stored)):
            raise CorruptDataError(
                f"{source} is cut short, or was made to fill the memory: {header}. Received: a file of {stored} bytes."
            )
        return parse_idx(read_stream(file, source=source, limit=header.size), source=source)


@set_module("convvision.datasets")
def write_idx(path: str | Path, array: NDArray[Any]) -> None:
    """Write an array as an IDX file, compressed where the name ends in ``.gz``.

    Args:
        path: The file to write; one that exists is replaced.
        array: uint8, int8, int16, int32, float32 or float64; any shape of 1 to 255 axes.

    Raises:
        InputError: A type or a shape that the format cannot hold.
        OutputError: The file cannot be written.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import read_idx, write_idx
        >>> write_idx("images-idx3-ubyte", np.zeros((2, 28, 28), np.uint8))
        >>> read_idx("images-idx3-ubyte").shape
        (2, 28, 28)
    """
    array = np.asarray(array)
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None or not 1 <= array.ndim <= 255 or max(array.shape) >= 2**32:
        raise InputError(
            f"IDX holds uint8, int8, int16, int32, float32 and float64 arrays of 1 to 255 axes. "
            f"Received: dtype {array.dtype}, shape {array.shape}."
        )
    header = bytes([0, 0, code, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()
    payload = header + array.astype(_TYPES[code]).tobytes()
    path = Path(path)
    if path.suffix == ".gz":
        payload = gzip.compress(payload, mtime=0)
    with replace_file(path) as partial:
        partial.write_bytes(payload)


def parse_idx(payload: bytes | bytearray, *, source: str) -> NDArray[Any]:
    """Turn the bytes of an IDX file into an array.

    Args:
        payload: The uncompressed bytes. A uint8 array shares their memory.
        source: What to call them in messages.

    Raises:
        CorruptDataError: The header is none, or promises another number of bytes than there are, or a shape that NumPy
            cannot hold.
    """
    header = _Header.of(payload, source)
    if len(payload) != header.size:
        fault = "is cut short" if len(payload) < header.size else "has bytes left over"
        raise CorruptDataError(f"{source} {fault}: {header}. Received: {len(payload)} bytes.")
    try:
        values = np.frombuffer(payload, header.dtype, offset=header.start).reshape(header.shape)
    except ValueError as error:
        # A true header all the same: of more axes than NumPy knows, or of no values on axes whose product overflows.
        raise CorruptDataError(f"{source} holds an array that NumPy cannot: {error}.") from error
    return values.astype(header.dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, payload: bytes | bytearray, source: str) -> _Header:
        """Read the header at the start of a payload, of which the rest may be missing."""
        if len(payload) < 4 or payload[0] or payload[1] or payload[2] not in _TYPES or not payload[3]:
            raise CorruptDataError(
                f"{source} is not an IDX file: it should begin with two zero bytes, a type code and a number of axes. "
                f"Received: {bytes(payload[:4])!r}."
            )
        start = 4 + 4 * payload[3]
        if len(payload) < start:
            raise CorruptDataError(
                f"{source} is cut short: its header takes {start} bytes. Received: {len(payload)} bytes."
            )
        shape = np.frombuffer(payload, ">u4", payload[3], offset=4).tolist()
        return cls(np.dtype(_TYPES[payload[2]]), tuple(shape))

    @property
    def start(self) -> int:
        """Where the values begin."""
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        """Bytes of the whole payload, in Python's integers, which do not overflow: a header may claim anything."""
        return self.start + math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"its header says shape {self.shape} of {self.dtype.name}, {self.size} bytes"


def read_stream(file: io.BufferedReader, *, source: str, limit: int | None = None) -> bytes:
    """Read an open file, decompressing it when it is gzip.

    Args:
        file: The file, or a member of an archive, at its start.
        source: What to call it in messages.
        limit: The most bytes the payload may have; a gzip file that holds more is refused as soon as it passes them.

    Raises:
        CorruptDataError: Broken gzip, or more than ``limit`` bytes.
        DataNotFoundError: It cannot be read.
    """
    payload = _read(file, source, -1 if limit is None else limit + 1)
    if limit is not None and len(payload) > limit:
        raise CorruptDataError(f"{source} holds more than the {limit} bytes that it should.")
    return payload


def _is_gzip(file: io.BufferedReader) -> bool:
    return file.peek(2)[:2] == _GZIP_MAGIC


def _read(file: io.BufferedReader, source: str, size: int) -> bytes:
    """Read at most so many bytes, decompressed; all where ``size`` is -1."""
    try:
        if _is_gzip(file):
            with gzip.GzipFile(fileobj=file) as unzipped:
                return unzipped.read(size)
        return file.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorruptDataError(f"{source} is a broken gzip file: {error}.") from error
    except OSError as error:
        raise DataNotFoundError(f"{source} cannot be read: {error.strerror or error}.") from error
