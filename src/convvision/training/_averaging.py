"""The mean of the weights over the last steps of a training (Polyak & Juditsky 1992, Izmailov et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convvision._keras import keras, tf

__all__ = ["WeightAverage"]


class WeightAverage:
    """Follows the trainable weights from a step on.

    Args:
        model: Whose weights.
        first: Number of the step, from 0, after which the weights are taken in for the first time.

    Attributes:
        steps: How many steps the weights of the model are the mean of; 0 as long as they are the latest.
    """

    def __init__(self, model: keras.Model, first: int) -> None:
        self.steps = 0
        self._model = model
        self._first = first
        self._means = [tf.Variable(tf.zeros_like(each.value), trainable=False) for each in model.trainable_variables]

    def note(self, step: Any) -> None:
        """Take in the weights after a step; part of a graph."""

        def take_in() -> Any:
            count = tf.cast(step - self._first + 1, tf.float32)
            for mean, variable in zip(self._means, self._model.trainable_variables, strict=True):
                mean.assign_add((variable.value - mean) / tf.cast(count, mean.dtype))
            return count

        tf.cond(step >= self._first, take_in, lambda: 0.0)

    def take_effect(self, steps: int, estimate_statistics: Callable[[], None]) -> None:
        """Give the model the mean, where the training came so far, and does not have it yet.

        Args:
            steps: How many were made.
            estimate_statistics: Brings the statistics of batch normalisation to what they are with the new weights.
        """
        if self.steps or steps <= self._first:
            return
        latest = self._model.get_weights()
        try:
            for mean, variable in zip(self._means, self._model.trainable_variables, strict=True):
                variable.assign(mean)
            estimate_statistics()
        except BaseException:
            # Interrupted, it would have weights of one model and statistics of another.
            self._model.set_weights(latest)
            raise
        self.steps = steps - self._first

    def check(self) -> None:
        """Take notice where a callback has put other weights in the place of the mean, as those of a best epoch."""
        pairs = zip(self._means, self._model.trainable_variables, strict=True)
        if not all(bool(tf.reduce_all(mean == variable.value)) for mean, variable in pairs):
            self.steps = 0
