"""Curves of deletion and insertion, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from typing_extensions import override

from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._attribution_curve import AttributionCurve
from convvision.visualize._display import Display, new_figure

__all__ = ["AttributionCurveDisplay", "plot_attribution_curves"]


@set_module("convvision.visualize")
class AttributionCurveDisplay(Display):
    """Curves of several methods; made by :func:`plot_attribution_curves`.

    Args:
        curves: At least one.
        labels: A name for each; by default its method.

    Attributes:
        axes_: Once drawn, shape (1, kinds): deletion, insertion, or both.

    Raises:
        InputError: No curve, or not one label a curve.
    """

    def __init__(self, curves: Sequence[AttributionCurve], *, labels: Sequence[str] | None = None) -> None:
        self.curves = tuple(curves)
        if not self.curves or not all(isinstance(one, AttributionCurve) for one in self.curves):
            raise InputError(f"Expected at least one curve, as deletion_curve gives it. Received: {curves!r}")
        if labels is not None and len(labels) != len(self.curves):
            raise InputError(f"Expected {len(self.curves)} labels, one a curve. Received: {list(labels)}")
        self.labels = tuple(curve.method for curve in self.curves) if labels is None else tuple(labels)

    @override
    def plot(self) -> Self:
        """Draw the mean probability of all images by the fraction of pixels; a panel a kind, a colour a label."""
        kinds = [kind for kind in ("deletion", "insertion") if any(curve.kind == kind for curve in self.curves)]
        colours = {label: f"C{index % 10}" for index, label in enumerate(dict.fromkeys(self.labels))}
        self.figure_, self.axes_ = new_figure(1, len(kinds), panel=(4.4, 3.5))
        for axes, kind in zip(self.axes_[0], kinds, strict=True):
            for label, curve in zip(self.labels, self.curves, strict=True):
                if curve.kind == kind:
                    mean = curve.probabilities.mean(axis=0)
                    said = f"{label}  {curve.auc.mean():.2f}"
                    axes.plot(curve.fractions, mean, color=colours[label], label=said, linewidth=1.8)
            better = "lower" if kind == "deletion" else "higher"
            axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="mean probability of the class")
            axes.set_xlabel("pixels taken away" if kind == "deletion" else "pixels put in")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            axes.set_title(f"{kind}: {better} is better", fontsize="medium")
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(title="area under the curve", fontsize="small", title_fontsize="small")
        return self


@set_module("convvision.visualize")
def plot_attribution_curves(*curves: AttributionCurve, labels: Sequence[str] | None = None) -> AttributionCurveDisplay:
    """Draw curves of deletion and insertion: a panel a kind, a colour a method.

    Args:
        *curves: As :func:`deletion_curve` and :func:`insertion_curve` give them.
        labels: A name for each; by default its method.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: No curve, or not one label a curve.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import deletion_curve, insertion_curve, plot_attribution_curves, saliency
        >>> model = convvision.create_model("conv_16_16")
        >>> found = saliency(model, np.ones((2, 28, 28, 1)))
        >>> plot_attribution_curves(deletion_curve(model, found), insertion_curve(model, found)).axes_.shape
        (1, 2)
    """
    return AttributionCurveDisplay(curves, labels=labels).plot()
