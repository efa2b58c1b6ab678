"""Residual networks: each block adds to what it was given, so that depth does no harm."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import activate, blocks_a_stage, convolve, normalise, shortcut_sum
from convvision.models._head import pooled_head
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["resnet"]

_WIDTHS = (16, 32, 64)
_WINDOWS = [Window("convolution", 3, 2, "same")] * (len(_WIDTHS) - 1)


@set_module("convvision.models")
def resnet(
    depth: int = 20,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build the residual network for small images (He et al. 2016, section 4.2).

    As published: a 3 × 3 convolution, three stages of (depth − 2) / 6 blocks with 16, 32 and 64 filters, and the mean
    of each map. A block is two 3 × 3 convolutions, each with batch normalisation, whose result is added to the block's
    input before the last ReLU. Where a stage halves the maps, the shortcut takes every second position and fills the
    new channels with zeros ("option A"): it has no weights. Nothing had to be adapted: 32 × 32 pixels become 16 and 8,
    and 28 × 28 become 14 and 7.

    Args:
        depth: Layers with weights, 6 n + 2: 20, 32, 44, 56, 110 …
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "resnet_" and the depth.

    Returns:
        A ``keras.Model``, not compiled, with layers ``stem_conv``, ``stem_norm``, ``stem_relu``,
        ``stage_1_block_1_conv_1`` … ``stage_3_block_3_relu_2``, ``pool`` and ``classifier``.

    Raises:
        InputError: A depth that cannot be.
        ShapeError: Images of fewer than 3 pixels a side.

    Example:
        >>> from convvision.models import resnet
        >>> resnet(8).get_layer("stage_3_block_1_relu_2").output.shape
        (None, 7, 7, 64)
    """
    blocks = blocks_a_stage(depth, others=2)
    shape = check_input_shape(input_shape)
    check_size(shape, _WINDOWS)

    x: Any
    image = keras.Input(shape, name="image")
    x = _conv_norm(image, _WIDTHS[0], 1, name="stem_{}")
    x = activate(x, name="stem_relu")
    for stage, width in enumerate(_WIDTHS, start=1):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _residual(x, width, strides, f"stage_{stage}_block_{block}")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name or f"resnet_{depth}")


def _residual(x: Any, width: int, strides: int, prefix: str) -> Any:
    shortcut = _padded_identity(x, width, prefix) if strides > 1 else x
    x = _conv_norm(x, width, strides, name=prefix + "_{}_1")
    x = activate(x, name=f"{prefix}_relu_1")
    x = _conv_norm(x, width, 1, name=prefix + "_{}_2")
    x = shortcut_sum(x, shortcut, name=f"{prefix}_sum")
    return activate(x, name=f"{prefix}_relu_2")


def _conv_norm(x: Any, width: int, strides: int, *, name: str) -> Any:
    x = convolve(x, width, strides=strides, name=name.format("conv"))
    return normalise(x, name=name.format("norm"))


def _padded_identity(x: Any, width: int, prefix: str) -> Any:
    """Take every second position, and as many channels of zeros on either side as make up the width."""
    x = keras.layers.MaxPooling2D(1, strides=2, data_format="channels_last", name=f"{prefix}_shortcut_stride")(x)
    # Keras pads the last two axes of what it takes for (N, C, H, W). Here they are the columns and the channels.
    before = (width - x.shape[-1]) // 2
    padding = ((0, 0), (before, width - x.shape[-1] - before))
    return keras.layers.ZeroPadding2D(padding, data_format="channels_first", name=f"{prefix}_shortcut_pad")(x)


for _depth, _parameters in ((20, 270_810), (32, 466_138)):
    register_model(
        f"resnet_{_depth}",
        family="resnet",
        summary=f"Residual blocks, {_depth} layers deep.",
        parameters=_parameters,
        min_size=smallest_size(_WINDOWS),
        reference="He, Zhang, Ren and Sun: Deep Residual Learning for Image Recognition, CVPR 2016",
    )(functools.partial(resnet, _depth))
