"""Whether an attribution points at what the model uses: its logit while the pixels go, or come, in the map's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError, LabelError
from convvision.visualize._attribution import Attribution, Baseline, baseline_images, in_passes
from convvision.visualize._class_scores import ClassScores

__all__ = ["AttributionCurve", "deletion_curve", "insertion_curve"]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class AttributionCurve:
    """The target's probability along the order of a map, for several images.

    Attributes:
        kind: "deletion" or "insertion".
        method: The method whose map it is, as in "grad_cam".
        targets: The class of each image, int64, shape (N,).
        fractions: Which part of the pixels was taken away or put in, float64, from 0 to 1, shape (points,).
        logits: Of the target, float32, shape (N, points).
        probabilities: Of the target, float32, shape (N, points).
    """

    kind: Literal["deletion", "insertion"]
    method: str
    targets: NDArray[np.int64]
    fractions: NDArray[np.float64]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    def __repr__(self) -> str:
        points = f"{len(self.targets)} images, {len(self.fractions)} points"
        return f"<AttributionCurve: {self.kind} by {self.method}, {points}, mean auc={self.auc.mean():.3f}>"

    @property
    def auc(self) -> NDArray[np.float64]:
        """The area under each image's probability, by the trapezoidal rule, in [0, 1], shape (N,).

        Small is good for deletion, large for insertion.
        """
        heights = (self.probabilities[:, 1:].astype(np.float64) + self.probabilities[:, :-1]) / 2
        return np.asarray(heights @ np.diff(self.fractions))


@set_module("convvision.visualize")
def deletion_curve(
    model: keras.Model,
    attribution: Attribution,
    *,
    steps: int = 56,
    baseline: Baseline = 0.0,
    output: str | int | None = None,
    batch_size: int = 256,
) -> AttributionCurve:
    """Take pixels away in the order of a map, the most important first, and watch the target's probability fall.

    Where the map points at what the model uses, it falls soon, and the area under it is small. Compare it with the
    curve of a map of noise: images with a hole are unlike those of the training, and some of the fall is due to that.

    Petsiuk, Das and Saenko 2018, "RISE: randomized input sampling for explanation of black-box models".

    Args:
        model: The model of the attribution.
        attribution: What :func:`saliency`, :func:`grad_cam`, :func:`occlusion` or another method made of it. Channels
            are summed; maps at the resolution of a layer are stretched to the image. Of equals, the first pixel in
            reading order comes first.
        steps: In how many equal parts, at most one a pixel.
        baseline: What a pixel that is not there looks like: a number, one image (H, W, C), or one for each
            (N, H, W, C).
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Images a pass; they are made when their pass begins.

    Returns:
        The curve of each image. N × (steps + 1) images in as few batches as hold them.

    Raises:
        InputError: A model that is not built, or whose logits cannot be told; no attribution; or steps or a baseline
            that cannot be.
        LabelError: The attribution is of a class that the model does not have.
        ShapeError: Images that the model does not take, or a baseline of another shape.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import deletion_curve, saliency
        >>> model = convvision.create_model("conv_16_16")
        >>> found = deletion_curve(model, saliency(model, np.ones((2, 28, 28, 1))), steps=14)
        >>> found.probabilities.shape, found.fractions[[0, 1, -1]].round(3).tolist()
        ((2, 15), [0.0, 0.071, 1.0])
    """
    return _curve("deletion", model, attribution, steps, baseline, output, batch_size)


@set_module("convvision.visualize")
def insertion_curve(
    model: keras.Model,
    attribution: Attribution,
    *,
    steps: int = 56,
    baseline: Baseline = 0.0,
    output: str | int | None = None,
    batch_size: int = 256,
) -> AttributionCurve:
    """Put pixels into a baseline in the order of a map, the most important first, and watch the probability rise.

    Where the map points at what the model uses, it rises soon, and the area under it is large. The paper begins with a
    blurred image; give one as ``baseline``.

    Petsiuk, Das and Saenko 2018, "RISE: randomized input sampling for explanation of black-box models".

    Args:
        model: As for :func:`deletion_curve`.
        attribution: As for :func:`deletion_curve`.
        steps: As for :func:`deletion_curve`.
        baseline: As for :func:`deletion_curve`.
        output: As for :func:`deletion_curve`.
        batch_size: As for :func:`deletion_curve`.

    Returns:
        As :func:`deletion_curve`.

    Raises:
        InputError: As :func:`deletion_curve`.
        LabelError: As :func:`deletion_curve`.
        ShapeError: As :func:`deletion_curve`.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.visualize import grad_cam, insertion_curve
        >>> model = convvision.create_model("conv_16_16")
        >>> insertion_curve(model, grad_cam(model, np.ones((2, 28, 28, 1)))).auc.shape
        (2,)
    """
    return _curve("insertion", model, attribution, steps, baseline, output, batch_size)


def _curve(
    kind: Literal["deletion", "insertion"],
    model: keras.Model,
    attribution: Attribution,
    steps: int,
    baseline: Baseline,
    output: str | int | None,
    batch_size: int,
) -> AttributionCurve:
    scores = ClassScores(model, output)
    if not isinstance(attribution, Attribution):
        raise InputError(f"Expected an attribution, as saliency or grad_cam gives it. Received: {attribution!r}")
    images = check_images(attribution.images, image_shape=scores.image_shape)
    check_positive_int(batch_size, "batch_size")
    targets = attribution.targets
    if not 0 <= targets.min() <= targets.max() < scores.num_classes:
        raise LabelError(
            f"{model.name!r} has the classes 0 to {scores.num_classes - 1}. Received: an attribution of class "
            f"{targets.max()}; is it of another model?"
        )
    pixels = images.shape[1] * images.shape[2]
    if check_positive_int(steps, "steps") > pixels:
        raise InputError(f"At least one pixel a step: steps is at most {pixels}. Received: steps={steps}")
    background = baseline_images(baseline, images)
    ranks = _ranks(attribution)
    counts = np.linspace(0, pixels, steps + 1).round().astype(np.int64)

    logits = np.empty((len(images), steps + 1, scores.num_classes), np.float32)
    for which, point in in_passes(len(images), steps + 1, batch_size):
        taken = (ranks[which] < counts[point][:, None, None])[..., None]
        shown = taken if kind == "insertion" else ~taken
        logits[which, point] = scores.in_batches(np.where(shown, images[which], background[which]), batch_size)
    probabilities = scores.probabilities(logits.reshape(-1, scores.num_classes)).reshape(logits.shape)
    of_target = [np.take_along_axis(each, targets[:, None, None], axis=2)[..., 0] for each in (logits, probabilities)]
    return AttributionCurve(kind, attribution.method, targets, counts / pixels, *of_target)


def _ranks(attribution: Attribution) -> NDArray[np.int64]:
    """Number the pixels of each image, (N, H, W), from the most important on."""
    maps = attribution.maps
    size = attribution.images.shape[1:3]
    if maps.shape[1:] != size:
        maps = keras.ops.convert_to_numpy(keras.ops.image.resize(maps[..., None], size, interpolation="bilinear"))
    order = np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(order.shape[1])[None], axis=1)
    return ranks.reshape(-1, *size)
