"""The arithmetic behind one number of a feature map: patch times kernel, plus bias, then the activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_image
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._forward import call_layer, run_layers
from convvision.models._graph import LayerCall, computes_as, layer_calls
from convvision.models._outputs import image_shape, to_numpy
from convvision.visualize._activations import find_layer
from convvision.visualize._folded import folded
from convvision.visualize._named import check_channel
from convvision.visualize._receptive_field import check_unit, padding_before

__all__ = ["UnitExplanation", "UnitStep", "check_convolution", "explain_unit", "kernel_of"]

# Activations for which a number alone is not enough.
_ACROSS_CHANNELS = {"glu", "log_softmax", "softmax", "sparsemax"}


@set_module("convvision.visualize")
@dataclass(frozen=True)
class UnitStep:
    """What a layer behind the convolution makes of the number.

    Attributes:
        layer: The layer's name.
        operation: What it does, as in "× 0.5 + 1" or "relu".
        value: The number behind it.
    """

    layer: str
    operation: str
    value: float


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class UnitExplanation:
    """How a convolution comes to one number of its output.

    Attributes:
        layer: The layer's name, behind those of the nested models that hold it.
        channel: The channel of the layer's output.
        unit: Row and column in the layer's output.
        patch: What the kernel lies on, float32, shape (kernel height, kernel width, channels); 0 where it is padding.
        kernel: The weights of this channel, of the same shape.
        bias: What is added; 0 for a layer without a bias.
        rows: The row of the layer's input under each row of the kernel; below 0 or beyond its end for padding.
        columns: The column under each column of the kernel, likewise.
        channels: The channels of the layer's input that the patch holds: all of them, those of a group, or one.
        sum: Of all products and the bias, before the activation.
        activation_name: The layer's own activation, as in "relu".
        activation: The number in the layer's output.
        steps: What normalisations and activations directly behind the layer make of it.
    """

    layer: str
    channel: int
    unit: tuple[int, int]
    patch: NDArray[np.float32]
    kernel: NDArray[np.float32]
    bias: float
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: tuple[int, ...]
    sum: float
    activation_name: str
    activation: float
    steps: tuple[UnitStep, ...]

    @property
    def products(self) -> NDArray[np.float32]:
        """Each number of the patch times its weight, in the shape of the patch."""
        return self.patch * self.kernel

    def __repr__(self) -> str:
        return f"<UnitExplanation of {self}>"

    def __str__(self) -> str:
        parts = [
            f"{self.layer} {self.unit}, channel {self.channel}:",
            f"products {self.sum - self.bias:.4g} + bias {self.bias:.4g} = {self.sum:.4g}",
        ]
        if self.activation_name != "linear":
            parts.append(f"→ {self.activation_name} {self.activation:.4g}")
        parts.extend(f"→ {step.layer} ({step.operation}) {step.value:.4g}" for step in self.steps)
        return " ".join(parts)


@set_module("convvision.visualize")
def explain_unit(
    model: keras.Model, image: Any, layer: str | int, channel: int, unit: Sequence[int]
) -> UnitExplanation:
    """Take the computation of one number of a feature map apart.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        image: One image, on the scale that the model was trained with, shape (H, W, C).
        layer: A Conv2D, DepthwiseConv2D or SeparableConv2D, by its name or its position in
            :func:`convvision.summary`. The two kernels of a separable convolution are multiplied into one.
        channel: A channel of the layer's output.
        unit: Row and column in the layer's output.

    Returns:
        Patch, kernel, bias, sum and activation; and what the layers directly behind make of it, such as a batch
        normalisation and its ReLU.

    Raises:
        InputError: A model that is not built, another kind of layer, or a channel or a unit that the layer lacks.
        UnknownNameError: No layer has this name.
        ShapeError: An image that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> found = convvision.visualize.explain_unit(model, np.ones((28, 28, 1)), "conv_1", channel=5, unit=(0, 0))
        >>> found.patch.shape, found.rows
        ((3, 3, 1), (0, 1, 2))
        >>> bool(np.isclose(found.products.sum() + found.bias, found.sum))
        True
    """
    images = check_image(image, image_shape=image_shape(model))[None]
    calls = layer_calls(model)
    position = find_layer(calls, layer, model.name)
    call = calls[position]
    check_convolution(call, "A unit of {} can be explained")
    before, after = _around(model, images, calls, position)
    channel = check_channel(channel, call.name, after.shape[-1])
    row, column = check_unit(unit, call.name, after.shape[:2])

    convolution = call.layer
    rows, columns = (
        _under_kernel(convolution, axis, place, before.shape[axis], after.shape[axis])
        for axis, place in enumerate((row, column))
    )
    whole = _lifted(before, rows, columns)
    biases = np.zeros(after.shape[-1]) if convolution.bias is None else to_numpy(convolution.bias)
    parts = [kernel_of(convolution, one, before.shape[-1]) for one in range(after.shape[-1])]
    # All channels, for an activation may look at more than its own, as a softmax does.
    sums = np.array(
        [
            np.sum(whole[..., chosen].astype(np.float64) * kernel) + bias
            for (chosen, kernel), bias in zip(parts, biases, strict=True)
        ]
    )
    activation = convolution.activation
    channels, kernel = parts[channel]
    value = _applied(activation, sums, channel)
    return UnitExplanation(
        layer=call.name,
        channel=channel,
        unit=(row, column),
        patch=whole[..., channels],
        kernel=kernel.astype(np.float32),
        bias=float(biases[channel]),
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        channels=tuple(channels.tolist()),
        sum=float(sums[channel]),
        activation_name=_name_of(activation),
        activation=value,
        steps=tuple(_steps_behind(calls[position:], value, channel)),
    )


def check_convolution(call: LayerCall, what: str) -> None:
    """Refuse a layer that is no convolution of Keras's own.

    Args:
        call: The call of the layer.
        what: What is done with the layers that stand in its ``{}``.

    Raises:
        InputError: Another layer, or one with channels first.
    """
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    if not computes_as(call.layer, kinds) or call.layer.data_format != "channels_last":
        raise InputError(
            f"{what.format('Conv2D, DepthwiseConv2D or SeparableConv2D')}, with channels last. "
            f"Received: layer {call.name!r} ({type(call.layer).__name__})"
        )


def _around(
    model: Any, images: NDArray[Any], calls: list[LayerCall], position: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give what a layer reads and what it makes of one image, each (h, w, channels)."""
    wanted = calls[position].outputs[0]
    read: list[Any] = []

    def remember(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if node.outputs[0] is wanted:
            read.append(args[0])
        return call_layer(node, args, kwargs)

    run = run_layers(model, [keras.ops.convert_to_tensor(images, dtype="float32")], remember)
    for _ in range(position):
        next(run)
    made = next(run)
    run.close()
    before, after = (to_numpy(tensor[0]) for tensor in (read[-1], made))
    return before, after


def _under_kernel(layer: Any, axis: int, place: int, size: int, outputs: int) -> NDArray[np.int64]:
    kernel, stride, dilation = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
    first = place * stride - padding_before(layer.padding, size, outputs, kernel, stride, dilation)
    return np.asarray(first + dilation * np.arange(kernel), np.int64)


def _lifted(maps: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Lift a patch out of maps (h, w, channels), with zeros where it reaches over the border."""
    height, width = maps.shape[:2]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    patch = maps[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    return np.where(inside[..., None], patch, np.float32(0))


def kernel_of(layer: Any, channel: int, inputs: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Give the input channels that a channel of the output reads, and its weights (height, width, those channels)."""
    if isinstance(layer, keras.layers.SeparableConv2D):
        depthwise, pointwise = to_numpy(layer.depthwise_kernel), to_numpy(layer.pointwise_kernel)
        shares = pointwise[0, 0, :, channel].reshape(inputs, layer.depth_multiplier)
        return np.arange(inputs), np.einsum("hwcm,cm->hwc", depthwise, shares)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        read, which = divmod(channel, layer.depth_multiplier)
        return np.array([read]), to_numpy(layer.kernel)[:, :, read : read + 1, which]
    kernel = to_numpy(layer.kernel)
    in_group = kernel.shape[2]
    group = channel // (layer.filters // layer.groups)
    return np.arange(group * in_group, (group + 1) * in_group), kernel[..., channel]


def _steps_behind(calls: list[LayerCall], value: float, channel: int) -> list[UnitStep]:
    """Follow a number through the layers that work on each number alone, as far as they form a chain."""
    steps: list[UnitStep] = []
    current = calls[0]
    while True:
        readers = [call for call in calls if any(tensor is current.outputs[0] for tensor in call.inputs)]
        step = _step(readers[0], value, channel) if len(readers) == 1 else None
        if step is None:
            return steps
        steps.append(step)
        current, value = readers[0], step.value


def _step(call: LayerCall, value: float, channel: int) -> UnitStep | None:
    layer = call.layer
    if computes_as(layer, [keras.layers.BatchNormalization]) and layer.axis in (-1, 3):
        scale, shift = (float(each[channel]) for each in folded(layer))
        return UnitStep(call.name, f"× {scale:.4g} + {shift:.4g}", value * scale + shift)
    if computes_as(layer, [keras.layers.Activation]) and _name_of(layer.activation).lower() not in _ACROSS_CHANNELS:
        return UnitStep(call.name, _name_of(layer.activation), _applied(layer.activation, np.array([value]), 0))
    if computes_as(layer, [keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.ELU]):
        return UnitStep(call.name, type(layer).__name__, _applied(layer, np.array([value]), 0))
    return None


def _name_of(activation: Any) -> str:
    """Name an activation: a function, or a layer in its place."""
    return str(getattr(activation, "__name__", type(activation).__name__))


def _applied(function: Any, values: NDArray[np.float64], channel: int) -> float:
    tensor = keras.ops.convert_to_tensor(values.reshape(1, 1, 1, -1), dtype="float32")
    return float(to_numpy(function(tensor))[0, 0, 0, channel])
