"""What layers make of images in one forward pass, compiled once for each model and choice of layers."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._forward import run_layers
from convvision.models._graph import LayerCall
from convvision.visualize._class_scores import ClassScores
from convvision.visualize._compiled import compiled

__all__ = ["layer_outputs"]

# From a tensor of images to the outputs of layers, and the logits behind them where asked for.
_Forward: TypeAlias = Callable[[Any], list[Any]]


def layer_outputs(
    model: keras.Model, calls: Sequence[LayerCall], positions: Sequence[int], *, logits: bool
) -> _Forward:
    """Give the function that runs a model once and tells what some of its layers make of images.

    Args:
        model: A model that reads images.
        calls: Its calls of layers.
        positions: Of the layers among the calls.
        logits: Whether to go on to the logits; else the pass ends at the last of the layers.

    Returns:
        A function of a batch of images (N, H, W, C) that gives the output of each layer, and, where asked for and where
        the model has them, its logits (N, classes) at the end.
    """
    chosen = tuple(positions)
    # A sequential model that was built by calling it has the number of images of that call for its own.
    shape, dtype = (None, *model.inputs[0].shape[1:]), str(model.inputs[0].dtype)
    forward = compiled(
        model,
        calls,
        ("layer_outputs", chosen, logits),
        lambda reference: _forward_pass(reference, chosen, logits=logits),
        (shape, dtype),
    )
    return lambda images: forward(keras.ops.convert_to_tensor(images, dtype=dtype))


def _forward_pass(model: weakref.ref[keras.Model], positions: tuple[int, ...], *, logits: bool) -> _Forward:
    def forward(images: Any) -> list[Any]:
        scores = _scores(model()) if logits else None
        if scores is not None:
            outputs, given = scores.with_layers(images, positions)
            return [*outputs, given]
        computed = list(itertools.islice(run_layers(model(), [images]), max(positions) + 1))
        return [computed[position] for position in positions]

    return forward


def _scores(model: Any) -> ClassScores | None:
    """Give the logits of a model as a function; None for one of which they cannot be told."""
    try:
        return ClassScores(model)
    except InputError:
        return None
