"""What each layer makes of images, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._graph import LayerCall, layer_calls
from convvision.models._outputs import run_in_batches
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
    calls = layer_calls(model)
    images = check_images(images, image_shape=tuple(model.inputs[0].shape[1:]))
    check_positive_int(batch_size, "batch_size")
    chosen = _choose(calls, layers, model.name)
    # A model of its own, cut behind the last layer that is drawn: what follows is not computed.
    cut = keras.Model(model.inputs[0], [call.outputs[0] for call in chosen])
    return Activations(
        images,
        tuple(
            LayerActivation(call.name, type(call.layer).__name__, maps)
            for call, maps in zip(chosen, run_in_batches(cut, images, batch_size=batch_size), strict=True)
        ),
    )


def _choose(calls: list[LayerCall], layers: Layers, model_name: str) -> list[LayerCall]:
    if isinstance(layers, str) and layers in _GROUPS:
        wanted = _GROUPS[layers]
        found = [call for call in calls if wanted(type(call.layer).__name__) and _is_spatial(call)]
        if not found:
            kinds = ", ".join(f"{call.name} ({type(call.layer).__name__})" for call in calls)
            raise InputError(f"{model_name!r} has no {layers} layer with feature maps. Received: {kinds}")
        return found
    selected = [layers] if isinstance(layers, str | int) else list(layers)
    if not selected:
        raise InputError("Choose at least one layer. Received: layers=[]")
    return [_find(calls, one, model_name) for one in selected]


def _find(calls: list[LayerCall], which: str | int, model_name: str) -> LayerCall:
    if isinstance(which, int):
        if not -len(calls) <= which < len(calls):
            raise InputError(f"{model_name!r} has {len(calls)} layers, 0 to {len(calls) - 1}. Received: layer {which}")
        call = calls[which]
    else:
        by_name = {call.name: call for call in calls}
        if which not in by_name:
            raise unknown_name(f"layer of {model_name!r}", which, by_name)
        call = by_name[which]
    if not _is_spatial(call):
        shape = tuple(call.outputs[0].shape)
        raise InputError(f"Feature maps have the shape (N, h, w, channels). Received: layer {call.name!r}, {shape}")
    return call


def _is_spatial(call: LayerCall) -> bool:
    return len(call.outputs[0].shape) == 4

