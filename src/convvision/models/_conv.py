"""Convolutions and pooling in turn, then fully connected layers: the lesson's network and what its exercises vary."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._head import check_activation, dense_head, positive_ints
from convvision.models._registry import check_input_shape, check_num_classes, register_model
from convvision.models._sizes import Window, check_size, smallest_size

__all__ = ["conv"]


@set_module("convvision.models")
def conv(
    filters: int | Sequence[int] = (64, 64),
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    kernel_size: int = 3,
    pool_size: int = 2,
    padding: Literal["valid", "same"] = "valid",
    hidden_units: int | Sequence[int] = (128,),
    activation: str = "relu",
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a small convolutional network: for each number of filters a convolution and a max pooling.

    Args:
        filters: Filters of each convolution.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        kernel_size: Height and width of every kernel.
        pool_size: Height, width and stride of every pooling window; 1 leaves the pooling layers out.
        padding: "valid" lets a convolution shrink the image by ``kernel_size - 1``; "same" pads with zeros instead.
        hidden_units: Units of each hidden layer after the convolutions.
        activation: Of the convolutions and the hidden layers.
        dropout: Part of each hidden layer's outputs that is dropped while training, in [0, 1).
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "conv_" and the filters.

    Returns:
        A ``keras.Model``, not compiled, with layers ``conv_1``, ``pool_1``, ``conv_2`` … ``flatten``, ``dense_1`` … and
        ``classifier``.

    Raises:
        InputError: A size, a fraction or a padding that cannot be.
        UnknownNameError: An activation that Keras does not have.
        ShapeError: The images are too small for so many convolutions and poolings.

    Example:
        >>> from convvision.models import conv
        >>> model = conv(filters=(32, 64), kernel_size=5, padding="same")
        >>> model.get_layer("pool_2").output.shape
        (None, 7, 7, 64)
    """
    widths = positive_ints(filters, "filters")
    if not widths:
        raise InputError("conv needs at least one convolution; dense has none. Received: filters=()")
    kernel_size = check_positive_int(kernel_size, "kernel_size")
    pool_size = check_positive_int(pool_size, "pool_size")
    if padding not in ("valid", "same"):
        raise InputError(f"padding is 'valid' or 'same'. Received: padding={padding!r}")
    check_activation(activation, "activation")
    shape = check_input_shape(input_shape)
    check_size(
        shape,
        _windows(len(widths), kernel_size, pool_size, padding),
        advice="Use larger images, fewer convolutions, padding='same' or a smaller pool_size.",
    )

    # Said outright, because a user's keras.json may say otherwise.
    channels = {"data_format": "channels_last"}
    x = image = keras.Input(shape, name="image")
    for index, width in enumerate(widths, start=1):
        convolution = keras.layers.Conv2D(
            width, kernel_size, padding=padding, activation=activation, name=f"conv_{index}", **channels
        )
        x = convolution(x)
        if pool_size > 1:
            x = keras.layers.MaxPooling2D(pool_size, name=f"pool_{index}", **channels)(x)
    outputs = dense_head(
        x,
        num_classes=check_num_classes(num_classes),
        hidden_units=positive_ints(hidden_units, "hidden_units"),
        activation=activation,
        dropout=dropout,
        classifier_activation=classifier_activation,
    )
    return keras.Model(image, outputs, name=name or "_".join(["conv", *map(str, widths)]))


def _windows(depth: int, kernel_size: int = 3, pool_size: int = 2, padding: str = "valid") -> list[Window]:
    convolution, pooling = Window("convolution", kernel_size, padding=padding), Window("pooling", pool_size, pool_size)
    return [convolution, *[pooling] * (pool_size > 1)] * depth


_LESSON = "The lesson that convvision grew from: Improving Computer Vision Accuracy using Convolutions"

for _filters, _parameters, _summary in (
    ((16, 16), 55_098, "A quarter of the lesson's filters."),
    ((32, 32), 113_386, "Half of the lesson's filters; its MNIST network."),
    ((64, 64), 243_786, "The lesson's network: two convolutions, each with a pooling."),
    ((32, 64), 225_034, "Fewer filters first, as the lesson's walk-through has it."),
    ((32,), 693_962, "One convolution: fewer steps, yet more parameters in the dense layer."),
    ((64,), 1_386_506, "The lesson's first convolution alone."),
    ((32, 32, 32), 24_330, "Three convolutions: so little is left to flatten that it has the fewest parameters."),
    ((64, 64, 64), 84_106, "Three convolutions of the lesson's width."),
):
    register_model(
        "_".join(["conv", *map(str, _filters)]),
        family="conv",
        summary=_summary,
        parameters=_parameters,
        min_size=smallest_size(_windows(len(_filters))),
        reference=_LESSON,
    )(functools.partial(conv, _filters))
