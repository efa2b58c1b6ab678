"""Two convolutions and a pooling, again and again: the plain deep network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from convvision._keras import keras
from convvision._public import set_module
from convvision.models._blocks import activate, check_stages, convolve, normalise
from convvision.models._head import dense_head, positive_ints
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["vgg"]

_STAGES = ((32, 32), (64, 64), (128, 128))


@set_module("convvision.models")
def vgg(
    stages: Sequence[int | Sequence[int]] = _STAGES,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    hidden_units: int | Sequence[int] = (128,),
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a network in the manner of VGG (Simonyan and Zisserman, 2015).

    As published: 3 × 3 convolutions with zeros around the image, several between max poolings of 2 × 2, twice the
    filters after each pooling. Adapted: batch normalisation (Ioffe and Szegedy, 2015) before each ReLU, without which
    it is hard to train; three stages instead of five, as 28 pixels halve three times, and an eighth to a quarter of the
    filters; one hidden layer of 128 units instead of two of 4,096.

    Args:
        stages: Filters of each stage's convolutions; a number is a stage of one.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        hidden_units: Units of each hidden layer after the convolutions; they have ReLU.
        dropout: Part of each hidden layer's outputs that is dropped while training, in [0, 1).
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "vgg".

    Returns:
        A ``keras.Model``, not compiled, with layers ``stage_1_conv_1``, ``stage_1_norm_1``, ``stage_1_relu_1`` …
        ``stage_1_pool`` … ``flatten``, ``dense_1`` and ``classifier``.

    Raises:
        InputError: Filters, units or a fraction that cannot be.
        ShapeError: The images are too small for so many stages.

    Example:
        >>> from convvision.models import vgg
        >>> model = vgg(stages=((16, 16), (32, 32)))
        >>> model.get_layer("stage_2_pool").output.shape
        (None, 7, 7, 32)
    """
    widths = check_stages(stages)
    shape = check_input_shape(input_shape)
    check_size(shape, _windows(widths), advice="Use larger images or fewer stages.")

    x: Any
    x = image = keras.Input(shape, name="image")
    for stage, filters in enumerate(widths, start=1):
        for index, width in enumerate(filters, start=1):
            x = convolve(x, width, name=f"stage_{stage}_conv_{index}")
            x = normalise(x, name=f"stage_{stage}_norm_{index}")
            x = activate(x, name=f"stage_{stage}_relu_{index}")
        x = keras.layers.MaxPooling2D(2, data_format="channels_last", name=f"stage_{stage}_pool")(x)
    outputs = dense_head(
        x,
        num_classes=check_num_classes(num_classes),
        hidden_units=positive_ints(hidden_units, "hidden_units"),
        activation="relu",
        dropout=dropout,
        classifier_activation=classifier_activation,
    )
    return keras.Model(image, outputs, name=name or "vgg")


def _windows(stages: Sequence[Any]) -> list[Window]:
    return [Window("pooling", 2, 2)] * len(stages)


register_model(
    "vgg_small",
    family="vgg",
    summary="Two convolutions and a pooling, three times, with batch normalisation.",
    parameters=436_650,
    min_size=smallest_size(_windows(_STAGES)),
    reference="Simonyan and Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015",
)(functools.partial(vgg, _STAGES, name="vgg_small"))
