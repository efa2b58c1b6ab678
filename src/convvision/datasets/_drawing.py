"""A canvas for many pictures at once, and the distances that shapes are painted from; NumPy only.

Every shape is a signed distance: a number for each pixel that is negative inside, positive outside, and about as large
as the way to the outline. Shapes then combine by ``np.minimum`` (both), ``np.maximum`` (what they share) and a minus
sign (the outside), and a pixel that the outline crosses is covered in part, so that edges come out smooth.

Arrays of pixels have the shape (N, size, size), numbers that each picture has one of (N, 1, 1), all float32: a whole
batch is drawn by the code that would draw one picture. Coordinates run from -1 to 1 across the picture, y downwards.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "Numbers", "Pixels", "Point", "capsule", "ellipse", "limb", "profile", "slab", "triangle_wave"]

Pixels: TypeAlias = NDArray[np.float32]
Numbers: TypeAlias = float | NDArray[np.float32]
Point: TypeAlias = tuple[Numbers, Numbers]

# Control points a side of a smooth random field: bends as wide as a sleeve, not as a button.
_FIELD_POINTS = 5
import os
ROT,SHIFT,MIRROR,SMALL,BEND,NOISE=map(float,os.environ.get("KNOBS","0.2 0.14 0.0 0.8 0.13 0.05").split())


class Canvas:
    """Black pictures whose coordinates are deformed at random, each in its own way.

    What is painted in the upright coordinates :attr:`x` and :attr:`y` comes out shifted, scaled, turned, sheared and
    bent: a grid of random displacements, smoothly interpolated (after Simard, Steinkraus & Platt, "Best Practices for
    Convolutional Neural Networks Applied to Visual Document Analysis", 2003).

    Args:
        rng: Source of all randomness.
        count: Number of pictures.
        size: Height and width in pixels.

    Attributes:
        x: Position of each pixel on the deformed paper, from left to right.
        y: The same from top to bottom.
        brightness: The pictures so far, in [0, 1].
    """

    def __init__(self, rng: np.random.Generator, count: int, size: int) -> None:
        self._rng = rng
        self._count = count
        self._size = size
        self._across, self._down = _pixel_centres(size)
        self.brightness: Pixels = np.zeros((count, size, size), np.float32)
        self.x, self.y, self._pixel = self._deformed()

    def uniform(self, low: float, high: float) -> Pixels:
        """Draw a number from [low, high) for each picture."""
        return np.float32(low) + np.float32(high - low) * self._rng.random((self._count, 1, 1), np.float32)

    def chance(self, probability: float) -> Pixels:
        """Draw 1 with a probability, else 0, for each picture."""
        return (self.uniform(0, 1) < probability).astype(np.float32)

    def smooth_field(self) -> Pixels:
        """Draw a random function of the pixel that changes slowly, in [-1, 1]."""
        heights = self._rng.uniform(-1, 1, (self._count, _FIELD_POINTS, _FIELD_POINTS)).astype(np.float32)
        weights = _interpolation(self._size)
        return weights @ heights @ weights.T

    def paint(self, distance: Pixels, shade: Numbers, *, opacity: Numbers = 1.0, rim: Numbers = 0.0) -> None:
        """Cover the inside of a shape.

        Args:
            distance: The signed distance of the shape.
            shade: Brightness, in [0, 1].
            opacity: How much of what lies below is covered; 0 leaves a picture as it is.
            rim: How much darker the shape gets towards its outline, as what is round does.
        """
        coverage = np.clip(0.5 - distance / self._pixel, 0, 1)
        if isinstance(rim, np.ndarray) or rim:
            shade = shade * (1 - rim * np.clip(1 + distance * 7, 0, 1))
        if isinstance(opacity, np.ndarray) or opacity != 1:
            coverage *= opacity
        self.brightness += coverage * (shade - self.brightness)

    def develop(self) -> NDArray[np.uint8]:
        """Light the pictures from one side, add the noise of a camera, and round to pixels in [0, 255]."""
        light = 1 + self.uniform(-0.25, 0.25) * self._across + self.uniform(-0.25, 0.25) * self._down
        noise = self._rng.standard_normal(self.brightness.shape, np.float32) * self.uniform(0.01, NOISE)
        return np.rint(np.clip(self.brightness * light + noise, 0, 1) * 255).astype(np.uint8)

    def _deformed(self) -> tuple[Pixels, Pixels, Pixels]:
        angle = self.uniform(-ROT, ROT)
        cosine, sine = np.cos(angle), np.sin(angle)
        across = self._across - self.uniform(-SHIFT, SHIFT)
        down = self._down - self.uniform(-SHIFT, SHIFT)
        across *= 1 - 2 * self.chance(MIRROR)
        scale = self.uniform(SMALL, 1.08)
        aspect = self.uniform(0.9, 1.12)
        bend = self.uniform(0.03, BEND)
        x = (cosine * across + sine * down) / (scale * aspect) + bend * self.smooth_field()
        y = (cosine * down - sine * across) * aspect / scale + bend * self.smooth_field()
        x += self.uniform(-0.15, 0.15) * y
        return x, y, 2 / (self._size * scale)


def capsule(x: Pixels, y: Pixels, start: Point, end: Point, radius: Numbers) -> Pixels:
    """Measure the distance to a line with round ends."""
    along, across, length = _along(x, y, start, end)
    beyond = along - np.clip(along, 0, length)
    return np.sqrt(beyond * beyond + across * across) - radius


def limb(x: Pixels, y: Pixels, start: Point, end: Point, width: tuple[Numbers, Numbers]) -> Pixels:
    """Measure the distance to a sleeve or a leg: straight, cut off at both ends, with half its width at each end."""
    along, across, length = _along(x, y, start, end)
    half_width = width[0] + (width[1] - width[0]) / length * along
    return np.maximum(np.abs(across) - half_width, np.abs(along - length / 2) - length / 2)


def ellipse(x: Pixels, y: Pixels, centre: Point, radii: Point) -> Pixels:
    """Estimate the distance to an ellipse; true on its outline, and on all of a circle."""
    across, down = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1]
    return (np.sqrt(across * across + down * down) - 1) * np.minimum(radii[0], radii[1])


def slab(position: Pixels, low: Numbers | Pixels, high: Numbers | Pixels) -> Pixels:
    """Measure the distance to what lies between two positions along one axis."""
    return np.maximum(low - position, position - high)


def profile(position: Pixels, *points: Point) -> Pixels:
    """Interpolate straight between (position, value) points in ascending order; constant beyond the outermost."""
    start, value = points[0]
    total: Pixels = np.full_like(position, 0) + value
    for end, target in points[1:]:
        total += (target - value) * np.clip((position - start) / (end - start), 0, 1)
        start, value = end, target
    return total


def triangle_wave(phase: Pixels) -> Pixels:
    """Rise from -1 to 1 and fall again over each unit of phase."""
    return np.abs(phase - np.floor(phase) - 0.5) * -4 + 1


def _along(x: Pixels, y: Pixels, start: Point, end: Point) -> tuple[Pixels, Pixels, Numbers]:
    # Turns the coordinates so that the line runs from (0, 0) to (length, 0).
    step_x, step_y = end[0] - start[0], end[1] - start[1]
    length = np.sqrt(np.float32(1) * (step_x * step_x + step_y * step_y))
    step_x, step_y = step_x / length, step_y / length
    from_x, from_y = x - start[0], y - start[1]
    return from_x * step_x + from_y * step_y, from_y * step_x - from_x * step_y, length


def _pixel_centres(size: int) -> tuple[Pixels, Pixels]:
    centres = ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)
    return centres[None, None, :], centres[None, :, None]


def _interpolation(size: int) -> Pixels:
    positions = np.linspace(0, _FIELD_POINTS - 1, size, dtype=np.float32)[:, None]
    nearness = np.clip(1 - np.abs(positions - np.arange(_FIELD_POINTS, dtype=np.float32)), 0, 1)
    return nearness * nearness * (3 - 2 * nearness)
