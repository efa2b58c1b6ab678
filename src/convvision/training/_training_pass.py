"""A model run forward as in training, with its batch normalisation on the fused kernel."""

from __future__ import annotations

from typing import Any

from convvision._keras import keras
from convvision.models._forward import call_layer, finish, run_layers
from convvision.training._batch_norm import BatchStatistics, fuses, normalise

__all__ = ["TrainingPass"]


class TrainingPass:
    """Runs a model on images as in training.

    Args:
        model: The model. One whose classes are all Keras's is run layer by layer, another as it runs itself.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._opened = _may_be_opened(model)

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
            return call_layer(node, args, kwargs, training=True)

        (outputs,) = finish(run_layers(self._model, [images], call))
        return outputs


def _may_be_opened(model: Any) -> bool:
    """Tell whether the layers of a model can be called one by one; a class of one's own may do something else."""
    if not isinstance(model, keras.Model):
        return True
    ours = type(model).__module__.startswith("keras.")
    return ours and bool(model.inputs) and all(map(_may_be_opened, model.layers))
