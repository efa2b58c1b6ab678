"""Forward passes that are compiled once for each model, and are gone when it is."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np

from convvision._keras import keras
from convvision._tracing import traced
from convvision.models._graph import LayerCall

__all__ = ["compiled"]

_Pass: TypeAlias = Callable[..., Any]
# For each model, its passes with the state in which each was compiled. They know their model by a weak reference only:
# a value that holds its key keeps it alive.
_passes: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, tuple[Any, _Pass]]] = weakref.WeakKeyDictionary()


def compiled(
    model: keras.Model,
    calls: Sequence[LayerCall],
    key: Hashable,
    make: Callable[[weakref.ref[keras.Model]], _Pass],
    *signature: tuple[tuple[int | None, ...], str],
) -> _Pass:
    """Give a forward pass of a model, compiled when it is first asked for.

    It reads weights anew at each call. Once a layer of the model was exchanged or its settings were changed, it is
    compiled anew.

    Args:
        model: The model.
        calls: The calls of its layers on which the pass depends.
        key: Tells the pass from all others of a model.
        make: Gives the pass as a function of tensors. It is handed a weak reference to the model, and must depend on
            nothing but that and what ``key`` says.
        *signature: Shape and dtype of each tensor, None where a side is open.
    """
    known = _passes.setdefault(model, {})
    key, state = (key, signature), _state(calls)
    if key not in known or known[key][0] != state:
        if key in known:
            # Whatever else was compiled is of the same former network.
            known.clear()
        known[key] = state, traced(make(weakref.ref(model)), *signature)
    return known[key][1]


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
    if keras.ops.is_tensor(value) and not isinstance(value, keras.Variable):
        # Such as the mean that Normalization.adapt has found: a compiled pass has it for a constant.
        return np.asarray(keras.ops.convert_to_numpy(value)).tobytes()
    return id(value) if callable(value) else None
