"""Patches mixed over places and over channels in turn, at one resolution."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import activate, convolve, convolve_depthwise, normalise, shortcut_sum
from convvision.models._head import pooled_head
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["convmixer"]


@set_module("convvision.models")
def convmixer(
    width: int = 128,
    depth: int = 8,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    kernel_size: int = 5,
    patch_size: int = 2,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a ConvMixer (Trockman and Kolter, 2022).

    As published: each patch of the image becomes one position, by a convolution with the patch's size and stride. Then
    ``depth`` blocks at that resolution: a large kernel for each channel, whose result is added to its input, and a
    1 × 1 convolution; behind each convolution GELU and batch normalisation. Adapted: smaller than the paper's
    ConvMixer-256/8 for CIFAR-10, and zeros beyond the border where patches do not divide the image.

    Args:
        width: Filters of every convolution.
        depth: Number of blocks.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        kernel_size: Height and width of the kernel for each channel.
        patch_size: Height and width of a patch.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "convmixer_", the width and the depth.

    Returns:
        A ``keras.Model``, not compiled, with layers ``stem_conv``, ``stem_gelu``, ``stem_norm``, ``block_1_depthwise``,
        ``block_1_gelu_1``, ``block_1_norm_1``, ``block_1_sum``, ``block_1_conv``, ``block_1_gelu_2``,
        ``block_1_norm_2`` … ``pool`` and ``classifier``.

    Raises:
        InputError: A size that cannot be.
        ShapeError: Images smaller than a patch.

    Example:
        >>> from convvision.models import convmixer
        >>> model = convmixer(width=32, depth=2, patch_size=4)
        >>> model.get_layer("block_2_norm_2").output.shape
        (None, 7, 7, 32)
    """
    width, depth = check_positive_int(width, "width"), check_positive_int(depth, "depth")
    kernel_size = check_positive_int(kernel_size, "kernel_size")
    patch_size = check_positive_int(patch_size, "patch_size")
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(patch_size), advice="Use larger images or smaller patches.")

    x: Any
    image = keras.Input(shape, name="image")
    x = convolve(image, width, patch_size, patch_size, name="stem_conv", use_bias=True)
    x = normalise(activate(x, activation="gelu", name="stem_gelu"), name="stem_norm")
    for block in range(1, depth + 1):
        prefix, start = f"block_{block}", x
        x = convolve_depthwise(x, kernel_size, name=f"{prefix}_depthwise", use_bias=True)
        x = normalise(activate(x, activation="gelu", name=f"{prefix}_gelu_1"), name=f"{prefix}_norm_1")
        x = shortcut_sum(x, start, name=f"{prefix}_sum")
        x = convolve(x, width, 1, name=f"{prefix}_conv", use_bias=True)
        x = normalise(activate(x, activation="gelu", name=f"{prefix}_gelu_2"), name=f"{prefix}_norm_2")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name or f"convmixer_{width}_{depth}")


def _windows(patch_size: int) -> list[Window]:
    return [Window("convolution", patch_size, patch_size, "same")]


register_model(
    "convmixer_small",
    family="convmixer",
    summary="Patches mixed over places and over channels in turn.",
    parameters=169_354,
    min_size=smallest_size(_windows(2)),
    reference="Trockman and Kolter: Patches Are All You Need?, 2022",
)(functools.partial(convmixer, name="convmixer_small"))
