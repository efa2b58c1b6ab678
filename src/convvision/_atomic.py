"""Writing so that a reader never meets a half: into a neighbour first, then moved into place."""

from __future__ import annotations

import glob
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from convvision.errors import ConvvisionError, OutputError

__all__ = ["check_new_directory", "new_directory", "remove_abandoned", "replace_file"]

# Bytes of a neighbour's name that are random, and the seconds after which nobody is still writing it.
_TOKEN = 4
_ABANDONED = 24 * 3600


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write; when the block ends without an error, it becomes ``path``.

    Raises:
        OutputError: The folder or the file cannot be written; what was at ``path`` is untouched.
    """
    path = Path(path)
    with _said_plainly(path), _folders_above(path):
        # The same ending, because writers such as Matplotlib choose the format by it.
        partial = path.parent / f".{path.stem}-{secrets.token_hex(_TOKEN)}{path.suffix}"
        partial.touch(exist_ok=False)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def remove_abandoned(path: str | Path) -> None:
    """Remove the neighbours that processes left of a file when they were killed in the middle of :func:`replace_file`.

    Only those that nobody has written to for a day: others may still be in use.
    """
    path = Path(path)
    name = f".{glob.escape(path.stem)}-{'[0-9a-f]' * (2 * _TOKEN)}{glob.escape(path.suffix)}"
    # What cannot be removed is in nobody's way.
    with suppress(OSError):
        for partial in path.parent.glob(name):
            if time.time() - partial.stat().st_mtime > _ABANDONED:
                partial.unlink()


@contextmanager
def new_directory(path: str | Path) -> Iterator[Path]:
    """Give a folder to fill; when the block ends without an error, it becomes ``path``.

    An empty folder that is there already stays the one it is, with its permissions, and is given the contents: it may
    be where something is mounted, or where somebody's shell stands.

    Raises:
        OutputError: ``path`` exists and is not an empty folder, or it cannot be written; nothing is left behind.
    """
    path = Path(path)
    with _said_plainly(path), _folders_above(path):
        check_new_directory(path)
        is_there = path.exists()
        partial = (path if is_there else path.parent) / f".{path.name}-{secrets.token_hex(_TOKEN)}"
        partial.mkdir()
        try:
            yield partial
            if is_there:
                _move_entries(partial, path)
            else:
                partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def check_new_directory(path: str | Path) -> None:
    """Refuse a folder that is not new or empty or cannot be written, before hours of work end in a refusal.

    Raises:
        OutputError: ``path`` exists and is not an empty folder, or it cannot be written.
    """
    path = Path(path)
    with _said_plainly(path):
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise OutputError(
                f"The target must be a new or an empty folder, and nothing is overwritten. Received: {path}. "
                f"Choose another, or remove it."
            )
        nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        probe = nearest / f".{secrets.token_hex(8)}"
        probe.mkdir()
        probe.rmdir()


def _move_entries(source: Path, target: Path) -> None:
    """Move what a folder holds into an empty one; where that fails, the empty one is empty again."""
    moved: list[Path] = []
    try:
        moved.extend(entry.rename(target / entry.name) for entry in sorted(source.iterdir()))
    except BaseException:
        for entry in moved:
            entry.rename(source / entry.name)
        raise


@contextmanager
def _folders_above(path: Path) -> Iterator[None]:
    """Make the folders that lead to a path, and remove them again where the block fails."""
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            # Somebody else may have put something there meanwhile.
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except ConvvisionError:
        raise
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror or error}. Nothing was left behind.") from error
