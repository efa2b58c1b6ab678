"""The weights that a convolution has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._graph import layer_calls
from convvision.visualize._activations import find_layer
from convvision.visualize._display import SIGNED_CMAP, Display, add_colorbar, new_figure
from convvision.visualize._explain_unit import check_convolution, kernel_of
from convvision.visualize._tiles import draw_tiles, tiles_size

__all__ = ["FiltersDisplay", "LayerFilters", "extract_filters", "plot_filters"]

Inputs: TypeAlias = Literal["norm", "each", "colour"]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class LayerFilters:
    """The kernels of a convolution.

    Attributes:
        layer: The layer's name, behind those of the nested models that hold it.
        kernels: float32, shape (filters, height, width, channels) with the channels that one filter reads.
        channels: Which channels of the layer's input those are, int64, shape (filters, channels). All of them in an
            ordinary convolution, those of its group in a grouped one, a single one in a depthwise one.
        reads_image: Whether its input is the image itself.
    """

    layer: str
    kernels: NDArray[np.float32]
    channels: NDArray[np.int64]
    reads_image: bool


@set_module("convvision.visualize")
def extract_filters(model: keras.Model, layer: str | int) -> LayerFilters:
    """Take the kernels out of a convolution: what each filter multiplies the patch with, for any kind of it.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        layer: A Conv2D (grouped or not), DepthwiseConv2D or SeparableConv2D, by its name or its position in
            :func:`convvision.summary`. The two steps of a separable one are multiplied into one kernel.

    Returns:
        A copy of the weights.

    Raises:
        InputError: A model that is not built, or another kind of layer.
        UnknownNameError: No layer has this name.

    Example:
        >>> import convvision
        >>> filters = convvision.visualize.extract_filters(convvision.create_model("conv_64_64"), "conv_2")
        >>> filters.kernels.shape
        (64, 3, 3, 64)
    """
    calls = layer_calls(model)
    call = calls[find_layer(calls, layer, model.name)]
    check_convolution(call, "Filters are those of {}")
    (source,) = call.inputs
    parts = [kernel_of(call.layer, channel, source.shape[-1]) for channel in range(call.outputs[0].shape[-1])]
    return LayerFilters(
        call.name,
        np.stack([kernel for _, kernel in parts]).astype(np.float32),
        np.stack([channels for channels, _ in parts]).astype(np.int64),
        any(source is tensor for tensor in model.inputs),
    )


@set_module("convvision.visualize")
class FiltersDisplay(Display):
    """The kernels of a convolution; made by :func:`plot_filters`.

    Args:
        filters: The kernels.
        inputs: How the channels that a filter reads are shown, as for :func:`plot_filters`.
        columns: Filters side by side.

    Attributes:
        inputs: How they are shown.

    Raises:
        InputError: No such way, or "colour" for filters that do not read three channels.
    """

    def __init__(self, filters: LayerFilters, *, inputs: Inputs | None = None, columns: int = 8) -> None:
        reads = filters.kernels.shape[-1]
        if inputs is None:
            of_colours = filters.reads_image and reads == 3
            inputs = "each" if reads == 1 else "colour" if of_colours else "norm"
        if inputs not in get_args(Inputs):
            raise InputError(
                f"inputs is one of {', '.join(map(repr, get_args(Inputs)))}, or None. Received: inputs={inputs!r}"
            )
        if inputs == "colour" and reads != 3:
            raise InputError(
                f"Filters in colour read red, green and blue. Received: {filters.layer!r}, whose filters read {reads} "
                f"channels. Use inputs='each' or 'norm'."
            )
        self.filters = filters
        self.inputs: Inputs = inputs
        self.columns = check_positive_int(columns, "columns")

    @override
    def plot(self) -> Self:
        """Draw every filter; all share one scale."""
        if self.inputs == "each" and self.filters.kernels.shape[-1] > 1:
            return self._plot_matrix()
        kernels = self.filters.kernels
        largest = float(abs(kernels).max()) or 1.0
        if self.inputs == "norm":
            tiles = np.sqrt((kernels.astype(np.float64) ** 2).sum(axis=-1))
            cmap, limits, meaning = "inferno", (0.0, float(tiles.max()) or 1.0), "norm over input channels"
        elif self.inputs == "colour":
            # Grey is a weight of zero.
            tiles = kernels / (2 * largest) + 0.5
            cmap, limits, meaning = "gray", (-largest, largest), "weight"
        else:
            tiles, cmap, limits, meaning = kernels[..., 0], SIGNED_CMAP, (-largest, largest), "weight"
        width, height = tiles_size(len(tiles), tiles.shape[1:3], self.columns)
        self.figure_, self.axes_ = new_figure(1, 1, panel=(width * 0.75 + 1.1, height * 0.75 + 0.5))
        axes = self.axes_[0, 0]
        labels = [str(index) for index in range(len(tiles))]
        drawn = draw_tiles(axes, tiles, labels, columns=self.columns, cmap=cmap, limits=limits)
        axes.set_title(f"{self.filters.layer}: {self._what()}", fontsize="medium")
        add_colorbar(self.figure_, drawn[0], [axes], location="right", label=meaning)
        return self

    def _plot_matrix(self) -> Self:
        kernels = self.filters.kernels
        count, height, width, reads = kernels.shape
        # A row a filter, a column a channel, with a line between kernels that is no weight.
        cells = np.full((count, height + 1, reads, width + 1), np.nan, np.float32)
        cells[:, :height, :, :width] = np.moveaxis(kernels, -1, 2)
        mosaic = cells.reshape(count * (height + 1), reads * (width + 1))[:-1, :-1]
        largest = float(abs(kernels).max()) or 1.0
        # In inches; as many kernels as there are make a figure that a screen can show.
        side = min(0.45, 9 / max(count, reads))
        self.figure_, self.axes_ = new_figure(1, 1, panel=(max(reads * side, 2.2) + 1.4, max(count * side, 1.5) + 0.9))
        axes = self.axes_[0, 0]
        picture = axes.imshow(mosaic, cmap=SIGNED_CMAP, vmin=-largest, vmax=largest)
        same = bool((self.filters.channels == self.filters.channels[0]).all())
        for axis, number, step in ((axes.yaxis, count, height + 1), (axes.xaxis, reads, width + 1)):
            places = np.arange(0, number, max(1, round(number / 8)))
            axis.set_ticks(places * step + (step - 2) / 2, [str(place) for place in places])
        axes.tick_params(length=0, labelsize="small")
        axes.set_ylabel("filter")
        axes.set_xlabel("input channel" if same else "input channel of its group")
        axes.spines[:].set_visible(False)
        axes.set_title(f"{self.filters.layer}: {self._what()}", fontsize="medium")
        add_colorbar(self.figure_, picture, [axes], location="right", label="weight")
        return self

    def _what(self) -> str:
        count, height, width, reads = self.filters.kernels.shape
        return f"{count} filters of {height} × {width}" + (f" × {reads}" if reads > 1 else "")


@set_module("convvision.visualize")
def plot_filters(
    model: keras.Model, layer: str | int, *, inputs: Inputs | None = None, columns: int = 8
) -> FiltersDisplay:
    """Draw the kernels of a convolution, all on one scale with a colour bar.

    Weights are blue below zero, white at it and red above, with zero in the middle of the scale.

    Args:
        model: As for :func:`extract_filters`.
        layer: As for :func:`extract_filters`.
        inputs: How the channels that a filter reads are shown. "each": every kernel by itself, in a matrix with a row a
            filter and a column a channel. "norm": one picture a filter, the length of its weights over the channels at
            each place of the kernel; where it looks, but not for what. "colour": one picture a filter of three
            channels, grey at zero. None chooses "each" for filters of one channel, "colour" where they read an image of
            three, and "norm" for all others.
        columns: Filters side by side.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: A model that is not built, another kind of layer, or an option that cannot be.
        UnknownNameError: No layer has this name.

    Example:
        >>> import convvision
        >>> from convvision.visualize import plot_filters
        >>> model = convvision.create_model("conv_16_16")
        >>> plot_filters(model, "conv_1").inputs, plot_filters(model, "conv_2").inputs
        ('each', 'norm')
    """
    return FiltersDisplay(extract_filters(model, layer), inputs=inputs, columns=columns).plot()
