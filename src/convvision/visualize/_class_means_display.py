"""Mean feature maps as a picture: a row a class, a column a channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from typing_extensions import override

from convvision._public import set_module
from convvision.visualize._class_means import ClassMeanActivations
from convvision.visualize._display import Display, check_cmap, draw_badge, draw_image, new_figure
from convvision.visualize._named import check_channels

__all__ = ["ClassMeanActivationsDisplay", "plot_class_mean_activations"]

_MOST_CHANNELS = 8


@set_module("convvision.visualize")
class ClassMeanActivationsDisplay(Display):
    """What each class looks like to some channels of a layer; made by :func:`plot_class_mean_activations`.

    Args:
        means: The means.
        layer: The name of the layer.
        channels: Which channels; None for the eight most selective.
        cmap: Matplotlib's name of the colours.

    Attributes:
        axes_: Once drawn, shape (classes, 1 + channels): the mean image, and the mean map of each channel. Classes
            without images are left out.

    Raises:
        UnknownNameError: There are no means of this layer.
        InputError: The layer has no such channel, or colours that Matplotlib does not know.
    """

    def __init__(
        self, means: ClassMeanActivations, layer: str, channels: Sequence[int] | None = None, *, cmap: str = "inferno"
    ) -> None:
        self.means = means
        self.layer = means[layer]
        if channels is None:
            channels = np.argsort(-self.layer.selectivity, kind="stable")[:_MOST_CHANNELS].tolist()
        self.channels = check_channels(channels, layer, self.layer.maps.shape[-1])
        self.cmap = check_cmap(cmap)

    @override
    def plot(self) -> Self:
        """Draw the maps; all classes of one channel share their colours, from its lowest mean to its highest."""
        shown = np.flatnonzero(self.means.counts)
        selectivity, preferred = self.layer.selectivity, self.layer.preferred
        self.figure_, self.axes_ = new_figure(len(shown), 1 + len(self.channels), panel=(1.05, 1.05))
        # Inches: the titles of two lines.
        self.figure_.set_figheight(1.05 * len(shown) + 0.9)
        for row, label in zip(self.axes_, shown, strict=True):
            draw_image(row[0], self.means.images[label])
            name = self.means.class_names[label]
            row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize="small")
            for axes, channel in zip(row[1:], self.channels, strict=True):
                maps = self.layer.maps[shown, ..., channel]
                low, high = float(maps.min()), float(maps.max())
                axes.set(xticks=[], yticks=[])
                axes.imshow(
                    self.layer.maps[label, ..., channel],
                    cmap=self.cmap,
                    vmin=low,
                    vmax=high if high > low else low + 1,
                )
                if label == preferred[channel] and selectivity[channel] > 0:
                    axes.spines[:].set(color="tab:orange", linewidth=2.5)
                if low == high:
                    draw_badge(axes, f"{low:g}", size="small")
        self.axes_[0, 0].set_title("mean\nimage", fontsize="small")
        for axes, channel in zip(self.axes_[0, 1:], self.channels, strict=True):
            axes.set_title(f"channel {channel}\n{selectivity[channel]:.2f}", fontsize="small")
        self.figure_.suptitle(f"{self.layer.name}: mean of each class; selectivity, and the preferred class framed")
        return self


@set_module("convvision.visualize")
def plot_class_mean_activations(
    means: ClassMeanActivations,
    layer: str | None = None,
    channels: Sequence[int] | None = None,
    *,
    cmap: str = "inferno",
) -> ClassMeanActivationsDisplay:
    """Draw the mean feature maps of each class: a row a class, a column a channel.

    The classes of one channel share its colours; above stands the channel's selectivity.

    Args:
        means: As :func:`class_mean_activations` gives them.
        layer: The name of one of the layers; by default the last.
        channels: Which channels; by default the eight most selective.
        cmap: Matplotlib's name of the colours.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        UnknownNameError: There are no means of a layer of this name.
        InputError: The layer has no such channel, or colours that Matplotlib does not know.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import class_mean_activations, plot_class_mean_activations
        >>> model = convvision.create_model("conv_16_16")
        >>> means = class_mean_activations(model, np.ones((2, 28, 28, 1)), [0, 1])
        >>> plot_class_mean_activations(means, "conv_1", [3, 5]).axes_.shape
        (2, 3)
    """
    return ClassMeanActivationsDisplay(
        means, means.layers[-1].name if layer is None else layer, channels, cmap=cmap
    ).plot()
