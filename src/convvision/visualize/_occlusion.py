"""Attribution by covering: how much a logit loses when a part of the image is not to be seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._attribution import (
    Attribution,
    Baseline,
    Target,
    baseline_images,
    chosen_targets,
    in_passes,
    prepared,
)

__all__ = ["occlusion"]


@set_module("convvision.visualize")
def occlusion(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    patch: int | Sequence[int] = 4,
    stride: int | Sequence[int] = 2,
    baseline: Baseline = 0.0,
    output: str | int | None = None,
    batch_size: int = 256,
) -> Attribution:
    """Cover one patch of the image after another, and see how much a class's logit falls.

    It asks nothing of the model but its answers, and a value has a plain meaning: the logit of the image less that of
    the image with this patch covered. What it costs grows with the number of patches.

    Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks".

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened. What it gives before a
            softmax or a sigmoid at its end is explained.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        target: A class index, one for each image, or "pred" for the class with the largest logit.
        patch: Height and width of a patch, or one number for both.
        stride: Rows and columns from one patch to the next, or one number for both.
        baseline: What covers: a number for all pixels, one image (H, W, C), or one for each (N, H, W, C).
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Covered images a pass; they are made when their pass begins.

    Returns:
        Values (N, h, w), one for each patch, from the top left corner until the image is covered; the last patch of a
        row or column may reach over the border. N × (h × w + 1) images in as few batches as hold them.

    Raises:
        InputError: A model that is not built, or whose logits cannot be told; or a patch, stride or baseline that
            cannot be.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take, or a baseline of another shape.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.occlusion(model, np.ones((1, 28, 28, 1)), target=9).values.shape
        (1, 13, 13)
    """
    scores, images, targets = prepared(model, images, target, output, batch_size)
    sizes, strides = _pair(patch, "patch"), _pair(stride, "stride")
    for size, side, name in zip(sizes, images.shape[1:3], ("height", "width"), strict=True):
        if size > side:
            raise InputError(f"A patch is no larger than the image, whose {name} is {side}. Received: patch={patch!r}")
    cover = baseline_images(baseline, images)
    rows, columns = (
        math.ceil((side - size) / step) + 1 for side, size, step in zip(images.shape[1:3], sizes, strides, strict=True)
    )

    logits = np.empty((len(images), rows * columns + 1, scores.num_classes), np.float32)
    for which, variant in in_passes(len(images), rows * columns + 1, batch_size):
        # The first variant of each image is the image itself.
        row, column = np.divmod(variant - 1, columns)
        covered = (
            _within(images.shape[1], row * strides[0], sizes[0])[:, :, None, None]
            & _within(images.shape[2], column * strides[1], sizes[1])[:, None, :, None]
            & (variant > 0)[:, None, None, None]
        )
        logits[which, variant] = scores.in_batches(np.where(covered, cover[which], images[which]), batch_size)
    targets = chosen_targets(targets, logits[:, 0])
    of_target = np.take_along_axis(logits, targets[:, None, None], axis=2)[..., 0]
    values = (of_target[:, :1] - of_target[:, 1:]).reshape(-1, rows, columns)
    return Attribution("occlusion", images, values, targets, logits[:, 0])


def _within(side: int, first: NDArray[np.intp], size: int) -> NDArray[np.bool_]:
    """Tell, for each of several patches, which rows (or columns) lie in it: shape (patches, side)."""
    places = np.arange(side)
    inside: NDArray[np.bool_] = (places >= first[:, None]) & (places < first[:, None] + size)
    return inside


def _pair(values: int | Sequence[int], name: str) -> tuple[int, int]:
    both = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else (values, values)
    if len(both) != 2:
        raise InputError(f"{name} is a number, or one for rows and one for columns. Received: {name}={values!r}")
    return check_positive_int(both[0], name), check_positive_int(both[1], name)
