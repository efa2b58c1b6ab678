"""Many images in a grid, all on one scale of grey or colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._display import Display, draw_image, new_figure

__all__ = ["GalleryDisplay", "limits_of"]

_MARK = "tab:red"
# Inches that a line of text needs.
_LINE = 0.2


@set_module("convvision.visualize")
class GalleryDisplay(Display):
    """Images in a grid, row by row; made by :func:`plot_samples` and others that show many images.

    Args:
        images: Each (H, W, C); None leaves a place empty.
        columns: Images a row.
        limits: The values that are drawn black and white, the same for all; by default the smallest and largest of all.
        titles: What stands above each image; may be empty.
        captions: What stands below each image; may be empty.
        row_names: What stands at the left of each row.
        marked: Whether each image is framed in red.
        heading: What stands above all.

    Raises:
        InputError: No image, not one title, caption or mark an image, or not one name a row.
    """

    def __init__(
        self,
        images: Sequence[NDArray[Any] | None],
        *,
        columns: int,
        limits: tuple[float, float] | None = None,
        titles: Sequence[str] | None = None,
        captions: Sequence[str] | None = None,
        row_names: Sequence[str] | None = None,
        marked: Sequence[bool] | None = None,
        heading: str = "",
    ) -> None:
        shown = [image for image in images if image is not None]
        if not shown:
            raise InputError("There is no image to draw. Received: images=[]")
        self.images = list(images)
        self.columns = check_positive_int(columns, "columns")
        self.rows = -(-len(self.images) // self.columns)
        self.limits = limits or (min(float(one.min()) for one in shown), max(float(one.max()) for one in shown))
        for name, values in (("titles", titles), ("captions", captions), ("marked", marked)):
            if values is not None and len(values) != len(self.images):
                raise InputError(f"Expected {len(self.images)} {name}, one an image. Received: {len(values)}")
        if row_names is not None and len(row_names) != self.rows:
            raise InputError(f"Expected {self.rows} row_names, one a row. Received: {list(row_names)}")
        self.titles, self.captions, self.row_names, self.marked = titles, captions, row_names, marked
        self.heading = heading

    @override
    def plot(self) -> Self:
        """Draw the grid."""
        lines = [text.split("\n") for texts in (self.titles, self.captions) for text in texts or ()]
        longest = max((len(line) for text in lines for line in text), default=0)
        # No text runs into its neighbour, and the heading finds room.
        width = max(0.9, 0.075 * longest + 0.15, (0.09 * len(self.heading) + 0.1) / self.columns)
        height = min(width, 1.25) + sum(_LINE * _most_lines(texts) for texts in (self.titles, self.captions))
        self.figure_, self.axes_ = new_figure(self.rows, self.columns, panel=(width, height))
        # What stands below an image must not read as the title of the next.
        self.figure_.set_layout_engine("constrained", h_pad=0.12 if self.captions is not None else 0.04)
        for index, axes in enumerate(self.axes_.flat):
            image = self.images[index] if index < len(self.images) else None
            if image is None:
                # Not set_axis_off, which would take the row's name away, too.
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
                continue
            draw_image(axes, image, limits=self.limits)
            if self.titles is not None:
                axes.set_title(self.titles[index], fontsize="small")
            if self.captions is not None:
                axes.set_xlabel(self.captions[index], fontsize="x-small")
            axes.spines[:].set_visible(False)
            if self.marked is not None and self.marked[index]:
                axes.spines[:].set(visible=True, color=_MARK, linewidth=2.5)
        for axes, name in zip(self.axes_[:, 0], self.row_names or (), strict=False):
            axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize="medium")
        self.figure_.suptitle(self.heading, fontsize="medium")
        return self


def _most_lines(texts: Sequence[str] | None) -> int:
    return max((text.count("\n") + 1 for text in texts or () if text), default=0)


def limits_of(images: NDArray[Any]) -> tuple[float, float]:
    """Tell which values are black and white: those of raw pixels, else the smallest and the largest."""
    return (0.0, 255.0) if images.dtype == np.uint8 else (float(images.min()), float(images.max()))
