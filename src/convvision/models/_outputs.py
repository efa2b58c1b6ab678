"""Running a model on many images: which images it reads, and whether what it gives are probabilities or logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.errors import InputError, ShapeError
from convvision.models._graph import LayerCall, layer_calls, require_built

__all__ = ["deciding_call", "gives_logits", "image_shape", "run_in_batches", "to_numpy"]

# Behind these, probabilities are still probabilities, and logits still logits.
_NEUTRAL = {"Dropout", "Flatten", "GlobalAveragePooling2D", "Identity", "InputLayer", "Reshape"}
# As Keras and TensorFlow call it.
_SOFTMAX = {"softmax", "softmax_v2"}


def image_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Tell the (H, W, C) of the images that a model reads.

    Raises:
        InputError: Not a model whose layers are known, or one with several inputs.
        ShapeError: A model that reads something else than images.
    """
    require_built(model)
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1:
        raise InputError(f"A model reads images from one input. Received: {model.name!r} with inputs of shape {shapes}")
    if len(shapes[0]) != 4:
        raise ShapeError(
            f"A model reads images (N, H, W, C). Received: {model.name!r} with the input shape {shapes[0]}"
        )
    return shapes[0][1:]


def gives_logits(model: keras.Model) -> bool:
    """Tell logits from probabilities by the last layer that decides.

    Returns:
        False where the model ends in a softmax, True where it ends without an activation.

    Raises:
        InputError: Several outputs, an output that is not (N, classes), or another ending.
    """
    calls = layer_calls(model)
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        shapes = [tuple(output.shape) for output in model.outputs]
        raise InputError(f"A classifier has one output of shape (N, classes). Received: outputs of shape {shapes}")
    last = deciding_call(calls).layer
    kind, activation = type(last).__name__, getattr(last, "activation", None)
    name = getattr(activation, "__name__", str(activation))
    if kind == "Softmax" or name in _SOFTMAX:
        return False
    if hasattr(last, "activation") and name in ("None", "linear"):
        return True
    received = f"layer {last.name!r} ({kind})" + (f" with activation {name!r}" if hasattr(last, "activation") else "")
    raise InputError(
        f"A classifier ends in a softmax, or in a layer without an activation for logits. Received: {received}. "
        f"Put keras.layers.Softmax() behind it if it gives logits."
    )


def deciding_call(calls: Sequence[LayerCall]) -> LayerCall:
    """Find the last layer that decides what a model of one output gives: logits, probabilities or something else."""
    return next((call for call in reversed(calls) if not _is_neutral(call.layer)), calls[-1])


def _is_neutral(layer: Any) -> bool:
    # A linear Activation is how mixed precision casts the last output back to float32.
    return type(layer).__name__ in _NEUTRAL or (
        isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear
    )


def run_in_batches(
    forward: Callable[[NDArray[Any]], list[Any]], images: NDArray[Any], *, batch_size: int = 512
) -> list[NDArray[np.float32]]:
    """Run something forward on images of any number.

    ``model.predict`` traces a graph for each new model and warns of it; a small network costs less than that.

    Args:
        forward: Computes tensors from a batch of images.
        images: Shape (N, H, W, C).
        batch_size: Images a call of ``forward``.

    Returns:
        Each of the tensors for all images, as float32.
    """
    parts = [
        [to_numpy(output) for output in forward(images[start : start + batch_size])]
        for start in range(0, len(images), batch_size)
    ]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]


def to_numpy(tensor: Any) -> NDArray[np.float32]:
    """Give a tensor of any dtype as an array of float32."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")))
