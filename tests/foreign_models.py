"""Models as their users write them, none of them from the registry: what visualisation has to work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

SHAPE = (12, 10, 2)


def sequential_with_input() -> Any:
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(5, 3, padding="same"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def sequential_without_input() -> Any:
    model = keras.Sequential(
        [layers.Conv2D(4, 3, activation="tanh"), layers.Flatten(), layers.Dense(3), layers.Softmax()]
    )
    model(np.zeros((1, *SHAPE), np.float32))
    return model


def nested_models() -> Any:
    backbone = keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(4, 3, activation="relu", name="inner"), layers.AveragePooling2D(2)],
        name="backbone",
    )
    image = keras.Input(SHAPE)
    features = backbone(layers.Rescaling(2.0)(image))
    head = keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")], name="head")
    return keras.Model(image, head(features))


def branches() -> Any:
    image = keras.Input(SHAPE)
    stem = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    wide = layers.Conv2D(4, 5, padding="same", activation="relu")(stem)
    deep = layers.Conv2D(4, 3, padding="same", dilation_rate=2)(stem)
    joined = layers.Concatenate()([keras.ops.relu(wide + deep), stem])
    x = layers.Flatten()(layers.MaxPooling2D(2)(joined))
    return keras.Model(image, layers.Activation("softmax")(layers.Dense(3)(x)))


def several_heads() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, activation="relu", name="shared")(image)
    first = layers.Dense(3, activation="softmax", name="kind")(layers.GlobalMaxPooling2D()(x))
    other = layers.Conv2D(4, 3, activation="relu", name="only_for_colour")(x)
    second = layers.Dense(2, name="colour")(layers.Flatten()(other))
    return keras.Model(image, {"kind": first, "colour": second})


def sigmoid_head() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, strides=2, activation="elu")(image)
    return keras.Model(image, layers.Dense(1, activation="sigmoid")(layers.Flatten()(x)))


def depthwise_and_grouped() -> Any:
    image = keras.Input(SHAPE)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(6, 3, groups=2, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.SeparableConv2D(4, 3, activation="relu")(x)
    # A gate from all positions onto each channel, as in squeeze-and-excitation.
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.Multiply()([x, gate]))))


def fully_convolutional() -> Any:
    image = keras.Input((None, None, 2))
    x = layers.Conv2D(4, 3, activation="relu")(image)
    x = layers.Conv2D(3, 1, activation="softmax")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(image, layers.Flatten()(x))


def half_precision() -> Any:
    image = keras.Input(SHAPE, dtype="uint8")
    x = layers.Conv2D(4, 3, activation="relu", dtype="mixed_bfloat16")(layers.Rescaling(1 / 255)(image))
    x = layers.Dense(3, dtype="mixed_bfloat16")(layers.Flatten()(x))
    return keras.Model(image, layers.Activation("softmax", dtype="float32")(x))


def one_layer_called_twice() -> Any:
    image = keras.Input(SHAPE)
    twice = layers.Conv2D(2, 3, padding="same", activation="relu", name="twice")
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(twice(twice(image)))))


FOREIGN: dict[str, Callable[[], Any]] = {
    build.__name__: build
    for build in (
        sequential_with_input,
        sequential_without_input,
        nested_models,
        branches,
        several_heads,
        sigmoid_head,
        depthwise_and_grouped,
        fully_convolutional,
        half_precision,
        one_layer_called_twice,
    )
}


def build_foreign(name: str) -> Any:
    """Build one, with weights of which none is zero, so that a bias or a moving mean that is left out shows."""
    model = FOREIGN[name]()
    random = np.random.default_rng(2)
    for weight in model.weights:
        # From NumPy, for a backend's own numbers are its own.
        if len(weight.shape) > 1:
            weight.assign(random.normal(0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape))
        elif "seed" not in weight.path:
            weight.assign(random.uniform(0.1, 0.5, weight.shape))
    return model
