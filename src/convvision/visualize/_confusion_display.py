"""A confusion matrix, and the images behind its mistakes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from typing_extensions import override

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._confusion import Confusion
from convvision.visualize._display import Display, draw_image, new_figure

__all__ = ["ConfusedPairsDisplay", "ConfusionDisplay", "plot_confusion", "plot_most_confused"]

# In more classes than these, numbers are too small to read.
_MOST_NUMBERS = 20


@set_module("convvision.visualize")
class ConfusionDisplay(Display):
    """A confusion matrix; made by :func:`plot_confusion`.

    Args:
        found: What is drawn.

    Attributes:
        axes_: Once drawn, shape (1, 1).
    """

    def __init__(self, found: Confusion) -> None:
        self.found = found

    @override
    def plot(self) -> Self:
        """Draw a row a true class and a column a predicted one: what is right in blue, mistakes in orange.

        Both are coloured by the fraction of the row, mistakes on a scale of their own that ends at the largest, for
        beside what is right they would not show.
        """
        counts, names = self.found.matrix, self.found.names
        fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        right = np.eye(len(names), dtype=bool)
        largest = float(fractions[~right].max(initial=0)) or 1.0
        side = max(3.2, min(0.52 * len(names), 14)) + 1.6
        self.figure_, self.axes_ = new_figure(1, 1, panel=(side, side))
        axes = self.axes_[0, 0]
        axes.imshow(np.ma.masked_where(~right, fractions), cmap="Blues", vmin=0, vmax=1.25)
        axes.imshow(np.ma.masked_where(right | (counts == 0), fractions), cmap="Oranges", vmin=0, vmax=1.4 * largest)
        places = range(len(names))
        axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, names)
        axes.set_xticks(np.arange(0.5, len(names) - 1), minor=True)
        axes.set_yticks(np.arange(0.5, len(names) - 1), minor=True)
        axes.grid(which="minor", color="0.9", linewidth=1)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted class", ylabel="true class")
        if len(names) <= _MOST_NUMBERS:
            for (row, column), count in np.ndenumerate(counts):
                if count:
                    _write(axes, row, column, int(count), strong=row == column and fractions[row, column] > 0.7)
        axes.set_title(f"{self.found.accuracy:.1%} of {len(self.found.labels):,} images are right")
        return self


@set_module("convvision.visualize")
class ConfusedPairsDisplay(Display):
    """The surest mistakes of the most confused pairs; made by :func:`plot_most_confused`.

    Args:
        found: What is drawn.
        pairs: How many pairs, at most: a row each.
        per_pair: Images of each, at most.

    Attributes:
        axes_: Once drawn, shape (pairs, images).

    Raises:
        InputError: There are no images, or no mistakes.
    """

    def __init__(self, found: Confusion, *, pairs: int = 3, per_pair: int = 6) -> None:
        self.found = found
        self.pairs = found.most_confused(check_positive_int(pairs, "pairs"))
        self.per_pair = check_positive_int(per_pair, "per_pair")
        if found.images is None:
            raise InputError("A gallery needs the images: give them to Confusion. Received: images=None")
        if not self.pairs:
            raise InputError(f"No image was taken for one of another class. Received: {found!r}")

    @override
    def plot(self) -> Self:
        """Draw a row a pair; under each image the probability of the class that it was taken for."""
        columns = min(self.per_pair, max(len(pair.indices) for pair in self.pairs))
        self.figure_, self.axes_ = new_figure(len(self.pairs), columns, panel=(1.25, 1.45))
        # The names of a pair stand beside its row, and a title above all.
        self.figure_.set_size_inches(1.25 * columns + 1.6, 1.45 * len(self.pairs) + 0.4)
        for pair, row in zip(self.pairs, self.axes_, strict=True):
            for axes, index, probability in zip(row, pair.indices, pair.probabilities, strict=False):
                draw_image(axes, self._image(index))
                axes.set_xlabel(f"{probability:.0%}", fontsize="small")
            for axes in row[len(pair.indices) :]:
                axes.set_axis_off()
            true, predicted = self.found.names[pair.true], self.found.names[pair.predicted]
            said = f"{true}\ntaken for\n{predicted}\n({len(pair.indices)} of {self.found.matrix[pair.true].sum()})"
            row[0].set_ylabel(said, rotation=0, ha="right", va="center", labelpad=8)
        self.figure_.suptitle("The most confused pairs, the surest mistakes first")
        return self

    def _image(self, index: int) -> Any:
        return np.asarray(self.found.images)[index]


def _write(axes: Any, row: int, column: int, count: int, *, strong: bool) -> None:
    axes.text(column, row, f"{count}", ha="center", va="center", color="white" if strong else "black", fontsize="small")


@set_module("convvision.visualize")
def plot_confusion(found: Confusion) -> ConfusionDisplay:
    """Draw a confusion matrix: a row a true class, a column a predicted one.

    What is right is blue; mistakes are orange, on a scale of their own, or they would not show.

    Args:
        found: As :func:`confusion` gives it.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import Confusion, plot_confusion
        >>> display = plot_confusion(Confusion(np.array([0, 0, 1]), np.eye(2)[[0, 1, 1]], ["cat", "dog"]))
        >>> display.axes_[0, 0].get_title()
        '66.7% of 3 images are right'
    """
    return ConfusionDisplay(found).plot()


@set_module("convvision.visualize")
def plot_most_confused(found: Confusion, *, pairs: int = 3, per_pair: int = 6) -> ConfusedPairsDisplay:
    """Draw the surest mistakes of the most confused pairs of classes: a row a pair.

    Under each image stands the probability of the class that it was taken for.

    Args:
        found: As :func:`confusion` gives it.
        pairs: How many pairs, at most.
        per_pair: Images of each, at most.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: There are no images, or no mistakes.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import Confusion, plot_most_confused
        >>> images = np.random.default_rng(0).random((3, 8, 8, 1))
        >>> found = Confusion(np.array([0, 0, 1]), np.eye(2)[[0, 1, 1]], ["cat", "dog"], images)
        >>> plot_most_confused(found).axes_.shape
        (1, 1)
    """
    return ConfusedPairsDisplay(found, pairs=pairs, per_pair=per_pair).plot()
