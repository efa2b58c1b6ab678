"""The words in which layers are written down for a browser: operations, their options, their weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Call", "Operation", "Shape", "Writer"]

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of the computation, as explorer/operations.js knows it.

    Attributes:
        op: Its name there.
        shape: Of its output, without the axis of the images.
        options: Plain data, such as strides.
        weights: Arrays by the names that the operation knows them by.
        activation: What is applied last; None for nothing.
        suffix: Set behind the layer's name where a layer is written down as several steps.
    """

    op: str
    shape: Shape
    options: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    activation: dict[str, Any] | None = None
    suffix: str = ""


@dataclass(frozen=True, eq=False)
class Call:
    """A layer with the shapes of what it reads and of what it makes, without the axis of the images."""

    layer: Any
    inputs: list[Shape]
    shape: Shape


# Writes a call down, or raises an InputError of the key of the reason why it cannot.
Writer: TypeAlias = Callable[[Call], list[Operation]]
