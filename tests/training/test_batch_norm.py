"""Fused batch normalisation against Keras's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from convvision.training._batch_norm import BatchStatistics, fuses, normalise


def layer_for(images: np.ndarray, **options: object) -> keras.layers.BatchNormalization:
    layer = keras.layers.BatchNormalization(**options)
    layer.build(images.shape)
    rng = np.random.default_rng(3)
    layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.8, "epsilon": 0.01}, {"scale": False}, {"center": False}, {"scale": False, "center": False}],
)
@pytest.mark.parametrize("shape", [(7, 5, 4, 3), (2, 1, 1, 6), (64, 14, 14, 8)])
def test_output_gradients_and_statistics_are_those_of_keras(options: dict[str, object], shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(3, 2, shape).astype(np.float32)
    back = rng.normal(size=shape).astype(np.float32)
    theirs, ours = layer_for(images, **options), layer_for(images, **options)
    x = tf.constant(images)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        expected = theirs(x, training=True)
        statistics = BatchStatistics()
        found = normalise(ours, x, statistics)
        numbers = tf.reduce_sum(expected * back), tf.reduce_sum(found * back)
    statistics.update()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    of_theirs = [x, *[variable.value for variable in theirs.trainable_variables]]
    of_ours = [x, *[variable.value for variable in ours.trainable_variables]]
    for left, right in zip(tape.gradient(numbers[1], of_ours), tape.gradient(numbers[0], of_theirs), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, atol=1e-5)
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-5)


def test_the_parts_of_a_batch_move_the_statistics_once() -> None:
    images = np.random.default_rng(1).normal(size=(8, 3, 3, 2)).astype(np.float32)
    layer = layer_for(images, momentum=0.9)
    mean, variance = np.array(layer.moving_mean), np.array(layer.moving_variance)
    statistics = BatchStatistics()
    for part in (images[:4], images[4:]):
        normalise(layer, tf.constant(part), statistics)
    statistics.update()
    parts = images.reshape(2, -1, 2)
    np.testing.assert_allclose(layer.moving_mean, 0.9 * mean + 0.1 * parts.mean(axis=1).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, 0.9 * variance + 0.1 * parts.var(axis=1).mean(axis=0), atol=1e-5)


def test_only_what_the_kernel_computes_is_fused() -> None:
    maps, vectors = np.zeros((2, 4, 4, 3)), np.zeros((2, 3))
    assert fuses(layer_for(maps))
    assert not fuses(layer_for(maps, axis=1))
    assert not fuses(layer_for(vectors))
    assert not fuses(layer_for(maps, activity_regularizer="l2"))
    assert not fuses(layer_for(maps, dtype="float64"))
    assert fuses(layer_for(maps, dtype="mixed_bfloat16"))
    frozen = layer_for(maps)
    frozen.trainable = False
    assert not fuses(frozen)

    class Own(keras.layers.BatchNormalization):
        pass

    own = Own()
    own.build(maps.shape)
    assert not fuses(own)
    assert not fuses(keras.layers.LayerNormalization())
