"""Maps of attribution while a model loses its weights."""

from __future__ import annotations

from typing import Self

import numpy as np
from typing_extensions import override

from convvision._public import set_module
from convvision.visualize._display import SIGNED_CMAP, Display, draw_badge, draw_image
from convvision.visualize._sanity_check import SanityCheck

__all__ = ["SanityCheckDisplay", "plot_sanity_check"]

_MOST_IMAGES = 4


@set_module("convvision.visualize")
class SanityCheckDisplay(Display):
    """Maps step by step; made by :func:`plot_sanity_check`.

    Args:
        found: What is drawn.

    Attributes:
        axes_: Once drawn, shape (images, 2 + steps) for the first four images: the image, the map of the trained model,
            and that of each step.
    """

    def __init__(self, found: SanityCheck) -> None:
        self.found = found

    @override
    def plot(self) -> Self:
        """Draw a row an image; under each map stands its correlation with that of the trained model.

        Each map has its own scale, white at zero: random weights give gradients of any size.
        """
        from matplotlib.figure import Figure  # noqa: PLC0415

        found = self.found
        rows, columns = min(len(found.images), _MOST_IMAGES), 2 + len(found.steps)
        self.figure_ = Figure(figsize=(1.3 * columns, 1.45 * rows + 0.9), layout="constrained")
        self.axes_ = np.asarray(self.figure_.subplots(rows, columns, squeeze=False))
        height, width = found.images.shape[1:3]
        for index, row in enumerate(self.axes_):
            draw_image(row[0], found.images[index])
            for step, axes in enumerate(row[1:]):
                values = found.maps[step, index]
                largest = float(abs(values).max()) or 1.0
                axes.set(xticks=[], yticks=[])
                axes.imshow(
                    values,
                    cmap=SIGNED_CMAP,
                    vmin=-largest,
                    vmax=largest,
                    extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                )
                if step:
                    axes.set_xlabel(
                        f"{found.correlations[step - 1, index]:.2f}".replace("-", "−"), fontsize="small", labelpad=2
                    )
                if not values.any():
                    draw_badge(axes, "0 everywhere", size="x-small")
        titles = ["image", "trained", *(f"+ {name}" for name in found.steps)]
        if len(found.steps) > 1:
            titles[2] = found.steps[0]
        else:
            titles[2] = "all random"
        for axes, title in zip(self.axes_[0], titles, strict=True):
            axes.set_title(title, fontsize="small")
        means = ", ".join(f"{mean:.2f}" for mean in found.means).replace("-", "−")
        self.figure_.suptitle(
            f"{found.method}: weights made random from the output on\nmean rank correlation with the trained model: "
            f"{means}",
            fontsize="medium",
        )
        return self


@set_module("convvision.visualize")
def plot_sanity_check(found: SanityCheck) -> SanityCheckDisplay:
    """Draw the maps of the first four images while a model loses its weights, with their correlations.

    Args:
        found: As :func:`sanity_check` gives it.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import plot_sanity_check, sanity_check
        >>> model, images = convvision.create_model("conv_16_16"), np.random.default_rng(0).random((2, 28, 28, 1))
        >>> plot_sanity_check(sanity_check(model, images)).axes_.shape
        (2, 6)
    """
    return SanityCheckDisplay(found).plot()
