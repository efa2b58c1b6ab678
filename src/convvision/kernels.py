"""The image kernels of the textbook, and what they do to an image; NumPy only.

A kernel is a small array of weights that slides over an image. Each new pixel is the sum of the pixels under the
kernel, each times its weight. A ``Conv2D`` layer does the same and learns the weights; here are those that people found
by thought, as read-only float32 arrays. :data:`KERNELS` lists them by name.

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

The kernel of the lesson. It is the Laplacian over eight neighbours with the opposite sign, positive on the bright side
of an edge (Gonzalez & Woods, "Digital Image Processing").
"""

LAPLACIAN = _kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
"""The sum of the second differences along x and y: 0 on a steady slope, negative on the bright side of an edge.

The five-point stencil of numerical analysis (Rosenfeld & Kak, "Digital Picture Processing", 1976).
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

Twice the identity less :data:`GAUSSIAN_BLUR_5`. The name is that of the blurred negative that photographers laid over
the plate from the 1930s on.
"""

SOBEL_X = _gradient(_BINOMIAL_3)
"""The slope along x, averaged over three rows with weights 1, 2, 1; 8 on a ramp that rises by 1 a pixel.

Sobel & Feldman, "A 3×3 Isotropic Gradient Operator for Image Processing", a talk at the Stanford Artificial
Intelligence Project, 1968.
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
"""The slope along x, with weights 3, 10, 3 that are truer in every direction; 32 on a ramp that rises by 1 a pixel.

The usual whole numbers for the optimised weights of Scharr, "Optimale Operatoren in der Digitalen Bildverarbeitung",
dissertation, Heidelberg, 2000.
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
        "unsharp_mask": UNSHARP_MASK,
        "emboss": EMBOSS,
        "box_blur": BOX_BLUR,
        "gaussian_blur": GAUSSIAN_BLUR,
        "gaussian_blur_5": GAUSSIAN_BLUR_5,
        "sobel_x": SOBEL_X,
        "prewitt_x": PREWITT_X,
        "scharr_x": SCHARR_X,
        "sobel_y": SOBEL_Y,
        "prewitt_y": PREWITT_Y,
        "scharr_y": SCHARR_Y,
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
        kernel: A name of :data:`KERNELS`, or a 2-D array of any size. In an even size, which has no middle, the weight
            before it lies over the pixel, as in Keras.
        padding: What lies beyond the border. "same": zeros, as in ``Conv2D``; unless the background is black, a blur
            then gets a dark frame and an edge detector a bright one. "reflect": the image, mirrored in its outermost
            pixels; no frame. "valid": nothing; only pixels whose whole neighbourhood is inside are returned.

    Returns:
        float32, of the shape of ``image``: H and W are the same, or with "valid" less by the kernel's size minus 1.
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
    images = _as_images(image)
    if padding != "valid":
        images = _pad(images, weights.shape, padding)
    elif weights.shape[0] > images.shape[1] or weights.shape[1] > images.shape[2]:
        raise ShapeError(
            f"With padding='valid' a kernel must not be larger than the image. "
            f"Received: a kernel of shape {weights.shape} for an image of shape {image.shape}. "
            f"Use a smaller kernel, or padding='same'."
        )
    result = _correlate(images, weights)
    return result if image.ndim == 4 else result[0] if image.ndim == 3 else result[0, ..., 0]


def gradient_magnitude(image: ArrayLike, *, padding: Padding = "same") -> NDArray[np.float32]:
    """Measure how steep an image is at every pixel, whatever the direction: √(x² + y²) of its two Sobel gradients.

    Args:
        image: As :func:`apply` takes it.
        padding: As :func:`apply` takes it.

    Returns:
        float32, of the shape that :func:`apply` gives; 0 on an even area, 8 on a ramp that rises by 1 a pixel along x
        or y.

    Raises:
        ShapeError: Not an image, or one that is too small for "valid".
        ValueRangeError: Not real numbers, or NaN or infinity among them.
        InputError: Another padding.

    Example:
        >>> import numpy as np
        >>> from convvision import kernels
        >>> y, x = np.mgrid[:3, :3]
        >>> kernels.gradient_magnitude(3 * x + 4 * y, padding="valid").tolist()
        [[40.0]]
    """
    return np.hypot(apply(image, SOBEL_X, padding=padding), apply(image, SOBEL_Y, padding=padding))


def _as_kernel(kernel: str | ArrayLike) -> NDArray[np.float32]:
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            raise unknown_name("kernel", kernel, KERNELS)
        return KERNELS[kernel]
    try:
        weights = np.asarray(kernel)
    except ValueError as error:
        raise ShapeError(f"The rows of a kernel are equally long. Received: kernel={kernel!r}") from error
    if weights.ndim != 2 or 0 in weights.shape:
        advice = {
            1: " numpy.atleast_2d(kernel) makes it a single row.",
            4: " Take one kernel out of a Conv2D layer's weights with weights[:, :, channel, filter].",
        }.get(weights.ndim, "")
        raise ShapeError(f"A kernel has two axes (rows, columns). Received: shape {weights.shape}.{advice}")
    if weights.dtype.kind not in "buif":
        raise ValueRangeError(f"The weights of a kernel are real numbers. Received: dtype {weights.dtype}.")
    if not np.isfinite(weights).all():
        raise ValueRangeError(f"The weights of a kernel are finite. Received: kernel={weights.tolist()}")
    return weights.astype(np.float32)


def _as_images(image: NDArray[Any]) -> NDArray[np.float32]:
    if image.ndim not in (2, 3, 4) or 0 in image.shape:
        raise ShapeError(
            f"An image has the shape (H, W) or (H, W, C), several have (N, H, W, C), and no axis is empty. "
            f"Received: shape {image.shape}."
        )
    # Three axes are also what a stack of grey images has, whose last axis would pass for dozens of channels.
    if image.ndim == 3 and image.shape[-1] > 4:
        raise ShapeError(
            f"One image (H, W, C) has 1 to 4 channels in its last axis. Received: shape {image.shape}. "
            f"Add the channel axis to a stack of grey images, images[..., None], "
            f"or the first axis to an image with more channels, image[None]."
        )
    images = image if image.ndim == 4 else image[None] if image.ndim == 3 else image[None, ..., None]
    return check_images(images).astype(np.float32, copy=False)


def _pad(images: NDArray[np.float32], kernel_shape: tuple[int, ...], padding: Padding) -> NDArray[np.float32]:
    # As Keras has it: what is left over for an even size goes below and to the right.
    height, width = (((size - 1) // 2, size // 2) for size in kernel_shape)
    return np.pad(images, ((0, 0), height, width, (0, 0)), mode="constant" if padding == "same" else "reflect")


def _correlate(images: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    height = images.shape[1] - weights.shape[0] + 1
    width = images.shape[2] - weights.shape[1] + 1
    result = np.zeros((len(images), height, width, images.shape[-1]), np.float32)
    # One pass over all images for each of the few weights is faster than einsum over sliding windows, and does without
    # the copy of every window that tensordot makes.
    for (row, column), weight in np.ndenumerate(weights):
        if weight:
            result += weight * images[:, row : row + height, column : column + width]
    return result
