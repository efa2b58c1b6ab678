"""What each layer makes of images, as arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._forward import run_layers
from convvision.models._graph import LayerCall, layer_calls
from convvision.models._outputs import image_shape, run_in_batches
from convvision.registry import unknown_name

__all__ = ["GROUPS", "Activations", "LayerActivation", "Layers", "extract_activations", "find_layer", "is_spatial"]

Layers: TypeAlias = Literal["spatial", "conv", "pool"] | str | int | Sequence[str | int]

GROUPS: dict[str, Callable[[str], bool]] = {
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
        computed = run_layers(model, [keras.ops.convert_to_tensor(batch, dtype=model.inputs[0].dtype)])
        # Only as far as the last layer that is asked for.
        outputs = list(itertools.islice(computed, max(chosen) + 1))
        return [outputs[position] for position in chosen]

    found = run_in_batches(forward, images, batch_size=batch_size)
    return Activations(
        images,
        tuple(
            LayerActivation(calls[position].name, type(calls[position].layer).__name__, maps)
            for position, maps in zip(chosen, found, strict=True)
        ),
    )


def _choose(calls: list[LayerCall], layers: Layers, model_name: str) -> list[int]:
    """Tell the positions of the layers that are asked for."""
    if isinstance(layers, str) and layers in GROUPS:
        wanted = GROUPS[layers]
        found = [
            position for position, call in enumerate(calls) if wanted(type(call.layer).__name__) and is_spatial(call)
        ]
        if not found:
            kinds = ", ".join(f"{call.name} ({type(call.layer).__name__})" for call in calls)
            raise InputError(f"{model_name!r} has no {layers} layer with feature maps. Received: {kinds}")
        return found
    selected = [layers] if isinstance(layers, str | int | np.integer) else list(layers)
    if not selected:
        raise InputError("Choose at least one layer. Received: layers=[]")
    return [find_layer(calls, one, model_name) for one in selected]


def find_layer(calls: list[LayerCall], which: str | int, model_name: str) -> int:
    """Tell the position of a layer with feature maps among the calls.

    Raises:
        UnknownNameError: No layer has this name.
        InputError: No layer has this position, or it makes no feature maps.
    """
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
    if not is_spatial(call):
        shape = tuple(call.outputs[0].shape)
        raise InputError(f"Feature maps have the shape (N, h, w, channels). Received: layer {call.name!r}, {shape}")
    return position


def is_spatial(call: LayerCall) -> bool:
    """Tell whether a layer makes feature maps, (N, h, w, channels)."""
    return len(call.outputs[0].shape) == 4
