"""Test-time views: what else of an image is shown to a model before it decides."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from convvision._keras import keras
from convvision.errors import InputError

__all__ = ["Views", "check_views", "make_views", "permitted_views", "view_weights"]

Views: TypeAlias = Literal["one", "flip", "shift", "flip_shift"]

_WITHOUT_MIRRORING: dict[Views, Views] = {"one": "one", "flip": "one", "shift": "shift", "flip_shift": "shift"}


def check_views(views: Any) -> Views:
    """Return the name of a choice of views, or say that it is none.

    Raises:
        InputError: Another name.
    """
    if not isinstance(views, str) or views not in get_args(Views):
        raise InputError(f"views is {' or '.join(map(repr, get_args(Views)))}. Received: views={views!r}")
    known: Views = views  # type: ignore[assignment]
    return known


def permitted_views(views: Views, *, mirrored: bool | None) -> Views:
    """Leave out the mirrored images where a data set says that they mean something else, as those of digits do."""
    return _WITHOUT_MIRRORING[views] if mirrored is False else views


def view_weights(views: Views) -> tuple[float, ...]:
    """Tell what each view counts for in the mean, in the order of :func:`make_views`."""
    weights = (0.5, 0.25, 0.25) if views in ("shift", "flip_shift") else (1.0,)
    return tuple(weight / 2 for weight in weights) * 2 if views in ("flip", "flip_shift") else weights


def make_views(images: Any, views: Views) -> Any:
    """Show images as they are, moved by one pixel along the diagonal, and mirrored left to right.

    Moved by one pixel to the lower right and to the upper left; the row and the column that come in are those at the
    border, once more, so that no grey value is made up.

    Args:
        images: Tensor (N, H, W, C).
        views: Which.

    Returns:
        Tensor (views × N, H, W, C): all images in the first view, then all in the second, and so on.
    """
    shown = [images]
    if views in ("shift", "flip_shift"):
        height, width = keras.ops.shape(images)[1:3]
        bordered = keras.ops.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="symmetric")
        shown += [bordered[:, :height, :width], bordered[:, 2:, 2:]]
    if views in ("flip", "flip_shift"):
        shown += [keras.ops.flip(one, axis=2) for one in shown]
    return shown[0] if len(shown) == 1 else keras.ops.concatenate(shown)
