"""A convolution by strides over few channels, computed on the image folded: the same sums, laid out for the processor.

The kernel gradient of a convolution of 6 × 6 by 2 over one channel is slow in half precision. Folded, each block of
2 × 2 pixels becomes one position with four channels ("space to depth"), and the convolution is one of 3 × 3 by 1 over
them. The layer stays Keras's: only the way in which a training computes it is another.
"""

from __future__ import annotations

from typing import Any

from convvision._keras import tf
from convvision.training._convolution import convolve_by, is_plain

__all__ = ["convolve_folded", "folds"]

# With more, the processor has enough to do at each pixel as it is.
_MOST_CHANNELS = 4


def folds(layer: Any) -> bool:
    """Tell whether a layer is a plain convolution by strides over few channels, with a kernel of whole blocks."""
    return (
        is_plain(layer)
        and max(layer.strides) > 1
        and len(set(layer.strides)) == 1
        and all(size % layer.strides[0] == 0 for size in layer.kernel_size)
        and layer.kernel.shape[2] <= _MOST_CHANNELS
    )


def convolve_folded(layer: Any, inputs: Any) -> Any:
    """Compute a convolution that :func:`folds`.

    Args:
        layer: The layer.
        inputs: Tensor (N, H, W, C); H and W are known.

    Returns:
        What the layer gives, to the rounding of its compute dtype.
    """
    stride, same = layer.strides[0], layer.padding == "same"
    return convolve_by(lambda inputs, kernel: _sums(inputs, kernel, stride, same=same), layer, inputs)


def _sums(inputs: Any, kernel: Any, stride: int, *, same: bool) -> Any:
    rows, columns, channels, filters = kernel.shape
    blocks = (rows // stride, columns // stride)
    margins = [
        _margins(size, extent, stride, same=same)
        for size, extent in zip(inputs.shape[1:3], (rows, columns), strict=True)
    ]
    height, width = (size - max(0, -after) for size, (_, after) in zip(inputs.shape[1:3], margins, strict=True))
    padding = [(0, 0), *((before, max(0, after)) for before, after in margins), (0, 0)]
    folded = tf.nn.space_to_depth(tf.pad(inputs[:, :height, :width], padding), stride)
    parts = tf.reshape(kernel, (blocks[0], stride, blocks[1], stride, channels, filters))
    kernel = tf.reshape(tf.transpose(parts, (0, 2, 1, 3, 4, 5)), (*blocks, stride * stride * channels, filters))
    return tf.nn.conv2d(folded, kernel, strides=1, padding="VALID")


def _margins(size: int, extent: int, stride: int, *, same: bool) -> tuple[int, int]:
    """Tell how many pixels to add before and after, so that whole blocks come out; below 0 takes away."""
    positions = -(-size // stride) if same else (size - extent) // stride + 1
    missing = (positions - 1) * stride + extent - size
    before = max(0, missing) // 2 if same else 0
    return before, missing - before
