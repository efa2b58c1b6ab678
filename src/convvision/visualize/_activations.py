"""What each layer makes of images, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._graph import LayerCall, _nodes_in_order, layer_calls
from convvision.models._outputs import image_shape, run_in_batches
from convvision.registry import unknown_name

__all__ = ["Activations", "LayerActivation", "Layers", "extract_activations"]

Layers: TypeAlias = Literal["spatial", "conv", "pool"] | str | int | Sequence[str | int]

_GROUPS: dict[str, Callable[[str], bool]] = {
    "spatial": lambda kind: kind != "InputLayer",
    "conv": lambda kind: "Conv" in kind,
    "pool": lambda kind: "Pooling" in kind,
}


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class LayerActivation:
    """The feature maps of one layer.

    Attributes:
        name: The layer's name, behind those of the nested models that hold it.
        kind: Its class, as in "Conv2D".
        maps: float32, shape (N, h, w, channels).
    """

    name: str
    kind: str
    maps: NDArray[np.float32]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class Activations:
    """The feature maps of several layers for the same images.

    Attributes:
        images: The images, shape (N, H, W, C).
        layers: In the order of the data.
    """

    images: NDArray[Any]
    layers: tuple[LayerActivation, ...]

    def __getitem__(self, name: str) -> LayerActivation:
        """Look a layer up by its name.

        Raises:
            UnknownNameError: No layer of this name was extracted.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise unknown_name("layer", name, [layer.name for layer in self.layers])


@set_module("convvision.visualize")
def extract_activations(
    model: keras.Model, images: Any, layers: Layers = "spatial", *, batch_size: int = 128
) -> Activations:
    """Compute feature maps, all layers in one forward pass of the model up to the last of them.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        layers: "spatial" for every layer that makes feature maps, "conv" for convolutions, "pool" for poolings; or
            names or positions (in :func:`convvision.summary`), one or several.
        batch_size: Images a forward pass.

    Returns:
        The feature maps.

    Raises:
        InputError: A model that is not built, or a layer without feature maps.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.
        UnknownNameError: No layer has this name.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> found = convvision.visualize.extract_activations(model, np.zeros((2, 28, 28, 1), "float32"), "pool")
        >>> [(layer.name, layer.maps.shape) for layer in found.layers]
        [('pool_1', (2, 13, 13, 64)), ('pool_2', (2, 5, 5, 64))]
    """
    images = check_images(images, image_shape=image_shape(model))
    check_positive_int(batch_size, "batch_size")
    calls = layer_calls(model)
    chosen = _choose(calls, layers, model.name)

    def forward(batch: NDArray[Any]) -> list[Any]:
        computed = _compute(model, [keras.ops.convert_to_tensor(batch, dtype=model.inputs[0].dtype)])
        # Only as far as the last layer that is asked for.
        outputs = [output for _, output in zip(range(max(chosen) + 1), computed, strict=False)]
        return [outputs[position] for position in chosen]

    found = run_in_batches(forward, images, batch_size=batch_size)
    return Activations(
        images,
        tuple(
            LayerActivation(calls[position].name, type(calls[position].layer).__name__, maps)
            for position, maps in zip(chosen, found, strict=True)
        ),
    )


def _compute(model: Any, inputs: list[Any]) -> Generator[Any, None, list[Any]]:
    """Yield the output of each call of a layer, in the order of :func:`layer_calls`, and return those of the model.

    Keras can cut a model behind a layer, but not behind one inside a nested model, which is a graph of its own.
    """
    values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    for node in _nodes_in_order(model):
        layer = node.operation
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None) is not None:
            outputs = yield from _compute(layer, [values[id(tensor)] for tensor in node.input_tensors])
            values.update(zip(map(id, node.outputs), outputs, strict=True))
            continue
        if node.input_tensors:
            args, kwargs = node.arguments.fill_in(values)
            # An operation such as x + y knows of no training.
            mode = {"training": False} if isinstance(layer, keras.Layer) else {}
            outputs = keras.tree.flatten(layer(*args, **(kwargs | mode)))
            values.update(zip(map(id, node.outputs), outputs, strict=True))
        yield values[id(node.outputs[0])]
    return [values[id(tensor)] for tensor in model.outputs]


def _choose(calls: list[LayerCall], layers: Layers, model_name: str) -> list[int]:
    """Tell the positions of the layers that are asked for."""
    if isinstance(layers, str) and layers in _GROUPS:
        wanted = _GROUPS[layers]
        found = [
            position for position, call in enumerate(calls) if wanted(type(call.layer).__name__) and _is_spatial(call)
        ]
        if not found:
            kinds = ", ".join(f"{call.name} ({type(call.layer).__name__})" for call in calls)
            raise InputError(f"{model_name!r} has no {layers} layer with feature maps. Received: {kinds}")
        return found
    selected = [layers] if isinstance(layers, str | int | np.integer) else list(layers)
    if not selected:
        raise InputError("Choose at least one layer. Received: layers=[]")
    return [_find(calls, one, model_name) for one in selected]


def _find(calls: list[LayerCall], which: str | int, model_name: str) -> int:
    if isinstance(which, int | np.integer):
        if not -len(calls) <= which < len(calls):
            raise InputError(f"{model_name!r} has {len(calls)} layers, 0 to {len(calls) - 1}. Received: layer {which}")
        position = int(which) % len(calls)
    else:
        # A shared layer has several calls; its name means the first, as it does in Activations.
        names = [call.name for call in calls]
        if which not in names:
            raise unknown_name(f"layer of {model_name!r}", which, dict.fromkeys(names))
        position = names.index(which)
    call = calls[position]
    if not _is_spatial(call):
        shape = tuple(call.outputs[0].shape)
        raise InputError(f"Feature maps have the shape (N, h, w, channels). Received: layer {call.name!r}, {shape}")
    return position


def _is_spatial(call: LayerCall) -> bool:
    return len(call.outputs[0].shape) == 4
