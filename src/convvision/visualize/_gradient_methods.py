"""Attribution by the gradient of a logit with respect to the pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int, is_number
from convvision._gradients import gradient
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._outputs import to_numpy
from convvision.visualize._attribution import (
    Attribution,
    Baseline,
    Target,
    baseline_images,
    chosen_targets,
    in_passes,
    prepared,
)
from convvision.visualize._class_scores import ClassScores, pick

__all__ = ["integrated_gradients", "saliency", "smoothgrad"]

# Gradients at more points than these tell of a path that is not worth following further.
_MOST_STEPS = 1024


@set_module("convvision.visualize")
def saliency(
    model: keras.Model, images: Any, target: Target = "pred", *, output: str | int | None = None, batch_size: int = 128
) -> Attribution:
    """Differentiate a class's logit with respect to every pixel.

    A value says by how much the logit rises if that pixel becomes a little brighter. It has a sign; the paper draws its
    absolute value, ``abs(result.values).max(axis=-1)``.

    Simonyan, Vedaldi and Zisserman 2013, "Deep inside convolutional networks".

    Args:
        model: A functional model, or a sequential one that is built. What it gives before a softmax or a sigmoid at its
            end is explained.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        target: A class index, one for each image, or "pred" for the class with the largest logit.
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Images a pass.

    Returns:
        Values of the shape of the images. One forward and one backward pass for each batch.

    Raises:
        InputError: A model that is not built, or whose logits cannot be told.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.saliency(model, np.ones((2, 28, 28, 1)), target=9)
        Attribution(saliency, values=(2, 28, 28, 1), targets=[9, 9])
    """
    scores, images, targets = prepared(model, images, target, output, batch_size)
    values, logits = np.empty(images.shape, np.float32), np.empty((len(images), scores.num_classes), np.float32)
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        values[batch], logits[batch] = _pixel_gradients(
            scores, images[batch], None if targets is None else targets[batch]
        )
    return Attribution("saliency", images, values, chosen_targets(targets, logits), logits)


@set_module("convvision.visualize")
def smoothgrad(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    samples: int = 32,
    sigma: float = 0.15,
    seed: int = 0,
    output: str | int | None = None,
    batch_size: int = 128,
) -> Attribution:
    """Average the gradients of several noisy copies of each image.

    The gradient at one image follows every small kink of the network; its mean over a neighbourhood keeps what stays.

    Smilkov, Thorat, Kim, Viégas and Wattenberg 2017, "SmoothGrad: removing noise by adding noise".

    Args:
        model: As for :func:`saliency`.
        images: As for :func:`saliency`.
        target: As for :func:`saliency`; "pred" is the prediction for the image without noise.
        samples: Noisy copies of each image.
        sigma: Standard deviation of the Gaussian noise, as a part of the range of an image's pixels; 0 gives
            :func:`saliency`.
        seed: Of the noise. The result does not depend on ``batch_size``.
        output: As for :func:`saliency`.
        batch_size: Noisy images a pass; all that is held at a time, besides a running sum.

    Returns:
        Values of the shape of the images; N × samples gradients in as few batches as hold them, and one forward pass
        over the images themselves for the logits.

    Raises:
        InputError: As :func:`saliency`; or a number of samples or a sigma that cannot be.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> convvision.visualize.smoothgrad(model, np.ones((1, 28, 28, 1)), target=9, samples=4).values.shape
        (1, 28, 28, 1)
    """
    scores, images, targets = prepared(model, images, target, output, batch_size)
    samples = check_positive_int(samples, "samples")
    if not is_number(sigma) or not 0 <= sigma < np.inf:
        raise InputError(f"sigma is a number of at least 0, as a part of an image's range. Received: sigma={sigma!r}")
    logits = scores.in_batches(images, batch_size)
    targets = chosen_targets(targets, logits)
    floats = images.astype(np.float32)
    deviation = sigma * np.ptp(floats, axis=(1, 2, 3), keepdims=True)
    noise = np.random.default_rng(seed)

    def noisy(which: NDArray[np.intp], _: NDArray[np.intp]) -> NDArray[np.float32]:
        drawn = noise.standard_normal((len(which), *images.shape[1:]), np.float32)
        return np.asarray(floats[which] + deviation[which] * drawn, np.float32)

    weights = np.full(samples, 1 / samples)
    values = _weighted_gradients(scores, noisy, weights, targets, images.shape[1:], batch_size)
    return Attribution("smoothgrad", images, values.astype(np.float32), targets, logits)


@set_module("convvision.visualize")
def integrated_gradients(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    baseline: Baseline = 0.0,
    steps: int = 32,
    rtol: float | None = 0.01,
    output: str | int | None = None,
    batch_size: int = 128,
) -> Attribution:
    """Integrate the gradient along the straight line from a baseline to the image, times the way of each pixel.

    The values of an image sum to the difference of its logit and that of the baseline ("completeness"). The integral
    is computed by Gauss–Legendre quadrature, which is exact for linear models at any number of steps.

    Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks".

    Args:
        model: As for :func:`saliency`.
        images: As for :func:`saliency`.
        target: As for :func:`saliency`; the prediction is that for the image.
        baseline: Stands for "nothing": a number for all pixels, one image (H, W, C), or one for each (N, H, W, C). For
            images scaled by "standard", black is not 0 but ``-mean / std``. A network that normalises each image by
            itself, such as ConvNeXt, all but jumps where an image stops being black: ``completeness_error`` says so,
            and grey, 0.5, is a better start.
        steps: Points on the line.
        rtol: For images whose sum is off by more than ``rtol`` times the larger of 1 and the difference of logits, the
            steps are doubled until it is not, up to 1024, by halving the pieces of the line on which they lie. None
            leaves the steps as they are.
        output: As for :func:`saliency`.
        batch_size: Points a pass; all that is held at a time, besides a running sum.

    Returns:
        Values of the shape of the images, with ``steps`` and ``completeness_error``: N × steps gradients in as few
        batches as hold them, and one forward pass over images and baselines.

    Raises:
        InputError: As :func:`saliency`; or a baseline, a number of steps or a tolerance that cannot be.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take, or a baseline of another shape.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_64_64")
        >>> found = convvision.visualize.integrated_gradients(model, np.ones((1, 28, 28, 1)), target=9)
        >>> bool(found.completeness_error < 0.01)
        True
    """
    scores, images, targets = prepared(model, images, target, output, batch_size)
    steps = check_positive_int(steps, "steps")
    if rtol is not None and (not is_number(rtol) or not rtol > 0):
        raise InputError(f"rtol is a number above 0, or None to leave the steps as they are. Received: rtol={rtol!r}")
    floats, start = images.astype(np.float32), baseline_images(baseline, images)
    ends = scores.in_batches(np.concatenate([floats, start]), batch_size)
    logits = ends[: len(images)]
    targets = chosen_targets(targets, logits)
    picked = np.take_along_axis(ends.reshape(2, len(images), -1), targets[None, :, None], axis=2)[..., 0]
    difference = picked[0].astype(np.float64) - picked[1]
    taken = np.full(len(images), steps)
    nodes, weights = _quadrature(steps)
    values = _along_line(scores, floats, start, nodes, weights, targets, batch_size)
    error = abs(values.sum(axis=(1, 2, 3)) - difference)
    while rtol is not None and len(nodes) * 2 <= _MOST_STEPS:
        missed = np.flatnonzero(error > rtol * np.maximum(abs(difference), 1))
        if not missed.size:
            break
        nodes, weights = _halved(nodes, weights)
        taken[missed] = len(nodes)
        values[missed] = _along_line(scores, floats[missed], start[missed], nodes, weights, targets[missed], batch_size)
        error[missed] = abs(values[missed].sum(axis=(1, 2, 3)) - difference[missed])
    return Attribution(
        "integrated_gradients",
        images,
        values.astype(np.float32),
        targets,
        logits,
        steps=taken,
        completeness_error=error,
    )


def _quadrature(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the nodes in [0, 1] and the weights of Gauss and Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return (nodes + 1) / 2, weights / 2


def _halved(
    nodes: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Use a rule on both halves of [0, 1]: twice the points, and no rule of high order has to be found."""
    return np.concatenate([nodes / 2, (nodes + 1) / 2]), np.tile(weights / 2, 2)


def _along_line(
    scores: ClassScores,
    images: NDArray[np.float32],
    start: NDArray[np.float32],
    nodes: NDArray[np.float64],
    weights: NDArray[np.float64],
    targets: NDArray[np.int64],
    batch_size: int,
) -> NDArray[np.float64]:
    way = nodes.astype(np.float32).reshape(-1, 1, 1, 1)

    def between(which: NDArray[np.intp], node: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.asarray(start[which] + way[node] * (images[which] - start[which]), np.float32)

    mean = _weighted_gradients(scores, between, weights, targets, images.shape[1:], batch_size)
    return mean * (images - start)


def _weighted_gradients(
    scores: ClassScores,
    points: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float32]],
    weights: NDArray[np.float64],
    targets: NDArray[np.int64],
    image_shape: tuple[int, ...],
    batch_size: int,
) -> NDArray[np.float64]:
    """Sum the gradients at several points for each image, with weights.

    Args:
        scores: The logits.
        points: Makes points from the indices of images and, for each, that of a weight; called in rising order.
        weights: One for each of an image's points.
        targets: One for each image.
        image_shape: (H, W, C).
        batch_size: Points a pass, of one image or several.
    """
    total = np.zeros((len(targets), *image_shape), np.float64)
    for which, point in in_passes(len(targets), len(weights), batch_size):
        gradients, _ = _pixel_gradients(scores, points(which, point), targets[which])
        np.add.at(total, which, gradients * weights[point].reshape(-1, 1, 1, 1))
    return total


def _pixel_gradients(
    scores: ClassScores, images: NDArray[Any], targets: NDArray[np.int64] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the gradient of each image's target logit, and all logits."""

    def target_sum(batch: Any) -> tuple[Any, Any]:
        logits = scores.logits(batch)
        # No image has a part in another's logit, so that the sum has each image's own gradient.
        return keras.ops.sum(pick(logits, targets)), logits

    found = gradient(target_sum, keras.ops.convert_to_tensor(images, dtype="float32"))
    gradients, logits = map(to_numpy, found)
    return gradients, logits
