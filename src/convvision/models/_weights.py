"""Weights that come with convvision: plain arrays in ``weights/``, each file with a card that says what it is.

A file is an uncompressed NPZ without pickles: ``layer/variable`` -> array. Kernels are float16; biases and what
normalisations keep are float32, since a variance may be larger or smaller than half precision can say.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import CorruptDataError, InputError, ShapeError
from convvision.registry import unknown_name

__all__ = ["WEIGHTS_FOLDER", "WeightsCard", "find_card", "find_cards", "load_weights", "named_variables"]

WEIGHTS_FOLDER = Path(__file__).parent / "weights"

# The layer that is made anew for another number of classes.
_HEAD = "classifier"
_REINSTALL = "Install convvision again: pip install --force-reinstall --no-deps convvision"


@set_module("convvision.models")
@dataclass(frozen=True)
class WeightsCard:
    """What is known about weights that come with convvision; ``print`` shows all of it.

    Attributes:
        model: The registered name of the model.
        dataset: The data set whose training images it was trained on, all of them; also the name of the weights.
        class_names: The name of class i at position i.
        input_shape: (H, W, C) of the images.
        scale: Of the pixels that the model has to be given, as in :class:`convvision.datasets.Scaling`: "unit" is
            [0, 1].
        test_accuracy: Part of the test images that is classified correctly, in float32.
        trained_test_accuracy: The same before kernels were rounded to float16 to be stored.
        known_failings: What it is bad at, measured on the test images.
        recipe: How it was trained: the fields of a :class:`convvision.training.Recipe`.
        seed: Of the training.
        execution: How the training ran on that machine: precision, and the parts that each batch was shared among.
        versions: Of Python and the packages that trained it.
        created: Day of the training, ISO 8601.
        licence: Of the weights, and of the images that they come from.
        file: Name of the file.
        bytes: Its size.
        sha256: Its SHA-256 (hexadecimal), which is checked whenever it is read.
    """

    model: str
    dataset: str
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    scale: str
    test_accuracy: float
    trained_test_accuracy: float
    known_failings: tuple[str, ...]
    recipe: Mapping[str, Any]
    seed: int
    execution: Mapping[str, Any]
    versions: Mapping[str, str]
    created: str
    licence: str
    file: str
    bytes: int
    sha256: str

    def __str__(self) -> str:
        recipe = {name: value for name, value in self.recipe.items() if name not in ("name", "summary") and value}
        facts = {
            "test accuracy": f"{self.test_accuracy:.2%}; {self.trained_test_accuracy:.2%} before it was stored",
            "images": f"{' × '.join(map(str, self.input_shape))}, pixels on the scale {self.scale!r}"
            + (", [0, 1]" if self.scale == "unit" else ""),
            "classes": ", ".join(self.class_names),
            **{f"failing {number}": failing for number, failing in enumerate(self.known_failings, start=1)},
            "recipe": ", ".join(f"{name}={value}" for name, value in recipe.items()),
            "seed": str(self.seed),
            "execution": ", ".join(f"{name} {value}" for name, value in self.execution.items()),
            "versions": ", ".join(f"{package} {version}" for package, version in self.versions.items()),
            "created": self.created,
            "licence": self.licence,
            "file": f"{self.file}, {self.bytes:,} bytes",
            "SHA-256": self.sha256,
        }
        lines = [f"{key:<15}{value}" for key, value in facts.items() if value]
        return "\n".join([f"{self.model}, weights={self.dataset!r}", *lines])


def find_cards(model: str = "*") -> list[WeightsCard]:
    """Read the cards of all weights of a model, or of every model, in alphabetical order."""
    return [_read_card(path) for path in sorted(WEIGHTS_FOLDER.glob(f"{model}-*.json"))]


def find_card(model: str, weights: object) -> WeightsCard:
    """Look up the card of the weights of a registered model.

    Raises:
        UnknownNameError: The model has no weights of this name, or none at all.
    """
    cards = {card.dataset: card for card in find_cards(model)}
    if isinstance(weights, str) and weights in cards:
        return cards[weights]
    having = ", ".join(dict.fromkeys(card.model for card in find_cards()))
    hint = "weights=None gives a model to be trained." if cards else f"Models with weights: {having}."
    raise unknown_name(f"weights of {model!r}:", weights, cards, hint=hint)


def load_weights(model: keras.Model, card: WeightsCard) -> None:
    """Give a model the weights of a card; with another number of classes, all but those of the classifier.

    Raises:
        ShapeError: The model reads images of another shape.
        InputError: It was built with options that change the shape of other weights.
        CorruptDataError: The file is missing, or is not the one that the card names.
    """
    given = tuple(model.input_shape[1:])
    if given != card.input_shape:
        raise ShapeError(
            f"The weights {card.dataset!r} of {card.model!r} are for images of shape {card.input_shape}, with pixels "
            f"on the scale {card.scale!r}. Received: input_shape={given}. Bring the images to that size, or build the "
            f"model with weights=None and train it."
        )
    stored, own = _read_arrays(card), named_variables(model)
    if model.output_shape[-1] != len(card.class_names):
        stored, own = ({key: value for key, value in each.items() if not _is_of_head(key)} for each in (stored, own))
    for key in {**stored, **own}:
        expected, received = (tuple(each[key].shape) if key in each else None for each in (stored, own))
        if expected != received:
            raise InputError(
                f"The weights {card.dataset!r} of {card.model!r} are for the model as it is registered, in which the "
                f"shape of {key} is {expected}. Received: options that make it {received}. "
                f"Leave them out, or build the model with weights=None and train it."
            )
    for key, variable in own.items():
        variable.assign(stored[key].astype(np.float32))


def named_variables(model: keras.Model) -> dict[str, Any]:
    """Name the variables of a model by layer and variable, as in "conv_1/kernel"."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def _is_of_head(key: str) -> bool:
    return key.startswith(f"{_HEAD}/")


def _read_card(path: Path) -> WeightsCard:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
        return WeightsCard(**{**facts, **lists})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CorruptDataError(f"{path} is not the card that came with convvision: {error}. {_REINSTALL}") from error


def _read_arrays(card: WeightsCard) -> dict[str, NDArray[Any]]:
    path = WEIGHTS_FOLDER / card.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptDataError(
            f"The weights {card.dataset!r} of {card.model!r} belong to convvision, and their file {path} cannot be "
            f"read: {error.strerror}. {_REINSTALL}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise CorruptDataError(
            f"{path} is not the file that came with convvision. Expected: SHA-256 {card.sha256}. "
            f"Received: {found}, {len(content):,} bytes instead of {card.bytes:,}. {_REINSTALL}"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return dict(archive)
