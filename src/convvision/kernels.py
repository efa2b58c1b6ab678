"""The image kernels of the textbook, and what they do to an image; NumPy only.

A kernel is a small array of weights that slides over an image. Each new pixel is the sum of the pixels under the kernel,
each times its weight. A ``Conv2D`` layer does the same and learns the weights; here are those that people found by
thought, as read-only float32 arrays. :data:`KERNELS` lists them by name.

Weights that sum to 1 keep the brightness of an even area: the blurs, the sharpeners, the emboss. Weights that sum to 0
turn it into 0 and answer only where something changes: the edge detectors. Their results are signed.

The kernels are written as a ``Conv2D`` layer uses them, without flipping (:func:`apply` says more). So
``SOBEL_X`` is positive where the image grows brighter to the right, ``SOBEL_Y`` where it does so downwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convvision._checks import check_images
from convvision.errors import InputError, ShapeError, ValueRangeError
from convvision.registry import unknown_name

Padding: TypeAlias = Literal["same", "reflect", "valid"]

__all__ = [
    "BOX_BLUR",
    "EDGE",
    "EMBOSS",
    "GAUSSIAN_BLUR",
    "GAUSSIAN_BLUR_5",
    "IDENTITY",
    "KERNELS",
    "LAPLACIAN",
    "PREWITT_X",
    "PREWITT_Y",
    "SCHARR_X",
    "SCHARR_Y",
    "SHARPEN",
    "SOBEL_X",
    "SOBEL_Y",
    "UNSHARP_MASK",
    "apply",
    "gradient_magnitude",
]


def _kernel(weights: ArrayLike, *, divisor: int = 1) -> NDArray[np.float32]:
    kernel = np.asarray(weights, np.float32) / np.float32(divisor)
    kernel.flags.writeable = False
    return kernel


_BINOMIAL_3 = (1, 2, 1)
_BINOMIAL_5 = (1, 4, 6, 4, 1)


def _gradient(across: Sequence[int]) -> NDArray[np.float32]:
    # A difference along x, averaged along y with these weights.
    return _kernel(np.outer(across, (-1, 0, 1)))


def _turned(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return _kernel(kernel.T)


IDENTITY = _kernel([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
"""Returns the image as it is: 1 in the middle, 0 around it."""

EDGE = _kernel([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
"""Edges in every direction: eight times a pixel less its eight neighbours, so 0 where all nine are equal.

The kernel of the lesson. It is the Laplacian over eight neighbours with the opposite sign, positive on the bright side of
an edge (Gonzalez & Woods, "Digital Image Processing").
"""

LAPLACIAN = _kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
"""The sum of the second differences along x and y: 0 on any even slope, negative on the bright side of an edge.

The five-point stencil of numerical analysis; in image processing since Rosenfeld & Kak, "Digital Picture Processing",
1976.
"""

SHARPEN = _kernel([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
"""Stronger contrast at edges: the image less its :data:`LAPLACIAN` (Gonzalez & Woods, "Digital Image Processing")."""

BOX_BLUR = _kernel(np.ones((3, 3)), divisor=9)
"""The mean of a pixel and its eight neighbours, also called the moving average."""

GAUSSIAN_BLUR = _kernel(np.outer(_BINOMIAL_3, _BINOMIAL_3), divisor=16)
"""A softer blur than :data:`BOX_BLUR`: near pixels count for more.

The weights are products of the binomial coefficients 1, 2, 1, which come close to a Gaussian of standard deviation
√½ ≈ 0.71 pixels.
"""

GAUSSIAN_BLUR_5 = _kernel(np.outer(_BINOMIAL_5, _BINOMIAL_5), divisor=256)
"""A wider blur: :data:`GAUSSIAN_BLUR` applied twice, a Gaussian of standard deviation 1 pixel.

The generating kernel of image pyramids with a = 3/8 (Burt & Adelson, "The Laplacian Pyramid as a Compact Image Code",
1983).
"""

UNSHARP_MASK = _kernel(np.pad([[512]], 2) - np.outer(_BINOMIAL_5, _BINOMIAL_5), divisor=256)
"""Sharpens as the darkroom did: the image, plus the image less its blurred self.

Twice the identity less :data:`GAUSSIAN_BLUR_5`. The name is that of the blurred negative that photographers laid over the
plate from the 1930s on.
"""

SOBEL_X = _gradient(_BINOMIAL_3)
"""The slope along x, averaged over three rows with weights 1, 2, 1; 8 on a ramp that rises by 1 a pixel.

Sobel & Feldman, "A 3×3 Isotropic Gradient Operator for Image Processing", a talk at the Stanford Artificial Intelligence
Project, 1968.
"""

SOBEL_Y = _turned(SOBEL_X)
"""The slope along y, downwards: :data:`SOBEL_X` with rows and columns exchanged."""

PREWITT_X = _gradient((1, 1, 1))
"""The slope along x, averaged evenly over three rows; 6 on a ramp that rises by 1 a pixel.

Prewitt, "Object Enhancement and Extraction", in "Picture Processing and Psychopictorics", 1970.
"""

PREWITT_Y = _turned(PREWITT_X)
"""The slope along y, downwards: :data:`PREWITT_X` with rows and columns exchanged."""

SCHARR_X = _gradient((3, 10, 3))
"""The slope along x, with weights that tell its direction more truly than Sobel's; 32 on a ramp that rises by 1 a pixel.

Scharr, "Optimale Operatoren in der digitalen Bildverarbeitung", dissertation, Heidelberg, 2000; these are its common
whole-number weights.
"""

SCHARR_Y = _turned(SCHARR_X)
"""The slope along y, downwards: :data:`SCHARR_X` with rows and columns exchanged."""

EMBOSS = _kernel([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
"""A relief: the slope from top left to bottom right, added to the image. From image editors; it has no known author."""

KERNELS: Mapping[str, NDArray[np.float32]] = MappingProxyType(
    {
        "identity": IDENTITY,
        "edge": EDGE,
        "laplacian": LAPLACIAN,
        "sharpen": SHARPEN,
        "box_blur": BOX_BLUR,
        "gaussian_blur": GAUSSIAN_BLUR,
        "gaussian_blur_5": GAUSSIAN_BLUR_5,
        "unsharp_mask": UNSHARP_MASK,
        "sobel_x": SOBEL_X,
        "sobel_y": SOBEL_Y,
        "prewitt_x": PREWITT_X,
        "prewitt_y": PREWITT_Y,
        "scharr_x": SCHARR_X,
        "scharr_y": SCHARR_Y,
        "emboss": EMBOSS,
    }
)
"""Every kernel of this module by its name; read-only."""


def apply(image: ArrayLike, kernel: str | ArrayLike, *, padding: Padding = "same") -> NDArray[np.float32]:
    """Slide a kernel over an image, or over each of many.

    It does to every channel on its own what a ``Conv2D`` layer with this one kernel and no bias does to a grey image:
    ``result[y, x] = sum(kernel[i, j] * image[y + i, x + j])``, shifted so that the kernel's middle lies over the pixel.
    This is cross-correlation. Convolution in the mathematical sense turns the kernel by 180° first,
    ``kernel[::-1, ::-1]``: all the same for a symmetric kernel such as ``EDGE``, but the opposite sign for Sobel,
    Prewitt and Scharr, and light from the other side for ``EMBOSS``.

    Args:
        image: A grey image (H, W), one with 1 to 4 channels (H, W, C), or images (N, H, W, C) with any number of them;
            real numbers of any type.
        kernel: A name of :data:`KERNELS`, or a 2-D array of any size. An even size has no middle: the pixel lies under
            the last weight before it, as in Keras.
        padding: What lies beyond the border. "same": zeros, as in ``Conv2D``, which leaves a dark frame after a blur and
            a bright one after an edge detector, unless the background is black; "reflect": the image mirrored in its
            outermost pixels, which leaves none; "valid": nothing, and only pixels whose whole neighbourhood is inside
            are returned.

    Returns:
        float32 with the axes of ``image``. H and W are the same, or with "valid" less by the kernel's size minus 1.
        Values are not clipped: after ``EDGE``, pixels in [0, 255] lie in [-2040, 2040].

    Raises:
        UnknownNameError: No kernel has this name.
        ShapeError: Not an image, not a 2-D kernel, or a kernel that does not fit into the image with "valid".
        ValueRangeError: Not real numbers, or NaN or infinity among them.
        InputError: Another padding.

    Example:
        >>> import numpy as np
        >>> from convvision import kernels
        >>> image = np.zeros((4, 5), np.uint8)
        >>> image[:, 3:] = 10
        >>> print(kernels.apply(image, "sobel_x", padding="valid"))
        [[ 0. 40. 40.]
         [ 0. 40. 40.]]
    """
    if padding not in get_args(Padding):
        raise InputError(f"padding is 'same', 'reflect' or 'valid'. Received: padding={padding!r}")
    weights = _as_kernel(kernel)
    image = np.asarray(image)
    images = check_images(_as_images(image)).astype(np.float32, copy=False)
    if padding == "valid" and (weights.shape[0] > images.shape[1] or weights.shape[1] > images.shape[2]):
        raise ShapeError(
            f"With padding='valid' the kernel must fit into the image. "
            f"Received: a kernel of shape {weights.shape} and an image of shape {image.shape}. "
            f"Use padding='same' or a smaller kernel."
        )
    result = _correlate(images if padding == "valid" else _pad(images, weights.shape, padding), weights)
    return (
        result.reshape(image.shape[: image.ndim - 2] + result.shape[1:3])
        if image.ndim == 2
        else (result[0] if image.ndim == 3 else result)
    )
