"""Whether a layer that is computed in another way than Keras's gives the same, and learns the same."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def assert_computes_as_keras(
    layer: keras.Layer, compute: Callable[[keras.Layer, tf.Tensor], tf.Tensor], shape: tuple[int, ...]
) -> None:
    """Compare outputs, and the gradients of the inputs and of every weight, on normal inputs of a shape."""
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=shape).astype(np.float32))
    layer.build(shape)
    back = rng.normal(size=layer.compute_output_shape(shape)).astype(np.float32)
    sources = [inputs, *[variable.value for variable in layer.trainable_variables]]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        expected, found = layer(inputs), compute(layer, inputs)
        numbers = tf.reduce_sum(expected * back), tf.reduce_sum(found * back)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for left, right in zip(tape.gradient(numbers[1], sources), tape.gradient(numbers[0], sources), strict=True):
        assert np.abs(right).max() > 0
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-4)
