"""The patches that excite channels most, as a gallery."""

from __future__ import annotations

from typing import Self

import numpy as np
from typing_extensions import override

from convvision._public import set_module
from convvision.visualize._display import Display, new_figure
from convvision.visualize._top_patches import TopPatches

__all__ = ["TopPatchesDisplay", "plot_top_patches"]


@set_module("convvision.visualize")
class TopPatchesDisplay(Display):
    """A row a channel, a column a rank; made by :func:`plot_top_patches`.

    Args:
        found: What is drawn.

    Attributes:
        axes_: Once drawn, shape (channels, k).
    """

    def __init__(self, found: TopPatches) -> None:
        self.found = found

    @override
    def plot(self) -> Self:
        """Draw the patches, all on the scale from the darkest to the brightest pixel of any.

        Under each stands the unit's output. What is beyond the border of an image is striped, and a channel that is
        nowhere above zero is marked.
        """
        patches = self.found.patches
        low, high = float(np.nanmin(patches)), float(np.nanmax(patches))
        shown = (patches - low) / ((high - low) or 1.0)
        self.figure_, self.axes_ = new_figure(*patches.shape[:2], panel=(0.95, 1.12))
        self.figure_.set_figheight(1.12 * len(patches) + 0.45)
        for row, (channel, axes_of_channel) in enumerate(zip(self.found.channels, self.axes_, strict=True)):
            for rank, axes in enumerate(axes_of_channel):
                axes.set(xticks=[], yticks=[], facecolor="0.9")
                axes.patch.set(hatch="////", edgecolor="0.7")
                patch = shown[row, rank]
                if patch.shape[-1] == 3:
                    outside = np.isnan(patch).any(axis=-1, keepdims=True)
                    axes.imshow(np.concatenate([np.where(outside, 0, patch), 1.0 - outside], axis=-1))
                else:
                    axes.imshow(patch[..., 0], cmap="gray", vmin=0, vmax=1)
                axes.set_xlabel(f"{self.found.values[row, rank]:.3g}".replace("-", "−"), fontsize="small", labelpad=2)
            axes_of_channel[0].set_ylabel(f"channel\n{channel}", rotation=0, ha="right", va="center", fontsize="small")
            if self.found.values[row, 0] <= 0:
                axes_of_channel[0].set_title("never above zero", fontsize="small", color="tab:red", loc="left")
        self.figure_.suptitle(f"{self.found.layer}: the patches that excite a channel most, and its output")
        return self


@set_module("convvision.visualize")
def plot_top_patches(found: TopPatches) -> TopPatchesDisplay:
    """Draw the patches that excite channels most: a row a channel, from the strongest on.

    All share one scale, from the darkest pixel to the brightest; under each stands the unit's output.

    Args:
        found: As :func:`top_patches` gives it.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import plot_top_patches, top_patches
        >>> model, images = convvision.create_model("conv_16_16"), np.random.default_rng(0).random((4, 28, 28, 1))
        >>> plot_top_patches(top_patches(model, images, "conv_1", [0, 1, 2], k=4)).axes_.shape
        (3, 4)
    """
    return TopPatchesDisplay(found).plot()
