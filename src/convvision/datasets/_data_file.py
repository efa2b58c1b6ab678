"""One published data file: whether what lies on disk is what was published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from convvision.datasets._idx import read_bytes
from convvision.errors import CorruptDataError

__all__ = ["DataFile"]


@dataclass(frozen=True)
class DataFile:
    """A published file, known by what it holds when it is not compressed.

    The hash of a gzip container depends on the program that made it; the payload's does not. So a file that another
    tool compressed again is still good.

    Attributes:
        name: Its name without ``.gz``.
        sha256: Of the payload, hexadecimal.
        size: Of the payload, in bytes.
        mirrors: Addresses of the compressed file, in the order in which they are tried.
        mismatch: What another payload may be; a sentence for the error.
    """

    name: str
    sha256: str
    size: int
    mirrors: tuple[str, ...]
    mismatch: str = ""

    def find(self, folder: Path) -> Path | None:
        """Find the file in a folder, raw or compressed."""
        candidates = (folder / self.name, folder / f"{self.name}.gz")
        return next((path for path in candidates if path.is_file()), None)

    def read(self, path: Path, *, source: str | None = None) -> bytes:
        """Read and verify the payload.

        Args:
            path: The file.
            source: What to call it in messages; its path by default.

        Raises:
            CorruptDataError: The payload is another one.
        """
        source = source or str(path)
        payload = read_bytes(path, source=source, limit=self.size)
        digest = hashlib.sha256(payload).hexdigest()
        if digest != self.sha256:
            what = (
                f"it is cut short at {len(payload)} of {self.size} bytes"
                if len(payload) < self.size
                else f"its payload has another SHA-256: expected {self.sha256}, received {digest}"
            )
            hint = f" {self.mismatch}" if self.mismatch and len(payload) == self.size else ""
            raise CorruptDataError(f"{source} is not {self.name} as published: {what}.{hint}")
        return payload
