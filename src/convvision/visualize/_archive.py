"""Arrays and what they mean in one ``.npz`` file of NumPy's, which anything that reads arrays can open."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._atomic import replace_file
from convvision._version import __version__
from convvision.errors import CorruptDataError, DataNotFoundError, InputError
from convvision.models._graph import ReceptiveField

__all__ = ["read_layers", "reading_archive", "save_layers", "write_archive"]

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
    # Whatever is wrong with a file that anyone may have edited: the archive, the facts, or what they speak of.
    except Exception as error:
        if isinstance(error, CorruptDataError):
            raise
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


def save_layers(path: str | Path, kind: str, layers: Sequence[Any], arrays: Mapping[str, NDArray[Any] | None]) -> Path:
    """Write layers with their maps, and other arrays beside them; those that are None are left out.

    Raises:
        InputError: A path that does not end in ``.npz``.
        OutputError: The file cannot be written.
    """
    facts = {
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "receptive_field": None if layer.receptive_field is None else asdict(layer.receptive_field),
            }
            for layer in layers
        ]
    }
    given = {name: array for name, array in arrays.items() if array is not None}
    return write_archive(path, kind, facts, given | {f"maps_{at}": layer.maps for at, layer in enumerate(layers)})


def read_layers(
    facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], counts: tuple[int, ...]
) -> Iterator[tuple[str, str, NDArray[Any], ReceptiveField | None]]:
    """Give name, kind, maps and receptive field of each layer that :func:`save_layers` wrote.

    Raises:
        CorruptDataError: The first axes of the maps, or of the logits if there are any, are not ``counts`` long.
    """
    for at, layer in enumerate(facts["layers"]):
        maps, field = arrays[f"maps_{at}"], layer["receptive_field"]
        _check_counts(f"maps_{at}", maps, (*counts, None, None, None))
        yield str(layer["name"]), str(layer["kind"]), maps, None if field is None else ReceptiveField(**field)
    if "logits" in arrays:
        _check_counts("logits", arrays["logits"], (*counts, None))


def _check_counts(name: str, array: NDArray[Any], wanted: tuple[int | None, ...]) -> None:
    if array.ndim != len(wanted) or any(
        want is not None and want != have for want, have in zip(wanted, array.shape, strict=True)
    ):
        raise CorruptDataError(f"Its arrays do not belong together: {name!r} has the shape {array.shape}.")
