"""What each layer makes of images, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._graph import LayerCall, ReceptiveField, layer_calls
from convvision.models._outputs import image_shape, run_in_batches
from convvision.registry import unknown_name
from convvision.visualize._archive import read_layers, reading_archive, save_layers
from convvision.visualize._layer_outputs import layer_outputs
from convvision.visualize._named import layer_named

__all__ = [
    "GROUPS",
    "Activations",
    "LayerActivation",
    "Layers",
    "choose_layers",
    "extract_activations",
    "find_layer",
    "forward_layers",
    "is_spatial",
    "load_activations",
]

_KIND = "activations"

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
        receptive_field: What a unit sees of the image, and how far apart neighbours are; None where that is not known.
    """

    name: str
    kind: str
    maps: NDArray[np.float32]
    receptive_field: ReceptiveField | None = None


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class Activations:
    """The feature maps of several layers for the same images.

    Attributes:
        images: The images, shape (N, H, W, C).
        layers: In the order of the data.
        logits: What the model gives before a softmax or a sigmoid at its end, float32, shape (N, classes); None for a
            model of which they cannot be told, as one of several outputs.
    """

    images: NDArray[Any]
    layers: tuple[LayerActivation, ...]
    logits: NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        layers = ", ".join(f"{layer.name} {layer.maps.shape[1:]}" for layer in self.layers)
        return f"<Activations of {len(self.images)} images: {layers}>"

    def __getitem__(self, name: str) -> LayerActivation:
        """Look a layer up by its name.

        Raises:
            UnknownNameError: No layer of this name was extracted.
        """
        return layer_named(self.layers, name)

    def save(self, path: str | Path) -> Path:
        """Write the activations into one compressed ``.npz`` file, which :func:`load_activations` reads.

        Args:
            path: Ends in ``.npz``; a file that exists is replaced.

        Returns:
            The path.

        Raises:
            InputError: Another ending.
            OutputError: The file cannot be written; what was there is untouched.
        """
        return save_layers(path, _KIND, self.layers, {"images": self.images, "logits": self.logits})


@set_module("convvision.visualize")
def load_activations(path: str | Path) -> Activations:
    """Read activations that were saved.

    Args:
        path: The ``.npz`` file. Nothing in it is unpickled.

    Returns:
        The activations.

    Raises:
        DataNotFoundError: There is no such file.
        CorruptDataError: No file of activations, half of one, a broken one, or one from a newer convvision.

    Example:
        >>> import numpy as np
        >>> from convvision import create_model
        >>> from convvision.visualize import extract_activations, load_activations
        >>> found = extract_activations(create_model("conv_64_64"), np.zeros((2, 28, 28, 1), "float32"), "pool")
        >>> again = load_activations(found.save("boots.npz"))
        >>> bool((again["pool_1"].maps == found["pool_1"].maps).all())
        True
    """
    with reading_archive(path, _KIND) as (facts, arrays):
        images = arrays["images"]
        layers = [LayerActivation(*parts) for parts in read_layers(facts, arrays, (len(images),))]
        return Activations(images, tuple(layers), arrays.get("logits"))


@set_module("convvision.visualize")
def extract_activations(
    model: keras.Model, images: Any, layers: Layers = "spatial", *, batch_size: int = 128
) -> Activations:
    """Compute feature maps and logits, in one forward pass of the model.

    On TensorFlow the pass is compiled when a model's layers are first asked for, and serves every number of images from
    then on, with the weights as they are at each call. It is forgotten with the model.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        layers: "spatial" for every layer that makes feature maps, "conv" for convolutions, "pool" for poolings; or
            names or positions (in :func:`convvision.summary`), one or several.
        batch_size: Images a forward pass.

    Returns:
        The feature maps and, where the model has them, the logits.

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
    return forward_layers(model, images, layers, batch_size=batch_size, logits=True)


def forward_layers(model: keras.Model, images: Any, layers: Layers, *, batch_size: int, logits: bool) -> Activations:
    """Compute feature maps; without logits the pass ends at the last layer that is asked for.

    Raises:
        ConvvisionError: As :func:`extract_activations`.
    """
    images = check_images(images, image_shape=image_shape(model))
    check_positive_int(batch_size, "batch_size")
    calls = layer_calls(model)
    chosen = choose_layers(calls, layers, model.name)
    forward = layer_outputs(model, calls, chosen, logits=logits)
    found = run_in_batches(forward, images, batch_size=batch_size)
    return Activations(
        images,
        tuple(
            LayerActivation(call.name, type(call.layer).__name__, maps, call.receptive_field)
            for call, maps in zip((calls[position] for position in chosen), found, strict=False)
        ),
        found[len(chosen)] if len(found) > len(chosen) else None,
    )


def choose_layers(calls: list[LayerCall], layers: Layers, model_name: str) -> list[int]:
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
    if not isinstance(layers, str | int | np.integer | Sequence | np.ndarray):
        raise InputError(
            f"layers is one of {', '.join(map(repr, GROUPS))}, or the name or position of a layer, or several. "
            f"Received: layers={layers!r}"
        )
    selected = [layers] if isinstance(layers, str | int | np.integer) else list(layers)
    if not selected:
        raise InputError("Choose at least one layer. Received: layers=[]")
    # A group stands for itself alone, not among names.
    groups = tuple(GROUPS) if isinstance(layers, str) else ()
    return [find_layer(calls, one, model_name, groups=groups) for one in selected]


def find_layer(calls: list[LayerCall], which: str | int, model_name: str, *, groups: Sequence[str] = ()) -> int:
    """Tell the position of a layer with feature maps among the calls.

    Args:
        calls: Of a model's layers.
        which: Its name or its position.
        model_name: As in messages.
        groups: What could have been asked for instead of a name.

    Raises:
        UnknownNameError: No layer has this name.
        InputError: No layer has this position, or it makes no feature maps.
    """
    if isinstance(which, bool) or not isinstance(which, str | int | np.integer):
        raise InputError(f"A layer is chosen by its name or its position. Received: {which!r}")
    if isinstance(which, int | np.integer):
        if not -len(calls) <= which < len(calls):
            raise InputError(f"{model_name!r} has {len(calls)} layers, 0 to {len(calls) - 1}. Received: layer {which}")
        position = int(which) % len(calls)
    else:
        # A shared layer has several calls; its name means the first, as it does in Activations.
        names = [call.name for call in calls]
        if which not in names:
            hint = f"{', '.join(map(repr, groups))} stand for all layers of a kind." if groups else ""
            raise unknown_name("layer", which, {*names, *groups}, of=repr(model_name), hint=hint)
        position = names.index(which)
    call = calls[position]
    if not is_spatial(call):
        shape = tuple(call.outputs[0].shape)
        others = ", ".join(repr(each.name) for each in calls if is_spatial(each)) or "none of this model's layers"
        raise InputError(
            f"Feature maps have the shape (N, h, w, channels), as those of {others}. "
            f"Received: layer {call.name!r}, {shape}"
        )
    return position


def is_spatial(call: LayerCall) -> bool:
    """Tell whether a layer makes feature maps, (N, h, w, channels)."""
    return len(call.outputs[0].shape) == 4
