"""All channels of one layer, for one image."""

from __future__ import annotations

from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._checks import check_image, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._activations import Activations, forward_layers
from convvision.visualize._display import (
    SIGNED_CMAP,
    Display,
    add_colorbar,
    check_cmap,
    draw_badge,
    draw_image,
    new_figure_beside,
)
from convvision.visualize._tiles import draw_tiles, tiles_size

__all__ = ["FeatureMapsDisplay", "plot_feature_maps"]

Order: TypeAlias = Literal["channel", "strongest"]


@set_module("convvision.visualize")
class FeatureMapsDisplay(Display):
    """Every channel of a layer for one image; made by :func:`plot_feature_maps`.

    Args:
        activations: Of one layer and one image.
        order: "channel" as they are numbered, or "strongest" first: by the largest value anywhere in the map.
        columns: Maps side by side.
        cmap: Matplotlib's name of the colours of maps without a sign; those with one are blue, white and red.

    Attributes:
        channels: The channels in the order in which they are drawn, shape (C,).
        dead: Which of them are zero everywhere, bool, shape (C,).
        axes_: Once drawn, shape (1, 2): the image, and all maps in one frame.

    Raises:
        InputError: Several layers or images, no such order, or colours that Matplotlib does not know.
    """

    def __init__(
        self, activations: Activations, *, order: Order = "channel", columns: int = 8, cmap: str = "inferno"
    ) -> None:
        if len(activations.layers) != 1 or len(activations.images) != 1:
            names = [layer.name for layer in activations.layers]
            raise InputError(
                f"Expected the maps of one layer for one image. Received: {names} for {len(activations.images)} images"
            )
        if order not in get_args(Order):
            raise InputError(f"order is 'channel' or 'strongest'. Received: order={order!r}")
        (self._layer,) = activations.layers
        self.activations = activations
        maps = np.moveaxis(self._layer.maps[0], -1, 0)
        peaks = maps.max(axis=(1, 2))
        self.channels = np.argsort(-peaks, kind="stable") if order == "strongest" else np.arange(len(maps))
        self._maps: NDArray[np.float32] = maps[self.channels]
        self.dead = ~self._maps.any(axis=(1, 2))
        self.columns = check_positive_int(columns, "columns")
        self.cmap = check_cmap(cmap)

    @override
    def plot(self) -> Self:
        """Draw the image and, beside it, every map; all maps share one scale, and those that are zero are marked."""
        maps, shape = self._maps, self._maps.shape[1:]
        size = tiles_size(len(maps), shape, self.columns)
        self.figure_, self.axes_ = new_figure_beside(2.0, (size[0] * 0.8, size[1] * 0.8))
        picture, frame = self.axes_[0]
        draw_image(picture, self.activations.images[0])
        picture.set_title("image", fontsize="medium")
        dead = f"\n{self.dead.sum()} dead" if self.dead.any() else ""
        picture.set_xlabel(f"{self._layer.name}\n{len(maps)} maps of {shape[0]} × {shape[1]}{dead}", fontsize="small")

        largest = float(abs(maps).max()) or 1.0
        signed = bool((maps < 0).any())
        drawn = draw_tiles(
            frame,
            maps,
            [str(channel) for channel in self.channels],
            columns=self.columns,
            cmap=SIGNED_CMAP if signed else self.cmap,
            limits=(-largest if signed else 0.0, largest),
        )
        for tile in (drawn[index] for index in np.flatnonzero(self.dead)):
            left, right, bottom, top = tile.get_extent()
            draw_badge(frame, "dead", at=((left + right) / 2, (bottom + top) / 2), size="x-small")
        add_colorbar(self.figure_, drawn[0], [frame], location="right")
        return self


@set_module("convvision.visualize")
def plot_feature_maps(
    model: keras.Model,
    image: Any,
    layer: str | int,
    *,
    order: Order = "channel",
    columns: int = 8,
    cmap: str = "inferno",
) -> FeatureMapsDisplay:
    """Draw all that a layer makes of one image: a map for each channel, with its number.

    All maps share one scale and its colour bar, so that a weak channel looks weak. A channel that is zero everywhere is
    marked as dead; for this image, that is: another may wake it.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        image: On the scale that the model was trained with, shape (H, W, C).
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`.
        order: "channel" as they are numbered, or "strongest" first: by the largest value anywhere in the map.
        columns: Maps side by side.
        cmap: Matplotlib's name of the colours. Maps with values below zero are blue, white and red instead.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: A layer without feature maps, or an option that cannot be.
        UnknownNameError: No layer has this name.
        ShapeError: Not one image, or one that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model, image = convvision.create_model("conv_16_16"), np.eye(28, dtype="float32")[..., None]
        >>> display = convvision.visualize.plot_feature_maps(model, image, "conv_2", order="strongest")
        >>> display.channels.shape, display.dead.dtype
        ((16,), dtype('bool'))
    """
    pixels = check_image(image)
    activations = forward_layers(model, pixels[None], [layer], batch_size=1, logits=False)
    return FeatureMapsDisplay(activations, order=order, columns=columns, cmap=cmap).plot()
