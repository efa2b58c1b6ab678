"""What part of an image speaks for a class: the result of every attribution, and what all of them are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError, LabelError, ShapeError, ValueRangeError
from convvision.visualize._class_scores import ClassScores

__all__ = ["Attribution", "Baseline", "Target", "baseline_images", "chosen_targets", "in_passes", "prepared"]

Target: TypeAlias = int | Sequence[int] | NDArray[np.integer[Any]] | Literal["pred"]
Baseline: TypeAlias = float | ArrayLike


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each place speaks for a class, for several images.

    Attributes:
        method: The function that made it, as in "grad_cam".
        images: The images, shape (N, H, W, C).
        values: float32. Methods that ask for pixels give (N, H, W, C); those that ask for places give (N, h, w), at the
            resolution of the layer or of the patches that they used.
        targets: The class that was asked for, int64, shape (N,).
        logits: Of the images, float32, shape (N, classes).
        layer: The layer whose feature maps were used; None for methods that use none.
        steps: For integrated gradients, the number of points on the path, shape (N,); else None.
        completeness_error: For integrated gradients, by how much the values of an image fail to sum to the difference
            of the logits of the image and of the baseline, shape (N,); else None.
    """

    method: str
    images: NDArray[Any]
    values: NDArray[np.float32]
    targets: NDArray[np.int64]
    logits: NDArray[np.float32]
    layer: str | None = None
    steps: NDArray[np.int64] | None = None
    completeness_error: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        at = "" if self.layer is None else f" at {self.layer!r}"
        return f"Attribution({self.method}{at}, values={self.values.shape}, targets={self.targets.tolist()})"

    @property
    def maps(self) -> NDArray[np.float32]:
        """The values as one map an image, (N, h, w): those of several channels are summed."""
        summed: NDArray[np.float32] = self.values.sum(axis=-1) if self.values.ndim == 4 else self.values
        return summed


def prepared(
    model: keras.Model, images: Any, target: Target, output: str | int | None, batch_size: int
) -> tuple[ClassScores, NDArray[Any], NDArray[np.int64] | None]:
    """Check what every attribution is given.

    Returns:
        The logits as a function, the images, and their targets; None for the predicted classes.
    """
    scores = ClassScores(model, output)
    images = check_images(images, image_shape=scores.image_shape)
    check_positive_int(batch_size, "batch_size")
    return scores, images, _target_indices(target, count=len(images), num_classes=scores.num_classes)


def _target_indices(target: Target, *, count: int, num_classes: int) -> NDArray[np.int64] | None:
    """Read a target as one class index an image; None for "pred", which only the logits tell.

    Raises:
        LabelError: Neither an index, nor one index an image, nor "pred"; or an index that no class has.
    """
    wanted = f"target is a class index from 0 to {num_classes - 1}, one for each of the {count} images, or 'pred'."
    if isinstance(target, str):
        if target == "pred":
            return None
        raise LabelError(f"{wanted} Received: target={target!r}")
    try:
        indices: NDArray[Any] = np.asarray(target)
    except ValueError as error:
        raise LabelError(f"{wanted} Received: target={target!r}") from error
    if indices.dtype.kind not in "iu" or indices.shape not in ((), (count,)):
        raise LabelError(f"{wanted} Received: target={target!r}")
    outside = indices[(indices < 0) | (indices >= num_classes)]
    if outside.size:
        raise LabelError(f"{wanted} Received: {outside.flat[0]}")
    return np.broadcast_to(indices, count).astype(np.int64)


def chosen_targets(targets: NDArray[np.int64] | None, logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """Put the predicted classes where no others were asked for."""
    return logits.argmax(axis=1).astype(np.int64) if targets is None else targets


def baseline_images(baseline: Baseline, images: NDArray[Any]) -> NDArray[np.float32]:
    """Read a baseline as an image for each of the images, of their shape; it is not copied for each.

    Raises:
        InputError: Neither a number nor an array of them.
        ShapeError: An array of another shape than one image or all of them.
        ValueRangeError: NaN or infinity among its values.
    """
    try:
        values = np.asarray(baseline, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"baseline is a number, one image, or one image for each. Received: baseline={baseline!r}"
        ) from error
    if values.shape not in ((), images.shape[1:], images.shape):
        raise ShapeError(
            f"baseline is a number, one image {images.shape[1:]}, or one for each {images.shape}. "
            f"Received: shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueRangeError("baseline is made of finite numbers. Received: NaN or infinity among them.")
    return np.broadcast_to(values, images.shape)


def in_passes(count: int, each: int, batch_size: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Share out several variants of each image among as few passes as hold them.

    Args:
        count: Number of images.
        each: Number of variants of each.
        batch_size: Variants a pass, of one image or several.

    Yields:
        For a pass, the index of each variant's image, in rising order, and its own index among the image's variants.
    """
    for first in range(0, count * each, batch_size):
        image, variant = np.divmod(np.arange(first, min(first + batch_size, count * each)), each)
        yield image, variant
