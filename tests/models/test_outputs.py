"""Running models: what they read, whether they give probabilities or logits, and batches."""

from __future__ import annotations

import re
from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from convvision.errors import InputError, ShapeError
from convvision.models import conv, dense
from convvision.models._outputs import gives_logits, image_shape, run_in_batches


def classifier(*ending: keras.Layer, classes: int = 3) -> keras.Model:
    return keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(classes), *ending])


PROBABILITIES: dict[str, Callable[[], keras.Model]] = {
    "activation": lambda: conv(4, classifier_activation="softmax"),
    "layer": lambda: classifier(layers.Softmax()),
    "activation layer": lambda: classifier(layers.Activation("softmax")),
    "dropout behind it": lambda: classifier(layers.Softmax(), layers.Dropout(0.5)),
    "nested": lambda: keras.Sequential([keras.Input((6, 6, 1)), classifier(layers.Softmax())]),
}
LOGITS: dict[str, Callable[[], keras.Model]] = {
    "no activation": lambda: dense(4, classifier_activation=None),
    "linear": lambda: classifier(layers.Activation("linear")),
    "nested": lambda: keras.Sequential([keras.Input((6, 6, 1)), classifier()]),
    "convolutions alone": lambda: keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()]
    ),
}


@pytest.mark.parametrize("build", PROBABILITIES.values(), ids=PROBABILITIES)
def test_a_softmax_gives_probabilities(build: Callable[[], keras.Model]) -> None:
    assert gives_logits(build()) is False


@pytest.mark.parametrize("build", LOGITS.values(), ids=LOGITS)
def test_no_activation_gives_logits(build: Callable[[], keras.Model]) -> None:
    assert gives_logits(build()) is True


def test_another_ending_is_refused() -> None:
    with pytest.raises(InputError, match=r"ends in a softmax.*Received: layer 'last' \(Dense\) with activation 'relu'"):
        gives_logits(classifier(layers.Dense(3, activation="relu", name="last")))


def test_several_outputs_and_feature_maps_are_no_classifier() -> None:
    image = keras.Input((6, 6, 1))
    flat = layers.Flatten()(image)
    heads = [layers.Dense(2)(flat), layers.Dense(3)(flat)]
    with pytest.raises(InputError, match=re.escape("Received: outputs of shape [(None, 2), (None, 3)]")):
        gives_logits(keras.Model(image, heads))
    with pytest.raises(InputError, match=re.escape("Received: outputs of shape [(None, 4, 4, 2)]")):
        gives_logits(keras.Model(image, layers.Conv2D(2, 3)(image)))


def test_images_are_read_in_batches_and_put_together_in_order() -> None:
    seen = []

    def forward(batch: np.ndarray) -> list[np.ndarray]:
        seen.append(len(batch))
        return [batch[:, 0, 0], batch.sum(axis=(1, 2))]

    images = np.arange(7 * 4, dtype=np.float32).reshape(7, 2, 2, 1)
    first, total = run_in_batches(forward, images, batch_size=3)
    assert seen == [3, 3, 1]
    np.testing.assert_array_equal(first, images[:, 0, 0])
    np.testing.assert_array_equal(total, images.sum(axis=(1, 2)))


def test_image_shape_is_that_of_the_input() -> None:
    assert image_shape(conv(4, input_shape=(20, 24, 3))) == (20, 24, 3)
    assert image_shape(keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)])) == (None, None, 3)


def test_a_model_of_something_else_than_images_is_refused() -> None:
    with pytest.raises(ShapeError, match=re.escape("reads images (N, H, W, C). Received: 'flat' with the input shape")):
        image_shape(keras.Sequential([keras.Input((784,)), layers.Dense(2)], name="flat"))
    pair = [keras.Input((4, 4, 1)), keras.Input((4, 4, 1))]
    with pytest.raises(InputError, match=r"one input\. Received: 'two' with inputs of shape"):
        image_shape(keras.Model(pair, layers.Concatenate()(pair), name="two"))
