"""One published data file: whether what lies on disk is what was published."""

from __future__ import annotations

import hashlib
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from convvision.datasets._idx import read_stream
from convvision.errors import CorruptDataError, DataNotFoundError

__all__ = ["DATA_HOME_VARIABLE", "DataFile", "find_file"]

DATA_HOME_VARIABLE = "CONVVISION_DATA_HOME"

# What a text begins with that a browser would show; a data file begins with none of it.
_PAGES = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<!--")
_BLANK = b"\xef\xbb\xbf \t\r\n"
_HEAD = 64


def find_file(name: str, folder: Path) -> Path | None:
    """Find a data file in a folder: under its name, or compressed.

    Raises:
        DataNotFoundError: One may not look there.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        try:
            # Not is_file: whether that hides a lack of permission depends on the version of Python.
            if stat.S_ISREG(path.stat().st_mode):
                return path
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise DataNotFoundError(
                f"{path} cannot be looked at: {error.strerror or error}. Ask for leave to read there, or set "
                f"{DATA_HOME_VARIABLE} to another folder."
            ) from error
    return None


@dataclass(frozen=True)
class DataFile:
    """A published file, known by a SHA-256.

    Where we hold the data, the hash is that of what the file holds when it is not compressed. The hash of a gzip
    container depends on the program that made it; the payload's does not. So a file that another tool compressed again
    is still good. Where only a hash of the file as it is served has been published, that one counts.

    Attributes:
        name: Its name without ``.gz``; with all its endings where it is known as served.
        sha256: Of the payload, or of the file as served; hexadecimal.
        size: Of the payload, or of the file as served, in bytes.
        mirrors: Addresses of the file as served, in the order in which they are tried.
        mismatch: What another payload may be; a sentence for the error.
        as_served: Whether the hash and the size are those of the file as served.
    """

    name: str
    sha256: str
    size: int
    mirrors: tuple[str, ...]
    mismatch: str = ""
    as_served: bool = False

    @property
    def served_name(self) -> str:
        """The name under which it is downloaded."""
        return self.name if self.as_served else f"{self.name}.gz"

    def find(self, folder: Path) -> Path | None:
        """Find the file in a folder."""
        return find_file(self.name, folder)

    def where(self, folder: Path) -> str:
        """Say where in a folder the file goes, and how a good one is recognised."""
        place = f"{folder / self.served_name}"
        if self.as_served:
            return f"{place}, SHA-256 {self.sha256}"
        return f"{place} (or without .gz), SHA-256 of the uncompressed bytes {self.sha256}"

    def read(self, path: Path, *, source: str | None = None) -> bytes:
        """Read and verify; return the payload, uncompressed.

        Args:
            path: The file.
            source: What to call it in messages; its path by default.

        Raises:
            CorruptDataError: It is another file.
            DataNotFoundError: It cannot be read.
        """
        source = source or str(path)
        if self.as_served:
            with self.open(path, source=source) as file:
                return read_stream(file, source=source)
        with self._opened(path, source) as file:
            payload = read_stream(file, source=source, limit=self.size)
        self._verify(payload[:_HEAD], len(payload), hashlib.sha256(payload).hexdigest(), source)
        return payload

    @contextmanager
    def open(self, path: Path, *, source: str | None = None) -> Iterator[io.BufferedReader]:
        """Open a file that is known as served, verified and at its start; for archives, which need not fit in memory.

        Raises:
            CorruptDataError: It is another file.
            DataNotFoundError: It cannot be read.
        """
        source = source or str(path)
        with self._opened(path, source) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            self._verify(b"", size, digest, source)
            # The file that was verified, whatever may lie at its path by now.
            yield file

    def verify(self, path: Path, *, source: str | None = None) -> None:
        """Raise what :meth:`read` raises, without taking an archive into memory."""
        if self.as_served:
            with self.open(path, source=source):
                pass
        else:
            self.read(path, source=source)

    @contextmanager
    def _opened(self, path: Path, source: str) -> Iterator[io.BufferedReader]:
        try:
            file = path.open("rb")
        except OSError as error:
            raise DataNotFoundError(f"{source} cannot be read: {error.strerror or error}.") from error
        with file:
            # Before all else: a page may be longer than the file should be.
            self._refuse_page(file.peek(_HEAD)[:_HEAD], source)
            yield file

    def _verify(self, head: bytes, size: int, digest: str, source: str) -> None:
        self._refuse_page(head, source)
        if digest == self.sha256:
            return
        what = (
            f"it is cut short at {size} of {self.size} bytes"
            if size < self.size
            else f"it has {size} bytes instead of {self.size}"
            if size > self.size
            else f"{'it' if self.as_served else 'its payload'} has another SHA-256: expected {self.sha256}, "
            f"received {digest}"
        )
        hint = f" {self.mismatch}" if self.mismatch and size == self.size else ""
        raise CorruptDataError(f"{source} is not {self.name} as published: {what}.{hint}")

    def _refuse_page(self, head: bytes, source: str) -> None:
        if head.lstrip(_BLANK).lower().startswith(_PAGES):
            raise CorruptDataError(
                f"{source} is a web page that came instead of the file {self.name}: "
                f"the login page of a network, perhaps, or the error page of a mirror."
            )
