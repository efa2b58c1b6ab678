"""Running a model layer by layer, nested models opened: the forward pass that can be looked into and stepped in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from convvision._keras import keras
from convvision.models._graph import nodes_in_order

__all__ = ["call_layer", "finish", "may_be_opened", "run_layers"]


def call_layer(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, training: bool = False) -> list[Any]:
    """Compute what a node of a graph makes, by default as at inference."""
    # An operation such as x + y knows of no training.
    mode = {"training": training} if isinstance(node.operation, keras.Layer) else {}
    outputs: list[Any] = keras.tree.flatten(node.operation(*args, **(kwargs | mode)))
    return outputs


def may_be_opened(model: Any) -> bool:
    """Tell whether the layers of a model can be called one by one; a class of one's own may do something else."""
    if not isinstance(model, keras.Model):
        return True
    ours = type(model).__module__.startswith("keras.")
    return ours and bool(model.inputs) and all(map(may_be_opened, model.layers))


def run_layers(
    model: Any,
    inputs: list[Any],
    call: Callable[[Any, tuple[Any, ...], dict[str, Any]], list[Any]] = call_layer,
    *,
    outputs: Sequence[Any] | None = None,
) -> Generator[Any, Any, list[Any]]:
    """Yield the output of each call of a layer, in the order of ``layer_calls``, and return those of the model.

    Keras can cut a model behind a layer, but not behind one inside a nested model, which is a graph of its own. What is
    sent to the generator takes the place of the output that it has just yielded, for all that comes behind it.

    Args:
        model: A model whose layers are connected.
        inputs: A tensor for each of its inputs.
        call: Computes the outputs of a node from the positional and the named arguments of its layer.
        outputs: Those of the model's symbolic outputs that are asked for; None for all of them.
    """
    values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    ends = model.outputs if outputs is None else outputs
    for node in nodes_in_order(model, ends):
        layer = node.operation
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None) is not None:
            made = yield from run_layers(layer, [values[id(tensor)] for tensor in node.input_tensors], call)
            values.update(zip(map(id, node.outputs), made, strict=True))
            continue
        if node.input_tensors:
            args, kwargs = node.arguments.fill_in(values)
            values.update(zip(map(id, node.outputs), call(node, args, kwargs), strict=True))
        first = id(node.outputs[0])
        replacement = yield values[first]
        if replacement is not None:
            values[first] = replacement
    return [values[id(tensor)] for tensor in ends]


def finish(run: Generator[Any, Any, list[Any]], replacement: Any = None) -> list[Any]:
    """Run a forward pass to its end.

    Args:
        run: Of :func:`run_layers`.
        replacement: Takes the place of the output that was yielded last; None where there is none.

    Returns:
        The outputs of the model.
    """
    try:
        run.send(replacement)
        while True:
            next(run)
    except StopIteration as end:
        outputs: list[Any] = end.value
        return outputs
