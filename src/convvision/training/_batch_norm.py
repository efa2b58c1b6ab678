"""Batch normalisation on TensorFlow's fused kernel while training; Keras's own takes twice as long.

The layers stay Keras's: only the way in which a training computes them is another, so that a saved model knows nothing
of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from convvision._keras import keras, tf

__all__ = ["BatchStatistics", "fuses", "normalise", "taking_means", "with_statistics"]


def fuses(layer: Any) -> bool:
    """Tell whether a layer can be computed by the fused kernel: Keras's own, over the channels of feature maps."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.trainable
        and not layer.renorm
        # Keras adds what it costs when the layer is called, which it is not here.
        and layer.activity_regularizer is None
        and layer.input_spec is not None
        and layer.input_spec.ndim == 4
        and layer.axis in (3, -1)
        # The kernel keeps statistics in single precision, and computes in that or half of it.
        and layer.variable_dtype == "float32"
        and layer.compute_dtype != "float64"
    )


class BatchStatistics:
    """The statistics that several parts of one batch gave, until all are there and the moving ones take them in."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Any, list[Any], list[Any]]] = {}

    def add(self, layer: Any, mean: Any, variance: Any) -> None:
        """Keep what a layer saw in a part of the batch."""
        _, means, variances = self._seen.setdefault(id(layer), (layer, [], []))
        means.append(mean)
        variances.append(variance)

    def update(self) -> None:
        """Let the moving statistics take in the mean over the parts."""
        for layer, means, variances in self._seen.values():
            for moving, seen in ((layer.moving_mean, means), (layer.moving_variance, variances)):
                latest = sum(seen[1:], seen[0]) / len(seen)
                moving.assign(moving * layer.momentum + latest * (1 - layer.momentum))


def normalise(layer: Any, inputs: Any, statistics: BatchStatistics) -> Any:
    """Compute a layer of batch normalisation as in training.

    Args:
        layer: One that :func:`fuses`.
        inputs: Tensor (N, H, W, C).
        statistics: Keeps the mean and the variance of the batch.

    Returns:
        Tensor of the same shape, in the layer's compute dtype.
    """
    inputs = keras.ops.cast(inputs, layer.compute_dtype)
    channels = inputs.shape[-1]
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=keras.ops.convert_to_tensor(layer.gamma) if layer.scale else tf.ones([channels]),
        offset=keras.ops.convert_to_tensor(layer.beta) if layer.center else tf.zeros([channels]),
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=layer.epsilon,
        is_training=True,
    )
    count = tf.cast(tf.size(inputs) // channels, tf.float32)
    # The kernel normalises by the mean square, as Keras does, but reports the unbiased estimate.
    statistics.add(layer, mean, variance * (count - 1) / count)
    return outputs


def with_statistics(model: keras.Model) -> list[Any]:
    """List the layers whose moving statistics a training moves; those in half precision cannot hold a mean of many."""
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
        and layer.variable_dtype in ("float32", "float64")
    ]


@contextmanager
def taking_means(layers: list[Any], *, seen: Any, now: Any) -> Iterator[None]:
    """Let moving statistics become the mean over all images so far, each as important as the next.

    Args:
        layers: Those of :func:`with_statistics`.
        seen: Images before this batch; 0 for the first, which puts an end to what was before.
        now: Images of this batch.
    """
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = keras.ops.cast(seen / (seen + now), layer.variable_dtype)
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
