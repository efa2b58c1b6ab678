"""Fetching published files: mirrors in turn, each more than once, verified before anything reaches its place."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from convvision._atomic import remove_abandoned, replace_file
from convvision.datasets._data_file import DATA_HOME_VARIABLE, DataFile
from convvision.errors import CorruptDataError, DownloadError, OutputError

__all__ = ["download_files"]

# How often one mirror is asked for a file, and the longest wait in seconds that it may want in between.
_TRIES = 4
_LONGEST_WAIT = 30.0
_FIRST_WAIT = 1.0
# gzip adds a little to what it cannot compress; a mirror that sends more than this sends something else.
_MOST_OVERHEAD = 1 << 20

# Tests wait for nothing. Many processes that failed together should not come back together, whatever seed they set.
_sleep = time.sleep
_jitter = random.SystemRandom()

_ADVICE = {
    errno.ENOSPC: "The disk is full: make room",
    errno.EDQUOT: "Your part of the disk is used up: make room",
    errno.EROFS: "The folder is read-only: let somebody who may write there download once",
    errno.EACCES: "You may not write there: let somebody who may download once",
    errno.EPERM: "You may not write there: let somebody who may download once",
}


def download_files(files: Sequence[DataFile], folder: Path) -> None:
    """Download files into a folder, under the names under which they are served.

    Each is written to a neighbour of its place, verified there and then moved, so that its name never stands for half
    of it or for something else. Processes that download at once each bring their own; the first to be done serves all
    that have not begun, and those that have replace a good file by the same.

    Raises:
        DownloadError: No mirror delivered one of them, or the folder cannot be written; what came until then stays.
    """
    _announce(files, folder)
    for number, file in enumerate(files):
        remove_abandoned(folder / file.served_name)
        failures = _download(file, folder)
        if failures and file.find(folder) is None:
            tried = "".join(f"\n  {failure}" for failure in failures)
            missing = [each for each in files[number:] if each.find(folder) is None]
            places = "".join(f"\n  {each.where(folder)}" for each in missing)
            raise DownloadError(
                f"{file.name} could not be downloaded. Tried:{tried}\n"
                f"Try again later. If you get {'it' if len(missing) == 1 else 'them'} by other means, "
                f"this is what is missing, and where it goes:{places}"
            )


def _download(file: DataFile, folder: Path) -> list[str]:
    """Return why every mirror failed; nothing where one did not."""
    failures: list[str] = []
    with _Bar(file) as bar:
        for url in file.mirrors:
            failure = _download_from(url, file, folder, bar)
            if failure is None:
                return []
            failures.append(f"{url}: {failure}")
    return failures


def _download_from(url: str, file: DataFile, folder: Path, bar: _Bar) -> str | None:
    # Imported here because requests takes 0.1 s, and a data set that lies at hand does not need it.
    from convvision.datasets._transfer import TransferError, transfer  # noqa: PLC0415

    limit = file.size if file.as_served else file.size + _MOST_OVERHEAD
    for number in range(1, _TRIES + 1):
        if file.find(folder) is not None:
            return None  # Another process has brought it meanwhile.
        try:
            with replace_file(folder / file.served_name) as partial:
                with partial.open("wb") as target:
                    transfer(url, target, limit=limit, report=bar)
                file.verify(partial, source="the answer")
        except TransferError as error:
            reason, wait = str(error), error.wait if error.wait is not None else _backoff(number)
            if not error.transient or number == _TRIES or wait > _LONGEST_WAIT:
                return reason if number == 1 else f"{reason} ({number} tries)"
            _sleep(wait)
        except CorruptDataError as error:
            return str(error).removesuffix(".")
        except OutputError as error:
            if isinstance(error.__cause__, FileNotFoundError) and number < _TRIES:
                continue  # Another process failed meanwhile, and took the folder with it, which was empty.
            if file.find(folder) is not None:
                return None  # Windows does not replace a file that another process is reading.
            raise _not_written(file, folder, error) from error
        else:
            return None
    return None


def _backoff(number: int) -> float:
    """Wait twice as long after each try, give or take a half."""
    return _FIRST_WAIT * 2.0 ** (number - 1) * _jitter.uniform(0.5, 1.5)


def _not_written(file: DataFile, folder: Path, error: OutputError) -> DownloadError:
    code = getattr(error.__cause__, "errno", None)
    advice = _ADVICE.get(code or 0, "Make it a folder that can be written")
    return DownloadError(
        f"{file.name} ({_bytes(file.size)}) could not be kept. {error} "
        f"{advice}, or set {DATA_HOME_VARIABLE} to another folder than {folder.parent}."
    )


def _announce(files: Sequence[DataFile], folder: Path) -> None:
    from rich.console import Console  # noqa: PLC0415

    size = _bytes(sum(file.size for file in files))
    most = "" if all(file.as_served for file in files) else "at most "
    names = files[0].served_name if len(files) == 1 else f"{len(files)} files"
    line = f"Downloading {names}, {most}{size}, into {folder}"
    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size:,} bytes"


class _Bar:
    """The progress of a download, on stderr."""

    def __init__(self, file: DataFile) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(file.name, total=file.size if file.as_served else None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, received: int, total: int | None) -> None:
        self._progress.update(self._task, completed=received, total=total)
