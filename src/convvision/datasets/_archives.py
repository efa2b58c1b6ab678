"""Members of tar and zip archives, read by name into memory.

Nothing is unpacked onto the disk and no link is followed, so an archive cannot reach outside: a member whose name leads
elsewhere is one that nobody asks for. What a member, or the archive as a whole, may take is bounded before it is read.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from convvision.datasets._idx import read_stream
from convvision.errors import CorruptDataError, DataError

__all__ = ["read_tar_members", "read_zip_members"]

# Of a tar archive, for its headers and for members that nobody asks for, such as a page of explanations.
_OVERHEAD = 4 << 20
_MOST_MEMBERS = 1000

# What tarfile, zipfile and the decompressors raise when they meet bytes that somebody made up.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RecursionError,
    # An encrypted member, and a method or version that zipfile does not know.
    RuntimeError,
)


def read_tar_members(file: BinaryIO, limits: Mapping[str, int], *, source: str) -> dict[str, bytes]:
    """Read members of a gzip-compressed tar archive.

    Args:
        file: The archive, at its start.
        limits: The most bytes that each may have, by the full names of the members.
        source: What to call the archive in messages.

    Returns:
        The bytes of each.

    Raises:
        CorruptDataError: A member is missing, is no plain file or holds more; or it is no such archive, or one that
            unpacks to more than its members and a little.
    """
    members: dict[str, bytes] = {}
    with _broken_is_said(source), gzip.GzipFile(fileobj=file) as unzipped:
        bounded: Any = _Bounded(unzipped, sum(limits.values()) + _OVERHEAD, source)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for number, member in enumerate(archive, start=1):
                if number > _MOST_MEMBERS:
                    raise CorruptDataError(f"{source} holds more than {_MOST_MEMBERS} members.")
                if member.name not in limits or member.name in members:
                    continue
                _check_member(member.name, member.size, limits, source, plain=member.isreg() and not member.issparse())
                opened = archive.extractfile(member)
                members[member.name] = opened.read(member.size) if opened else b""
                if len(members[member.name]) != member.size:
                    raise CorruptDataError(f"{source} is cut short in its member {member.name}.")
        while bounded.read(1 << 16):
            pass  # To the end, where the checksum stands.
    if len(members) < len(limits):
        raise _missing(limits, members, source)
    return members


def read_zip_members(file: BinaryIO, limits: Mapping[str, int], *, source: str) -> dict[str, bytes]:
    """Read members of a zip archive, decompressing those that are gzip files themselves.

    Args:
        file: The archive; only its list of members and those that are asked for are read.
        limits: The most bytes that each may have in the end, by the full names of the members.
        source: What to call the archive in messages.

    Returns:
        The uncompressed bytes of each.

    Raises:
        CorruptDataError: A member is missing, is no plain file or holds more; or it is no such archive.
    """
    members: dict[str, bytes] = {}
    with _broken_is_said(source), zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = member.filename
            if name not in limits or name in members:
                continue
            # The upper half of these attributes is the file's mode, where the archive was made on Unix; 0 elsewhere.
            kind = member.external_attr >> 28
            _check_member(name, 0, limits, source, plain=kind in {0, 0o10} and not member.is_dir())
            with archive.open(member) as opened:
                buffered: Any = opened
                stream = io.BufferedReader(buffered)
                members[name] = read_stream(stream, source=f"{name} in {source}", limit=limits[name])
    if len(members) < len(limits):
        raise _missing(limits, members, source)
    return members


def _check_member(name: str, size: int, limits: Mapping[str, int], source: str, *, plain: bool) -> None:
    if not plain:
        raise CorruptDataError(f"{source} holds {name} as a link, a device or a folder, not as a plain file.")
    if size > limits[name]:
        raise CorruptDataError(f"{name} in {source} holds more than the {limits[name]} bytes that it should.")


def _missing(limits: Mapping[str, int], members: Mapping[str, bytes], source: str) -> CorruptDataError:
    names = ", ".join(name for name in limits if name not in members)
    return CorruptDataError(f"{source} lacks {names}.")


@contextmanager
def _broken_is_said(source: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _BROKEN as error:
        raise CorruptDataError(f"{source} is a broken archive: {error}.") from error


class _Bounded:
    """A stream that does not give more than it may, however large a piece is asked for."""

    def __init__(self, file: gzip.GzipFile, limit: int, source: str) -> None:
        self._file = file
        self._left = limit
        self._limit = limit
        self._source = source

    def read(self, size: int) -> bytes:
        piece = self._file.read(min(size, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise CorruptDataError(f"{self._source} unpacks to more than the {self._limit} bytes that it should.")
        return piece
