"""A run as a folder.

``run.json`` holds what is plain data, ``history.csv`` a row an epoch, ``model.keras`` the model with its optimiser, in
Keras's own format. Nothing is pickled.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

from convvision._atomic import new_directory
from convvision._keras import keras
from convvision._public import set_module
from convvision._version import __version__
from convvision.datasets import Scaling
from convvision.errors import ConvvisionError, RunFormatError
from convvision.training._recipe import Recipe
from convvision.training._run import DatasetRecord, Run

__all__ = ["load_run", "save_run"]

_FORMAT = 1
_MODEL, _FACTS, _HISTORY = "model.keras", "run.json", "history.csv"
_SECONDS = "seconds"


def save_run(run: Run, directory: str | Path) -> Path:
    """Write a run; see :meth:`Run.save`."""
    facts = {
        "format": _FORMAT,
        "convvision": __version__,
        "model": run.model.name,
        "recipe": dataclasses.asdict(run.recipe),
        "data": dataclasses.asdict(run.data),
        "seed": run.seed,
        "metrics": run.metrics,
        "interrupted": run.interrupted,
        "versions": run.versions,
        "created": run.created,
    }
    directory = Path(directory)
    with new_directory(directory) as partial:
        run.model.save(partial / _MODEL)
        (partial / _FACTS).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        with (partial / _HISTORY).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *run.history, _SECONDS])
            epochs = zip(*run.history.values(), run.seconds_per_epoch, strict=True)
            writer.writerows([epoch, *values] for epoch, values in enumerate(epochs, start=1))
    return directory


@set_module("convvision.training")
def load_run(directory: str | Path) -> Run:
    """Read a run that was saved with :meth:`Run.save`.

    Args:
        directory: The folder.

    Returns:
        The run; its model predicts as it did, and is compiled to train on.

    Raises:
        RunFormatError: Not a run, half of one, a broken one, or one from a newer convvision.
    """
    directory = Path(directory)
    missing = [name for name in (_FACTS, _MODEL, _HISTORY) if not (directory / name).is_file()]
    if missing:
        raise RunFormatError(
            f"A run is a folder with {_FACTS}, {_MODEL} and {_HISTORY}. Received: {directory}, "
            f"{'which lacks ' + ' and '.join(missing) if directory.is_dir() else 'which is no folder'}"
        )
    try:
        facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
        _check_format(facts, directory)
        history, seconds = _read_history(directory / _HISTORY)
        return Run(
            model=keras.models.load_model(directory / _MODEL),
            recipe=Recipe(**facts["recipe"]),
            data=_dataset_record(facts["data"]),
            seed=facts["seed"],
            history=history,
            seconds_per_epoch=seconds,
            metrics=facts["metrics"],
            interrupted=facts["interrupted"],
            versions=facts["versions"],
            created=facts["created"],
        )
    except ConvvisionError:
        raise
    # Whatever is wrong with files that anyone may have edited, Keras's many exceptions for a model included.
    except Exception as error:
        raise RunFormatError(f"{directory} is not a whole run: {type(error).__name__}: {error}") from error


def _check_format(facts: Any, directory: Path) -> None:
    if not isinstance(facts, dict) or not isinstance(facts.get("format"), int):
        raise RunFormatError(f"{directory / _FACTS} does not say its format, so it is no run of convvision's.")
    if facts["format"] > _FORMAT:
        raise RunFormatError(
            f"{directory} was saved by convvision {facts.get('convvision')} in format {facts['format']}; this is "
            f"convvision {__version__}, which reads formats up to {_FORMAT}. Upgrade convvision to read it."
        )


def _dataset_record(facts: dict[str, Any]) -> DatasetRecord:
    scaling = facts["scaling"]
    return DatasetRecord(
        **{
            **facts,
            "image_shape": tuple(facts["image_shape"]),
            "class_names": tuple(facts["class_names"]),
            "scaling": Scaling(scaling["scale"], tuple(scaling["mean"]), tuple(scaling["std"])),
        }
    )


def _read_history(path: Path) -> tuple[dict[str, list[float]], list[float]]:
    with path.open(newline="", encoding="utf-8") as file:
        _, *names = next(reader := csv.reader(file))
        columns: dict[str, list[float]] = {name: [] for name in names}
        for _, *values in reader:
            for name, value in zip(names, values, strict=True):
                columns[name].append(float(value))
    seconds = columns.pop(_SECONDS)
    return columns, seconds
