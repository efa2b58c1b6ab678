"""What the callbacks ask of their arguments."""

from __future__ import annotations

import re
from typing import Literal, cast

from convvision._checks import check_fraction, is_number
from convvision.errors import InputError

__all__ = ["Direction", "Mode", "check_accuracy", "check_mode", "check_monitor", "direction_of"]

Mode = Literal["auto", "min", "max"]
Direction = Literal["min", "max"]

# How names of metrics end: those of Keras, and abbreviations that papers use. One that is in neither is asked for.
_ENDINGS: dict[Direction, tuple[str, ...]] = {
    "min": (
        *("loss", "error", "error_rate", "crossentropy", "divergence", "hinge", "logcosh", "poisson", "perplexity"),
        *("mse", "mae", "mape", "msle", "rmse", "nll", "false_positives", "false_negatives"),
    ),
    "max": (
        *("accuracy", "acc", "auc", "precision", "recall", "sensitivity", "specificity", "iou", "io_u", "similarity"),
        *("f1", "f1_score", "fbeta_score", "r2_score", "correlation", "true_positives", "true_negatives"),
    ),
}


def direction_of(metric: str) -> Direction | None:
    """Tell from a metric's name whether less of it ("min") or more of it ("max") is better; None where it does not say.

    The end of the name decides, since what stands before it is an output's name or ``val_``. Keras numbers metrics of
    one name, as in ``precision_1``; the number counts for nothing.
    """
    name = re.sub(r"(_\d+)+$", "", metric.casefold())
    for direction, endings in _ENDINGS.items():
        if any(f"_{name}".endswith(f"_{ending}") for ending in endings):
            return direction
    return None


def check_mode(mode: str, monitor: str) -> Direction:
    """Return the direction in which a metric is better, or ask for it.

    Raises:
        InputError: No mode, or "auto" for a metric whose name does not tell.
    """
    if mode not in ("auto", "min", "max"):
        raise InputError(f"mode is 'auto', 'min' or 'max'. Received: mode={mode!r}")
    direction = direction_of(monitor) if mode == "auto" else cast("Direction", mode)
    if direction is None:
        raise InputError(
            f"The name {monitor!r} does not tell whether more or less of it is better. "
            f"Pass mode='max' where more is better, as of an accuracy, or mode='min', as of a loss. "
            f"Received: mode='auto'"
        )
    return direction


def check_monitor(monitor: str) -> str:
    """Return the name of a metric, or say that it is none.

    Raises:
        InputError: Anything else than a string with something in it.
    """
    if not isinstance(monitor, str) or not monitor:
        raise InputError(f"monitor is the name of one metric, as in 'val_loss'. Received: monitor={monitor!r}")
    return monitor


def check_accuracy(value: float, name: str) -> float:
    """Return a fraction that an accuracy can exceed; recognise a percentage.

    Raises:
        InputError: Anything outside [0, 1).
    """
    if is_number(value) and value == 1:
        raise InputError(
            f"{name} is a fraction, at least 0 and below 1, since no accuracy exceeds 1. Received: {name}={value!r}"
        )
    if is_number(value) and 1 < value < 100:
        raise InputError(
            f"{name} is a fraction, at least 0 and below 1: did you mean {value / 100:g}? Received: {name}={value!r}"
        )
    return check_fraction(value, name)
