"""Residual networks brought up to date with what vision transformers taught."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._blocks import shortcut_sum
from convvision.models._head import classifier, positive_ints
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["convnext"]

_WIDTHS = (40, 80, 160)


@set_module("convvision.models")
def convnext(
    widths: Sequence[int] = _WIDTHS,
    depths: Sequence[int] = (2, 2, 6),
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    kernel_size: int = 7,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a network in the manner of ConvNeXt (Liu et al. 2022).

    As published: a block is a 7 × 7 kernel for each channel, layer normalisation over the channels, 1 × 1 convolutions
    to four times the channels and back with GELU between them, and a factor for each channel that begins at 1e-6
    ("layer scale", Touvron et al. 2021), added to the block's input. Layer normalisation and a 2 × 2 convolution by 2
    join stages; kernels begin normal with a deviation of 0.02, and behind the mean of each map stands a last layer
    normalisation. Adapted: patches of 2 × 2 pixels instead of 4 × 4, and three stages instead of four, so that 28
    pixels become 14, 7 and 4; widths of 40, 80 and 160 (those of "atto", the smallest in use, less its last stage); no
    block is left out at random. Keras has no layer scale; a 1 × 1 kernel for each channel is the same product.

    Args:
        widths: Channels of each stage.
        depths: Blocks of each stage.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        kernel_size: Height and width of the kernel for each channel.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "convnext".

    Returns:
        A ``keras.Model``, not compiled, with layers ``stem_conv``, ``stem_norm``, ``stage_1_block_1_depthwise``,
        ``stage_1_block_1_norm``, ``stage_1_block_1_conv_1``, ``stage_1_block_1_gelu``, ``stage_1_block_1_conv_2``,
        ``stage_1_block_1_scale``, ``stage_1_block_1_sum`` … ``stage_2_down_norm``, ``stage_2_down_conv`` … ``pool``,
        ``last_norm`` and ``classifier``.

    Raises:
        InputError: Sizes that cannot be, or widths and depths of another number of stages.
        ShapeError: The images are too small for so many stages.

    Example:
        >>> from convvision.models import convnext
        >>> model = convnext(widths=(16, 32), depths=(1, 1))
        >>> model.get_layer("stage_2_block_1_sum").output.shape
        (None, 7, 7, 32)
    """
    channels, blocks = positive_ints(widths, "widths"), positive_ints(depths, "depths")
    if not channels or len(channels) != len(blocks):
        raise InputError(
            f"widths and depths have one number for each stage. Received: widths={widths!r}, depths={depths!r}"
        )
    kernel_size = check_positive_int(kernel_size, "kernel_size")
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(channels), advice="Use larger images or fewer stages.")

    x: Any
    image = keras.Input(shape, name="image")
    x = _normalise(_convolve(image, channels[0], 2, name="stem_conv"), name="stem_norm")
    for stage, (width, depth) in enumerate(zip(channels, blocks, strict=True), start=1):
        if stage > 1:
            x = _normalise(x, name=f"stage_{stage}_down_norm")
            x = _convolve(x, width, 2, name=f"stage_{stage}_down_conv")
        for block in range(1, depth + 1):
            x = _block(x, kernel_size, f"stage_{stage}_block_{block}")
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(x)
    outputs = classifier(_normalise(x, name="last_norm"), check_num_classes(num_classes), classifier_activation)
    return keras.Model(image, outputs, name=name or "convnext")


def _block(x: Any, kernel_size: int, prefix: str) -> Any:
    start, width = x, x.shape[-1]
    x = keras.layers.DepthwiseConv2D(
        kernel_size,
        padding="same",
        depthwise_initializer=_initial(),
        data_format="channels_last",
        name=f"{prefix}_depthwise",
    )(x)
    x = _normalise(x, name=f"{prefix}_norm")
    x = _convolve(x, 4 * width, 1, name=f"{prefix}_conv_1")
    x = keras.layers.Activation("gelu", name=f"{prefix}_gelu")(x)
    x = _convolve(x, width, 1, name=f"{prefix}_conv_2")
    x = keras.layers.DepthwiseConv2D(
        1,
        use_bias=False,
        depthwise_initializer=keras.initializers.Constant(1e-6),
        data_format="channels_last",
        name=f"{prefix}_scale",
    )(x)
    return shortcut_sum(x, start, name=f"{prefix}_sum")


def _convolve(x: Any, width: int, size: int, *, name: str) -> Any:
    """Convolve windows that do not overlap."""
    return keras.layers.Conv2D(
        width,
        size,
        strides=size,
        padding="same",
        kernel_initializer=_initial(),
        data_format="channels_last",
        name=name,
    )(x)


def _normalise(x: Any, *, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def _initial() -> Any:
    # One for each layer: a second use of the same would draw the same numbers.
    return keras.initializers.TruncatedNormal(stddev=0.02)


def _windows(widths: Sequence[int]) -> list[Window]:
    return [Window("convolution", 2, 2, "same")] * len(widths)


register_model(
    "convnext_atto_28",
    family="convnext",
    summary="Large kernels, layer normalisation and wide 1 × 1 convolutions.",
    parameters=1_493_090,
    min_size=smallest_size(_windows(_WIDTHS)),
    reference="Liu et al.: A ConvNet for the 2020s, CVPR 2022",
)(functools.partial(convnext, name="convnext_atto_28"))
