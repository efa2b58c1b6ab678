"""Arrays and what they mean in one ``.npz`` file of NumPy's, which anything that reads arrays can open."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._atomic import replace_file
from convvision._version import __version__
from convvision.errors import CorruptDataError, DataNotFoundError, InputError
from convvision.models._graph import ReceptiveField

__all__ = ["field_from_facts", "field_to_facts", "reading_archive", "write_archive"]

_FORMAT = 1
_FACTS = "facts"


def write_archive(path: str | Path, kind: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a file that appears whole or not at all.

    Args:
        path: Ends in ``.npz``; a file that exists is replaced.
        kind: What is in it, as :func:`reading_archive` asks for it.
        facts: Plain data.
        arrays: Of numbers, by their names.

    Raises:
        InputError: Another ending.
        OutputError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise InputError(f"A file of arrays ends in .npz. Received: {path.name!r}")
    text = json.dumps({"format": _FORMAT, "kind": kind, "convvision": __version__, **facts})
    contents: dict[str, Any] = {_FACTS: np.array(text), **arrays}
    with replace_file(path) as partial:
        np.savez_compressed(partial, **contents)
    return path


@contextmanager
def reading_archive(path: str | Path, kind: str) -> Iterator[tuple[dict[str, Any], Mapping[str, NDArray[Any]]]]:
    """Read what :func:`write_archive` wrote: the facts and the arrays.

    The block that makes something of them stands under the same protection: what is missing there, or is not what it
    should be, means that the file is broken.

    Raises:
        DataNotFoundError: There is no such file.
        CorruptDataError: No file of this kind, half of one, a broken one, or one from a newer convvision.
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"There is no file {path}. It is what save(path) of a {kind} writes.")
    # NumPy reads a single array and a pickle by the same function, and neither is a file of ours.
    if not zipfile.is_zipfile(path):
        raise CorruptDataError(f"{path} is cut short, or no .npz file.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            facts = json.loads(str(arrays[_FACTS])) if _FACTS in arrays else {}
            _check_facts(facts, path, kind)
            yield facts, arrays
    except CorruptDataError:
        raise
    # Whatever is wrong with a file that anyone may have edited: the archive, the facts, or what they speak of.
    except Exception as error:
        raise CorruptDataError(f"{path} is no whole {kind}: {type(error).__name__}: {error}") from error


def _check_facts(facts: Any, path: Path, kind: str) -> None:
    if not isinstance(facts, dict) or facts.get("kind") != kind or not isinstance(facts.get("format"), int):
        received = facts.get("kind") if isinstance(facts, dict) else None
        raise CorruptDataError(
            f"{path} holds no {kind} of convvision's. Received: {received or 'arrays of another origin'}"
        )
    if facts["format"] > _FORMAT:
        raise CorruptDataError(
            f"{path} was saved by convvision {facts.get('convvision')} in format {facts['format']}; this is convvision "
            f"{__version__}, which reads formats up to {_FORMAT}. Upgrade convvision to read it."
        )


def field_to_facts(field: ReceptiveField | None) -> dict[str, float] | None:
    """Give a receptive field as plain data."""
    return None if field is None else dataclasses.asdict(field)


def field_from_facts(facts: Mapping[str, float] | None) -> ReceptiveField | None:
    """Make a receptive field of plain data."""
    return None if facts is None else ReceptiveField(**{name: float(size) for name, size in facts.items()})
