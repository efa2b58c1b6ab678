"""Attributions side by side: a row an image, a column a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._attribution import Attribution
from convvision.visualize._display import (
    SIGNED_CMAP,
    Display,
    add_colorbar,
    check_cmap,
    check_titles,
    draw_badge,
    draw_image,
    new_figure,
)
from convvision.visualize._named import class_of_logit, name_of

__all__ = ["AttributionDisplay", "plot_attributions"]


@set_module("convvision.visualize")
class AttributionDisplay(Display):
    """Attributions of the same images; made by :func:`plot_attributions`.

    Args:
        attributions: At least one, all of the same images.
        titles: A title for each image.
        class_names: The name of class i at position i.
        cmap: Matplotlib's name of the colours of maps without a sign; those with one are blue, white and red.

    Attributes:
        axes_: Once drawn, shape (N, 1 + K) for K attributions: the image, and a map for each.

    Raises:
        InputError: No attribution, others of other images, not one title an image, fewer names than classes, or colours
            that Matplotlib does not know.
    """

    def __init__(
        self,
        attributions: Sequence[Attribution],
        *,
        titles: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        cmap: str = "inferno",
    ) -> None:
        self.attributions = tuple(attributions)
        if not self.attributions or not all(isinstance(one, Attribution) for one in self.attributions):
            raise InputError(
                f"Expected at least one attribution, as saliency or grad_cam gives it. Received: {attributions!r}. "
                f"Several are arguments of their own: plot_attributions(one, another), or plot_attributions(*several)."
            )
        images = self.attributions[0].images
        for one in self.attributions[1:]:
            if one.images is not images and not np.array_equal(one.images, images):
                raise InputError(f"Attributions are drawn beside each other for the same images. Received: {one!r}")
        # Refuses names that are too few before anything is drawn.
        name_of(max(max(self._classes(one)) for one in self.attributions), class_names)
        self.titles = check_titles(titles, len(images))
        self.class_names = class_names
        self.cmap = check_cmap(cmap)

    @override
    def plot(self) -> Self:
        """Draw each image and its maps, stretched to the image.

        The maps of one attribution share their colours and their colour bar; one that is zero everywhere is marked, and
        not stretched to colours. Maps of places lie over the image, smoothly; maps of pixels stand alone.
        """
        images = self.attributions[0].images
        self.figure_, self.axes_ = new_figure(len(images), 1 + len(self.attributions), panel=(2.2, 2.3))
        for index, axes in enumerate(self.axes_[:, 0]):
            draw_image(axes, images[index])
            if self.titles is not None:
                axes.set_ylabel(self.titles[index])
        self.axes_[0, 0].set_title("image", fontsize="medium")
        for column, attribution in zip(self.axes_[:, 1:].T, self.attributions, strict=True):
            self._draw(column, attribution)
        return self

    def _draw(self, column: NDArray[Any], attribution: Attribution) -> None:
        maps = attribution.maps
        largest = float(abs(maps).max()) or 1.0
        signed = bool((maps < 0).any())
        colours = {"cmap": SIGNED_CMAP, "vmin": -largest} if signed else {"cmap": self.cmap, "vmin": 0}
        height, width = attribution.images.shape[1:3]
        over_image = attribution.values.ndim == 3
        for index, axes in enumerate(column):
            draw_image(axes, attribution.images[index].mean(axis=-1, keepdims=True))
            picture = axes.imshow(
                maps[index],
                vmax=largest,
                alpha=0.7 if over_image else 1.0,
                interpolation="bilinear" if over_image else "nearest",
                extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                **colours,
            )
            name = name_of(self._classes(attribution)[index], self.class_names)
            logit = attribution.logits[index, attribution.targets[index]]
            axes.set_xlabel(f"{name}: {logit:.3g}", fontsize="small")
            if not maps[index].any():
                draw_badge(axes, "0 everywhere")
        at = "" if attribution.layer is None else f"\n{attribution.layer}"
        column[0].set_title(f"{attribution.method}{at}", fontsize="medium")
        add_colorbar(self.figure_, picture, column, location="bottom")

    @staticmethod
    def _classes(attribution: Attribution) -> list[int]:
        return [class_of_logit(int(target), attribution.logits.shape[1]) for target in attribution.targets]


@set_module("convvision.visualize")
def plot_attributions(
    *attributions: Attribution,
    titles: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    cmap: str = "inferno",
) -> AttributionDisplay:
    """Draw attributions of the same images beside each other: a row an image, a column an attribution.

    Under each map stands the class that was asked for, and its logit. The colours of a column have one scale; columns
    have different ones, for their values have different meanings. Signed maps are white at zero, red where they speak
    for the class and blue where they speak against it; the channels of pixels are summed.

    Args:
        *attributions: As :func:`saliency`, :func:`grad_cam` or :func:`occlusion` give them.
        titles: A title for each image.
        class_names: The name of class i at position i.
        cmap: Matplotlib's name of the colours of maps without a sign.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: No attribution, others of other images, not one title an image, fewer names than classes, or colours
            that Matplotlib does not know.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import grad_cam, plot_attributions, saliency
        >>> model, images = convvision.create_model("conv_64_64"), np.ones((2, 28, 28, 1), np.float32)
        >>> plot_attributions(saliency(model, images), grad_cam(model, images)).axes_.shape
        (2, 3)
    """
    return AttributionDisplay(attributions, titles=titles, class_names=class_names, cmap=cmap).plot()
