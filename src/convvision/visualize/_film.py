"""A film strip: how the maps of images change while a network learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._display import (
    Display,
    add_colorbar,
    check_cmap,
    check_titles,
    draw_image,
    draw_map,
    new_figure,
)
from convvision.visualize._named import name_of
from convvision.visualize._recording import Recording, check_recording

__all__ = ["RecordingDisplay", "plot_recording"]


@set_module("convvision.visualize")
class RecordingDisplay(Display):
    """One channel of a layer, epoch after epoch; made by :func:`plot_recording`.

    Args:
        recording: What was recorded.
        layer: The layer's name.
        channel: The channel to draw, or "top" for the one with the largest value anywhere in the last maps.
        frames: The most epochs to draw, evenly spread, the first and the last among them.
        titles: A title for each image.
        class_names: The name of class i at position i.
        cmap: Matplotlib's name of the colours.

    Attributes:
        channel: The channel that is drawn.
        moments: Which of the recorded epochs are drawn, by their positions.
        axes_: Once drawn, shape (N, 1 + frames): the image, and its map after each epoch.

    Raises:
        UnknownNameError: No layer of this name was recorded.
        InputError: No such channel, not one title an image, fewer names than classes, or colours that Matplotlib does
            not know.
    """

    def __init__(
        self,
        recording: Recording,
        layer: str,
        *,
        channel: int | Literal["top"] = "top",
        frames: int = 8,
        titles: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        cmap: str = "inferno",
    ) -> None:
        self.recording = check_recording(recording)
        self.layer = recording[layer]
        count = self.layer.maps.shape[-1]
        if channel == "top":
            channel = int(self.layer.maps[-1].max(axis=(0, 1, 2)).argmax())
        if isinstance(channel, bool) or not isinstance(channel, int | np.integer) or not 0 <= channel < count:
            raise InputError(f"Layer {layer!r} has the channels 0 to {count - 1}, or 'top'. Received: {channel!r}")
        # A single logit tells class 1 from class 0.
        classes = 0 if recording.logits is None else max(recording.logits.shape[-1], 2)
        if class_names is not None and len(class_names) != classes:
            raise InputError(f"Expected {classes} class_names, one a class. Received: {list(class_names)}")
        self.channel = int(channel)
        last, frames = len(recording.epochs) - 1, check_positive_int(frames, "frames")
        self.moments: NDArray[np.int64] = np.unique(
            np.linspace(0, last, min(frames, last + 1)).round().astype(np.int64)
        )
        self.titles = check_titles(titles, len(recording.images))
        self.class_names = class_names
        self.cmap = check_cmap(cmap)

    @override
    def plot(self) -> Self:
        """Draw a row an image and a column an epoch, all on one scale; below each map what the image is taken for."""
        images, epochs = self.recording.images, self.recording.epochs
        maps = self.layer.maps[self.moments][..., self.channel].astype(np.float32)
        limits = float(maps.min()), float(maps.max())
        self.figure_, self.axes_ = new_figure(len(images), 1 + len(self.moments), panel=(1.45, 1.6))
        for row, image in enumerate(images):
            draw_image(self.axes_[row, 0], image)
            if self.titles is not None:
                self.axes_[row, 0].set_ylabel(self.titles[row], fontsize="small")
            for column, moment in enumerate(self.moments):
                axes = self.axes_[row, 1 + column]
                picture = draw_map(axes, maps[column, row], cmap=self.cmap, limits=limits)
                axes.set_xlabel(self._prediction(int(moment), row), fontsize="small")
        self.axes_[0, 0].set_title("image", fontsize="medium")
        for axes, moment in zip(self.axes_[0, 1:], self.moments, strict=True):
            axes.set_title(f"epoch {epochs[moment]}", fontsize="medium")
        self.figure_.suptitle(f"{self.layer.name}, channel {self.channel}", fontsize="medium")
        add_colorbar(self.figure_, picture, self.axes_.flat, location="right")
        return self

    def _prediction(self, moment: int, row: int) -> str:
        if self.recording.logits is None:
            return ""
        logits = self.recording.logits[moment, row]
        return name_of(int(logits[0] > 0) if len(logits) == 1 else int(logits.argmax()), self.class_names)


@set_module("convvision.visualize")
def plot_recording(
    recording: Recording,
    layer: str,
    *,
    channel: int | Literal["top"] = "top",
    frames: int = 8,
    titles: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    cmap: str = "inferno",
) -> RecordingDisplay:
    """Draw how a channel's maps of the recorded images change from epoch to epoch: a row an image, a column an epoch.

    All maps share one scale and its colour bar. Below each stands the class with the largest logit at that time.

    Args:
        recording: As an ``ActivationRecorder`` leaves it, or :func:`load_recording` reads it.
        layer: The layer's name.
        channel: The channel to draw, or "top" for the one with the largest value anywhere in the last maps.
        frames: The most epochs to draw, evenly spread, the first and the last among them.
        titles: A title for each image.
        class_names: The name of class i at position i.
        cmap: Matplotlib's name of the colours.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        UnknownNameError: No layer of this name was recorded.
        InputError: No such channel, not one title an image, fewer names than classes, or colours that Matplotlib does
            not know.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import RecordedLayer, Recording, plot_recording
        >>> maps = np.random.default_rng(0).random((3, 2, 26, 26, 8)).astype(np.float16)
        >>> layer, images = RecordedLayer("conv_1", "Conv2D", maps), np.stack([np.eye(28)] * 2)[..., None]
        >>> recording = Recording(images, np.arange(3), (layer,))
        >>> plot_recording(recording, "conv_1").axes_.shape
        (2, 4)
    """
    return RecordingDisplay(
        recording, layer, channel=channel, frames=frames, titles=titles, class_names=class_names, cmap=cmap
    ).plot()
