"""The format of a saved run: a folder of three files.

``run.json`` holds what is plain data, ``history.csv`` a row an epoch, ``model.keras`` the model with its optimiser, in
Keras's own format. Nothing is pickled.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from convvision._atomic import new_directory
from convvision._keras import keras
from convvision._version import __version__
from convvision.errors import RunFormatError

__all__ = ["check_run", "reading_run", "write_run"]

_FORMAT = 1
_MODEL, _FACTS, _HISTORY = "model.keras", "run.json", "history.csv"


def write_run(
    directory: Path, model: keras.Model, facts: Mapping[str, Any], history: Mapping[str, Sequence[float]]
) -> Path:
    """Write a run.

    Args:
        directory: New or empty; it appears whole or not at all.
        model: The model.
        facts: Plain data.
        history: Name of a column -> one value an epoch.

    Raises:
        OutputError: The folder holds something already, or cannot be written.
    """
    facts = {"format": _FORMAT, "convvision": __version__, **facts}
    with new_directory(directory) as partial:
        model.save(partial / _MODEL)
        # Numbers out of arrays, as a seed or a mean may be, are written as Python's.
        text = json.dumps(facts, indent=2, ensure_ascii=False, default=np.generic.item)
        (partial / _FACTS).write_text(text + "\n", encoding="utf-8")
        with (partial / _HISTORY).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *history])
            epochs = zip(*history.values(), strict=True)
            writer.writerows([epoch, *values] for epoch, values in enumerate(epochs, start=1))
    return directory


@contextmanager
def reading_run(directory: Path) -> Iterator[tuple[keras.Model, dict[str, Any], dict[str, list[float]]]]:
    """Read what :func:`write_run` wrote: the model, the facts and the columns of the history.

    The block that makes something of them stands under the same protection: a fact that is missing or is not what it
    should be means that the folder is no whole run.

    Raises:
        RunFormatError: Not a run, half of one, a broken one, or one from a newer convvision.
    """
    check_run(directory)
    try:
        facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
        _check_format(facts, directory)
        history = _read_history(directory / _HISTORY)
        yield _load_model(directory / _MODEL), facts, history
    except RunFormatError:
        raise
    # Whatever is wrong with files that anyone may have edited, numbers that a recipe does not take included.
    except Exception as error:
        raise RunFormatError(f"{directory} is not a whole run: {type(error).__name__}: {error}") from error


def check_run(directory: Path) -> None:
    """Refuse a folder that lacks a file of a run, without reading any.

    Raises:
        RunFormatError: A file is missing, or the folder is.
    """
    missing = [name for name in (_FACTS, _MODEL, _HISTORY) if not (directory / name).is_file()]
    if missing:
        raise RunFormatError(
            f"A run is a folder with {_FACTS}, {_MODEL} and {_HISTORY}. Received: {directory}, "
            f"{'which lacks ' + ' and '.join(missing) if directory.is_dir() else 'which is no folder'}."
        )


def _check_format(facts: Any, directory: Path) -> None:
    if not isinstance(facts, dict) or not isinstance(facts.get("format"), int):
        raise RunFormatError(f"{directory / _FACTS} does not say its format, so it is no run of convvision's.")
    if facts["format"] > _FORMAT:
        raise RunFormatError(
            f"{directory} was saved by convvision {facts.get('convvision')} in format {facts['format']}; this is "
            f"convvision {__version__}, which reads formats up to {_FORMAT}. Upgrade convvision to read it."
        )


def _load_model(path: Path) -> Any:
    # Keras calls such a file "not found".
    if not zipfile.is_zipfile(path):
        raise RunFormatError(f"{path} is cut short, or no file of Keras's.")
    try:
        # A model that was written with tf.nn.softmax, as the lesson's, names a function that Keras does not find again.
        return keras.models.load_model(path, custom_objects={"softmax_v2": keras.activations.softmax})
    # Keras has many exceptions, and wraps the reason in the configuration of the model, once a level.
    except Exception as error:
        reason: BaseException = error
        while reason.__context__ is not None:
            reason = reason.__context__
        raise RunFormatError(f"{path} does not load: {str(reason).partition(' Full object config')[0]}") from error


def _read_history(path: Path) -> dict[str, list[float]]:
    with path.open(newline="", encoding="utf-8") as file:
        _, *names = next(reader := csv.reader(file))
        columns: dict[str, list[float]] = {name: [] for name in names}
        for _, *values in reader:
            for name, value in zip(names, values, strict=True):
                columns[name].append(float(value))
    return columns
