"""Networks of a few thousand parameters, for what has to be small rather than fast."""

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

__all__ = ["tiny"]

_STAGES = ((12,), (24, 24), (32, 32))


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

    The first stage has plain 3 × 3 convolutions. In the others each is split (Howard et al. 2017): a 3 × 3 kernel for
    each channel by itself, then sums over channels at each position; so a block from 32 channels to 32 has 1,312
    weights instead of 9,216, and the same budget buys twice the channels. Behind each convolution stands batch
    normalisation, behind each plain and each 1 × 1 convolution ReLU. A max pooling stands between stages, and the
    classifier reads the mean of each map.

    Args:
        stages: Filters of each stage's convolutions; a number is a stage of one.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "tiny".

    Returns:
        A ``keras.Model``, not compiled, with layers ``stage_1_block_1_conv``, ``stage_1_block_1_norm``,
        ``stage_1_block_1_relu``, ``stage_1_pool``, ``stage_2_block_1_depthwise`` … ``pool`` and ``classifier``.

    Raises:
        InputError: Filters that cannot be.
        ShapeError: The images are too small for so many stages.

    Example:
        >>> from convvision.models import tiny
        >>> tiny(stages=((8,), (16, 16))).count_params()
        1098
    """
    widths = check_stages(stages)
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(widths), advice="Use larger images or fewer stages.")

    x: Any
    x = image = keras.Input(shape, name="image")
    for stage, filters in enumerate(widths, start=1):
        if stage > 1:
            pooling = keras.layers.MaxPooling2D(
                2, padding="same", data_format="channels_last", name=f"stage_{stage - 1}_pool"
            )
            x = pooling(x)
        for block, width in enumerate(filters, start=1):
            build = _plain if stage == 1 else _separable
            x = build(x, width, f"stage_{stage}_block_{block}")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name or "tiny")


def _plain(x: Any, width: int, prefix: str, *, kernel_size: int = 3) -> Any:
    x = normalise(convolve(x, width, kernel_size, name=f"{prefix}_conv"), name=f"{prefix}_norm")
    return activate(x, name=f"{prefix}_relu")


def _separable(x: Any, width: int, prefix: str) -> Any:
    x = normalise(convolve_depthwise(x, name=f"{prefix}_depthwise"), name=f"{prefix}_depthwise_norm")
    return _plain(x, width, prefix, kernel_size=1)


def _windows(stages: Sequence[Any]) -> list[Window]:
    return [Window("pooling", 2, 2, "same")] * (len(stages) - 1)


for _name, _widths, _parameters, _summary in (
    ("tiny_5k", _STAGES, 4_786, "The same, narrower: under 5,000 parameters."),
    ("tiny_10k", ((16,), (36, 36), (52, 52)), 9_710, "Under 10,000 parameters, by splitting kernels from channels."),
):
    register_model(
        _name, family="tiny", summary=_summary, parameters=_parameters, min_size=smallest_size(_windows(_widths))
    )(functools.partial(tiny, _widths, name=_name))
