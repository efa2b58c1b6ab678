"""What every floor asks of arrays of images and labels; NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from convvision.errors import InputError, LabelError, ShapeError, ValueRangeError

__all__ = [
    "check_fraction",
    "check_image",
    "check_images",
    "check_labels",
    "check_positive_int",
    "check_seed",
    "is_number",
]


def check_images(candidates: Any, *, image_shape: Sequence[int | None] | None = None) -> NDArray[Any]:
    """Return images as an (N, H, W, C) array of real numbers without NaN, or say what is wrong with them.

    Args:
        candidates: What the caller was given.
        image_shape: The (H, W, C) that is needed; None for an axis, or for all of it, that may be anything.

    Returns:
        The same array; it is not copied.

    Raises:
        ShapeError: Not four axes, no image, or another (H, W, C).
        ValueRangeError: Not numbers, or NaN or infinity among them.
    """
    wanted = "(N, H, W, C)" if image_shape is None else f"(N, {', '.join(_axis(size) for size in image_shape)})"
    images = _as_array(candidates)
    if images is None:
        raise ShapeError(f"Images have the shape {wanted}. Received: a sequence whose parts are not equally long.")
    if images.dtype.kind not in "buif":
        # Of a data set, a path or None an array of no axes is made.
        received = f"dtype {images.dtype}" if images.ndim else type(candidates).__name__
        raise ValueRangeError(f"Images are arrays of real numbers, as in data.test.images. Received: {received}.")
    if 0 in images.shape:
        raise ShapeError(f"Expected at least one image of at least one pixel. Received: shape {images.shape}.")
    if images.ndim != 4:
        advice = {
            2: " Add both axes to a single grey image: image[None, ..., None].",
            3: " Add the channel axis to grey images, images[..., None], or the first to a single image, image[None].",
        }.get(images.ndim, "")
        raise ShapeError(f"Images have the shape {wanted}. Received: shape {images.shape}.{advice}")
    if image_shape is not None and any(
        want is not None and want != have for want, have in zip(image_shape, images.shape[1:], strict=True)
    ):
        raise ShapeError(
            f"Images have the shape {wanted} here. Received: shape {images.shape}. "
            f"Give the images this size and these channels, or build the model for theirs."
        )
    # A sum tells at once that nothing is wrong, and needs no array of its own.
    if images.dtype.kind == "f" and not _sum_is_finite(images) and (bad := ~np.isfinite(images)).any():
        which = np.flatnonzero(bad.any(axis=(1, 2, 3)))
        raise ValueRangeError(
            f"Images hold {int(bad.sum())} pixels that are NaN or infinite, the first in image {int(which[0])}. "
            f"Leave those {len(which)} images out, or replace the pixels with numpy.nan_to_num."
        )
    return images


def check_image(candidate: Any, *, image_shape: Sequence[int | None] | None = None) -> NDArray[Any]:
    """Return one image as an (H, W, C) array of real numbers without NaN, or say what is wrong with it.

    Args:
        candidate: What the caller was given.
        image_shape: As for :func:`check_images`.

    Raises:
        ShapeError: Not three axes, or another (H, W, C).
        ValueRangeError: Not numbers, or NaN or infinity among them.
    """
    image = _as_array(candidate)
    if image is None or image.ndim != 3:
        received = "parts that are not equally long" if image is None else f"shape {image.shape}"
        raise ShapeError(
            f"One image has the shape (H, W, C). Received: {received}. Take one of several with images[0], "
            f"or add the channel axis to a grey one, image[..., None]."
        )
    check_images(image[None], image_shape=image_shape)
    return image


def check_labels(candidates: Any, *, count: int, num_classes: int) -> NDArray[np.integer[Any]]:
    """Return labels as a (count,) array of class indices, or say what is wrong with them.

    Raises:
        LabelError: Not integers, one-hot, another count, or an index outside [0, num_classes).
    """
    labels = _as_array(candidates)
    if labels is None:
        raise LabelError(f"Expected one label an image: shape ({count},). Received: parts that are not equally long.")
    if labels.ndim == 2 and labels.shape[1] == num_classes > 1:
        raise LabelError(
            f"Labels are class indices of shape ({count},), not one-hot rows: use labels.argmax(axis=1). "
            f"Received: shape {labels.shape}."
        )
    if labels.shape != (count,):
        raise LabelError(f"Expected one label an image: shape ({count},). Received: shape {labels.shape}.")
    if labels.dtype.kind not in "iu":
        advice = (
            "Whole numbers that are stored as floats become indices by labels.astype('int64')."
            if labels.dtype.kind == "f"
            else "numpy.unique(labels, return_inverse=True) turns names into indices."
        )
        raise LabelError(f"Labels are class indices, whole numbers from 0. Received: dtype {labels.dtype}. {advice}")
    if count and not 0 <= labels.min() <= labels.max() < num_classes:
        outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
        raise LabelError(
            f"Labels are class indices from 0 to {num_classes - 1}. Received: {labels[outside[0]]} "
            f"at position {outside[0]} ({len(outside)} labels are outside)."
        )
    return labels


def check_fraction(value: float, name: str) -> float:
    """Return a number in [0, 1), or say that it is none.

    Raises:
        InputError: Anything else.
    """
    if not is_number(value) or not 0 <= value < 1:
        raise InputError(f"{name} is a fraction: at least 0 and below 1. Received: {name}={value!r}")
    return float(value)


def check_positive_int(value: int, name: str) -> int:
    """Return an integer of at least one, or say that it is none.

    Raises:
        InputError: Anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} is a whole number of at least 1. Received: {name}={value!r}")
    return int(value)


def check_seed(seed: int) -> int:
    """Return a seed that Python, NumPy and Keras's backends all take, or say that it is none.

    Raises:
        InputError: Anything else.
    """
    # NumPy takes None too, and is random in another way every time.
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise InputError(f"A seed is a whole number from 0 to {2**32 - 1}. Received: seed={seed!r}")
    return int(seed)


def is_number(value: Any) -> TypeGuard[float]:
    """Tell a real number, NaN and infinity included, from what only behaves like one."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _as_array(candidates: Any) -> NDArray[Any] | None:
    try:
        return np.asarray(candidates)
    except ValueError:
        return None


def _sum_is_finite(images: NDArray[Any]) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(images.sum(dtype=np.float64)))


def _axis(size: int | None) -> str:
    return "any" if size is None else str(size)
