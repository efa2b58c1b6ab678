"""Which filters of a network do their part, over a whole data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import is_number
from convvision._keras import keras
from convvision._public import set_module
from convvision._tables import text_table
from convvision.errors import InputError
from convvision.models._graph import LayerCall, class_names
from convvision.visualize._activations import Layers
from convvision.visualize._filter_sums import FilterSums, Kept, activation_bounds, cosines
from convvision.visualize._named import layer_named
from convvision.visualize._stream import prepared_layers, reduced_batches

__all__ = ["FilterReport", "LayerFilterReport", "filter_report"]

# As layers and as operations are called.
_ACTIVATIONS = {
    "Activation", "ELU", "Elu", "Gelu", "LeakyRelu", "LeakyReLU", "PReLU", "ReLU", "Relu", "Relu6", "Selu", "Sigmoid",
    "Silu", "Softplus", "Tanh",
}  # fmt: skip
# So many of the outputs at a bound make a filter count as saturated.
_MOST = 0.99


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class LayerFilterReport:
    """What the filters of one layer do over a data set; arrays are float64, shape (channels,), where none is given.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it.
        read_at: The layer whose output was read: the activation behind a convolution that has none of its own.
        active: Fraction of all positions of all images at which the output is above zero.
        active_images: Fraction of images with at least one such position.
        mean: Mean output.
        maximum: Largest output.
        at_bound: For an activation with a bound, such as tanh or sigmoid, the fraction of outputs within 1 % of the
            range from it; else None.
        correlation: Of the outputs of two channels, shape (channels, channels), over all images and an even grid of at
            most 4 × 4 positions; 0 where one of them never changes.
        kernel_similarity: Cosine of the angle between two kernels, without bias, shape (channels, channels); None for
            layers in which not every filter reads the same channels.
    """

    name: str
    read_at: str
    active: NDArray[np.float64]
    active_images: NDArray[np.float64]
    mean: NDArray[np.float64]
    maximum: NDArray[np.float64]
    at_bound: NDArray[np.float64] | None
    correlation: NDArray[np.float64]
    kernel_similarity: NDArray[np.float64] | None

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Which channels are above zero at no position of any image, shape (channels,)."""
        return np.asarray(self.active_images == 0)

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """Which channels, though not dead, no longer choose, shape (channels,).

        With a bounded activation, those of which 99 % of the outputs lie near a bound; with any other, those above zero
        at every position of every image, for which a ReLU is no ReLU.
        """
        stuck = self.active == 1 if self.at_bound is None else self.at_bound >= _MOST
        return stuck & ~self.dead

    def near_duplicates(self, threshold: float = 0.99) -> list[tuple[int, int]]:
        """List pairs of channels that say the same of all images, the most alike first.

        Args:
            threshold: The correlation from which on a pair counts, in (0, 1].

        Raises:
            InputError: A threshold outside (0, 1].
        """
        if not is_number(threshold) or not 0 < threshold <= 1:
            raise InputError(f"threshold is a correlation: above 0, at most 1. Received: threshold={threshold!r}")
        first, second = np.triu_indices(len(self.correlation), k=1)
        found = self.correlation[first, second]
        # Rounding leaves two equal channels a little below 1.
        order = [pair for pair in np.argsort(-found, kind="stable") if found[pair] >= threshold - 1e-6]
        return [(int(first[pair]), int(second[pair])) for pair in order]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class FilterReport:
    """What the filters of a network do over a data set; printed as a table.

    Attributes:
        model_name: Of the network.
        image_count: How many images went through it.
        layers: In the order of the data.
    """

    model_name: str
    image_count: int
    layers: tuple[LayerFilterReport, ...]

    def __getitem__(self, name: str) -> LayerFilterReport:
        """Look a layer up by its name.

        Raises:
            UnknownNameError: The report has no layer of this name.
        """
        return layer_named(self.layers, name)

    def __repr__(self) -> str:
        names = ", ".join(layer.name for layer in self.layers)
        return f"<FilterReport of {self.model_name!r} over {self.image_count} images: {names}>"

    def __str__(self) -> str:
        rows, details = [], []
        for layer in self.layers:
            alike = layer.near_duplicates()
            rows.append(
                [
                    layer.name,
                    str(len(layer.active)),
                    str(int(layer.dead.sum())),
                    str(int(layer.saturated.sum())),
                    str(len(alike)),
                    f"{layer.active.mean():.1%}",
                ]
            )
            said = {
                "dead": [str(channel) for channel in np.flatnonzero(layer.dead)],
                "saturated": [str(channel) for channel in np.flatnonzero(layer.saturated)],
                "near-duplicates": [f"{a} and {b} ({layer.correlation[a, b]:.2f})" for a, b in alike],
            }
            details += [f"{layer.name}, {fact}: {_some(which)}" for fact, which in said.items() if which]
        table = text_table(
            ["layer", "filters", "dead", "saturated", "near-duplicate pairs", "active"], rows, numbers=range(1, 6)
        )
        return "\n".join([table, *([""] if details else []), *details])


@set_module("convvision.visualize")
def filter_report(model: keras.Model, images: Any, layers: Layers = "conv", *, batch_size: int = 256) -> FilterReport:
    """Find filters that are dead, saturated or nearly the same, in one pass over a data set.

    A filter is *active* where its output is above zero. One that is active nowhere on all images is dead: with a ReLU
    it has no part in any answer, and no gradient brings it back. One that is active everywhere has given up choosing.
    Two whose outputs rise and fall together are one filter paid for twice.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C). What is dead on a few images may be
            rare; take some thousands.
        layers: As in :func:`extract_activations`. A convolution without an activation of its own is read behind the
            normalisation and the activation that follow it, where they alone do.
        batch_size: Images a forward pass.

    Returns:
        The report. One forward pass over the images; memory does not grow with their number.

    Raises:
        InputError: A model that is not built, or a layer without feature maps.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.
        UnknownNameError: No layer has this name.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_16_16")
        >>> _ = model.get_layer("conv_2").bias.assign([0.0] * 3 + [-1000.0] + [0.0] * 12)
        >>> report = convvision.visualize.filter_report(model, np.random.default_rng(0).random((8, 28, 28, 1)))
        >>> report
        <FilterReport of 'conv_16_16' over 8 images: conv_1, conv_2>
        >>> bool(report["conv_2"].dead[3])
        True
    """
    images, calls, positions = prepared_layers(model, images, layers, batch_size)
    read = [_read_at(calls, position) for position in positions]
    bounds = tuple(activation_bounds(calls[position].layer) for position in read)

    totals: list[FilterSums] = []
    for _, found in reduced_batches(model, calls, images, read, Kept(bounds), batch_size=batch_size):
        of_layer = len(found) // len(read)
        of_batch = [FilterSums.of_batch(found[first : first + of_layer]) for first in range(0, len(found), of_layer)]
        totals = [total + each for total, each in zip(totals, of_batch, strict=True)] if totals else of_batch
    return FilterReport(
        model.name,
        len(images),
        tuple(
            LayerFilterReport(
                name=calls[position].name,
                read_at=calls[at].name,
                active=sums.active / sums.count,
                active_images=sums.active_images / sums.count,
                mean=sums.mean / sums.count,
                maximum=sums.highest,
                at_bound=None if bound is None else sums.at_bound / sums.count,
                correlation=sums.correlation,
                kernel_similarity=_kernel_similarity(calls[position].layer),
            )
            for position, at, bound, sums in zip(positions, read, bounds, totals, strict=True)
        ),
    )


def _read_at(calls: Sequence[LayerCall], position: int) -> int:
    """Tell which output shows what a layer's activation leaves: its own, or that of the activation behind it."""
    if "Conv" not in type(calls[position].layer).__name__:
        return position
    at = position
    while _is_linear(calls[at].layer):
        readers = [
            index for index, call in enumerate(calls) if any(tensor is calls[at].outputs[0] for tensor in call.inputs)
        ]
        if len(readers) != 1 or not class_names(calls[readers[0]].layer) & {"BatchNormalization", *_ACTIVATIONS}:
            return position
        (at,) = readers
    return at


def _is_linear(layer: Any) -> bool:
    if class_names(layer) & {"BatchNormalization"}:
        return True
    return getattr(layer, "activation", None) is keras.activations.linear


def _kernel_similarity(layer: Any) -> NDArray[np.float64] | None:
    if type(layer) is not keras.layers.Conv2D or layer.groups != 1:
        return None
    kernels = np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float64).reshape(-1, layer.filters)
    products = kernels.T @ kernels
    return cosines(products, products.diagonal())


def _some(which: Sequence[str], most: int = 12) -> str:
    more = f" and {len(which) - most} more" if len(which) > most else ""
    return ", ".join(which[:most]) + more
