"""A model run forward as in training, with what TensorFlow computes faster in another way than Keras asks for."""

from __future__ import annotations

from typing import Any

from convvision._keras import keras
from convvision.models._forward import call_layer, finish, may_be_opened, run_layers
from convvision.training._batch_norm import BatchStatistics, fuses, normalise
from convvision.training._folded_convolution import convolve_folded, folds
from convvision.training._patch_gradient import convolve_with_patch_gradient, suits_patch_gradient

__all__ = ["TrainingPass"]


class TrainingPass:
    """Runs a model on images as in training.

    Args:
        model: The model. One whose classes are all Keras's is run layer by layer, another as it runs itself.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._opened = may_be_opened(model) and not any(map(_gathers_losses, model._flatten_layers()))

    def __call__(self, images: Any, statistics: BatchStatistics) -> Any:
        """Compute the outputs for a batch, or a part of it.

        Args:
            images: Tensor (N, H, W, C).
            statistics: Takes what batch normalisations see.
        """
        if not self._opened:
            return self._model(images, training=True)

        def call(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
            if fuses(node.operation):
                return [normalise(node.operation, args[0], statistics)]
            if folds(node.operation):
                return [convolve_folded(node.operation, args[0])]
            if suits_patch_gradient(node.operation, args[0]):
                return [convolve_with_patch_gradient(node.operation, args[0])]
            return call_layer(node, args, kwargs, training=True)

        (outputs,) = finish(run_layers(self._model, [images], call))
        return outputs


def _gathers_losses(layer: Any) -> bool:
    """Tell whether a layer adds to the loss at each of several calls; called by itself, it forgets those before."""
    return getattr(layer, "activity_regularizer", None) is not None and len(layer._inbound_nodes) > 1
