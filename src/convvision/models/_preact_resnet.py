"""Residual networks whose shortcuts are left alone: normalisation and ReLU stand before each convolution."""

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

__all__ = ["WINDOWS", "preact_resnet", "preactivated"]

WINDOWS = [Window("convolution", 3, 2, "same")] * 2


@set_module("convvision.models")
def preact_resnet(
    depth: int = 20,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build the residual network with activations first (He et al. 2016: Identity Mappings).

    As published: blocks of batch normalisation, ReLU and a 3 × 3 convolution, twice, added to what the block was given,
    with nothing behind the sum; three stages of (depth − 2) / 6 blocks with 16, 32 and 64 filters. Where a stage
    changes the number of filters, the shortcut is a 1 × 1 convolution of the block's first activation. Adapted: the
    paper's own networks for small images are 110 layers deep and more; 20 is the depth that others compare at.

    Args:
        depth: Layers with weights, those of shortcuts not counted, 6 n + 2: 20, 32, 110 …
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "preact_resnet_" and the depth.

    Returns:
        A ``keras.Model``, not compiled, with layers ``stem_conv``, ``stage_1_block_1_norm_1``,
        ``stage_1_block_1_relu_1``, ``stage_1_block_1_conv_1`` … ``last_norm``, ``last_relu``, ``pool`` and
        ``classifier``.

    Raises:
        InputError: A depth that cannot be.
        ShapeError: Images of fewer than 3 pixels a side.

    Example:
        >>> from convvision.models import preact_resnet
        >>> preact_resnet(8).get_layer("last_relu").output.shape
        (None, 7, 7, 64)
    """
    return preactivated(
        (16, 32, 64),
        blocks_a_stage(depth, others=2),
        dropout=0,
        input_shape=input_shape,
        num_classes=num_classes,
        classifier_activation=classifier_activation,
        name=name or f"preact_resnet_{depth}",
    )


def preactivated(
    widths: Sequence[int],
    blocks: int,
    *,
    dropout: float,
    input_shape: Sequence[int],
    num_classes: int,
    classifier_activation: str | None,
    name: str,
) -> keras.Model:
    """Build three stages of blocks with activations first; wide residual networks are these too.

    Args:
        widths: Filters of each stage.
        blocks: Blocks in each stage.
        dropout: Part of what is between a block's convolutions that is dropped while training, in [0, 1).
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model.
    """
    shape = check_input_shape(input_shape)
    check_size(shape, WINDOWS)
    x: Any
    image = keras.Input(shape, name="image")
    x = convolve(image, 16, name="stem_conv")
    for stage, width in enumerate(widths, start=1):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(x, width, strides, dropout, f"stage_{stage}_block_{block}")
    x = activate(normalise(x, name="last_norm"), name="last_relu")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name)


def _block(x: Any, width: int, strides: int, dropout: float, prefix: str) -> Any:
    shortcut = x
    x = activate(normalise(x, name=f"{prefix}_norm_1"), name=f"{prefix}_relu_1")
    if shortcut.shape[-1] != width:
        shortcut = convolve(x, width, 1, strides, name=f"{prefix}_shortcut_conv")
    x = convolve(x, width, strides=strides, name=f"{prefix}_conv_1")
    x = activate(normalise(x, name=f"{prefix}_norm_2"), name=f"{prefix}_relu_2")
    if dropout:
        x = keras.layers.Dropout(dropout, name=f"{prefix}_dropout")(x)
    x = convolve(x, width, name=f"{prefix}_conv_2")
    return shortcut_sum(x, shortcut, name=f"{prefix}_sum")


register_model(
    "preact_resnet_20",
    family="preact_resnet",
    summary="Residual blocks with normalisation and ReLU first, 20 layers deep.",
    parameters=273_370,
    min_size=smallest_size(WINDOWS),
    reference="He, Zhang, Ren and Sun: Identity Mappings in Deep Residual Networks, ECCV 2016",
)(functools.partial(preact_resnet, 20))
