"""What every picture of the library is: computed once, drawn as often as one likes, saved whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from convvision._atomic import replace_file
from convvision._public import set_module
from convvision.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "SIGNED_CMAP",
    "Display",
    "add_colorbar",
    "check_cmap",
    "check_titles",
    "draw_badge",
    "draw_image",
    "draw_map",
    "new_figure",
    "new_figure_beside",
]

# For whatever has a sign, weights and results alike: blue below zero, white at it, red above.
SIGNED_CMAP = "RdBu_r"


@set_module("convvision.visualize")
class Display(ABC):
    """A result that can be drawn.

    Attributes:
        figure_: The Matplotlib figure, once drawn. It is no pyplot figure: nothing is shown, and nothing has to be
            closed. A notebook shows the display itself.
        axes_: Its axes, once drawn.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import plot_kernels
        >>> display = plot_kernels(np.eye(12), ["edge"])
        >>> len(display.figure_.axes) > 0
        True
        >>> print(display.save("edge.svg"))
        edge.svg
    """

    figure_: Figure
    axes_: NDArray[Any]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}; .save(path) writes the picture>"

    @abstractmethod
    def plot(self) -> Self:
        """Draw, into a new figure, and return the display."""

    def save(self, path: str | Path, *, dpi: int = 150) -> Path:
        """Write the picture; the ending chooses the format, as in ``.png``, ``.svg`` or ``.pdf``.

        Args:
            path: The file; one that exists is replaced.
            dpi: Pixels an inch.

        Returns:
            The path.

        Raises:
            InputError: A format that Matplotlib does not write.
            OutputError: The file cannot be written.
        """
        path = Path(path)
        figure = self._drawn()
        formats = figure.canvas.get_supported_filetypes()
        if path.suffix[1:].lower() not in formats:
            raise InputError(
                f"A picture's ending is one of {', '.join('.' + name for name in sorted(formats))}. "
                f"Received: {path.name!r}"
            )
        with replace_file(path) as partial:
            figure.savefig(partial, dpi=dpi)
        return path

    def _drawn(self) -> Figure:
        if not hasattr(self, "figure_"):
            self.plot()
        return self.figure_

    def _repr_png_(self) -> bytes:
        from io import BytesIO  # noqa: PLC0415

        buffer = BytesIO()
        self._drawn().savefig(buffer, format="png")
        return buffer.getvalue()


def new_figure(rows: int, columns: int, *, panel: tuple[float, float]) -> tuple[Figure, NDArray[Any]]:
    """Make a figure of panels.

    Args:
        rows: Number of rows.
        columns: Number of columns.
        panel: Width and height of one panel, in inches.

    Returns:
        The figure and its axes, shape (rows, columns).
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(columns * panel[0], rows * panel[1]), layout="constrained")
    axes: NDArray[Any] = np.asarray(figure.subplots(rows, columns, squeeze=False))
    return figure, axes


def new_figure_beside(picture: float, frame: tuple[float, float]) -> tuple[Figure, NDArray[Any]]:
    """Make a figure of one picture and, on its right, a frame for many.

    Args:
        picture: Width of the picture, in inches.
        frame: Width and height of the frame, in inches.

    Returns:
        The figure and its axes, shape (1, 2).
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    # What stands around them is added: numbers, titles, a colour bar.
    size = (picture + frame[0] + 1.3, max(frame[1], picture) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, 2, squeeze=False, width_ratios=(picture, frame[0]))
    return figure, np.asarray(axes)


def draw_image(axes: Any, image: NDArray[Any], *, limits: tuple[float, float] | None = None) -> None:
    """Draw one image (H, W, C), without ticks: in colour where it has three channels.

    Args:
        axes: Where.
        image: The image.
        limits: The values of black and white; None for its own darkest and brightest.
    """
    axes.set(xticks=[], yticks=[])
    shown = image.astype(np.float32)
    low, high = limits or (float(shown.min()), float(shown.max()))
    shown = np.clip((shown - low) / ((high - low) or 1.0), 0, 1)
    if shown.shape[-1] == 3:
        axes.imshow(shown)
    else:
        axes.imshow(shown[..., 0], cmap="gray", vmin=0, vmax=1)


def draw_map(axes: Any, values: NDArray[Any], *, cmap: str, limits: tuple[float, float] | None = None) -> Any:
    """Draw a map (h, w), without ticks, and return the picture.

    One that is the same everywhere is marked, and not stretched to colours: a ReLU that never fires is a fact, not
    noise to be looked at.

    Args:
        axes: Where.
        values: The map.
        cmap: Matplotlib's name of the colours.
        limits: The values of the first and the last colour; None for the smallest and the largest of the map.
    """
    low, high = limits or (float(values.min()), float(values.max()))
    axes.set(xticks=[], yticks=[])
    picture = axes.imshow(values, cmap=cmap, vmin=low, vmax=high if low < high else low + 1)
    if values.min() == values.max():
        draw_badge(axes, f"{values.flat[0]:g} everywhere")
    return picture


def draw_badge(axes: Any, text: str, *, at: tuple[float, float] | None = None, size: float | str = "medium") -> None:
    """Write white on black, over whatever is there: in the middle of the axes, or at a point of its data."""
    axes.text(
        *(at or (0.5, 0.5)),
        text,
        color="white",
        fontsize=size,
        ha="center",
        va="center",
        transform=axes.transAxes if at is None else axes.transData,
        bbox={"facecolor": "black", "edgecolor": "none", "boxstyle": "round"},
    )


def add_colorbar(figure: Figure, picture: Any, panels: Iterable[Any], *, location: str, label: str = "") -> Any:
    """Put the colour bar that several panels share beside them: "bottom" or "right"."""
    bar = figure.colorbar(picture, ax=list(panels), location=location, shrink=0.9, aspect=25, label=label)
    bar.ax.tick_params(labelsize="x-small")
    bar.ax.locator_params(nbins=3 if location == "bottom" else 5)
    bar.outline.set_visible(False)
    return bar


def check_cmap(cmap: str) -> str:
    """Return the name of a colour map, or say that Matplotlib knows none of that name."""
    # Matplotlib is imported in functions: listing and loading the library do without it.
    from matplotlib import colormaps  # noqa: PLC0415

    if cmap not in colormaps:
        raise InputError(f"cmap is Matplotlib's name of colours, as in 'gray' or 'inferno'. Received: cmap={cmap!r}")
    return cmap


def check_titles(titles: Sequence[str] | None, count: int) -> Sequence[str] | None:
    """Return titles of images, or say how many there should be."""
    if titles is not None and len(titles) != count:
        raise InputError(f"Expected {count} titles, one an image. Received: {list(titles)}")
    return titles
