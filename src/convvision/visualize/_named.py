"""Results of several layers and channels, by their names and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from convvision.errors import InputError
from convvision.registry import unknown_name

__all__ = ["check_channels", "layer_named"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Layer = TypeVar("_Layer", bound=_Named)


def layer_named(layers: Sequence[_Layer], name: str) -> _Layer:
    """Look a layer up by its name.

    Raises:
        UnknownNameError: None has this name.
    """
    for layer in layers:
        if layer.name == name:
            return layer
    raise unknown_name("layer", name, [layer.name for layer in layers])


def check_channels(channels: Sequence[int] | int, layer: str, count: int) -> tuple[int, ...]:
    """Return channels as whole numbers, or say which there are.

    Raises:
        InputError: None at all, or one that the layer does not have.
    """
    several = [channels] if isinstance(channels, int | np.integer) else channels
    if isinstance(several, str) or not isinstance(several, Sequence | np.ndarray) or len(several) == 0:
        raise InputError(f"Expected at least one channel of {layer!r}. Received: {channels!r}")
    for one in several:
        if isinstance(one, bool) or not isinstance(one, int | np.integer) or not 0 <= one < count:
            raise InputError(f"Layer {layer!r} has the channels 0 to {count - 1}. Received: channel {one!r}")
    return tuple(int(one) for one in several)
