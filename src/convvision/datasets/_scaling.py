"""From stored pixels to what a network reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.errors import InputError, ValueRangeError

Scale: TypeAlias = Literal["unit", "standard"]

__all__ = ["Scale", "Scaling"]

_RESTORED_AT_ONCE = 1024


@set_module("convvision.datasets")
@dataclass(frozen=True)
class Scaling:
    """How stored uint8 pixels become the numbers that a network reads.

    Attributes:
        scale: "unit" divides by 255, into [0, 1]; "standard" also subtracts ``mean`` and divides by ``std``; None keeps
            uint8.
        mean: Mean of each channel on the scale [0, 1]; used by "standard".
        std: Standard deviation of each channel on the scale [0, 1]; used by "standard".

    Raises:
        InputError: Another scale.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import Scaling
        >>> pixels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
        >>> Scaling("unit").apply(pixels).ravel().tolist()
        [0.0, 0.20000000298023224, 1.0]
    """

    scale: Scale | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.scale is not None and self.scale not in get_args(Scale):
            raise InputError(f"scale is 'unit', 'standard' or None. Received: scale={self.scale!r}")
        if self.scale == "standard" and not (self.mean and len(self.mean) == len(self.std) and min(self.std) > 0):
            raise InputError(
                f"scale='standard' needs a mean and a positive standard deviation for each channel. "
                f"Received: mean={self.mean}, std={self.std}"
            )

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Scale stored pixels.

        Args:
            pixels: uint8, shape (..., C).

        Returns:
            float32 of the same shape; ``pixels`` itself where the scale is None.

        Raises:
            ValueRangeError: Not uint8.
        """
        if pixels.dtype != np.uint8:
            raise ValueRangeError(f"Raw pixels are uint8 in [0, 255]. Received: dtype {pixels.dtype}.")
        if self.scale is None:
            return pixels
        scaled = np.divide(pixels, np.float32(255), dtype=np.float32)
        if self.scale == "standard":
            scaled -= np.asarray(self.mean, np.float32)
            scaled /= np.asarray(self.std, np.float32)
        return scaled

    def restore(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Bring scaled images back to pixels, the inverse of :meth:`apply`.

        Args:
            images: As :meth:`apply` returns them, shape (..., C).

        Returns:
            uint8 of the same shape; floats between two pixel values are rounded, those beyond the ends are clipped.
        """
        if images.dtype == np.uint8:
            return images
        pixels: NDArray[np.uint8] = np.empty(images.shape, np.uint8)
        # A part at a time: the floats of a whole set take eight times the memory of its pixels.
        for start in range(0, len(images), _RESTORED_AT_ONCE):
            part = images[start : start + _RESTORED_AT_ONCE].astype(np.float64)
            if self.scale == "standard":
                part = part * np.asarray(self.std) + np.asarray(self.mean)
            pixels[start : start + _RESTORED_AT_ONCE] = np.clip(np.rint(part * 255), 0, 255)
        return pixels

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        """Bring images onto this scale: uint8 are raw pixels and are scaled; floats must be on it already.

        Args:
            images: uint8 in [0, 255], or floats that are already scaled; shape (..., C).

        Returns:
            The scaled images, of the same shape; floats are returned as they are.

        Raises:
            ValueRangeError: Floats that are plainly not on this scale, such as pixels in [0, 255] or NaN; or other
                integers.
        """
        if images.dtype == np.uint8:
            return self.apply(images)
        if images.dtype.kind != "f":
            raise ValueRangeError(
                f"Raw pixels are uint8 in [0, 255]; scaled images are floats. Received: dtype {images.dtype}. "
                f"Use images.astype('uint8') if the values are raw pixels."
            )
        low, high = self._limits()
        smallest, largest = float(images.min()), float(images.max())
        # Asked this way round, because NaN is neither below nor above.
        if not low <= smallest <= largest <= high:
            raise ValueRangeError(
                f"Float images must already be on the scale {self.scale!r} ({low:g} to {high:g}). "
                f"Received: values from {smallest:g} to {largest:g}. "
                f"If they are raw pixels in [0, 255], pass images.astype('uint8')."
            )
        return images

    def _limits(self) -> tuple[float, float]:
        # A little beyond the true ends: interpolation and augmentation overshoot, and rounding does.
        if self.scale is None:
            return -1.0, 256.0
        if self.scale == "unit":
            return -0.5, 1.5
        ends = [(pixel - mean) / std for mean, std in zip(self.mean, self.std, strict=True) for pixel in (-0.5, 1.5)]
        return min(ends), max(ends)
