"""Running a model on many images, and whether what it gives are probabilities or logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._graph import layer_calls

__all__ = ["class_probabilities", "gives_logits", "run_in_batches"]


def gives_logits(model: keras.Model) -> bool:
    """Tell logits from probabilities by the last layer.

    Returns:
        False where the model ends in a softmax, True where it ends without an activation.

    Raises:
        InputError: Several outputs, an output that is not (N, classes), or another activation.
    """
    calls = layer_calls(model)
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        shapes = [tuple(output.shape) for output in model.outputs]
        raise InputError(f"A classifier has one output of shape (N, classes). Received: outputs of shape {shapes}")
    last = calls[-1].layer
    activation = getattr(last, "activation", None)
    if isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax:
        return False
    if activation in (None, keras.activations.linear):
        return True
    raise InputError(
        f"A classifier ends in a softmax, or without an activation for logits. "
        f"Received: layer {last.name!r} with activation {keras.activations.serialize(activation)!r}"
    )


def class_probabilities(model: keras.Model, images: NDArray[Any]) -> NDArray[np.float32]:
    """Classify images.

    Args:
        model: A classifier.
        images: On the scale that the model was trained with, shape (N, H, W, C).

    Returns:
        float32, shape (N, classes); each row sums to 1.
    """
    (outputs,) = run_in_batches(model, images)
    if gives_logits(model):
        outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs /= outputs.sum(axis=1, keepdims=True)
    return outputs


def run_in_batches(model: keras.Model, images: NDArray[Any], *, batch_size: int = 512) -> list[NDArray[np.float32]]:
    """Run a model forward on images of any number.

    ``model.predict`` traces a graph for each new model and warns of it; a small network costs less than that.

    Returns:
        Each output for all images, as float32.
    """
    parts = [
        [_to_numpy(output) for output in keras.tree.flatten(model(images[start : start + batch_size], training=False))]
        for start in range(0, len(images), batch_size)
    ]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]


def _to_numpy(output: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")))
