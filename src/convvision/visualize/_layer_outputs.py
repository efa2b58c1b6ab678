"""What layers make of images in one forward pass, compiled once for each model and choice of layers."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from convvision._keras import keras
from convvision._tracing import traced
from convvision.errors import InputError
from convvision.models._forward import run_layers
from convvision.models._graph import LayerCall
from convvision.visualize._class_scores import ClassScores

__all__ = ["layer_outputs"]

# A forward pass from a tensor of images to the outputs of layers, and the logits behind them where asked for.
_Forward = Callable[[Any], list[Any]]
# For each model, the state that its passes were compiled in, and these. They know their model by a weak reference
# only: a value that holds its key keeps it alive.
_compiled: weakref.WeakKeyDictionary[keras.Model, tuple[Any, dict[Any, _Forward]]] = weakref.WeakKeyDictionary()


def layer_outputs(
    model: keras.Model, calls: Sequence[LayerCall], positions: Sequence[int], *, logits: bool
) -> Callable[[Any], list[Any]]:
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
    state = _state(calls)
    known, passes = _compiled.get(model, (None, {}))
    if known != state:
        # A layer was put in or its activation was changed: what was compiled before is of another network.
        passes = {}
        _compiled[model] = (state, passes)
    key = (tuple(positions), logits)
    # A sequential model that was built by calling it has the number of images of that call for its own.
    shape, dtype = (None, *model.inputs[0].shape[1:]), str(model.inputs[0].dtype)
    if key not in passes:
        passes[key] = traced(_forward_pass(weakref.ref(model), key[0], logits=logits), (shape, dtype))
    forward = passes[key]
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


def _state(calls: Sequence[LayerCall]) -> list[Any]:
    """Tell all that a compiled pass depends on, but for the values of weights, which it reads anew.

    Layers are compared by identity: another of the same settings has weights of its own.
    """
    return [(weakref.ref(call.layer), _settings(call.layer)) for call in calls]


def _settings(layer: Any) -> list[Any]:
    weights = [id(weight) for weight in getattr(layer, "variables", ())]
    return [weights, *((name, _mark(value)) for name, value in vars(layer).items() if _mark(value) is not None)]


def _mark(value: Any) -> Any:
    """Give what two values of the same meaning have in common; None for those that hold no setting."""
    if isinstance(value, bool | int | float | str | tuple):
        return repr(value)
    return id(value) if callable(value) else None
