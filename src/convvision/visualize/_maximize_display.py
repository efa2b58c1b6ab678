"""Images that channels or classes answer to most, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from typing_extensions import override

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.visualize._display import Display, draw_badge, draw_image, new_figure
from convvision.visualize._maximize import MaximizedActivation
from convvision.visualize._named import name_of

__all__ = ["MaximizedActivationDisplay", "plot_maximized_activation"]


@set_module("convvision.visualize")
class MaximizedActivationDisplay(Display):
    """What channels or classes answer to most; made by :func:`plot_maximized_activation`.

    Args:
        maximized: The images.
        class_names: The name of class i at position i.
        columns: Images side by side.

    Raises:
        InputError: Fewer names than classes.
    """

    def __init__(
        self, maximized: MaximizedActivation, *, class_names: Sequence[str] | None = None, columns: int = 8
    ) -> None:
        if maximized.layer is None:
            # Refuses names that are too few before anything is drawn.
            name_of(int(maximized.channels.max()), class_names)
        self.maximized = maximized
        self.class_names = class_names
        self.columns = check_positive_int(columns, "columns")

    @override
    def plot(self) -> Self:
        """Draw each image with its channel above it, and below it how the activation rose."""
        found = self.maximized
        columns = min(self.columns, len(found.images))
        self.figure_, self.axes_ = new_figure(math.ceil(len(found.images) / columns), columns, panel=(1.35, 1.75))
        for axes in self.axes_.flat[len(found.images) :]:
            axes.set_axis_off()
        for axes, image, channel, rise in zip(
            self.axes_.flat, found.images, found.channels, found.activations, strict=False
        ):
            draw_image(axes, image, limits=found.value_range)
            if rise[0] == rise[-1]:
                draw_badge(axes, "no answer", size="small")
            axes.set_title(self._name(int(channel)), fontsize="small")
            axes.set_xlabel(f"{rise[0]:.3g} → {rise[-1]:.3g}".replace("-", "−"), fontsize="x-small")
        of_what = "logit" if found.layer is None else f"{found.layer}: mean activation"
        self.figure_.suptitle(f"{of_what}, before and after", fontsize="small")
        return self

    def _name(self, channel: int) -> str:
        if self.maximized.layer is not None:
            return f"channel {channel}"
        return name_of(channel, self.class_names)


@set_module("convvision.visualize")
def plot_maximized_activation(
    maximized: MaximizedActivation, *, class_names: Sequence[str] | None = None, columns: int = 8
) -> MaximizedActivationDisplay:
    """Draw the images that channels or classes answer to most, and by how much they were made to.

    Args:
        maximized: As :func:`maximize_activation` gives it.
        class_names: The name of class i at position i; channels have numbers.
        columns: Images side by side.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: Fewer names than classes.

    Example:
        >>> import convvision
        >>> from convvision.visualize import maximize_activation, plot_maximized_activation
        >>> found = maximize_activation(convvision.create_model("conv_16_16"), "conv_2", [0, 1, 2], steps=4)
        >>> plot_maximized_activation(found).axes_.shape
        (1, 3)
    """
    return MaximizedActivationDisplay(maximized, class_names=class_names, columns=columns).plot()
