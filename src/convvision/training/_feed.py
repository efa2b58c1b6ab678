"""How images reach ``model.fit``: from memory, or batch by batch from the disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.datasets import Dataset, Scaling, StreamedDataset, StreamedSplit
from convvision.errors import ConvvisionError

__all__ = ["fit"]


def fit(
    model: keras.Model,
    data: Dataset | StreamedDataset,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Call ``model.fit`` with the training and validation images of a data set.

    Raises:
        DataError: A streamed image cannot be read.
    """
    if isinstance(data, Dataset):
        model.fit(
            *data.train,
            batch_size=batch_size,
            validation_data=None if data.validation is None else tuple(data.validation),
            epochs=epochs,
            callbacks=list(callbacks),
            verbose=0,
        )
        return
    streams = [Batches(data.train, data.scaling, batch_size, seed=seed)]
    if data.validation is not None:
        streams.append(Batches(data.validation, data.scaling, batch_size))
    try:
        # Shuffled by the stream, image by image; Keras would shuffle whole batches.
        model.fit(
            streams[0],
            validation_data=streams[1] if len(streams) > 1 else None,
            epochs=epochs,
            callbacks=list(callbacks),
            shuffle=False,
            verbose=0,
        )
    except Exception:
        # TensorFlow reports what its pipeline raises as an error of its own, with a traceback for a message.
        failure = next((stream.failure for stream in streams if stream.failure), None)
        if failure is not None:
            raise failure from None
        raise


class Batches(keras.utils.PyDataset):
    """The images of a split, scaled, in another order each epoch.

    With TensorFlow, Keras makes a ``tf.data`` pipeline of it, which prepares the next batches during a step.

    Attributes:
        failure: Why an image could not be read, once that happened.
    """

    def __init__(self, split: StreamedSplit, scaling: Scaling, batch_size: int, *, seed: int | None = None) -> None:
        super().__init__()
        self.failure: ConvvisionError | None = None
        self._split = split
        self._scaling = scaling
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0
        self._order = split.order(seed)

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        positions = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        try:
            images = self._split.read(positions)
        except ConvvisionError as error:
            self.failure = error
            raise
        return self._scaling.apply(images), self._split.labels[positions]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        self._order = self._split.order(self._seed, epoch=self._epoch)
