"""Activation functions as explorer/activations.js knows them: a name and its options."""

from __future__ import annotations

from typing import Any

from convvision._keras import keras
from convvision.errors import InputError

__all__ = ["activation_of", "activation_of_operation"]

# Of keras.activations, with the options that they have when they are given by name.
_ACTIVATIONS: dict[str, dict[str, Any]] = {
    "elu": {"alpha": 1.0},
    "exponential": {},
    "gelu": {},
    "hard_sigmoid": {},
    "hard_silu": {},
    "leaky_relu": {"slope": 0.2},
    "relu": {"slope": 0.0, "limit": None, "threshold": 0.0},
    "relu6": {},
    "selu": {},
    "sigmoid": {},
    "silu": {},
    "softmax": {},
    "softplus": {},
    "softsign": {},
    "tanh": {},
}
# As in keras.ops.relu(x), by the class of the operation.
_OPERATIONS = {
    "Elu": "elu", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "LeakyRelu": "leaky_relu", "Relu": "relu",
    "Relu6": "relu6", "Selu": "selu", "Sigmoid": "sigmoid", "Silu": "silu", "Softplus": "softplus", "Tanh": "tanh",
}  # fmt: skip


def activation_of(layer: Any) -> dict[str, Any] | None:
    """Describe the activation of a layer; None for a linear one.

    Raises:
        InputError: Holds the key of the reason: a function of the user's own, or one that the page does not know.
    """
    activation = layer.activation
    if activation is None or activation is keras.activations.linear:
        return None
    name = getattr(activation, "__name__", "")
    if getattr(keras.activations, name, None) is not activation or name not in _ACTIVATIONS:
        raise InputError("activation")
    return {"name": name} | _ACTIVATIONS[name]


def activation_of_operation(operation: Any, kinds: set[str]) -> dict[str, Any] | None:
    """Describe what an operation such as ``keras.ops.relu`` applies; None where it is no activation.

    Args:
        operation: The operation.
        kinds: The names of its class and of those it derives from.
    """
    name = next((_OPERATIONS[kind] for kind in kinds & _OPERATIONS.keys()), None)
    if name is None:
        return None
    options = dict(_ACTIVATIONS[name])
    for ours, theirs in (("slope", "negative_slope"), ("alpha", "alpha")):
        if ours in options and hasattr(operation, theirs):
            options[ours] = float(getattr(operation, theirs))
    return {"name": name} | options
