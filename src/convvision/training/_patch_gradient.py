"""The kernel gradient of a convolution over few positions in half precision, as one matrix product over patches.

TensorFlow's own is slow there, with 128 channels and more above all; in single precision it is not, and on 7 × 7
positions not always (``benchmarks/patch_gradient.py``). The layer stays Keras's, and its outputs and the gradient of
its inputs TensorFlow's.
"""

from __future__ import annotations

import math
from typing import Any

from convvision._keras import tf
from convvision.training._convolution import convolve_by, is_plain

__all__ = ["convolve_with_patch_gradient", "suits_patch_gradient"]

# With more, copying the patches costs what the product saves.
_MOST_POSITIONS = 25


def suits_patch_gradient(layer: Any, inputs: Any) -> bool:
    """Tell whether a layer is a plain convolution by 1 in bfloat16 that has few positions on these inputs."""
    if not is_plain(layer) or tuple(layer.strides) != (1, 1) or layer.compute_dtype != "bfloat16":
        return False
    positions = layer.compute_output_shape(inputs.shape)[1:3]
    # A kernel of one pixel is a matrix product already.
    return None not in positions and math.prod(positions) <= _MOST_POSITIONS and math.prod(layer.kernel_size) > 1


def convolve_with_patch_gradient(layer: Any, inputs: Any) -> Any:
    """Compute a convolution that :func:`suits_patch_gradient`.

    Args:
        layer: The layer.
        inputs: Tensor (N, H, W, C); H, W and C are known.

    Returns:
        What the layer gives.
    """
    same = layer.padding == "same"
    return convolve_by(lambda inputs, kernel: _sums(inputs, kernel, same=same), layer, inputs)


def _sums(inputs: Any, kernel: Any, *, same: bool) -> Any:
    padding = "SAME" if same else "VALID"

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolve(inputs: Any, kernel: Any) -> tuple[Any, Any]:
        outputs = tf.nn.conv2d(inputs, kernel, strides=1, padding=padding)

        def gradient(upstream: Any) -> tuple[Any, Any]:
            to_inputs = tf.nn.conv2d_transpose(upstream, kernel, tf.shape(inputs), strides=1, padding=padding)
            patches = _cut_patches(inputs, kernel.shape[:2], outputs.shape[1:3], same=same)
            product = tf.matmul(patches, tf.reshape(upstream, (-1, kernel.shape[3])), transpose_a=True)
            return to_inputs, tf.reshape(product, kernel.shape)

        return outputs, gradient

    return convolve(inputs, kernel)


def _cut_patches(inputs: Any, extent: Any, positions: Any, *, same: bool) -> Any:
    """Lay what the kernel sees at each position into a row, in the order of the kernel's weights."""
    (rows, columns), (height, width) = extent, positions
    if same:
        margins = [((size - 1) // 2, size // 2) for size in (rows, columns)]
        inputs = tf.pad(inputs, [(0, 0), *margins, (0, 0)])
    shifted = [inputs[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return tf.reshape(tf.concat(shifted, axis=-1), (-1, rows * columns * inputs.shape[-1]))
