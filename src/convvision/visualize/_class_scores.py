"""The logits of a model, as a function of images or of what one of its layers makes of them."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._forward import call_layer, finish, run_layers
from convvision.models._graph import computes_as, layer_calls, require_built
from convvision.models._outputs import deciding_call, image_shape, run_in_batches
from convvision.registry import unknown_name
from convvision.visualize._compiled import compiled

__all__ = ["ClassScores", "pick"]

# Lower case, for there are layers, functions and operations of these names.
_SQUASHING = {"log_softmax", "logsoftmax", "sigmoid", "softmax", "softmax_v2"}


class ClassScores:
    """The logits of a classifier: what it gives before a softmax or a sigmoid at its end, if it has one there.

    Squashed scores cannot be explained: where a model is sure, a softmax hardly changes, and every gradient is near 0.
    The model is run layer by layer, with the last activation left out; neither it nor its layers are changed.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        output: Which of several outputs, by its name in ``model.output_names`` or its position.

    Attributes:
        image_shape: (H, W, C) of the images; None for a side that may be any.
        num_classes: Number of logits.
        calls: The calls of layers that lead to the output, in the order of the data.
        model_name: As in messages.

    Raises:
        InputError: A model that is not built, that has several inputs, or several outputs of which none is chosen; an
            output that is not (N, classes), or whose logits cannot be told.
        UnknownNameError: No output has this name.
        ShapeError: A model that reads something else than images.
    """

    def __init__(self, model: keras.Model, output: str | int | None = None) -> None:
        self.image_shape = image_shape(model)
        self._model, self._output = model, output
        self._end = _chosen_output(model, output)
        shape = tuple(self._end.shape)
        if len(shape) != 2 or shape[1] is None:
            raise InputError(f"A classifier gives (N, classes). Received: {model.name!r} with the output shape {shape}")
        self.num_classes = int(shape[1])
        self.calls = layer_calls(model, [self._end])
        self.model_name = model.name
        last = deciding_call(self.calls)
        self._squashing = last.outputs[0] if _squashes(last.layer) else None
        self._squashed_at = next(position for position, call in enumerate(self.calls) if call is last)
        self._exclusive = self.num_classes > 1 and "sigmoid" not in _activation_names(last.layer)
        if self._squashing is not None:
            _check_opens(last.layer, model.name)

    def logits(self, images: Any) -> Any:
        """Compute logits (N, classes) of a tensor of images."""
        return keras.ops.cast(finish(self._run(images))[0], "float32")

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn logits (N, classes) into probabilities: each class's own behind a sigmoid, else shared by a softmax."""
        logits = logits.astype(np.float64)
        if not self._exclusive:
            # The same as 1 / (1 + exp(−logit)), which overflows.
            return ((1 + np.tanh(logits / 2)) / 2).astype(np.float32)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)

    def from_layer(self, images: Any, position: int) -> tuple[Any, Callable[[Any], Any]]:
        """Run a tensor of images as far as a layer.

        Returns:
            The layer's output, and a function that goes on from it, or from another tensor in its place, to the logits.
            It can be called once.
        """
        run = self._run(images)
        maps = next(itertools.islice(run, position, None))
        return maps, lambda instead: keras.ops.cast(finish(run, instead)[0], "float32")

    def with_layers(self, images: Any, positions: Sequence[int]) -> tuple[list[Any], Any]:
        """Run a tensor of images once, for the outputs of layers as the model has them, and for the logits."""
        made: dict[int, Any] = {}
        squashed: list[Any] = []

        def call(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
            if node.outputs[0] is self._squashing:
                squashed.append((node.operation, args[0]))
            return call_layer(node, args, kwargs)

        run = run_layers(self._model, [images], call, outputs=[self._end])
        count, position, replacement = keras.ops.shape(images)[0], 0, None
        while True:
            try:
                output = run.send(replacement)
            except StopIteration as end:
                given = keras.ops.cast(end.value[0], "float32")
                return [made[position] for position in positions], given[count:] if squashed else given
            # Behind the squashing stand only layers that treat each row alike, so both go through them together.
            made[position] = output[:count] if squashed and position > self._squashed_at else output
            replacement = None
            if squashed and position == self._squashed_at:
                layer, inputs = squashed[-1]
                both = [keras.ops.cast(output, "float32"), _without_activation(layer, inputs)]
                replacement = keras.ops.concatenate([both[0], keras.ops.cast(both[1], "float32")])
            position += 1

    def in_batches(self, images: NDArray[Any], batch_size: int) -> NDArray[np.float32]:
        """Compute logits (N, classes) of any number of images; compiled once for each model and output."""
        (found,) = run_in_batches(
            lambda batch: [self._compiled_logits(keras.ops.convert_to_tensor(batch, dtype="float32"))],
            images,
            batch_size=batch_size,
        )
        return found

    def layer_in_batches(
        self, images: NDArray[Any], position: int, batch_size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute the output of a layer, and logits (N, classes), of any number of images; compiled likewise."""
        output = self._output

        def make(model: weakref.ref[keras.Model]) -> Callable[[Any], list[Any]]:
            def forward(batch: Any) -> list[Any]:
                maps, go_on = ClassScores(model(), output).from_layer(batch, position)
                return [maps, go_on(None)]

            return forward

        forward = self._compiled(("layer and logits", output, position), make)
        maps, logits = run_in_batches(
            lambda batch: forward(keras.ops.convert_to_tensor(batch, dtype="float32")), images, batch_size=batch_size
        )
        return maps, logits

    # Once for each instance: between two batches of one call, no layer changes.
    @functools.cached_property
    def _compiled_logits(self) -> Callable[[Any], Any]:
        output = self._output
        return self._compiled(
            ("logits", output), lambda model: lambda images: ClassScores(model(), output).logits(images)
        )

    def _compiled(
        self, key: Hashable, make: Callable[[weakref.ref[keras.Model]], Callable[[Any], Any]]
    ) -> Callable[[Any], Any]:
        return compiled(self._model, self.calls, key, make, ((None, *self.image_shape), "float32"))

    def _run(self, images: Any) -> Any:
        return run_layers(self._model, [images], self._call, outputs=[self._end])

    def _call(self, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if node.outputs[0] is self._squashing:
            return [_without_activation(node.operation, args[0])]
        return call_layer(node, args, kwargs)


def pick(logits: Any, targets: NDArray[np.int64] | None) -> Any:
    """Take each image's logit (N,) of its target from a tensor (N, classes); the largest where there are no targets."""
    chosen = keras.ops.argmax(logits, axis=1) if targets is None else keras.ops.convert_to_tensor(targets, "int32")
    return keras.ops.take_along_axis(logits, keras.ops.expand_dims(chosen, 1), axis=1)[:, 0]


def _chosen_output(model: keras.Model, output: str | int | None) -> Any:
    require_built(model)
    if output is None and len(model.outputs) == 1:
        return model.outputs[0]
    names = list(model.output_names)
    if output is None:
        raise InputError(f"{model.name!r} has {len(names)} outputs: choose one of {names} with output=. Received: None")
    if isinstance(output, str):
        if output not in names:
            raise unknown_name("output", output, names, of=repr(model.name))
        output = names.index(output)
    if isinstance(output, bool) or not isinstance(output, int | np.integer) or not 0 <= output < len(names):
        raise InputError(
            f"output is a name or a position from 0 to {len(names) - 1}: one of {names}. Received: output={output!r}"
        )
    return model.outputs[output]


def _squashes(layer: Any) -> bool:
    return not _SQUASHING.isdisjoint(_activation_names(layer))


def _activation_names(layer: Any) -> set[str]:
    activation = getattr(layer, "activation", None)
    names = (type(layer).__name__, type(activation).__name__, getattr(activation, "__name__", ""))
    return {name.lower() for name in names}


def _check_opens(layer: Any, model_name: str) -> None:
    """Refuse a layer of which only its author knows what it computes before its activation."""
    kinds = (keras.layers.Dense, keras.layers.Conv2D)
    known = computes_as(layer, kinds)
    if not (_only_squashes(layer) or (known and getattr(layer, "quantization_mode", None) is None)):
        raise InputError(
            f"The logits of {model_name!r} cannot be told: its last layer {layer.name!r} ({type(layer).__name__}) "
            f"applies an activation inside. Use Dense or Conv2D, or put the activation into a layer of its own, "
            f"keras.layers.Softmax()."
        )


def _only_squashes(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Activation) or type(layer).__name__.lower() in _SQUASHING


def _without_activation(layer: Any, inputs: Any) -> Any:
    """Compute what a layer does before its activation, from its own weights; half precision is left behind here."""
    if _only_squashes(layer):
        return inputs
    inputs = keras.ops.cast(inputs, "float32")
    if isinstance(layer, keras.layers.Dense):
        outputs = keras.ops.matmul(inputs, layer.kernel)
    else:
        outputs = keras.ops.conv(
            inputs,
            layer.kernel,
            strides=layer.strides,
            padding=layer.padding,
            data_format=layer.data_format,
            dilation_rate=layer.dilation_rate,
        )
    return outputs if layer.bias is None else outputs + layer.bias
