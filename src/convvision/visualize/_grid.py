"""The lesson's picture: a row an image, a column a layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._activations import GROUPS, Activations, Layers, extract_activations
from convvision.visualize._display import Display, check_cmap, draw_image, new_figure

__all__ = ["ActivationGridDisplay", "plot_activation_grid"]


@set_module("convvision.visualize")
class ActivationGridDisplay(Display):
    """One channel of several layers, for several images.

    Args:
        activations: The feature maps.
        channel: The channel to draw, the same in every layer.
        titles: A title for each image.
        cmap: Matplotlib's name of the colours.

    Raises:
        InputError: A layer has no such channel, not one title an image, or colours that Matplotlib does not know.
    """

    def __init__(
        self, activations: Activations, *, channel: int = 1, titles: Sequence[str] | None = None, cmap: str = "inferno"
    ) -> None:
        for layer in activations.layers:
            if not 0 <= channel < layer.maps.shape[-1]:
                raise InputError(
                    f"Layer {layer.name!r} has the channels 0 to {layer.maps.shape[-1] - 1}. "
                    f"Received: channel={channel}"
                )
        if titles is not None and len(titles) != len(activations.images):
            raise InputError(f"Expected {len(activations.images)} titles, one an image. Received: {list(titles)}")
        self.activations = activations
        self.channel = channel
        self.titles = titles
        self.cmap = check_cmap(cmap)

    @override
    def plot(self) -> Self:
        """Draw the grid: the image, then each layer; each map with its own range, from dark to bright.

        A map that is the same everywhere is drawn dark and marked: a ReLU that never fires is a fact, not noise to be
        stretched.
        """
        images, layers = self.activations.images, self.activations.layers
        self.figure_, self.axes_ = new_figure(len(images), 1 + len(layers), panel=(1.9, 1.95))
        for index, row in enumerate(self.axes_):
            draw_image(row[0], images[index])
            for axes, layer in zip(row[1:], layers, strict=True):
                _draw_map(axes, layer.maps[index, ..., self.channel], self.cmap)
            if self.titles is not None:
                row[0].set_ylabel(self.titles[index])
        self.axes_[0, 0].set_title("image")
        for axes, layer in zip(self.axes_[0, 1:], layers, strict=True):
            height, width = layer.maps.shape[1:3]
            axes.set_title(f"{layer.name}\n{height} × {width}, channel {self.channel}", fontsize="medium")
        return self


@set_module("convvision.visualize")
def plot_activation_grid(
    model: keras.Model,
    images: Any,
    *,
    layers: Layers = "spatial",
    channel: int = 1,
    titles: Sequence[str] | None = None,
    cmap: str = "inferno",
) -> ActivationGridDisplay:
    """Draw what the layers make of images: a row an image, a column a layer.

    One forward pass computes everything, through the model cut behind the last layer that is drawn.

    Args:
        model: A functional model, or a sequential one that is built.
        images: On the scale that the model was trained with, shape (N, H, W, C); one row each.
        layers: As in :func:`extract_activations`; the lesson draws the first four.
        channel: The channel to draw; the lesson draws channel 1. Where ``layers`` is a group, its layers that have no
            such channel are left out.
        titles: A title for each image, as in the names of their classes.
        cmap: Matplotlib's name of the colours.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: A layer without feature maps or without such a channel.
        UnknownNameError: No layer has this name.
        ShapeError: Images that the model does not take.
    """
    activations = extract_activations(model, images, layers)
    if isinstance(layers, str) and layers in GROUPS:
        # A whole group may hold a layer of one channel, such as Rescaling, beside those of many.
        wide = tuple(layer for layer in activations.layers if channel < layer.maps.shape[-1])
        activations = dataclasses.replace(activations, layers=wide or activations.layers)
    return ActivationGridDisplay(activations, channel=channel, titles=titles, cmap=cmap).plot()


def _draw_map(axes: Any, values: NDArray[np.float32], cmap: str) -> None:
    axes.set(xticks=[], yticks=[])
    low, high = float(values.min()), float(values.max())
    constant = low == high
    axes.imshow(values, cmap=cmap, vmin=low, vmax=high if not constant else low + 1)
    if constant:
        axes.text(0.5, 0.5, f"{low:g} everywhere", color="white", ha="center", va="center", transform=axes.transAxes)
