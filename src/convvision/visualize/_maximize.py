"""The image that a channel or a class answers to most, found by gradient ascent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convvision._checks import check_images, check_positive_int, check_seed, is_number
from convvision._gradients import gradient
from convvision._keras import keras
from convvision._public import set_module
from convvision._tracing import traced
from convvision.errors import InputError, ValueRangeError
from convvision.models._forward import run_layers
from convvision.models._graph import layer_calls
from convvision.models._outputs import image_shape, to_numpy
from convvision.visualize._activations import find_layer
from convvision.visualize._class_scores import ClassScores, pick

__all__ = ["MaximizedActivation", "maximize_activation"]

# From a tensor of K images to what is maximised, (K,).
_Score = Callable[[Any], Any]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class MaximizedActivation:
    """Images that were changed until a channel or a class answered strongly.

    Attributes:
        layer: The layer's name; None where classes were asked for.
        channels: The channel or the class of each image, int64, shape (K,).
        images: float32, shape (K, H, W, C).
        activations: What was maximised, before the first step and after each, float32, shape (K, steps + 1): the mean
            of the channel over its map, or the class's logit.
        value_range: The least and the largest value that a pixel could have.
    """

    layer: str | None
    channels: NDArray[np.int64]
    images: NDArray[np.float32]
    activations: NDArray[np.float32]
    value_range: tuple[float, float] = (0.0, 1.0)

    def __repr__(self) -> str:
        at = "classes" if self.layer is None else f"{self.layer!r}, channels"
        return f"MaximizedActivation({at} {self.channels.tolist()}, images={self.images.shape})"


@set_module("convvision.visualize")
def maximize_activation(
    model: keras.Model,
    layer: str | int | None,
    channel: int | Sequence[int],
    *,
    steps: int = 128,
    step_size: float = 0.05,
    smoothness: float = 0.5,
    jitter: int = 1,
    value_range: tuple[float, float] = (0.0, 1.0),
    start: ArrayLike | None = None,
    seed: int = 0,
    output: str | int | None = None,
) -> MaximizedActivation:
    """Change an image step by step until a channel of a layer, or a class, answers to it as strongly as it can.

    It shows what a filter looks for, free of any data. Plain gradient ascent ends in noise that no eye reads, so the
    steps are bent towards what images look like: each goes along the gradient divided by a power of its frequency in
    the Fourier domain (Olah et al. call it preconditioning, or decorrelation), and the image is shifted about by a
    pixel before each, so that nothing is found that holds in one place only.

    Erhan, Bengio, Courville and Vincent 2009, "Visualizing higher-layer features of a deep network"; the regularisers
    are those of Olah, Mordvintsev and Schubert 2017, "Feature visualization".

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`, of which the mean
            over a channel's map is maximised. None for classes, of which the logits are: what the model gives before a
            softmax or a sigmoid at its end.
        channel: The channel or the class; one image is made for each, and all of them at once.
        steps: Steps of the ascent.
        step_size: How far the pixels of an image go in a step, as their root mean square and as a part of the range.
        smoothness: Power of the frequency that a gradient is divided by; 0 for the gradient as it is.
        jitter: Most pixels that an image is shifted by, in each direction; 0 leaves it in its place.
        value_range: The least and the largest value that a pixel may have, as in the images that the model was trained
            with.
        start: The image to begin with, shape (H, W, C), or one for each channel (K, H, W, C). None for grey with a
            little noise; for a channel that is zero there, dark or bright.
        seed: Of noise and shifts.
        output: For classes, which of several outputs, by its name in ``model.output_names`` or its position.

    Returns:
        The images and the way to them. A channel that no image near the start wakes, as behind a dead ReLU, has a
        gradient of zero, and its image stays as it was.

    Raises:
        InputError: A model that is not built, a layer without feature maps, no such channel, an option that cannot be,
            or a model for images of any size without a ``start``.
        UnknownNameError: No layer or no output has this name.
        ShapeError: A start that the model does not take.
        ValueRangeError: A start outside the range.

    Example:
        >>> import convvision, keras
        >>> keras.utils.set_random_seed(1)
        >>> model = convvision.create_model("conv_16_16")
        >>> found = convvision.visualize.maximize_activation(model, "conv_1", [0, 3], steps=8)
        >>> found
        MaximizedActivation('conv_1', channels [0, 3], images=(2, 28, 28, 1))
        >>> bool((found.activations[:, -1] > found.activations[:, 0]).all())
        True
    """
    steps = check_positive_int(steps, "steps")
    for option, number in (("step_size", step_size), ("smoothness", smoothness), ("jitter", jitter)):
        if not is_number(number) or not 0 <= number < np.inf:
            raise InputError(f"{option} is a finite number of at least 0. Received: {option}={number!r}")
    low, high = _checked_range(value_range)
    random = np.random.default_rng(check_seed(seed))
    score, name, channels = _target(model, layer, channel, output)
    candidates = _candidates(model, start, len(channels), low, high, random)
    images = next(candidates)

    signature = ((None, *images.shape[1:]), "float32")
    ascend = traced(lambda batch: gradient(lambda x: (keras.ops.sum(score(x)), 0), batch)[0], signature)
    measure = traced(score, signature)
    for other in candidates:
        asleep = _numbers(measure, images) == 0
        images = np.where(asleep[:, None, None, None], other, images) if asleep.any() else images
    activations = [_numbers(measure, images)]
    for _ in range(steps):
        shift = random.integers(-int(jitter), int(jitter), size=2, endpoint=True)
        uphill = _numbers(ascend, np.roll(images, shift, axis=(1, 2)))
        uphill = _smoothed(np.roll(uphill, -shift, axis=(1, 2)), smoothness)
        length = np.sqrt((uphill**2).mean(axis=(1, 2, 3), keepdims=True))
        images = images + step_size * (high - low) * np.divide(
            uphill, length, out=np.zeros_like(uphill), where=length > 0
        )
        images = np.clip(images, low, high).astype(np.float32)
        activations.append(_numbers(measure, images))
    return MaximizedActivation(name, channels, images, np.stack(activations, axis=1), (low, high))


def _target(
    model: keras.Model, layer: str | int | None, channel: int | Sequence[int], output: str | int | None
) -> tuple[_Score, str | None, NDArray[np.int64]]:
    """Give what is maximised, the name of its layer, and the channels or classes."""
    image_shape(model)
    if layer is None:
        scores = ClassScores(model, output)
        classes = _indices(channel, scores.num_classes, f"{model.name!r} has the classes")
        return lambda images: pick(scores.logits(images), classes), None, classes
    calls = layer_calls(model)
    position = find_layer(calls, layer, model.name)
    call = calls[position]
    channels = _indices(channel, int(call.outputs[0].shape[-1]), f"Layer {call.name!r} has the channels")

    def mean_of_channel(images: Any) -> Any:
        maps = next(itertools.islice(run_layers(model, [images]), position, None))
        return pick(keras.ops.mean(keras.ops.cast(maps, "float32"), axis=(1, 2)), channels)

    return mean_of_channel, call.name, channels


def _indices(channel: int | Sequence[int], count: int, what: str) -> NDArray[np.int64]:
    indices = np.atleast_1d(np.asarray(channel))
    if (
        indices.ndim != 1
        or not indices.size
        or indices.dtype.kind not in "iu"
        or not 0 <= indices.min() <= indices.max() < count
    ):
        raise InputError(f"{what} 0 to {count - 1}; choose one or several. Received: channel={channel!r}")
    return indices.astype(np.int64)


def _checked_range(value_range: tuple[float, float]) -> tuple[float, float]:
    ends = tuple(value_range) if isinstance(value_range, Sequence) else ()
    if len(ends) != 2 or not all(is_number(end) and np.isfinite(end) for end in ends) or not ends[0] < ends[1]:
        raise InputError(
            f"value_range is the least and the largest value of a pixel, as in (0, 1). Received: {value_range!r}"
        )
    return float(ends[0]), float(ends[1])


def _candidates(
    model: keras.Model, start: ArrayLike | None, count: int, low: float, high: float, random: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Give what to begin with, and what else where that wakes nothing."""
    shape = image_shape(model)
    if start is None:
        if None in shape:
            raise InputError(
                f"{model.name!r} takes images of any size, {shape}: give the image to begin with, as in "
                f"start=np.full((28, 28, 1), 0.5). Received: start=None"
            )
        sides = tuple(side for side in shape if side is not None)
        for brightness in (0.5, 0.1, 0.9):
            noise = random.normal(brightness, 0.05, (count, *sides))
            yield (low + (high - low) * np.clip(noise, 0, 1)).astype(np.float32)
        return
    given = np.asarray(start)
    images = check_images(given[None] if given.ndim == 3 else given, image_shape=shape)
    if len(images) not in (1, count):
        raise InputError(f"start is one image, or one for each of {count} channels. Received: {len(images)} images")
    if images.min() < low or images.max() > high:
        raise ValueRangeError(
            f"start lies within value_range, from {low:g} to {high:g}. "
            f"Received: values from {images.min():g} to {images.max():g}"
        )
    yield np.repeat(images, count // len(images), axis=0).astype(np.float32)


def _smoothed(gradients: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """Divide the spectrum of gradients (K, H, W, C) by a power of the frequency; the mean by the lowest there is."""
    height, width = gradients.shape[1:3]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    scale = np.maximum(frequency, 1 / max(height, width)) ** -power
    spectrum = np.fft.rfft2(gradients, axes=(1, 2)) * scale[:, :, None]
    return np.fft.irfft2(spectrum, s=(height, width), axes=(1, 2)).astype(np.float32)


def _numbers(function: Callable[[Any], Any], images: NDArray[np.float32]) -> NDArray[np.float32]:
    return to_numpy(function(keras.ops.convert_to_tensor(images, dtype="float32")))
