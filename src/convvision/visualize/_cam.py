"""Attribution by class activation maps: what the channels of a layer show, weighted by what they mean for a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._gradients import gradient
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._graph import LayerCall, class_names
from convvision.models._outputs import to_numpy
from convvision.visualize._activations import find_layer, is_spatial
from convvision.visualize._attribution import Attribution, Target, chosen_targets, prepared
from convvision.visualize._class_scores import ClassScores, pick

__all__ = ["cam_layer", "grad_cam", "grad_cam_pp", "layer_cam"]

# From feature maps and the gradients at them, (N, h, w, channels), to maps (N, h, w).
_Weighting: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@set_module("convvision.visualize")
def grad_cam(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    layer: str | int | None = None,
    relu: bool = True,
    output: str | int | None = None,
    batch_size: int = 128,
) -> Attribution:
    """Weight a layer's channels by the mean gradient of a class's logit at them, and sum them.

    Where the layer is followed by global average pooling and one dense layer, this is the class activation map of Zhou
    et al. 2016 divided by the number of positions, and without ``relu`` it sums to the logit less its bias.

    Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra 2017, "Grad-CAM: visual explanations from deep networks via
    gradient-based localization".

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened. What it gives before a
            softmax or a sigmoid at its end is explained.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        target: A class index, one for each image, or "pred" for the class with the largest logit.
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`; by default the
            last one behind the last convolution that is not pooled yet.
        relu: Keep only what speaks for the class, as the paper does; else values have a sign.
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Images a pass.

    Returns:
        Values (N, h, w) at the layer's own resolution. One forward and one backward pass for each batch.

    Raises:
        InputError: A model that is not built, whose logits cannot be told, or without convolutions; or a layer without
            feature maps.
        UnknownNameError: No layer has this name.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.grad_cam(model, np.ones((2, 28, 28, 1)), target=[9, 0])
        Attribution(grad_cam at 'conv_2', values=(2, 11, 11), targets=[9, 0])
    """

    def weighted(maps: NDArray[np.float64], gradients: NDArray[np.float64]) -> NDArray[np.float64]:
        return _weighted_sum(maps, gradients.mean(axis=(1, 2)))

    return _class_activation("grad_cam", weighted, model, images, target, layer, relu, output, batch_size)


@set_module("convvision.visualize")
def grad_cam_pp(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    layer: str | int | None = None,
    relu: bool = True,
    output: str | int | None = None,
    batch_size: int = 128,
) -> Attribution:
    """Weight a layer's channels by a mean of their positive gradients that counts each place where they show.

    It finds several objects of a class where :func:`grad_cam` favours the largest. The paper differentiates the
    exponential of the logit; that only multiplies each map by one positive number, which is left out here.

    Chattopadhay, Sarkar, Howlader and Balasubramanian 2018, "Grad-CAM++: generalized gradient-based visual explanations
    for deep convolutional networks".

    Args:
        model: As for :func:`grad_cam`.
        images: As for :func:`grad_cam`.
        target: As for :func:`grad_cam`.
        layer: As for :func:`grad_cam`; the paper takes one behind its ReLU.
        relu: As for :func:`grad_cam`.
        output: As for :func:`grad_cam`.
        batch_size: As for :func:`grad_cam`.

    Returns:
        As :func:`grad_cam`.

    Raises:
        InputError: As :func:`grad_cam`.
        UnknownNameError: No layer has this name.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.grad_cam_pp(model, np.ones((1, 28, 28, 1)), target=9).values.shape
        (1, 11, 11)
    """

    def weighted(maps: NDArray[np.float64], gradients: NDArray[np.float64]) -> NDArray[np.float64]:
        denominator = 2 * gradients**2 + maps.sum(axis=(1, 2), keepdims=True) * gradients**3
        alpha = np.divide(gradients**2, denominator, out=np.zeros_like(gradients), where=denominator != 0)
        return _weighted_sum(maps, (alpha * np.maximum(gradients, 0)).sum(axis=(1, 2)))

    return _class_activation("grad_cam_pp", weighted, model, images, target, layer, relu, output, batch_size)


@set_module("convvision.visualize")
def layer_cam(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    layer: str | int | None = None,
    relu: bool = True,
    output: str | int | None = None,
    batch_size: int = 128,
) -> Attribution:
    """Weight every position of a layer's channels by the positive gradient at that position, and sum the channels.

    As the weights keep their place, maps of early layers are sharp too.

    Jiang, Zhang, Hou, Cheng and Wei 2021, "LayerCAM: exploring hierarchical class activation maps for localization".

    Args:
        model: As for :func:`grad_cam`.
        images: As for :func:`grad_cam`.
        target: As for :func:`grad_cam`.
        layer: As for :func:`grad_cam`.
        relu: As for :func:`grad_cam`.
        output: As for :func:`grad_cam`.
        batch_size: As for :func:`grad_cam`.

    Returns:
        As :func:`grad_cam`.

    Raises:
        InputError: As :func:`grad_cam`.
        UnknownNameError: No layer has this name.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.layer_cam(model, np.ones((1, 28, 28, 1)), target=9, layer="conv_1").values.shape
        (1, 26, 26)
    """

    def weighted(maps: NDArray[np.float64], gradients: NDArray[np.float64]) -> NDArray[np.float64]:
        summed: NDArray[np.float64] = (maps * np.maximum(gradients, 0)).sum(axis=-1)
        return summed

    return _class_activation("layer_cam", weighted, model, images, target, layer, relu, output, batch_size)


def cam_layer(scores: ClassScores, layer: str | int | None) -> int:
    """Tell the position of the layer whose maps are weighted: by default the last feature maps not pooled yet.

    Raises:
        InputError: No convolution leads to the logits, or the layer makes no feature maps.
        UnknownNameError: No layer has this name.
    """
    if layer is not None:
        return find_layer(scores.calls, layer, scores.model_name)
    convolutions = [position for position, call in enumerate(scores.calls) if _is("Conv", call) and _has_places(call)]
    if not convolutions:
        kinds = ", ".join(f"{call.name} ({type(call.layer).__name__})" for call in scores.calls)
        raise InputError(
            f"{scores.model_name!r} has no convolution whose maps could be weighted. Received: {kinds}. "
            f"Ask for its pixels with saliency, integrated_gradients or occlusion."
        )
    last = convolutions[-1]
    grid = _grid(scores.calls[last])
    # Behind it may stand its normalisation and its activation, or what joins it with other branches.
    behind = scores.calls[last + 1 :]
    same = [position for position, call in enumerate(behind, last + 1) if _grid(call) == grid and not _is("Pool", call)]
    return same[-1] if same else last


def _is(kind: str, call: LayerCall) -> bool:
    return any(kind in name for name in class_names(call.layer))


def _has_places(call: LayerCall) -> bool:
    # A convolution behind global pooling is a dense layer by another name.
    return is_spatial(call) and tuple(call.outputs[0].shape[1:3]) != (1, 1)


def _grid(call: LayerCall) -> tuple[float | None, ...] | None:
    """Tell how many positions a map has; where the images' size is open, how far apart they are."""
    if not is_spatial(call):
        return None
    sides = tuple(call.outputs[0].shape[1:3])
    field = call.receptive_field
    if None in sides and field is not None:
        return (*sides, field.stride_height, field.stride_width)
    return sides


def _class_activation(
    method: str,
    weighted: _Weighting,
    model: keras.Model,
    images: Any,
    target: Target,
    layer: str | int | None,
    relu: bool,
    output: str | int | None,
    batch_size: int,
) -> Attribution:
    scores, images, targets = prepared(model, images, target, output, batch_size)
    position = cam_layer(scores, layer)
    found, logits = [], []
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        maps, gradients, given = _layer_gradients(
            scores, images[batch], position, None if targets is None else targets[batch]
        )
        values = weighted(maps.astype(np.float64), gradients.astype(np.float64))
        found.append((np.maximum(values, 0) if relu else values).astype(np.float32))
        logits.append(given)
    all_logits = np.concatenate(logits)
    return Attribution(
        method,
        images,
        np.concatenate(found),
        chosen_targets(targets, all_logits),
        all_logits,
        layer=scores.calls[position].name,
    )


def _layer_gradients(
    scores: ClassScores, images: NDArray[Any], position: int, targets: NDArray[np.int64] | None
) -> tuple[NDArray[np.float32], ...]:
    """Give the output of a layer, the gradient of each image's target logit at it, and all logits."""
    maps, go_on = scores.from_layer(keras.ops.convert_to_tensor(images, dtype="float32"), position)

    def target_sum(instead: Any) -> tuple[Any, Any]:
        logits = go_on(instead)
        # No image has a part in another's logit, so that the sum has each image's own gradient.
        return keras.ops.sum(pick(logits, targets)), logits

    gradients, logits = gradient(target_sum, maps)
    return tuple(map(to_numpy, (maps, gradients, logits)))


def _weighted_sum(maps: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the channels of (N, h, w, channels) with the weights (N, channels)."""
    summed: NDArray[np.float64] = np.einsum("nhwc,nc->nhw", maps, weights)
    return summed
