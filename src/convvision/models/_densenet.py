"""Densely connected networks: each layer reads the maps of all before it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import activate, blocks_a_stage, convolve, normalise
from convvision.models._head import pooled_head
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["densenet"]

_STAGES = 3
_WINDOWS = [Window("pooling", 2, 2)] * (_STAGES - 1)


@set_module("convvision.models")
def densenet(
    depth: int = 100,
    growth_rate: int = 12,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a DenseNet-BC for small images (Huang et al. 2017, section 3).

    As published: a convolution with twice ``growth_rate`` filters, then three stages of (depth − 4) / 6 layers. A layer
    is batch normalisation, ReLU and a 1 × 1 convolution to four times ``growth_rate`` maps ("B"), then the same with a
    3 × 3 convolution to ``growth_rate`` maps, which are put beside all earlier ones. Between stages a 1 × 1 convolution
    halves the number of maps ("C") and an average pooling their sides. Nothing had to be adapted.

    Args:
        depth: Layers with weights, 6 n + 4: 40, 100, 190, 250 …
        growth_rate: Maps that each layer adds.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default ``densenet_bc_`` with the depth and the growth rate.

    Returns:
        A ``keras.Model``, not compiled, with layers ``stem_conv``, ``stage_1_block_1_norm_1``,
        ``stage_1_block_1_relu_1``, ``stage_1_block_1_conv_1`` … ``stage_1_block_1_concat`` …
        ``stage_1_transition_conv``, ``stage_1_pool`` … ``last_norm``, ``last_relu``, ``pool`` and ``classifier``.

    Raises:
        InputError: A depth or a growth rate that cannot be.
        ShapeError: Images of fewer than 4 pixels a side.

    Example:
        >>> from convvision.models import densenet
        >>> model = densenet(10, growth_rate=4)
        >>> [model.get_layer(f"stage_{stage}_block_1_concat").output.shape for stage in (1, 2, 3)]
        [(None, 28, 28, 12), (None, 14, 14, 10), (None, 7, 7, 9)]
    """
    layers = blocks_a_stage(depth, others=4)
    growth_rate = check_positive_int(growth_rate, "growth_rate")
    shape = check_input_shape(input_shape)
    check_size(shape, _WINDOWS)

    x: Any
    image = keras.Input(shape, name="image")
    x = convolve(image, 2 * growth_rate, name="stem_conv")
    for stage in range(1, _STAGES + 1):
        for block in range(1, layers + 1):
            x = _dense_layer(x, growth_rate, f"stage_{stage}_block_{block}")
        if stage < _STAGES:
            x = _transition(x, f"stage_{stage}")
    x = activate(normalise(x, name="last_norm"), name="last_relu")
    outputs = pooled_head(x, num_classes=check_num_classes(num_classes), classifier_activation=classifier_activation)
    return keras.Model(image, outputs, name=name or f"densenet_bc_{depth}_{growth_rate}")


def _dense_layer(x: Any, growth_rate: int, prefix: str) -> Any:
    earlier = x
    for index, (width, kernel_size) in enumerate(((4 * growth_rate, 1), (growth_rate, 3)), start=1):
        x = activate(normalise(x, name=f"{prefix}_norm_{index}"), name=f"{prefix}_relu_{index}")
        x = convolve(x, width, kernel_size, name=f"{prefix}_conv_{index}")
    return keras.layers.Concatenate(name=f"{prefix}_concat")([earlier, x])


def _transition(x: Any, prefix: str) -> Any:
    x = activate(normalise(x, name=f"{prefix}_transition_norm"), name=f"{prefix}_transition_relu")
    x = convolve(x, x.shape[-1] // 2, 1, name=f"{prefix}_transition_conv")
    return keras.layers.AveragePooling2D(2, data_format="channels_last", name=f"{prefix}_pool")(x)


register_model(
    "densenet_bc_100_12",
    family="densenet",
    summary="Each layer reads the maps of all before it, 100 layers deep.",
    parameters=792_718,
    min_size=smallest_size(_WINDOWS),
    reference="Huang, Liu, van der Maaten and Weinberger: Densely Connected Convolutional Networks, CVPR 2017",
)(functools.partial(densenet, 100, 12))
