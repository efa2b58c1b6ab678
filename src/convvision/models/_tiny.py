"""Networks of a few thousand parameters, for what has to be small rather than fast."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import check_stages, convolve_in_stages
from convvision.models._head import pooled_head
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["tiny"]

_STAGES = ((8, 8), (12, 12), (14,))


@set_module("convvision.models")
def tiny(
    stages: Sequence[int | Sequence[int]] = _STAGES,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a network with as few parameters as it can do with.

    They are spent on convolutions alone: the first has kernels of 4 × 4 pixels and moves by 2, those behind it are
    3 × 3, and the classifier reads no more than the mean of each map. Each convolution is followed by batch
    normalisation and ReLU, and a max pooling stands between stages. 28 pixels become 14, 7 and 4.

    Args:
        stages: Filters of each stage's convolutions; a number is a stage of one.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "tiny".

    Returns:
        A ``keras.Model``, not compiled, with layers ``stage_1_conv_1``, ``stage_1_norm_1``, ``stage_1_relu_1``,
        ``stage_1_pool`` … ``pool`` and ``classifier``.

    Raises:
        InputError: Filters that cannot be.
        ShapeError: The images are too small for so many stages.

    Example:
        >>> from convvision.models import tiny
        >>> tiny(stages=((8,), (16, 16))).count_params()
        3914
    """
    widths = check_stages(stages)
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(widths), advice="Use larger images or fewer stages.")

    image = keras.Input(shape, name="image")
    x = convolve_in_stages(image, widths, first_kernel_size=4, pooling="max")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name or "tiny")


def _windows(stages: Sequence[Any]) -> list[Window]:
    return [Window("convolution", 4, 2, "same"), *[Window("pooling", 2, 2, "same")] * (len(stages) - 1)]


for _name, _widths, _parameters, _summary in (
    ("tiny_5k", _STAGES, 4_742, "Five convolutions in under 5,000 parameters."),
    ("tiny_10k", ((12, 12), (16, 16), (24,)), 9_546, "tiny_5k with more filters, in under 10,000 parameters."),
):
    register_model(
        _name, family="tiny", summary=_summary, parameters=_parameters, min_size=smallest_size(_windows(_widths))
    )(functools.partial(tiny, _widths, name=_name))
