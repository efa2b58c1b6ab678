"""One unit of a feature map in pictures: where it looks, and what it calculates there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._checks import check_image
from convvision._keras import keras
from convvision._public import set_module
from convvision.models._outputs import image_shape
from convvision.visualize._display import Display, draw_image, new_figure
from convvision.visualize._explain_unit import UnitExplanation, explain_unit
from convvision.visualize._kernels import draw_numbers
from convvision.visualize._receptive_field import ReceptiveFields, check_unit, receptive_field

__all__ = ["ReceptiveFieldDisplay", "UnitDisplay", "plot_receptive_field", "plot_unit"]

_MOST_CHANNELS = 3
# In inches: the side of a panel, and what of it names and sums take.
_PANEL, _BESIDE = 2.3, 0.55


@set_module("convvision.visualize")
class ReceptiveFieldDisplay(Display):
    """What a unit sees, drawn on an image; made by :func:`plot_receptive_field`.

    Args:
        fields: The receptive fields of a layer.
        image: The image, shape (H, W, C).
        unit: Row and column in the layer's output.

    Raises:
        InputError: The layer has no such unit.
    """

    def __init__(self, fields: ReceptiveFields, image: NDArray[Any], unit: Sequence[int]) -> None:
        self.fields = fields
        self.image = image
        self.unit = check_unit(unit, fields.layer, (len(fields.rows), len(fields.columns)))
        self.box = fields.box(*self.unit)

    @override
    def plot(self) -> Self:
        """Draw the image, the unit's box on it, and beside it what is in the box."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415

        self.figure_, self.axes_ = new_figure(1, 2, panel=(2.8, 2.9))
        whole, part = self.axes_[0]
        draw_image(whole, self.image)
        corner = self.box.left - 0.5, self.box.top - 0.5
        size = self.box.right - self.box.left, self.box.bottom - self.box.top
        # Dark under bright, to be seen on any image.
        for colour, thickness in (("black", 3.5), ("tab:orange", 2)):
            whole.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=thickness, clip_on=False))
        whole.set_title(f"{self.fields.layer} {self.unit}", fontsize="medium")
        whole.set_xlabel(f"receptive field {self.fields.size}", fontsize="small")
        if 0 in size:
            part.set_axis_off()
            part.text(0.5, 0.5, "padding only", ha="center", va="center", transform=part.transAxes)
        else:
            draw_image(part, self.image[self.box.slices])
        part.set_title("what it sees", fontsize="medium")
        part.set_xlabel(
            f"rows {self.box.top}–{self.box.bottom - 1}, columns {self.box.left}–{self.box.right - 1}", fontsize="small"
        )
        return self


@set_module("convvision.visualize")
class UnitDisplay(Display):
    """The arithmetic of a unit; made by :func:`plot_unit`.

    Args:
        explanation: What is drawn.

    Attributes:
        axes_: Once drawn, shape (K, 3) for the input channels with the largest part in the sum, at most three: patch,
            kernel and products.
    """

    def __init__(self, explanation: UnitExplanation) -> None:
        self.explanation = explanation

    @override
    def plot(self) -> Self:
        """Draw patch, kernel and products of the input channels that count most, and write the sum above them."""
        unit = self.explanation
        sums = unit.products.sum(axis=(0, 1))
        shown = np.argsort(-abs(sums), kind="stable")[:_MOST_CHANNELS]
        self.figure_, self.axes_ = new_figure(len(shown), 3, panel=(_PANEL, _PANEL))
        for axes, channel in zip(self.axes_, shown, strict=True):
            for panel, numbers in zip(axes, (unit.patch, unit.kernel, unit.products), strict=True):
                # Zero times a negative weight is −0, which would be written so.
                draw_numbers(panel, numbers[..., channel] + np.float32(0), points=72 * (_PANEL - _BESIDE))
                panel.set_anchor("C")
            axes[0].set_ylabel(f"input channel {unit.channels[channel]}", fontsize="small")
            axes[2].set_xlabel(f"sum {sums[channel]:.3g}", fontsize="small")
        for panel, title in zip(self.axes_[0], ("patch", "× kernel", "= products"), strict=True):
            panel.set_title(title, fontsize="medium")
        left_out = len(sums) - len(shown)
        rest = f"\nother input channels ({left_out}): sum {sums.sum() - sums[shown].sum():.3g}" if left_out else ""
        self.figure_.suptitle(str(unit).replace(": products", ":\nproducts") + rest, fontsize="small")
        return self


@set_module("convvision.visualize")
def plot_receptive_field(
    model: keras.Model, image: Any, layer: str | int, unit: Sequence[int]
) -> ReceptiveFieldDisplay:
    """Draw which pixels of an image a unit sees.

    Args:
        model: As for :func:`receptive_field`.
        image: One image, shape (H, W, C).
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`.
        unit: Row and column in the layer's output.

    Returns:
        The drawn display; ``box`` has the pixels, ``save(path)`` writes the picture.

    Raises:
        InputError: As :func:`receptive_field`; or the layer has no such unit.
        UnknownNameError: No layer has this name.
        ShapeError: An image that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.plot_receptive_field(model, np.ones((28, 28, 1)), "conv_2", (0, 10)).box
        PixelBox(top=0, left=20, bottom=8, right=28)
    """
    fields = receptive_field(model, layer)
    pixels = check_image(image, image_shape=image_shape(model))
    return ReceptiveFieldDisplay(fields, pixels, unit).plot()


@set_module("convvision.visualize")
def plot_unit(model: keras.Model, image: Any, layer: str | int, channel: int, unit: Sequence[int]) -> UnitDisplay:
    """Draw the computation of one number of a feature map: patch, kernel, products, sum and activation.

    Args:
        model: As for :func:`explain_unit`.
        image: One image, shape (H, W, C).
        layer: A convolution, by its name or its position in :func:`convvision.summary`.
        channel: A channel of the layer's output.
        unit: Row and column in the layer's output.

    Returns:
        The drawn display; ``explanation`` has the numbers, ``save(path)`` writes the picture.

    Raises:
        InputError: As :func:`explain_unit`.
        UnknownNameError: No layer has this name.
        ShapeError: An image that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.plot_unit(model, np.ones((28, 28, 1)), "conv_2", 5, (0, 0)).axes_.shape
        (3, 3)
    """
    return UnitDisplay(explain_unit(model, image, layer, channel, unit)).plot()
