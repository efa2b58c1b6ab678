"""What stands behind the convolutions: hidden layers or pooling, and the classifier, the same in every family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from convvision._checks import check_fraction, check_positive_int
from convvision._keras import keras
from convvision.errors import InputError
from convvision.registry import unknown_name

__all__ = ["check_activation", "classifier", "dense_head", "pooled_head", "positive_ints"]


def dense_head(
    features: Any,
    *,
    num_classes: int,
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
    classifier_activation: str | None,
) -> Any:
    """Flatten a symbolic tensor and classify it with fully connected layers.

    Args:
        features: Symbolic tensor (N, H, W, C).
        num_classes: Number of outputs.
        hidden_units: Units of each hidden layer; may be empty.
        activation: Of the hidden layers.
        dropout: Part of each hidden layer's outputs that is dropped while training, in [0, 1).
        classifier_activation: "softmax" for probabilities, None for logits.

    Returns:
        Symbolic float32 tensor (N, num_classes).
    """
    dropout = check_fraction(dropout, "dropout")
    check_activation(activation, "activation")
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(features)
    for index, units in enumerate(positive_ints(hidden_units, "hidden_units"), start=1):
        x = keras.layers.Dense(units, activation=activation, name=f"dense_{index}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout_{index}")(x)
    return classifier(x, num_classes, classifier_activation)


def pooled_head(features: Any, *, num_classes: int, classifier_activation: str | None) -> Any:
    """Classify the mean of each feature map of a symbolic tensor (N, H, W, C); the parameters are those above."""
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(features)
    return classifier(x, num_classes, classifier_activation)


def classifier(x: Any, num_classes: int, activation: str | None) -> Any:
    """End a network with a number for each class: symbolic float32 (N, num_classes) from (N, features)."""
    check_activation(activation, "classifier_activation")
    # Probabilities in half precision do not sum to one, and their logarithm is what the loss takes.
    return keras.layers.Dense(num_classes, activation=activation, dtype="float32", name="classifier")(x)


def positive_ints(values: int | Sequence[int], name: str) -> tuple[int, ...]:
    """Read one positive whole number or several as a tuple."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        return (check_positive_int(values, name),)
    return tuple(check_positive_int(value, f"{name}[{position}]") for position, value in enumerate(values))


def check_activation(activation: Any, name: str) -> None:
    """Refuse what is no activation of Keras.

    Raises:
        UnknownNameError: A name that Keras does not know.
        InputError: Neither a name nor a function.
    """
    try:
        keras.activations.get(activation)
    except ValueError as error:
        if isinstance(activation, str):
            known = [each for each in dir(keras.activations) if not each.startswith("_") and each not in _NO_ACTIVATION]
            raise unknown_name(name, activation, known) from error
        raise InputError(f"{name} is a name in keras.activations. Received: {name}={activation!r}") from error


_NO_ACTIVATION = {"deserialize", "get", "serialize"}
