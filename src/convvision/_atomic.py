"""Writing so that a reader never meets a half: into a neighbour first, then moved into place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convvision.errors import OutputError

__all__ = ["new_directory", "replace_file"]


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write; when the block ends without an error, it becomes ``path``.

    Raises:
        OutputError: The folder or the file cannot be written; what was at ``path`` is untouched.
    """
    path = Path(path)
    with _said_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The same ending, because writers such as Matplotlib choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            # mkstemp makes files that only their owner may read; a result gets what any new file would get.
            partial.chmod(0o666 & ~_umask())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def new_directory(path: str | Path) -> Iterator[Path]:
    """Give a folder to fill; when the block ends without an error, it becomes ``path``.

    Raises:
        OutputError: ``path`` exists and is not an empty folder, or it cannot be written; nothing is left behind.
    """
    path = Path(path)
    with _said_plainly(path):
        check_new_directory(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield partial
            partial.chmod(0o777 & ~_umask())
            if path.exists():
                path.rmdir()
            partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def check_new_directory(path: str | Path) -> None:
    """Refuse a folder that is not new or empty, before hours of work end in a refusal.

    Raises:
        OutputError: ``path`` exists and is not an empty folder.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(f"The target must be a new or an empty folder, and nothing is overwritten. Received: {path}")


@contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror or error}. Nothing was left behind.") from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
