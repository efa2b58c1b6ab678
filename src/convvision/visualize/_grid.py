"""The lesson's picture: a row an image, a column a layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._activations import GROUPS, Activations, LayerActivation, Layers, forward_layers
from convvision.visualize._display import (
    Display,
    add_colorbar,
    check_cmap,
    check_titles,
    draw_image,
    draw_map,
    new_figure,
)
from convvision.visualize._named import check_channel

__all__ = ["ActivationGridDisplay", "plot_activation_grid"]

Channel: TypeAlias = int | Sequence[int] | Literal["top", "mean"]
Scale: TypeAlias = Literal["panel", "row", "layer", "global"]


@set_module("convvision.visualize")
class ActivationGridDisplay(Display):
    """One channel of several layers, for several images.

    Args:
        activations: The feature maps.
        channel: The channel to draw, the same in every layer or one for each; "top" for the one with the largest value
            anywhere in a layer's maps of an image, "mean" for the mean of all.
        scale: Which maps share their colours: each "panel" has its own, or those of a "row", of a "layer", or all of
            them ("global") have the same and a colour bar.
        titles: A title for each image.
        cmap: Matplotlib's name of the colours.

    Attributes:
        channels: The channel of each panel, shape (N, layers); -1 for the mean.

    Raises:
        InputError: A layer has no such channel, not one channel a layer, no such scale, not one title an image, or
            colours that Matplotlib does not know.
    """

    def __init__(
        self,
        activations: Activations,
        *,
        channel: Channel = 1,
        scale: Scale = "panel",
        titles: Sequence[str] | None = None,
        cmap: str = "inferno",
    ) -> None:
        if scale not in get_args(Scale):
            raise InputError(f"scale is one of {', '.join(map(repr, get_args(Scale)))}. Received: scale={scale!r}")
        self.activations = activations
        self.channel = channel
        self.channels = _channels(activations.layers, channel)
        self.scale = scale
        self.titles = check_titles(titles, len(activations.images))
        self.cmap = check_cmap(cmap)

    @override
    def plot(self) -> Self:
        """Draw the grid: the image, then each layer, from dark to bright.

        A map that is the same everywhere is marked, and not stretched to colours.
        """
        images, layers = self.activations.images, self.activations.layers
        self.figure_, self.axes_ = new_figure(len(images), 1 + len(layers), panel=(1.9, 1.95))
        maps = [
            [_panel(layer, row, self.channels[row, at]) for at, layer in enumerate(layers)]
            for row in range(len(images))
        ]
        for row, image in enumerate(images):
            draw_image(self.axes_[row, 0], image)
            if self.titles is not None:
                self.axes_[row, 0].set_ylabel(self.titles[row])
        for group in self._groups():
            shown = [maps[row][at] for row, at in group]
            limits = min(float(each.min()) for each in shown), max(float(each.max()) for each in shown)
            panels = [self.axes_[row, 1 + at] for row, at in group]
            for axes, values in zip(panels, shown, strict=True):
                picture = draw_map(axes, values, cmap=self.cmap, limits=limits)
            if self.scale != "panel":
                add_colorbar(self.figure_, picture, panels, location="bottom" if self.scale == "layer" else "right")
        self._write_titles()
        return self

    def _groups(self) -> list[list[tuple[int, int]]]:
        """List the panels, as (row, layer), that share their colours."""
        rows, columns = range(self.channels.shape[0]), range(self.channels.shape[1])
        match self.scale:
            case "panel":
                return [[(row, at)] for row in rows for at in columns]
            case "row":
                return [[(row, at) for at in columns] for row in rows]
            case "layer":
                return [[(row, at) for row in rows] for at in columns]
            case "global":
                return [[(row, at) for row in rows for at in columns]]

    def _write_titles(self) -> None:
        self.axes_[0, 0].set_title("image")
        for at, layer in enumerate(self.activations.layers):
            height, width, count = layer.maps.shape[1:]
            which = {"top": "top channel", "mean": f"mean of {count}"}.get(
                self.channel if isinstance(self.channel, str) else "", f"channel {self.channels[0, at]}"
            )
            self.axes_[0, 1 + at].set_title(f"{layer.name}\n{height} × {width}, {which}", fontsize="medium")
            if self.channel == "top":
                for axes, channel in zip(self.axes_[:, 1 + at], self.channels[:, at], strict=True):
                    axes.set_xlabel(f"channel {channel}", fontsize="small")


@set_module("convvision.visualize")
def plot_activation_grid(
    model: keras.Model,
    images: Any,
    *,
    layers: Layers = "spatial",
    channel: Channel = 1,
    scale: Scale = "panel",
    titles: Sequence[str] | None = None,
    cmap: str = "inferno",
) -> ActivationGridDisplay:
    """Draw what the layers make of images: a row an image, a column a layer.

    One forward pass computes everything, and ends at the last layer that is drawn.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C); one row each.
        layers: As in :func:`extract_activations`; the lesson draws the first four.
        channel: The channel to draw; the lesson draws channel 1. Where ``layers`` is a group, its layers that have no
            such channel are left out. Or one for each layer; "top" for the channel with the largest value anywhere in
            a layer's maps of that image, named under each panel; or "mean" for the mean of all channels.
        scale: Which maps share their colours: each "panel" from its own smallest to its own largest value, or those of
            a "row", of a "layer", or all of them ("global") from the smallest to the largest of all, with a colour bar.
        titles: A title for each image, as in the names of their classes.
        cmap: Matplotlib's name of the colours.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: A layer without feature maps or without such a channel, or no such scale.
        UnknownNameError: No layer has this name.
        ShapeError: Images that the model does not take.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model, images = convvision.create_model("conv_64_64"), np.eye(28, dtype="float32")[None, ..., None]
        >>> display = convvision.visualize.plot_activation_grid(model, images, layers="conv", channel="top")
        >>> display.axes_.shape, display.channels.shape
        ((1, 3), (1, 2))
    """
    activations = forward_layers(model, images, layers, batch_size=128, logits=False)
    if isinstance(layers, str) and layers in GROUPS and isinstance(channel, int | np.integer):
        # A whole group may hold a layer of one channel, such as Rescaling, beside those of many.
        wide = tuple(layer for layer in activations.layers if channel < layer.maps.shape[-1])
        activations = dataclasses.replace(activations, layers=wide or activations.layers)
    return ActivationGridDisplay(activations, channel=channel, scale=scale, titles=titles, cmap=cmap).plot()


def _channels(layers: Sequence[LayerActivation], channel: Channel) -> NDArray[np.int64]:
    """Tell the channel of each image and layer, shape (N, layers)."""
    count = len(layers[0].maps)
    if isinstance(channel, str):
        if channel == "mean":
            return np.full((count, len(layers)), -1)
        if channel == "top":
            return np.stack([layer.maps.max(axis=(1, 2)).argmax(axis=1) for layer in layers], axis=1)
    wanted: list[Any] = list(channel) if isinstance(channel, Sequence | np.ndarray) else [channel] * len(layers)
    if isinstance(channel, str) or len(wanted) != len(layers):
        raise InputError(
            f"channel is a number, one for each of the {len(layers)} layers, 'top' or 'mean'. Received: {channel!r}"
        )
    chosen = [check_channel(one, layer.name, layer.maps.shape[-1]) for layer, one in zip(layers, wanted, strict=True)]
    return np.tile(np.array(chosen, np.int64), (count, 1))


def _panel(layer: LayerActivation, row: int, channel: int) -> NDArray[np.float32]:
    maps = layer.maps[row]
    panel: NDArray[np.float32] = maps.mean(axis=-1) if channel < 0 else maps[..., channel]
    return panel
