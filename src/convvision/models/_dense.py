"""Fully connected networks: the baseline that convolutions have to beat."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from convvision._keras import keras
from convvision._public import set_module
from convvision.models._head import dense_head, positive_ints
from convvision.models._registry import check_input_shape, check_num_classes, register_model

__all__ = ["dense"]


@set_module("convvision.models")
def dense(
    hidden_units: int | Sequence[int] = (128,),
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    activation: str = "relu",
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a fully connected network: it sees pixels in a row, and nothing of where they lie.

    Args:
        hidden_units: Units of each hidden layer.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        activation: Of the hidden layers.
        dropout: Part of each hidden layer's outputs that is dropped while training, in [0, 1).
        classifier_activation: "softmax" for probabilities, None for logits.
        name: Of the model; by default "dense_" and the units.

    Returns:
        A ``keras.Model``, not compiled, with layers ``flatten``, ``dense_1`` … and ``classifier``.

    Raises:
        InputError: A size or a fraction that cannot be.
        UnknownNameError: An activation that Keras does not have.

    Example:
        >>> from convvision.models import dense
        >>> dense(128).count_params()
        101770
    """
    units = positive_ints(hidden_units, "hidden_units")
    image = keras.Input(check_input_shape(input_shape), name="image")
    outputs = dense_head(
        image,
        num_classes=check_num_classes(num_classes),
        hidden_units=units,
        activation=activation,
        dropout=dropout,
        classifier_activation=classifier_activation,
    )
    return keras.Model(image, outputs, name=name or "_".join(["dense", *map(str, units)]))


for _units, _parameters, _summary in (
    (128, 101_770, "The lesson's first network: one hidden layer, no convolution."),
    (512, 407_050, "The same with four times as many hidden units."),
):
    register_model(f"dense_{_units}", family="dense", summary=_summary, parameters=_parameters, min_size=1)(
        functools.partial(dense, _units)
    )
