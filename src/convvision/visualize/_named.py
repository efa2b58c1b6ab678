"""Layers, channels and classes by their names and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_labels
from convvision.errors import InputError
from convvision.registry import unknown_name

__all__ = ["check_channel", "check_channels", "class_of_logit", "layer_named", "name_of", "names_of_classes"]


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
    return tuple(check_channel(one, layer, count) for one in several)


def check_channel(channel: int, layer: str, count: int) -> int:
    """Return a channel as a whole number, or say which there are.

    Raises:
        InputError: One that the layer does not have.
    """
    if isinstance(channel, bool) or not isinstance(channel, int | np.integer) or not 0 <= channel < count:
        raise InputError(f"Layer {layer!r} has the channels 0 to {count - 1}. Received: channel={channel!r}")
    return int(channel)


def class_of_logit(index: int, count: int) -> int:
    """Tell for which class one of several logits speaks; a single one tells class 1 from class 0."""
    return 1 if count == 1 else index


def name_of(label: int, class_names: Sequence[str] | None) -> str:
    """Name a class, by its number where there are no names.

    Raises:
        InputError: There are names, but none for this class.
    """
    if class_names is None:
        return f"class {label}"
    if label >= len(class_names):
        raise InputError(
            f"Expected a name for every class, {label} among them. Received: {len(class_names)} class_names"
        )
    return class_names[label]


def names_of_classes(
    labels: Any, class_names: Sequence[str] | None, *, count: int, num_classes: int | None = None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Read labels, and name their classes by their numbers where there are no names.

    Args:
        labels: Class indices, one an image.
        class_names: The name of class i at position i.
        count: Number of images.
        num_classes: How many classes there are; None for as many as there are names, or labels up to the largest.

    Raises:
        InputError: Not one name a class.
        LabelError: Labels that are no class indices, or not one an image.
    """
    if class_names is not None:
        class_names = tuple(map(str, class_names))
        if not class_names or num_classes not in (None, len(class_names)):
            wanted = "at least one" if num_classes is None else f"{num_classes}, one a class"
            raise InputError(f"Expected class names: {wanted}. Received: {len(class_names)} of them")
        num_classes = len(class_names)
    # Without either, only what no class index can be is refused: as many classes as there are labels up to the largest.
    checked = check_labels(labels, count=count, num_classes=num_classes or np.iinfo(np.int32).max).astype(np.int64)
    num_classes = num_classes or int(checked.max()) + 1
    return class_names or tuple(map(str, range(num_classes))), checked
