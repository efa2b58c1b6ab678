"""The feature maps of the same images after each epoch of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._graph import ReceptiveField
from convvision.visualize._archive import read_layers, reading_archive, save_layers
from convvision.visualize._named import layer_named

__all__ = ["RecordedLayer", "Recording", "check_recording", "load_recording"]

_KIND = "recording"


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class RecordedLayer:
    """The feature maps of one layer, epoch after epoch.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it.
        kind: Its class, as in "Conv2D".
        maps: float16 or float32, shape (E, N, h, w, channels).
        receptive_field: What a unit sees of the image; None where that is not known.
    """

    name: str
    kind: str
    maps: NDArray[np.floating[Any]]
    receptive_field: ReceptiveField | None = None


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class Recording:
    """What a network made of the same images while it learned; made by an ``ActivationRecorder``.

    Attributes:
        images: The images, shape (N, H, W, C).
        epochs: How many epochs were behind the network at each of the E moments, int64, shape (E,), rising; 0 is before
            training.
        layers: In the order of the data.
        logits: float32, shape (E, N, classes); None for a network of which they cannot be told.
    """

    images: NDArray[Any]
    epochs: NDArray[np.int64]
    layers: tuple[RecordedLayer, ...]
    logits: NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        names = [layer.name for layer in self.layers]
        return f"Recording(images={self.images.shape}, epochs={self.epochs.tolist()}, layers={names})"

    def __getitem__(self, name: str) -> RecordedLayer:
        """Look a layer up by its name.

        Raises:
            UnknownNameError: No layer of this name was recorded.
        """
        return layer_named(self.layers, name)

    def save(self, path: str | Path) -> Path:
        """Write the recording into one compressed ``.npz`` file, which :func:`load_recording` reads.

        Args:
            path: Ends in ``.npz``; a file that exists is replaced.

        Returns:
            The path.

        Raises:
            InputError: Another ending.
            OutputError: The file cannot be written; what was there is untouched.
        """
        arrays = {"images": self.images, "epochs": self.epochs, "logits": self.logits}
        return save_layers(path, _KIND, self.layers, arrays)


@set_module("convvision.visualize")
def load_recording(path: str | Path) -> Recording:
    """Read a recording that was saved.

    Args:
        path: The ``.npz`` file. Nothing in it is unpickled.

    Returns:
        The recording.

    Raises:
        DataNotFoundError: There is no such file.
        CorruptDataError: No file of a recording, half of one, a broken one, or one from a newer convvision.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import RecordedLayer, Recording, load_recording
        >>> layer = RecordedLayer("conv_1", "Conv2D", np.zeros((3, 2, 26, 26, 8), np.float16))
        >>> recording = Recording(np.zeros((2, 28, 28, 1)), np.arange(3), (layer,), np.zeros((3, 2, 10), np.float32))
        >>> load_recording(recording.save("learning.npz"))
        Recording(images=(2, 28, 28, 1), epochs=[0, 1, 2], layers=['conv_1'])
    """
    with reading_archive(path, _KIND) as (facts, arrays):
        images, epochs = arrays["images"], arrays["epochs"]
        layers = [RecordedLayer(*parts) for parts in read_layers(facts, arrays, (len(epochs), len(images)))]
        return Recording(images, epochs, tuple(layers), arrays.get("logits"))


def check_recording(recording: Any) -> Recording:
    """Return a recording, or say where one is to be had.

    Raises:
        InputError: Something else, such as the callback that holds it.
    """
    if not isinstance(recording, Recording):
        raise InputError(
            f"Expected a Recording: the attribute recording of an ActivationRecorder behind a training, or what "
            f"load_recording reads. Received: {recording!r}"
        )
    return recording
