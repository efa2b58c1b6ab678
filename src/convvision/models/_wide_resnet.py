"""Wide residual networks: fewer layers, more filters."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from convvision._checks import check_fraction, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import blocks_a_stage
from convvision.models._preact_resnet import WINDOWS, preactivated
from convvision.models._registry import register_model
from convvision.models._sizes import smallest_size

__all__ = ["wide_resnet"]


@set_module("convvision.models")
def wide_resnet(
    depth: int = 16,
    width: int = 4,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a wide residual network, WRN-depth-width (Zagoruyko and Komodakis, 2016).

    As published: the blocks of :func:`preact_resnet`, (depth − 4) / 6 in each of three stages, with 16, 32 and 64 times
    ``width`` filters behind a convolution with 16. Nothing had to be adapted.

    Args:
        depth: Layers with weights, three shortcuts counted, 6 n + 4: 16, 22, 28, 40 …
        width: How many times more filters than in the residual network.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        dropout: Part of what is between a block's convolutions that is dropped while training, in [0, 1).
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default ``wrn_`` with the depth and the width.

    Returns:
        A ``keras.Model``, not compiled, with the layers of :func:`preact_resnet`, and ``stage_1_block_1_dropout`` …
        where there is a dropout.

    Raises:
        InputError: A depth, a width or a fraction that cannot be.
        ShapeError: Images of fewer than 3 pixels a side.

    Example:
        >>> from convvision.models import wide_resnet
        >>> model = wide_resnet(10, 2)
        >>> model.name, model.get_layer("last_relu").output.shape
        ('wrn_10_2', (None, 7, 7, 128))
    """
    width = check_positive_int(width, "width")
    return preactivated(
        (16 * width, 32 * width, 64 * width),
        blocks_a_stage(depth, others=4),
        dropout=check_fraction(dropout, "dropout"),
        input_shape=input_shape,
        num_classes=num_classes,
        classifier_activation=classifier_activation,
        name=name or f"wrn_{depth}_{width}",
    )


for _depth, _width, _parameters in ((16, 2, 693_210), (16, 4, 2_752_218), (28, 10, 36_496_858), (40, 4, 8_959_706)):
    register_model(
        f"wrn_{_depth}_{_width}",
        family="wrn",
        summary=f"Wide residual blocks, {_depth} layers deep, {_width} times as wide.",
        parameters=_parameters,
        min_size=smallest_size(WINDOWS),
        reference="Zagoruyko and Komodakis: Wide Residual Networks, BMVC 2016",
    )(functools.partial(wide_resnet, _depth, _width))
