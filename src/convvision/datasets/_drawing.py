"""A canvas for many pictures at once, and the distances that shapes are painted from; NumPy only.

A shape is a signed distance: a number at each pixel that is negative inside, positive outside, and about as large as
the way to the outline. Shapes then combine by ``np.minimum`` (in either) and ``np.maximum`` (in both), and a pixel that
the outline crosses is covered in part, so that edges come out smooth.

Pixels have the shape (N, size, size), and numbers of which each picture has its own (N, 1, 1), all float32: the code
that would draw one picture draws N. Coordinates run from -1 to 1 across a picture, x to the right and y downwards.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "Numbers", "Pixels", "Point", "capsule", "ellipse", "limb", "profile", "slab", "triangle_wave"]

Pixels: TypeAlias = NDArray[np.floating[Any]]
Numbers: TypeAlias = float | NDArray[np.floating[Any]]
Point: TypeAlias = tuple[Numbers, Numbers]

# Control points a side of a smooth field: it bends over the width of a sleeve, not of a button.
_FIELD_POINTS = 5
_RIM_WIDTH = 0.14


class Canvas:
    """Black pictures on paper that is deformed at random, each in its own way.

    What is painted upright in the coordinates :attr:`x` and :attr:`y` comes out shifted, scaled, turned, sheared, and
    bent by a coarse grid of random displacements, smoothly interpolated (elastic distortion after Simard, Steinkraus &
    Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", 2003).

    Args:
        rng: Source of all randomness. What is drawn from it does not depend on ``size``.
        count: Number of pictures.
        size: Height and width in pixels.

    Attributes:
        x: Where each pixel lies on the deformed paper, from left to right.
        y: The same from top to bottom.
        brightness: The pictures so far; black is 0 and white is 1.
    """

    def __init__(self, rng: np.random.Generator, count: int, size: int) -> None:
        self._rng = rng
        self._count = count
        self._centres = ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)
        self.brightness: Pixels = np.zeros((count, size, size), np.float32)
        self.x, self.y, self._pixel_width = self._deform()

    def uniform(self, low: float, high: float) -> Pixels:
        """Choose a number from [low, high) for each picture."""
        return low + (high - low) * self._rng.random((self._count, 1, 1), np.float32)

    def chance(self, probability: float) -> Pixels:
        """Choose 1 with a probability, else 0, for each picture."""
        return (self.uniform(0, 1) < probability).astype(np.float32)

    def smooth_field(self) -> Pixels:
        """Choose a function of the pixel that changes slowly, in [-1, 1], for each picture."""
        heights = self._rng.uniform(-1, 1, (self._count, _FIELD_POINTS, _FIELD_POINTS)).astype(np.float32)
        positions = (self._centres[:, None] + 1) * ((_FIELD_POINTS - 1) / 2)
        nearness = np.clip(1 - np.abs(positions - np.arange(_FIELD_POINTS, dtype=np.float32)), 0, 1)
        weights = nearness * nearness * (3 - 2 * nearness)
        field: Pixels = weights @ heights @ weights.T
        return field

    def paint(self, distance: Pixels, shade: Numbers, *, opacity: Numbers = 1.0, rim: float = 0.0) -> None:
        """Cover the inside of a shape.

        Args:
            distance: Signed distance of the shape.
            shade: Its brightness.
            opacity: How much of what lies below is covered; 0 leaves a picture as it is.
            rim: How much darker the shape is at its outline, as what is round appears to be.
        """
        coverage = np.clip(0.5 - distance / self._pixel_width, 0, 1) * opacity
        if rim:
            shade = shade * (1 - rim * np.clip(1 + distance / _RIM_WIDTH, 0, 1))
        self.brightness += coverage * (shade - self.brightness)

    def photograph(self) -> NDArray[np.uint8]:
        """Light the pictures from one side, add the noise of a camera, and round to [0, 255]."""
        light = 1 + self.uniform(-0.25, 0.25) * self._centres + self.uniform(-0.25, 0.25) * self._centres[:, None]
        # The amount of noise depends on the size; a generator of its own keeps what comes next from doing so.
        noise = self._rng.spawn(1)[0].standard_normal(self.brightness.shape, np.float32)
        exposed: Pixels = np.clip(self.brightness * light + self.uniform(0.01, 0.05) * noise, 0, 1)
        return np.rint(exposed * 255).astype(np.uint8)

    def _deform(self) -> tuple[Pixels, Pixels, Pixels]:
        right = self._centres - self.uniform(-0.14, 0.14)
        down = self._centres[:, None] - self.uniform(-0.14, 0.14)
        angle = self.uniform(-0.2, 0.2)
        cosine, sine = np.cos(angle), np.sin(angle)
        scale, aspect, bend = self.uniform(0.8, 1.08), self.uniform(0.9, 1.12), self.uniform(0.03, 0.13)
        x = (cosine * right + sine * down) / (scale * aspect) + bend * self.smooth_field()
        y = (cosine * down - sine * right) / (scale / aspect) + bend * self.smooth_field()
        return x + self.uniform(-0.15, 0.15) * y, y, 2 / (len(self._centres) * scale)


def capsule(x: Pixels, y: Pixels, start: Point, end: Point, radius: Numbers) -> Pixels:
    """Measure the distance to a thick line with round ends."""
    along, across, length = _turn(x, y, start, end)
    beyond = along - np.clip(along, 0, length)
    return np.sqrt(beyond * beyond + across * across) - radius


def limb(x: Pixels, y: Pixels, start: Point, end: Point, half_widths: tuple[Numbers, Numbers]) -> Pixels:
    """Measure the distance to a sleeve or a leg: straight, cut off at both ends, as wide as is said at each."""
    along, across, length = _turn(x, y, start, end)
    half_width = half_widths[0] + (half_widths[1] - half_widths[0]) / length * along
    return np.maximum(np.abs(across) - half_width, slab(along, 0, length))


def ellipse(x: Pixels, y: Pixels, centre: Point, radii: Point) -> Pixels:
    """Estimate the distance to an ellipse: right for a circle, too short along the longer radius."""
    right, down = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1]
    distance: Pixels = (np.sqrt(right * right + down * down) - 1) * np.minimum(*radii, dtype=np.float32)
    return distance


def slab(position: Pixels, low: Numbers, high: Numbers) -> Pixels:
    """Measure the distance to what lies between two positions along one axis."""
    distance: Pixels = np.maximum(low - position, position - high)
    return distance


def profile(position: Pixels, *points: Point) -> Pixels:
    """Join (position, value) points, in ascending order of position, by straight lines; constant beyond the ends."""
    start, value = points[0]
    total = np.zeros_like(position) + value
    for end, target in points[1:]:
        total += (target - value) * np.clip((position - start) / (end - start), 0, 1)
        start, value = end, target
    return total


def triangle_wave(phase: Pixels) -> Pixels:
    """Rise from -1 to 1 and fall again over each unit of phase."""
    wave: Pixels = 1 - 4 * np.abs(phase - np.floor(phase) - 0.5)
    return wave


def _turn(x: Pixels, y: Pixels, start: Point, end: Point) -> tuple[Pixels, Pixels, Pixels]:
    """Turn the coordinates so that a line runs from (0, 0) to (length, 0)."""
    right, down = np.subtract(end[0], start[0], dtype=np.float32), np.subtract(end[1], start[1], dtype=np.float32)
    length = np.sqrt(right * right + down * down)
    right, down = right / length, down / length
    x, y = x - start[0], y - start[1]
    return x * right + y * down, y * right - x * down, length
