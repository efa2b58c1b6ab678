"""What a training computes of a convolution in another way than Keras: which layers, and all but the sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convvision._keras import keras, tf

__all__ = ["convolve_by", "is_plain"]


def is_plain(layer: Any) -> bool:
    """Tell whether a layer is Keras's own convolution of neighbouring pixels and all channels, no more."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.data_format == "channels_last"
        and layer.groups == 1
        # Keras adds what it costs when the layer is called, which it is not here.
        and layer.activity_regularizer is None
        and tuple(layer.dilation_rate) == (1, 1)
    )


def convolve_by(sums: Callable[[Any, Any], Any], layer: Any, inputs: Any) -> Any:
    """Compute a layer that :func:`is_plain`: what it gives, to the rounding of its compute dtype.

    Args:
        sums: Convolves inputs (N, H, W, C) with a kernel, both in the layer's compute dtype.
        layer: The layer.
        inputs: Tensor (N, H, W, C).
    """
    outputs = sums(*(tf.cast(keras.ops.convert_to_tensor(one), layer.compute_dtype) for one in (inputs, layer.kernel)))
    if layer.use_bias:
        outputs = tf.nn.bias_add(outputs, tf.cast(keras.ops.convert_to_tensor(layer.bias), outputs.dtype))
    return layer.activation(outputs)
