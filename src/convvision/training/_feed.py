"""How images reach ``model.fit``, batch by batch: from memory or from the disk, as a recipe wants to see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.datasets import Dataset, Scaling, Split, StreamedDataset, StreamedSplit
from convvision.errors import ConvvisionError
from convvision.training._augment import Augmentation
from convvision.training._fit_callbacks import RateSchedule
from convvision.training._order import coins, shuffled
from convvision.training._recipe import Recipe

__all__ = ["fit"]


def fit(
    model: keras.Model,
    data: Dataset | StreamedDataset,
    recipe: Recipe,
    augmentation: Augmentation,
    weights: NDArray[np.float32] | None,
    *,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Call ``model.fit`` with the training and validation images of a data set.

    Args:
        model: The model, compiled by its recipe.
        data: The data set.
        recipe: Of schedule, batches and epochs.
        augmentation: What is done to the training images.
        weights: How much each of them counts, (N,); None where all count alike.
        seed: Of the order and of the views.
        callbacks: As ``fit`` takes them.

    Raises:
        DataError: A streamed image cannot be read.
    """
    train = Batches(data.train, data.scaling, recipe.batch_size, seed=seed, weights=weights, augmentation=augmentation)
    validation = None if data.validation is None else Batches(data.validation, data.scaling, recipe.batch_size)
    heard = [keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: train.start_epoch(epoch)), *callbacks]
    if recipe.schedule != "constant" or recipe.warmup:
        heard.insert(0, RateSchedule(recipe, len(train) * recipe.epochs))
    try:
        # Shuffled already, image by image; Keras would shuffle whole batches.
        model.fit(train, validation_data=validation, epochs=recipe.epochs, callbacks=heard, shuffle=False, verbose=0)
    except Exception:
        # TensorFlow reports what its pipeline raises as an error of its own, with a traceback for a message.
        failure = train.failure or (validation and validation.failure)
        if failure:
            raise failure from None
        raise


class Batches(keras.utils.PyDataset):
    """The images of a split, scaled, in another order each epoch.

    With TensorFlow, Keras makes a ``tf.data`` pipeline of it, which prepares the next batches during a step.

    Args:
        split: The images, on the scale of the training or streamed.
        scaling: Of those that are streamed.
        batch_size: Images a batch.
        seed: Of the order and of the views; None leaves the order as it is.
        weights: Given with each batch, where there are any.
        augmentation: What is done to the images.

    Attributes:
        failure: Why an image could not be read, once that happened.
    """

    def __init__(
        self,
        split: Split | StreamedSplit,
        scaling: Scaling,
        batch_size: int,
        *,
        seed: int | None = None,
        weights: NDArray[np.float32] | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        super().__init__()
        self.failure: ConvvisionError | None = None
        self._split = split
        self._scaling = scaling
        self._batch_size = batch_size
        self._seed = 0 if seed is None else int(seed)
        self._in_order = seed is None
        self._weights = weights
        self._augmentation = augmentation
        self._coins = coins(len(split), self._seed)
        self.start_epoch(0)

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[Any], ...]:
        positions = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = self._read(positions)
        if self._augmentation:
            mirrored = keras.ops.convert_to_tensor((self._coins[positions] + self._epoch) % 2 == 1)
            # By its place and not by the calls before it: Keras asks for some batches twice.
            seed = int(np.random.default_rng([self._seed, self._epoch, index]).integers(2**31))
            images = keras.ops.convert_to_numpy(self._augmentation(keras.ops.convert_to_tensor(images), mirrored, seed))
        weights = () if self._weights is None else (self._weights[positions],)
        return images, self._split.labels[positions], *weights

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for an epoch, counted from 0.

        Keras's own hooks for the end and the beginning of an epoch are also called when it only looks at a first batch.
        """
        self._epoch = epoch
        order = np.arange(len(self._split))
        self._order = order if self._in_order else shuffled(order, self._seed, epoch)

    def _read(self, positions: NDArray[np.integer[Any]]) -> NDArray[Any]:
        if isinstance(self._split, Split):
            scaled: NDArray[Any] = self._split.images[positions]
            return scaled
        try:
            return self._scaling.apply(self._split.read(positions))
        except ConvvisionError as error:
            self.failure = error
            raise
