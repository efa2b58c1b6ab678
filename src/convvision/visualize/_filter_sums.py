"""What is added up of a layer's feature maps, batch by batch, to tell what its filters do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.visualize._stream import position_maxima, position_means

__all__ = ["Bounds", "FilterSums", "Kept", "activation_bounds", "cosines"]

# The lowest and the highest output; None where there is no lowest, or where it is a ReLU's, which says inactive.
Bounds: TypeAlias = tuple[float | None, float]

_BOUNDS: dict[str, Bounds] = {
    "hard_sigmoid": (0, 1),
    "hard_tanh": (-1, 1),
    "relu6": (None, 6),
    "sigmoid": (0, 1),
    "softsign": (-1, 1),
    "tanh": (-1, 1),
}
# As a part of the range: what is so near to a bound is at it.
_NEAR = 0.01
# Rows and columns of the positions at which filters are correlated: all would cost more than the network.
_GRID = 4


def activation_bounds(layer: Any) -> Bounds | None:
    """Tell between which bounds a layer's activation stays; None where it has no upper one."""
    highest = getattr(layer, "max_value", None)
    if highest is not None:
        return None, float(highest)
    activation = getattr(layer, "activation", None)
    return _BOUNDS.get(getattr(activation, "__name__", type(layer).__name__).lower())


@dataclass(frozen=True)
class Kept:
    """Reduces the maps of layers, (n, h, w, channels), to the tensors that :meth:`FilterSums.of_batch` reads.

    Attributes:
        bounds: Of each layer's activation.
    """

    bounds: tuple[Bounds | None, ...]

    def __call__(self, maps: list[Any]) -> list[Any]:
        """Give as many tensors for each layer, one layer after the other."""
        return [tensor for each, bound in zip(maps, self.bounds, strict=True) for tensor in _kept(each, bound)]


def _kept(maps: Any, bounds: Bounds | None) -> list[Any]:
    _, height, width, channels = maps.shape
    rows, columns = (
        ((np.arange(min(_GRID, side)) + 0.5) * side / min(_GRID, side)).astype(int) for side in (height, width)
    )
    places = (rows[:, None] * width + columns).ravel()
    sample = keras.ops.take(keras.ops.reshape(maps, (-1, height * width, channels)), places, axis=1)
    # Less their mean, for the squares of large numbers that hardly differ would swallow the difference.
    centre = keras.ops.mean(sample, axis=(0, 1))
    return [
        position_maxima(maps),
        position_means(keras.ops.cast(maps > 0, "float32")),
        position_means(maps),
        keras.ops.zeros((1, channels)) if bounds is None else position_means(_near(maps, bounds)),
        centre,
        keras.ops.einsum("nic,nid->cd", sample - centre, sample - centre),
        keras.ops.convert_to_tensor([height * width, len(places)], "int32"),
    ]


@dataclass(frozen=True, eq=False)
class FilterSums:
    """Sums over images, in double precision: single loses digits over ten thousand.

    Attributes:
        count: Number of images.
        highest: Highest output of each channel.
        active_images: Images with an output above zero.
        active: Of each image, the part of the positions with an output above zero.
        mean: Of each image, the mean output.
        at_bound: Of each image, the part of the outputs near a bound.
        centre: The mean output at the positions of the sample, over all images.
        products: Of each image, the mean product of two channels' outputs there, less that mean, shape (channels,
            channels).
    """

    count: int
    highest: NDArray[np.float64]
    active_images: NDArray[np.float64]
    active: NDArray[np.float64]
    mean: NDArray[np.float64]
    at_bound: NDArray[np.float64]
    centre: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def of_batch(cls, found: Sequence[NDArray[Any]]) -> Self:
        """Sum up what :class:`Kept` leaves of a batch of one layer."""
        highest, active, mean, at_bound, centre, products, (positions, places) = (
            each.astype(np.float64) for each in found
        )
        return cls(
            count=len(highest),
            highest=highest.max(axis=0),
            active_images=(highest > 0).sum(axis=0).astype(np.float64),
            # As whole numbers of positions, for a filter that is active at all but one is not active at all.
            active=np.rint(active * positions).sum(axis=0) / positions,
            mean=mean.sum(axis=0),
            at_bound=np.rint(at_bound * positions).sum(axis=0) / positions,
            centre=centre,
            products=products / places,
        )

    def __add__(self, other: Self) -> Self:
        mine, theirs = vars(self), vars(other)
        summed = {name: mine[name] + theirs[name] for name in mine}
        summed["highest"] = np.maximum(self.highest, other.highest)
        # Chan, Golub and LeVeque 1983: products about two means become products about the mean of all.
        apart, share = other.centre - self.centre, other.count / summed["count"]
        summed["centre"] = self.centre + share * apart
        summed["products"] += np.outer(apart, apart) * self.count * share
        return type(self)(**summed)

    @property
    def correlation(self) -> NDArray[np.float64]:
        """Of the outputs of two channels, shape (channels, channels); 0 where one never changes."""
        return cosines(self.products, self.products.diagonal() + self.count * self.centre**2)


def cosines(products: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide inner products of channels by both their lengths.

    Args:
        products: Shape (channels, channels).
        squares: Of each channel, what its square was computed from: one that is no more than what rounding leaves of
            that is 0, and so are its cosines.
    """
    lengths = np.sqrt(np.where(products.diagonal() > 1e-12 * squares, products.diagonal(), np.inf))
    return np.asarray(np.clip(products / np.outer(lengths, lengths), -1, 1))


def _near(maps: Any, bounds: Bounds) -> Any:
    low, high = bounds
    margin = _NEAR * (high - (low or 0))
    near = maps >= high - margin
    return keras.ops.cast(near if low is None else near | (maps <= low + margin), "float32")
