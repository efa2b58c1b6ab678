"""Watch the feature maps of a few images while a network learns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.visualize._activations import Activations, Layers, extract_activations
from convvision.visualize._recording import RecordedLayer, Recording

__all__ = ["ActivationRecorder"]


@set_module("convvision.callbacks")
class ActivationRecorder(keras.callbacks.Callback):
    """Records what a network makes of the same images before the first epoch and after each.

    A moment costs one forward pass over the images, and memory for their maps. For conv_64_64 these are 63,424 numbers
    an image: 127 kB in float16, so that ten images and twenty epochs are 27 MB.

    A training that is stopped or interrupted leaves the epochs that it finished; the next one begins a new recording.

    Args:
        images: On the scale that the model is trained with, shape (N, H, W, C); they are copied.
        layers: As in :func:`convvision.visualize.extract_activations`.
        every: Record after each epoch of which the number, counted from 1, is a multiple of this.
        dtype: Of the maps. float16 keeps three digits, enough for every picture; what is beyond its range, 65504, is
            kept at that. float32 keeps all, and takes twice the memory.

    Raises:
        InputError: ``every`` or ``dtype`` cannot be. At the beginning of a training: a model whose layers are not
            known, or a layer without feature maps.
        ShapeError: No images; at the beginning of a training: images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.
        UnknownNameError: At the beginning of a training: no layer has this name.

    Example:
        >>> import convvision, numpy as np
        >>> from convvision.callbacks import ActivationRecorder
        >>> model = convvision.create_model("conv_16_16")
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> images, labels = np.random.default_rng(0).random((32, 28, 28, 1)), np.arange(32) % 10
        >>> recorder = ActivationRecorder(images[:2], layers="conv")
        >>> history = model.fit(images, labels, epochs=2, callbacks=[recorder], verbose=0)
        >>> recorder.recording
        Recording(images=(2, 28, 28, 1), epochs=[0, 1, 2], layers=['conv_1', 'conv_2'])
        >>> recorder.recording["conv_2"].maps.shape
        (3, 2, 11, 11, 16)
    """

    def __init__(
        self,
        images: Any,
        layers: Layers = "spatial",
        *,
        every: int = 1,
        dtype: Literal["float16", "float32"] = "float16",
    ) -> None:
        super().__init__()
        self.images = np.array(check_images(images))
        self.layers = layers
        self.every = check_positive_int(every, "every")
        if dtype not in ("float16", "float32"):
            raise InputError(f"dtype is 'float16' or 'float32'. Received: dtype={dtype!r}")
        self.dtype = np.dtype(dtype)
        self._moments: list[tuple[int, Activations]] = []

    @property
    def recording(self) -> Recording | None:
        """The present or latest training so far, a :class:`~convvision.visualize.Recording`; None before the first."""
        if not self._moments:
            return None
        epochs, found = zip(*self._moments, strict=True)
        layers = tuple(
            RecordedLayer(same[0].name, same[0].kind, np.stack([layer.maps for layer in same]), same[0].receptive_field)
            for same in zip(*(moment.layers for moment in found), strict=True)
        )
        logits = [moment.logits for moment in found]
        return Recording(
            self.images,
            np.array(epochs, np.int64),
            layers,
            None if any(each is None for each in logits) else np.stack([each for each in logits if each is not None]),
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._moments = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # Not when the training begins: the number of the first epoch is not known there.
        if not self._moments:
            if not self.model.built:
                # A sequential model without an input is built by its first batch, which is yet to come.
                self.model(self.images[:1], training=False)
            self._record(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if (epoch + 1) % self.every == 0:
            self._record(epoch + 1)

    def _record(self, epochs_done: int) -> None:
        found = extract_activations(self.model, self.images, self.layers)
        largest = np.finfo(self.dtype).max
        layers = tuple(
            type(layer)(
                layer.name,
                layer.kind,
                np.clip(layer.maps, -largest, largest).astype(self.dtype),
                layer.receptive_field,
            )
            for layer in found.layers
        )
        # In one step, so that an interruption leaves whole moments.
        self._moments.append((epochs_done, Activations(self.images, layers, found.logits)))
