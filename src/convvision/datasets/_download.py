"""Fetching a published file: mirrors in turn, verified before it reaches its place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from convvision.datasets._data_file import DataFile
from convvision.errors import CorruptDataError, DownloadError

__all__ = ["download_file"]

# Seconds to wait for a connection and for each further piece of the answer.
_TIMEOUT = (10, 30)
_CHUNK = 1 << 16
# gzip adds a little to what it cannot compress; a mirror that sends more than this sends something else.
_MOST_OVERHEAD = 1 << 20


def download_file(file: DataFile, folder: Path) -> None:
    """Download one file into a folder as ``NAME.gz``.

    pooch downloads into a neighbour of the target and moves it into place when the downloader returns, so what the
    downloader refuses never reaches the folder.

    Raises:
        DownloadError: No mirror delivered the file, or the folder cannot be written.
    """
    import pooch  # noqa: PLC0415

    failures = []
    for url in file.mirrors:
        try:
            with _quiet(pooch.get_logger()):
                pooch.retrieve(url, None, fname=f"{file.name}.gz", path=folder, downloader=_Verifying(file))
        except (OSError, ValueError) as error:  # requests' errors are of the first kind, CorruptDataError of the second
            failures.append(f"\n  {url}: {type(error).__name__}: {error}")
        else:
            return
    raise DownloadError(
        f"{file.name} could not be downloaded. Tried:{''.join(failures)}\n"
        f"If you get it by other means, put it at {folder / (file.name + '.gz')}; "
        f"the SHA-256 of its uncompressed bytes is {file.sha256}."
    )


class _Verifying:
    """A downloader in pooch's sense: the transfer, its size bound and the check of the payload."""

    def __init__(self, file: DataFile) -> None:
        self.file = file

    def __call__(self, url: str, output_file: str, pooch_: Any) -> None:
        import pooch  # noqa: PLC0415

        path = Path(output_file)
        # pooch made it for its owner's eyes only; made anew, it can be shared like any other file.
        path.unlink()
        with path.open("xb") as opened:
            target = _BoundedFile(opened, self.file)
            transfer = pooch.HTTPDownloader(progressbar=target, chunk_size=_CHUNK, timeout=_TIMEOUT)
            try:
                transfer(url, target, pooch_)
            finally:
                target.close()
        self.file.read(path, source="the answer")


class _BoundedFile:
    """What pooch's downloader writes to; it shows the progress and refuses an answer without end.

    It is pooch's progress bar as well, which is told the length of the answer, but not how much has come: pooch
    counts every piece as a whole chunk.
    """

    def __init__(self, opened: BinaryIO, file: DataFile) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

        self.total = 0
        self._opened = opened
        self._limit = file.size + _MOST_OVERHEAD
        self._received = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task(file.name, total=None)
        self._bar.start()

    def write(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._received > self._limit:
            raise CorruptDataError(f"the answer is larger than {self._limit} bytes, so it is another file")
        self._opened.write(piece)
        self._bar.update(self._task, total=self.total or None, completed=self._received)

    def flush(self) -> None:
        self._opened.flush()

    def update(self, count: int) -> None:
        """Pass over what pooch counts."""

    def reset(self) -> None:
        """Pass over it too."""

    def close(self) -> None:
        self._bar.stop()


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    # pooch reports the hash of every file it was given no hash for; ours is checked inside the downloader.
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
