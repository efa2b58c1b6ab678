"""Kernel gradients by a product over patches, against Keras's own."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

import convvision
from as_keras import assert_computes_as_keras
from convvision.training import _training_pass
from convvision.training._batch_norm import BatchStatistics
from convvision.training._patch_gradient import convolve_with_patch_gradient, suits_patch_gradient
from convvision.training._precision import creating_in


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("shape", "kernel_size"),
    [((5, 4, 4, 6), 3), ((3, 4, 3, 2), (2, 3)), ((2, 3, 5, 1), (3, 4)), ((4, 2, 8, 3), (2, 5)), ((1, 3, 3, 4), 2)],
)
def test_outputs_and_gradients_are_those_of_keras(
    shape: tuple[int, ...], kernel_size: int | tuple[int, int], padding: str, *, use_bias: bool
) -> None:
    layer = keras.layers.Conv2D(
        7, kernel_size, padding=padding, use_bias=use_bias, activation="relu", bias_initializer="normal"
    )
    assert_computes_as_keras(layer, convolve_with_patch_gradient, shape)


def layer_of(**options: object) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(**{"filters": 8, "kernel_size": 3, "dtype": "mixed_bfloat16", **options})


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"padding": "same"}, (2, 5, 5, 8)),
        ({}, (2, 7, 7, 8)),
        ({"kernel_size": (1, 2)}, (None, 4, 4, 8)),
        ({"dtype": "bfloat16"}, (2, 4, 4, 8)),
    ],
)
def test_few_positions_in_half_precision_suit(options: dict[str, object], shape: tuple[int | None, ...]) -> None:
    layer = layer_of(**options)
    layer.build(shape)
    assert suits_patch_gradient(layer, keras.KerasTensor(shape))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"dtype": "float32"}, (2, 4, 4, 8)),
        ({"dtype": "mixed_float16"}, (2, 4, 4, 8)),
        ({}, (2, 7, 8, 8)),
        ({"padding": "same"}, (2, 5, 6, 8)),
        ({}, (2, None, 4, 8)),
        ({"kernel_size": 1}, (2, 4, 4, 8)),
        ({"strides": 2}, (2, 4, 4, 8)),
        ({"kernel_size": 2, "dilation_rate": 2}, (2, 4, 4, 8)),
        ({"groups": 2}, (2, 4, 4, 8)),
        ({"data_format": "channels_first"}, (2, 8, 4, 4)),
        ({"activity_regularizer": "l2"}, (2, 4, 4, 8)),
    ],
)
def test_others_are_left_to_keras(options: dict[str, object], shape: tuple[int | None, ...]) -> None:
    layer = layer_of(**options)
    layer.build(shape)
    assert not suits_patch_gradient(layer, keras.KerasTensor(shape))


def test_a_class_of_ones_own_is_left_to_itself() -> None:
    class Standardised(keras.layers.Conv2D):
        pass

    layer = Standardised(8, 3, dtype="mixed_bfloat16")
    layer.build((None, 4, 4, 8))
    assert not suits_patch_gradient(layer, keras.KerasTensor((2, 4, 4, 8)))


def test_a_training_in_half_precision_computes_so_what_stands_on_four_by_four_positions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed = []

    def spying(layer: keras.Layer, inputs: object) -> object:
        computed.append(layer.name)
        return convolve_with_patch_gradient(layer, inputs)

    monkeypatch.setattr(_training_pass, "convolve_with_patch_gradient", spying)
    with creating_in("bfloat16"):
        model = convvision.create_model("fast_conv_large")
    images = tf.constant(np.random.default_rng(0).random((32, 28, 28, 1), np.float32))
    labels = tf.constant([0, 3, 3, 9] * 8)
    kernel = model.get_layer("stage_3_conv_1").kernel.value

    def gradient_by(forward: Callable[[tf.Tensor], tf.Tensor]) -> np.ndarray:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, forward(images)))
        return np.asarray(tape.gradient(loss, kernel))

    expected = gradient_by(lambda images: model(images, training=True))
    assert computed == []
    found = gradient_by(lambda images: _training_pass.TrainingPass(model)(images, BatchStatistics()))
    assert computed == ["stage_3_conv_1"]
    # The roundings of half precision, gathered over the layers behind.
    assert np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)
