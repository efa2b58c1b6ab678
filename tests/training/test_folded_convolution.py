"""A convolution by strides, computed on the folded image, against Keras's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import convvision
from as_keras import assert_computes_as_keras
from convvision.training import _training_pass
from convvision.training._batch_norm import BatchStatistics
from convvision.training._folded_convolution import convolve_folded, folds


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("shape", "kernel_size", "stride"),
    [
        ((5, 28, 28, 1), 6, 2),
        ((3, 29, 30, 1), 6, 2),
        ((3, 31, 32, 3), 4, 2),
        ((2, 28, 28, 1), 2, 2),
        ((2, 28, 29, 2), (3, 6), 3),
        ((2, 27, 26, 4), 4, 4),
    ],
)
def test_outputs_and_gradients_are_those_of_keras(
    shape: tuple[int, ...], kernel_size: int | tuple[int, int], stride: int, padding: str, *, use_bias: bool
) -> None:
    layer = keras.layers.Conv2D(
        7, kernel_size, strides=stride, padding=padding, use_bias=use_bias, activation="relu", bias_initializer="normal"
    )
    assert_computes_as_keras(layer, convolve_folded, shape)
    assert folds(layer)


@pytest.mark.parametrize(
    ("options", "channels"),
    [
        ({"kernel_size": 3, "strides": 1}, 1),
        ({"kernel_size": 3, "strides": 2}, 1),
        ({"kernel_size": 4, "strides": (2, 1)}, 1),
        ({"kernel_size": 4, "strides": 2}, 8),
        ({"kernel_size": 4, "strides": 2, "groups": 2}, 2),
        ({"kernel_size": 4, "strides": 2, "data_format": "channels_first"}, 1),
        ({"kernel_size": 4, "strides": 2, "activity_regularizer": "l2"}, 1),
    ],
)
def test_others_are_left_to_keras(options: dict[str, object], channels: int) -> None:
    layer = keras.layers.Conv2D(8, **options)
    first = options.get("data_format") == "channels_first"
    layer.build((None, channels, 12, 12) if first else (None, 12, 12, channels))
    assert not folds(layer)


def test_a_class_of_ones_own_is_left_to_itself() -> None:
    class Standardised(keras.layers.Conv2D):
        pass

    layer = Standardised(8, 4, strides=2)
    layer.build((None, 12, 12, 1))
    assert not folds(layer)


def test_a_training_folds_the_first_convolution_of_fast_conv_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = []

    def spying(layer: keras.Layer, inputs: object) -> object:
        folded.append(layer.name)
        return convolve_folded(layer, inputs)

    monkeypatch.setattr(_training_pass, "convolve_folded", spying)
    model = convvision.create_model("fast_conv")
    images = tf.constant(np.random.default_rng(0).random((4, 28, 28, 1), np.float32))
    found = _training_pass.TrainingPass(model)(images, BatchStatistics())
    assert folded == ["stage_1_conv_1"]
    np.testing.assert_allclose(found, model(images, training=True), atol=1e-5)
