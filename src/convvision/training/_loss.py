"""What a training lowers: the cross-entropy, on labels or on labels that are spread over all classes."""

from __future__ import annotations

from typing import Any

from convvision._keras import keras

__all__ = ["SmoothedCrossentropy", "log_probabilities"]


@keras.saving.register_keras_serializable("convvision")
class SmoothedCrossentropy(keras.losses.SparseCategoricalCrossentropy):
    """Cross-entropy with label smoothing (Szegedy et al. 2016), which Keras has for one-hot labels alone.

    Args:
        label_smoothing: Part of each label that is spread over all classes.
        from_logits: Whether the outputs are logits.
    """

    def __init__(self, label_smoothing: float, *, from_logits: bool) -> None:
        super().__init__(from_logits=from_logits)
        self._label_smoothing = label_smoothing
        self._from_logits = from_logits

    def get_config(self) -> dict[str, Any]:
        """Give what ``from_config`` makes the same loss of, for a checkpoint in the middle of a training."""
        return {"label_smoothing": self._label_smoothing, "from_logits": self._from_logits}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compute the loss of each image, (N,)."""
        spread = -keras.ops.mean(log_probabilities(y_pred, from_logits=self._from_logits), axis=-1)
        return (1 - self._label_smoothing) * super().call(y_true, y_pred) + self._label_smoothing * spread


def log_probabilities(outputs: Any, *, from_logits: bool) -> Any:
    """Compute the logarithms of the probabilities that a classifier's outputs mean, (N, classes)."""
    if from_logits:
        return keras.ops.log_softmax(outputs)
    return keras.ops.log(keras.ops.maximum(outputs, keras.config.epsilon()))
