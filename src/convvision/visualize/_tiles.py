"""Many small pictures in one frame, each with its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_tiles", "tiles_size"]

# In widths of a tile: between neighbours, and above each for its number.
_BETWEEN, _ABOVE = 0.08, 0.24


def tiles_size(count: int, shape: tuple[int, int], columns: int) -> tuple[float, float]:
    """Tell how wide and how high tiles are together, in widths of one.

    Args:
        count: Number of tiles.
        shape: Height and width of one, in pixels.
        columns: Tiles side by side.
    """
    height = shape[0] / shape[1]
    return min(columns, count) * (1 + _BETWEEN), math.ceil(count / columns) * (height + _ABOVE)


def draw_tiles(
    axes: Axes,
    tiles: NDArray[Any],
    labels: Sequence[str],
    *,
    columns: int,
    cmap: str,
    limits: tuple[float, float],
) -> list[Any]:
    """Draw pictures of one scale, row by row, and return them; frames of their own for hundreds would take seconds.

    Args:
        axes: Where.
        tiles: The pictures, (K, h, w), or (K, h, w, 3) in colour.
        labels: What stands above each.
        columns: Tiles side by side.
        cmap: Matplotlib's name of the colours.
        limits: The values of the first and the last colour.
    """
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    width, depth = tiles_size(len(tiles), tiles.shape[1:3], columns)
    height = tiles.shape[1] / tiles.shape[2]
    pictures = []
    for index, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        row, column = divmod(index, columns)
        left, top = column * (1 + _BETWEEN), row * (height + _ABOVE) + _ABOVE
        extent = (left, left + 1, top + height, top)
        pictures.append(axes.imshow(tile, cmap=cmap, vmin=limits[0], vmax=limits[1], extent=extent))
        # Or a tile with white at its edge would have none.
        axes.add_patch(Rectangle((left, top), 1, height, fill=False, edgecolor="0.8", linewidth=0.5))
        axes.text(left + 0.5, top - 0.03, label, fontsize=7, color="0.35", ha="center", va="bottom")
    axes.set(xlim=(0, width - _BETWEEN), ylim=(depth, 0), aspect="equal")
    axes.set_axis_off()
    return pictures
