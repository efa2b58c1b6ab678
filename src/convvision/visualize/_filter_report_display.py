"""A filter report as a picture: a row a layer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from typing_extensions import override

from convvision._public import set_module
from convvision.visualize._display import SIGNED_CMAP, Display
from convvision.visualize._filter_report import FilterReport, LayerFilterReport

__all__ = ["FilterReportDisplay", "plot_filter_report"]

_COLOURS = {"active": "tab:blue", "saturated": "tab:orange", "dead": "tab:red"}


@set_module("convvision.visualize")
class FilterReportDisplay(Display):
    """How often filters are active, and how much alike they are; made by :func:`plot_filter_report`.

    Args:
        report: What is drawn.

    Attributes:
        axes_: Once drawn, shape (layers, 2): the channels by how often they are active, and how each two correlate.
    """

    def __init__(self, report: FilterReport) -> None:
        self.report = report

    @override
    def plot(self) -> Self:
        """Draw a bar a channel, the most active first, and the correlations of channels in their own order."""
        from matplotlib.figure import Figure  # noqa: PLC0415
        from matplotlib.patches import Patch  # noqa: PLC0415

        layers = self.report.layers
        self.figure_ = Figure(figsize=(8.4, 2.4 * len(layers) + 0.7), layout="constrained")
        self.axes_ = np.asarray(self.figure_.subplots(len(layers), 2, squeeze=False, width_ratios=(2, 1)))
        for (bars, matrix), layer in zip(self.axes_, layers, strict=True):
            _draw_bars(bars, layer)
            picture = matrix.imshow(layer.correlation, cmap=SIGNED_CMAP, vmin=-1, vmax=1)
            matrix.set_title(f"correlation; near-duplicates: {len(layer.near_duplicates())}", fontsize="medium")
            matrix.set_ylabel("channel", fontsize="small")
            matrix.tick_params(labelsize="small")
            bar = self.figure_.colorbar(picture, ax=matrix, ticks=[-1, 0, 1])
            bar.ax.tick_params(labelsize="small")
        self.axes_[-1, 0].set_xlabel("channels, the most active first", fontsize="small")
        self.axes_[-1, 1].set_xlabel("channel", fontsize="small")
        keys = [Patch(color=colour, label=state) for state, colour in _COLOURS.items()]
        self.axes_[0, 0].legend(handles=keys, fontsize="small", frameon=False, ncols=3, loc="upper right")
        self.figure_.suptitle(f"{self.report.model_name}: filters over {self.report.image_count:,} images")
        return self


def _draw_bars(axes: Any, layer: LayerFilterReport) -> None:
    order = np.argsort(-layer.active, kind="stable")
    colours = np.where(layer.dead, _COLOURS["dead"], np.where(layer.saturated, _COLOURS["saturated"], "tab:blue"))
    axes.bar(np.arange(len(order)), layer.active[order], width=0.8, color=colours[order])
    dead = np.flatnonzero(layer.dead[order])
    # A dead channel has no bar: a mark stands where it would be.
    axes.scatter(dead, np.full(len(dead), 0.03), marker="v", color=_COLOURS["dead"], s=24)
    axes.set(xlim=(-0.8, len(order) - 0.2), ylim=(0, 1.18), yticks=[0, 0.5, 1], xticks=[])
    axes.set_yticklabels(["0 %", "50 %", "100 %"], fontsize="small")
    axes.set_ylabel("positions\nwhere active", fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    behind = "" if layer.read_at == layer.name else f", read at {layer.read_at}"
    title = (
        f"{layer.name}{behind}: {int(layer.dead.sum())} of {len(order)} dead, {int(layer.saturated.sum())} saturated"
    )
    axes.set_title(title, fontsize="medium", loc="left")


@set_module("convvision.visualize")
def plot_filter_report(report: FilterReport) -> FilterReportDisplay:
    """Draw how often each filter is active, and how much alike filters are.

    A row a layer: on the left a bar a channel, the most active first; on the right the correlation of each two.

    Args:
        report: As :func:`filter_report` gives it.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import filter_report, plot_filter_report
        >>> model = convvision.create_model("conv_16_16")
        >>> plot_filter_report(filter_report(model, np.ones((2, 28, 28, 1)))).axes_.shape
        (2, 2)
    """
    return FilterReportDisplay(report).plot()
