"""A model as plain data: its steps in the order of the data, one block of weights, and what each makes of images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.models._forward import call_layer, finish, run_layers
from convvision.models._graph import layer_calls
from convvision.models._outputs import to_numpy
from convvision.visualize._explorer_layers import operations_of
from convvision.visualize._explorer_operation import Operation, Shape

__all__ = ["Graph", "Step", "trace"]


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of a model.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it; "/softmax" behind it for a part of it.
        kind: The layer's class, as in "Conv2D".
        inputs: Positions of the steps that it reads.
        operation: How to compute it; "recorded" for what a browser cannot compute.
        parameters: Numbers that the step has learnt.
        reason: Why it is recorded; empty where it is not.
        values: What it made of the images, shape (N, …), where a browser cannot compute that.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    operation: Operation
    parameters: int = 0
    reason: str = ""
    values: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Graph:
    """A model, step by step.

    Attributes:
        steps: Each reads earlier ones alone; the first is the image.
        outputs: Positions of the steps that give the model's outputs.
        ends: For each layer's name, the position of the step that gives what the layer makes at its first call.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    ends: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Traced:
    """A tensor on its way through the model, and the step that made it."""

    step: int
    value: Any


def trace(model: keras.Model, images: NDArray[Any]) -> Graph:
    """Run a model on images and write down what happens.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C).
    """
    tracer = _Tracer({id(call.outputs[0]): call.name for call in layer_calls(model)})
    tensor = keras.ops.convert_to_tensor(images, dtype=model.inputs[0].dtype)
    name = model.inputs[0]._keras_history.operation.name
    image = tracer.add(Step(name, "InputLayer", (), Operation("input", _shape(tensor))), tensor)
    outputs = finish(run_layers(model, [image], tracer.call))
    return Graph(tuple(tracer.steps), tuple(each.step for each in outputs), tracer.ends)


@dataclass
class _Tracer:
    names: dict[int, str]
    steps: list[Step] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    def call(self, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[_Traced]:
        read = [value for value in keras.tree.flatten([args, kwargs]) if isinstance(value, _Traced)]
        args, kwargs = keras.tree.map_structure(
            lambda value: value.value if isinstance(value, _Traced) else value, (args, kwargs)
        )
        made = call_layer(node, args, kwargs)
        layer, name, inputs = node.operation, self.names[id(node.outputs[0])], tuple(each.step for each in read)
        written = operations_of(layer, [_shape(each.value) for each in read], [_shape(each) for each in made])
        parameters = layer.count_params() if isinstance(layer, keras.Layer) else 0
        if isinstance(written, str):
            recorded = [(Operation("recorded", _shape(each)), to_numpy(each)) for each in made]
            steps = [
                Step(name, type(layer).__name__, inputs, operation, parameters, written, values)
                for operation, values in recorded
            ]
            self.ends.setdefault(name, len(self.steps))
            return [self.add(step, value) for step, value in zip(steps, made, strict=True)]
        weighted = [operation for operation in written if operation.weights]
        for operation in written:
            # What is written down of a normalisation is more or less than what it keeps.
            own = parameters if [operation] == weighted else sum(each.size for each in operation.weights.values())
            full_name = f"{name}/{operation.suffix}" if operation.suffix else name
            # Of what happens inside a layer, Keras shows the end alone, and only that is read by others.
            last = self.add(Step(full_name, type(layer).__name__, inputs, operation, own), made[0])
            inputs = (last.step,)
        self.ends.setdefault(name, last.step)
        return [last]

    def add(self, step: Step, value: Any) -> _Traced:
        self.steps.append(step)
        return _Traced(len(self.steps) - 1, value)


def _shape(tensor: Any) -> Shape:
    return tuple(map(int, tensor.shape[1:]))
