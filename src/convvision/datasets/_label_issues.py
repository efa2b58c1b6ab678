"""Labels that a model contradicts: confident learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_labels
from convvision._public import set_module
from convvision.errors import ShapeError, ValueRangeError

__all__ = ["LabelIssues", "find_label_issues"]

_SUM_TOLERANCE = 1e-3


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Labels that are suspicious, the most suspicious first.

    Attributes:
        indices: Positions of the images, int64, shape (M,).
        given: The labels that they have, int64, shape (M,).
        suggested: The classes that the model is confident of, int64, shape (M,).
        confidences: Probability of the given label, float64, shape (M,).
        margins: That probability minus the largest of another class, float64 in [-1, 1], shape (M,); by these they are
            ranked, the smallest first.
        thresholds: Mean probability that images of a class have of it, float64, shape (K,); NaN for a class that has no
            image. From there on the model counts as confident.
        joint: Estimated number of images with given label i (row) and true class j (column), float64, shape (K, K); a
            row sums to the number of images that have the label.
    """

    indices: NDArray[np.int64]
    given: NDArray[np.int64]
    suggested: NDArray[np.int64]
    confidences: NDArray[np.float64]
    margins: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    joint: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        total = round(self.joint.sum())
        return f"LabelIssues({len(self):,} of {total:,} labels, estimated noise {self.noise:.1%})"

    @property
    def noise(self) -> float:
        """Estimated part of labels that are wrong, in [0, 1]."""
        return float(1 - np.trace(self.joint) / self.joint.sum())


@set_module("convvision.datasets")
def find_label_issues(labels: Any, probabilities: Any) -> LabelIssues:
    """Find labels that a model contradicts with confidence.

    A model is confident of class j for an image if the probability reaches the mean that images labelled j have of it.
    An image of which it is confident of another class than the given one is suspicious. Counted by label and class,
    such images make the confident joint, from which the numbers of wrong labels are estimated (Northcutt, Jiang and
    Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal of Artificial Intelligence
    Research 70; the method that the paper calls C with tilde y and y star, ranked by normalised margin).

    A model is too sure of images that it was trained on, and repeats their labels even where they are wrong: use
    probabilities of images that were held out, as test images are, or from cross-validation.

    Args:
        labels: The given class indices, shape (N,).
        probabilities: Of the classes, as a model gives them, shape (N, K); rows sum to 1.

    Returns:
        The suspicious labels and the estimated joint.

    Raises:
        ShapeError: Probabilities of another shape.
        ValueRangeError: Probabilities outside [0, 1], such as logits, or rows that do not sum to 1.
        LabelError: Labels that are no class indices, or not one an image.

    Example:
        >>> from convvision.datasets import find_label_issues
        >>> issues = find_label_issues(
        ...     [0, 0, 0, 1, 1],
        ...     [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7]],
        ... )
        >>> issues.indices.tolist(), issues.suggested.tolist(), issues.thresholds.round(2).tolist()
        ([2], [1], [0.6, 0.75])
        >>> issues.joint.round(2).tolist()
        [[2.0, 1.0], [0.0, 2.0]]
    """
    chances = _check_probabilities(probabilities)
    count, classes = chances.shape
    given = check_labels(labels, count=count, num_classes=classes).astype(np.int64)
    own = chances[np.arange(count), given]
    sizes = np.bincount(given, minlength=classes)
    with np.errstate(invalid="ignore"):
        thresholds = np.bincount(given, own, classes) / sizes

    # NaN, of a class without images, is reached by nothing. A mean may be rounded above every value that it is made of.
    confident = chances >= thresholds - 1e-12
    suggested = np.where(confident, chances, -1).argmax(axis=1)
    counted = confident.any(axis=1)
    confident_joint = np.zeros((classes, classes))
    np.add.at(confident_joint, (given[counted], suggested[counted]), 1)
    # Of each label with images at least one, that of its largest probability, is counted: no row of these is empty.
    joint = confident_joint * (sizes / np.maximum(confident_joint.sum(axis=1), 1))[:, np.newaxis]

    rivals = chances.copy()
    rivals[np.arange(count), given] = -np.inf
    margins = own - rivals.max(axis=1)
    suspicious = np.flatnonzero(counted & (suggested != given))
    indices = suspicious[np.argsort(margins[suspicious], kind="stable")]
    return LabelIssues(indices, given[indices], suggested[indices], own[indices], margins[indices], thresholds, joint)


def _check_probabilities(candidates: Any) -> NDArray[np.float64]:
    try:
        chances = np.asarray(candidates, np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError("Probabilities are numbers of the shape (N, classes). Received: something else.") from error
    if chances.ndim != 2 or 0 in chances.shape or chances.shape[1] < 2:
        raise ShapeError(
            f"Probabilities have the shape (N, classes), of two classes or more. Received: {chances.shape}"
        )
    # Asked this way round, because NaN is neither below nor above.
    if not (chances.min() >= 0 and chances.max() <= 1 + _SUM_TOLERANCE):
        raise ValueRangeError(
            f"Probabilities are in [0, 1]. Received: values from {chances.min():g} to {chances.max():g}. "
            f"If they are logits, apply softmax."
        )
    off = np.abs(chances.sum(axis=1) - 1)
    if off.max() > _SUM_TOLERANCE:
        row = int(off.argmax())
        raise ValueRangeError(f"The probabilities of an image sum to 1. Received: {chances[row].sum():g} in row {row}")
    return chances
