"""Convolutions on an image that is folded to a quarter of its positions: made to be trained on a CPU."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._blocks import check_stages, convolve_in_stages
from convvision.models._head import dense_head
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["fast_conv"]

_STAGES = ((32,), (48,), (96,))


@set_module("convvision.models")
def fast_conv(
    stages: Sequence[int | Sequence[int]] = _STAGES,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    pooling: Literal["average", "max"] = "average",
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a convolutional network that wastes no time on full resolution.

    What a convolution costs grows with the number of positions that it walks over. So the image is folded first: each
    block of 2 × 2 pixels becomes one position with four times the channels ("space to depth", Shi et al. 2016 the other
    way round), and 3 × 3 kernels work on that. The two steps are one convolution of 6 × 6 pixels by 2, with the same
    products in the same sums; that is what ``stage_1_conv_1`` is. Each convolution is followed by batch normalisation
    and ReLU, and a pooling stands between stages. 28 pixels become 14, 7 and 4.

    Args:
        stages: Filters of each stage's convolutions; a number is a stage of one.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        pooling: "average" or "max", of 2 × 2 positions between stages.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "fast_conv".

    Returns:
        A ``keras.Model``, not compiled, with layers ``stage_1_conv_1``, ``stage_1_norm_1``, ``stage_1_relu_1``,
        ``stage_1_pool`` … ``flatten`` and ``classifier``.

    Raises:
        InputError: Filters or a pooling that cannot be.
        ShapeError: The images are too small for so many stages.

    Example:
        >>> from convvision.models import fast_conv
        >>> model = fast_conv()
        >>> model.count_params()
        72522
        >>> model.get_layer("stage_1_relu_1").output.shape
        (None, 14, 14, 32)
    """
    widths = check_stages(stages)
    if pooling not in ("average", "max"):
        raise InputError(f"pooling is 'average' or 'max'. Received: pooling={pooling!r}")
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(widths), advice="Use larger images or fewer stages.")

    image = keras.Input(shape, name="image")
    x = convolve_in_stages(image, widths, first_kernel_size=6, pooling=pooling)
    outputs = dense_head(
        x,
        num_classes=check_num_classes(num_classes),
        hidden_units=(),
        activation="relu",
        dropout=0,
        classifier_activation=classifier_activation,
    )
    return keras.Model(image, outputs, name=name or "fast_conv")


def _windows(stages: Sequence[Any]) -> list[Window]:
    return [Window("convolution", 6, 2, "same"), *[Window("pooling", 2, 2, "same")] * (len(stages) - 1)]


for _name, _widths, _parameters, _summary in (
    (
        "fast_conv",
        _STAGES,
        72_522,
        "Three convolutions on an image folded to 14 × 14 positions: to be trained in seconds.",
    ),
    ("fast_conv_small", ((16,), (32,), (64,)), 34_314, "The same with fewer filters: enough for digits."),
    (
        "fast_conv_medium",
        ((64, 64, 64), (128,), (256,)),
        487_946,
        "The same with five convolutions, the last a wide one: for trainings of minutes.",
    ),
    (
        "fast_conv_large",
        ((64, 64, 64), (128, 128), (128,)),
        467_466,
        "The same with six convolutions, and a fifth more to compute.",
    ),
    (
        "fast_conv_xlarge",
        ((96, 96, 96), (192, 192), (256, 256)),
        1_744_906,
        "The same with seven convolutions, and nearly as much to compute as wrn_16_2.",
    ),
):
    register_model(
        _name, family="fast_conv", summary=_summary, parameters=_parameters, min_size=smallest_size(_windows(_widths))
    )(functools.partial(fast_conv, _widths, name=_name))
