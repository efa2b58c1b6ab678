"""Depthwise separable convolutions, for little arithmetic."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import activate, check_stages, convolve, convolve_depthwise, normalise
from convvision.models._head import pooled_head
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["mobile"]

_STAGES = ((64,), (128, 128), (256, 256))


@set_module("convvision.models")
def mobile(
    stages: Sequence[int | Sequence[int]] = _STAGES,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a network in the manner of MobileNet (Howard et al. 2017).

    As published: a convolution with half the filters of the first block, then blocks of a 3 × 3 kernel for each channel
    and a 1 × 1 convolution, each with batch normalisation and ReLU; the first block of a stage takes every second
    position. Adapted: the first convolution and the first stage keep the size of the image, as 28 pixels would
    otherwise end at one; five blocks at most 256 wide instead of thirteen of up to 1,024.

    Args:
        stages: Filters of each stage's blocks; a number is a stage of one.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "mobile".

    Returns:
        A ``keras.Model``, not compiled, with layers ``stem_conv``, ``stem_norm``, ``stem_relu``,
        ``stage_1_block_1_depthwise``, ``stage_1_block_1_norm_1``, ``stage_1_block_1_relu_1``,
        ``stage_1_block_1_conv``, ``stage_1_block_1_norm_2``, ``stage_1_block_1_relu_2`` … ``pool`` and ``classifier``.

    Raises:
        InputError: Filters that cannot be.
        ShapeError: The images are too small for so many stages.

    Example:
        >>> from convvision.models import mobile
        >>> model = mobile(stages=((16,), (32,)))
        >>> model.get_layer("stage_2_block_1_depthwise").output.shape
        (None, 14, 14, 16)
    """
    widths = check_stages(stages)
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(widths), advice="Use larger images or fewer stages.")

    x: Any
    image = keras.Input(shape, name="image")
    x = convolve(image, max(widths[0][0] // 2, 1), name="stem_conv")
    x = activate(normalise(x, name="stem_norm"), name="stem_relu")
    for stage, filters in enumerate(widths, start=1):
        for block, width in enumerate(filters, start=1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _separable(x, width, strides, f"stage_{stage}_block_{block}")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name or "mobile")


def _separable(x: Any, width: int, strides: int, prefix: str) -> Any:
    x = convolve_depthwise(x, strides=strides, name=f"{prefix}_depthwise")
    x = activate(normalise(x, name=f"{prefix}_norm_1"), name=f"{prefix}_relu_1")
    x = convolve(x, width, 1, name=f"{prefix}_conv")
    return activate(normalise(x, name=f"{prefix}_norm_2"), name=f"{prefix}_relu_2")


def _windows(stages: Sequence[Any]) -> list[Window]:
    return [Window("convolution", 3, 2, "same")] * (len(stages) - 1)


register_model(
    "mobile_small",
    family="mobile",
    summary="Depthwise separable convolutions: little arithmetic for its width.",
    parameters=139_146,
    min_size=smallest_size(_windows(_STAGES)),
    reference="Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017",
)(functools.partial(mobile, _STAGES, name="mobile_small"))
