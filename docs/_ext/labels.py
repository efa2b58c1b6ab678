"""Names beside the points of a plot: none on another, on a point, or outside the axes, where there is room."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation

__all__ = ["label_points"]

# In points, as all lengths below: how far from its point a name may stand.
_DISTANCES = (4, 7, 11, 16, 22, 29, 37, 46, 56, 67, 80)
_DIRECTIONS = 32
# From this distance on, a line leads from the point to its name.
_FAR = 9
# Half of what a marker is wide.
_MARKER = 4
# A square point of a name that is covered is as bad as this distance.
_COVERED = 10
_ROUNDS = 6
_FONT = 7


def label_points(axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[Annotation]:
    """Write a name beside each point.

    Each name in turn takes, of the places around its point, the nearest that covers least. Then each may move again,
    now that it knows where the others are.

    Args:
        axes: Finished but for the names; its limits stay.
        points: In data coordinates.
        names: One for each point.

    Returns:
        The names.
    """
    figure = axes.figure
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    written = [
        axes.annotate(name, point, (0, 0), textcoords="offset points", fontsize=_FONT)
        for name, point in zip(names, points, strict=True)
    ]
    for text in written:
        text.set_in_layout(False)
    figure.draw_without_rendering()
    unit = figure.dpi / 72
    places = axes.transData.transform(points) / unit
    sizes = np.array([text.get_window_extent().size for text in written]) / unit
    legend = axes.get_legend()
    fixed = np.hstack([places - _MARKER, places + _MARKER])
    if legend is not None:
        fixed = np.vstack([fixed, legend.get_window_extent().extents / unit])
    room = axes.get_window_extent().extents / unit
    boxes = np.full((len(names), 4), np.nan)
    for _ in range(_ROUNDS):
        for index, (place, size) in enumerate(zip(places, sizes, strict=True)):
            options, distances = _around(place, size)
            others = np.delete(boxes, index, axis=0)
            covered = _covered(options, np.vstack([fixed, others[~np.isnan(others[:, 0])]]))
            outside = size.prod() - _covered(options, room[None])
            boxes[index] = options[np.argmin(distances + _COVERED * (covered + outside))]
    for text, place, box in zip(written, places, boxes, strict=True):
        _move(text, place, box)
    return written


def _around(place: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the boxes that touch circles around a place, rows (left, bottom, right, top), and how far off they are."""
    angles = np.linspace(0, 2 * math.pi, _DIRECTIONS, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # The middle of the box lies beyond the circle by half of the box, in proportion to how far sideways and how far
    # up it is.
    middles = [place + directions * distance + np.clip(2 * directions, -1, 1) * size / 2 for distance in _DISTANCES]
    corners = np.concatenate(middles) - size / 2
    return np.hstack([corners, corners + size]), np.repeat(_DISTANCES, _DIRECTIONS)


def _covered(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Sum up the area that each of the boxes shares with the others."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    areas: np.ndarray = np.maximum(high - low, 0).prod(axis=2).sum(axis=1)
    return areas


def _move(text: Annotation, place: np.ndarray, box: np.ndarray) -> None:
    """Put a name into its box, and draw a line to it where it is not plain whose it is."""
    text.set(ha="left", va="bottom", position=box[:2] - place)
    nearest = np.clip(place, box[:2], box[2:])
    if np.hypot(*(nearest - place)) > _FAR:
        text.axes.annotate(
            "",
            text.xy,
            nearest - place,
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.5", "shrinkA": 0, "shrinkB": 0},
        )
