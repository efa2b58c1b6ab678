"""What kernels do to an image: each one's numbers, and the image after it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.errors import InputError, ShapeError
from convvision.kernels import KERNELS, apply
from convvision.visualize._display import SIGNED_CMAP, Display, check_cmap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KernelDisplay", "draw_numbers", "plot_kernels"]

_QUIET = "0.4"


@set_module("convvision.visualize")
class KernelDisplay(Display):
    """Kernels, and an image after each of them; made by :func:`plot_kernels`.

    Args:
        image: The image, shape (H, W), (H, W, 1) or (H, W, 3).
        kernels: 2-D arrays by the names that stand above them, at least one.
        results: The image after each kernel, under the same names and of the same shape as ``image``.
        columns: Kernels side by side.
        cmap: Matplotlib's name of the colours of grey images; results around zero are always blue, white and red.

    Attributes:
        axes_: Once drawn, shape (K, 2) for K kernels: the numbers of each, and the image after it.

    Raises:
        InputError: ``columns`` is not a whole number of at least 1, or no colours have this name.
    """

    def __init__(
        self,
        image: NDArray[Any],
        kernels: Mapping[str, NDArray[np.float32]],
        results: Mapping[str, NDArray[np.float32]],
        *,
        columns: int = 3,
        cmap: str = "gray",
    ) -> None:
        self.image = image
        self.kernels = kernels
        self.results = results
        self.columns = check_positive_int(columns, "columns")
        self.cmap = check_cmap(cmap)

    def plot(self) -> Self:
        """Draw, for each kernel, its numbers as a small matrix and the image after it."""
        from matplotlib.figure import Figure  # noqa: PLC0415
        from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

        columns = min(self.columns, len(self.kernels))
        rows = math.ceil(len(self.kernels) / columns)
        # In inches: a picture as high as its sides ask for, and the titles.
        height, width = self.image.shape[:2]
        row_height = 1.75 * min(max(height / width, 0.7), 2) + 0.45
        self.figure_ = Figure(
            figsize=(3.4 * columns, row_height * rows + 0.3), layout=ConstrainedLayoutEngine(h_pad=0.08)
        )
        self.figure_.supxlabel("blue: below zero   white: zero   red: above zero", fontsize="small", color=_QUIET)
        self.axes_ = np.empty((len(self.kernels), 2), object)
        cells = self.figure_.add_gridspec(rows, columns)
        for index, (name, kernel) in enumerate(self.kernels.items()):
            # The outer two of four stay empty: constrained layout sets axes equally far apart, and pairs should show.
            cell = cells[divmod(index, columns)].subgridspec(1, 4, width_ratios=(0.2, 2, 3, 0.2))
            numbers, picture = self.figure_.add_subplot(cell[1]), self.figure_.add_subplot(cell[2])
            self.axes_[index] = numbers, picture
            draw_numbers(numbers, kernel)
            _draw_result(picture, self.results[name], kernel, self.image, self.cmap)
            picture.set_title(name)
        return self


@set_module("convvision.visualize")
def plot_kernels(
    image: ArrayLike,
    kernels: str | Sequence[str] | Mapping[str, str | ArrayLike] | None = None,
    *,
    columns: int = 3,
    cmap: str = "gray",
) -> KernelDisplay:
    """Draw the numbers of kernels, and an image after each of them.

    The border is mirrored (``padding="reflect"`` of :func:`convvision.kernels.apply`), so that no frame is drawn around
    the picture. Results keep their scale where it has a meaning:

    - A kernel whose weights sum to 0 answers around zero. White is zero, red above and blue below it, up to the
      largest absolute value; the channels of a colour image are averaged.
    - Any other kernel is drawn so that an even area looks as it did in the image, and what goes beyond the image's
      own blackest and whitest is cut off there, as photo editors do.

    Args:
        image: One image, (H, W), (H, W, 1) or (H, W, 3); real numbers of any range.
        kernels: A name of :data:`convvision.kernels.KERNELS`, several of them, or a mapping of your own names to 2-D
            arrays or names; None for all of ``KERNELS``. "identity" shows the image as it is.
        columns: Kernels side by side.
        cmap: Matplotlib's name of the colours of grey images.

    Returns:
        The display; its ``figure_`` is drawn, and ``save`` writes it to a file.

    Raises:
        ShapeError: Not one grey or colour image, or a kernel that is not 2-D.
        UnknownNameError: No kernel has this name.
        ValueRangeError: Not real numbers, or NaN or infinity among them.
        InputError: No kernel at all, ``columns`` is not a whole number of at least 1, or no colours have this name.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import plot_kernels
        >>> disc = np.hypot(*np.mgrid[-14:14, -14:14]) < 9
        >>> display = plot_kernels(disc, ["identity", "gaussian_blur", "edge"])
        >>> display.axes_.shape
        (3, 2)
        >>> bool(display.results["edge"].max() > 0 > display.results["edge"].min())
        True
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] not in (1, 3)):
        raise ShapeError(
            f"One grey image has the shape (H, W) or (H, W, 1), one in colour (H, W, 3). "
            f"Received: shape {image.shape}. Take one of several images with images[0]."
        )
    chosen = KERNELS if kernels is None else _by_name(kernels)
    results = {name: apply(image, kernel, padding="reflect") for name, kernel in chosen.items()}
    # apply has refused every name and every array that cannot be used.
    arrays = {
        name: KERNELS[kernel] if isinstance(kernel, str) else np.asarray(kernel, np.float32)
        for name, kernel in chosen.items()
    }
    return KernelDisplay(image, arrays, results, columns=columns, cmap=cmap).plot()


def _by_name(kernels: str | Sequence[str] | Mapping[str, str | ArrayLike]) -> Mapping[str, str | ArrayLike]:
    if isinstance(kernels, Mapping):
        chosen = kernels
    else:
        names = [kernels] if isinstance(kernels, str) else list(kernels)
        if not all(isinstance(name, str) for name in names):
            raise InputError(
                "Kernels are names, or a mapping that gives your own arrays a name, as in {'mine': kernel}. "
                f"Received: kernels={kernels!r}"
            )
        chosen = {name: name for name in names}
    if not chosen:
        raise InputError(f"Expected at least one kernel, or None for all of them. Received: kernels={kernels!r}")
    return chosen


def draw_numbers(axes: Axes, kernel: NDArray[np.float32], *, points: float = 84) -> None:
    """Draw a matrix as coloured cells: blue below zero, white at it, red above; with its numbers where they fit.

    Args:
        axes: Where.
        kernel: The matrix.
        points: How long its longer side will be in the figure, in points.
    """
    strongest = float(abs(kernel).max()) or 1.0
    # The root lets small weights keep a visible sign; the limits of 2 keep the colours pale under dark numbers.
    axes.imshow(np.sign(kernel) * np.sqrt(abs(kernel) / strongest), cmap=SIGNED_CMAP, vmin=-2, vmax=2)
    axes.set_xticks(np.arange(0.5, kernel.shape[1] - 1), [])
    axes.set_yticks(np.arange(0.5, kernel.shape[0] - 1), [])
    axes.tick_params(length=0)
    axes.grid(color="white", linewidth=1)
    axes.spines[:].set_visible(False)
    axes.set_anchor("E")
    # In more cells than these, numbers are too small to read.
    if max(kernel.shape) > 5:
        return
    divisor = _common_divisor(kernel)
    texts = {
        cell: (f"{weight:.2g}" if divisor is None else str(round(float(weight) * divisor))).replace("-", "−")
        for cell, weight in np.ndenumerate(kernel)
    }
    # The largest font of which the longest number fits into a cell.
    side = points / max(kernel.shape)
    size = min(12.0, side / 3.1, 1.4 * side / max(map(len, texts.values())))
    for (row, column), text in texts.items():
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color="black")
    if divisor not in (None, 1):
        axes.set_xlabel(f"÷ {divisor}", fontsize="small", color=_QUIET)


def _common_divisor(kernel: NDArray[np.float32]) -> int | None:
    """Find the smallest d, up to that of the 5×5 Gaussian, with which every weight is a whole number divided by d."""
    for divisor in range(1, 257):
        multiples = kernel.astype(np.float64) * divisor
        if np.allclose(multiples, multiples.round(), rtol=0, atol=1e-4):
            return divisor
    return None


def _draw_result(
    axes: Axes, result: NDArray[np.float32], kernel: NDArray[np.float32], image: NDArray[Any], cmap: str
) -> None:
    gain = float(kernel.sum(dtype=np.float64))
    axes.set_axis_off()
    if abs(gain) <= 1e-6 * float(abs(kernel).sum()):
        signed = result.mean(axis=-1) if result.ndim == 3 else result
        limit = float(abs(signed).max()) or 1.0
        axes.imshow(signed, cmap=SIGNED_CMAP, vmin=-limit, vmax=limit)
        return
    # Zero belongs to the range, so that an even image is not all black.
    low, high = min(0.0, float(image.min())), max(0.0, float(image.max()))
    shown = np.clip((result / gain - low) / ((high - low) or 1.0), 0, 1)
    axes.imshow(shown.squeeze(axis=-1) if shown.shape[2:] == (1,) else shown, cmap=cmap, vmin=0, vmax=1)
