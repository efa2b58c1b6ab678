"""Images of each class, as bars."""

from __future__ import annotations

from typing import Self

import numpy as np
from typing_extensions import override

from convvision._public import set_module
from convvision.datasets import ClassCounts, Dataset, class_counts
from convvision.visualize._display import Display, new_figure

__all__ = ["ClassCountsDisplay", "plot_class_counts"]


@set_module("convvision.visualize")
class ClassCountsDisplay(Display):
    """The number of images of each class; made by :func:`plot_class_counts`.

    Args:
        counts: As :func:`convvision.datasets.class_counts` gives them.
    """

    def __init__(self, counts: ClassCounts) -> None:
        self.counts = counts

    @override
    def plot(self) -> Self:
        """Draw a bar a class and part; where the classes are out of balance, the heading says so."""
        names, parts = self.counts.class_names, self.counts.counts
        thick = 0.8 / len(parts)
        self.figure_, self.axes_ = new_figure(1, 1, panel=(6.4, 1.1 + 0.22 * len(names) * len(parts)))
        axes = self.axes_[0, 0]
        for index, (part, counts) in enumerate(parts.items()):
            places = np.arange(len(names)) + (index - (len(parts) - 1) / 2) * thick
            bars = axes.barh(places, counts, thick, label=part)
            axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize="x-small")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.margins(x=0.12, y=0.02)
        axes.set_xlabel("images")
        axes.spines[["top", "right"]].set_visible(False)
        self.figure_.legend(loc="outside lower center", ncols=len(parts), frameon=False)
        axes.set_title(self.counts.remark, fontsize="medium")
        return self


@set_module("convvision.visualize")
def plot_class_counts(data: Dataset) -> ClassCountsDisplay:
    """Draw how many images each class has, in each part of a data set.

    Args:
        data: The data set.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Example:
        >>> import convvision
        >>> from convvision.visualize import plot_class_counts
        >>> plot_class_counts(convvision.load_dataset("drawn_fashion")).counts.imbalance
        1.0
    """
    return ClassCountsDisplay(class_counts(data)).plot()
