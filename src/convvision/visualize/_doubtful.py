"""Images that deserve a second look: those that are there twice, and those whose label a model contradicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convvision._checks import check_images, check_positive_int
from convvision._public import set_module
from convvision.datasets import Dataset, Duplicates, LabelIssues
from convvision.errors import InputError
from convvision.visualize._gallery import GalleryDisplay, limits_of
from convvision.visualize._named import name_of

__all__ = ["plot_duplicates", "plot_label_issues"]

_PAIRS_A_ROW = 6
_ISSUES_A_ROW = 6


@set_module("convvision.visualize")
def plot_duplicates(
    data: Dataset, duplicates: Duplicates, *, parts: tuple[str, str] = ("train", "test"), count: int = 12
) -> GalleryDisplay:
    """Draw duplicates, one below the other, with their labels and positions; conflicting labels are framed in red.

    Args:
        data: The data set in which they were found.
        duplicates: As :func:`convvision.datasets.find_duplicates` gives them.
        parts: Between which parts; the same one twice for those within it.
        count: Pairs, at most: those of conflicting labels first, then the closest.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: There are no duplicates of these parts, or duplicates of other data.
        UnknownNameError: No such parts.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import find_duplicates, from_arrays
        >>> from convvision.visualize import plot_duplicates
        >>> pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8), np.uint8)
        >>> data = from_arrays(pixels, np.arange(8) % 2, pixels[:3], [1, 1, 1])
        >>> plot_duplicates(data, find_duplicates(data)).axes_.shape
        (2, 3)
    """
    pairs = duplicates.between(*parts)
    if not len(pairs):
        raise InputError(f"Nothing in {parts[1]} repeats an image in {parts[0]}. Received: {pairs!r}")
    for part, positions in zip(parts, pairs.positions.T, strict=True):
        if part not in data.parts or positions.max() >= len(data.parts[part]):
            raise InputError(f"Give the data in which the duplicates were found. Received: {data!r} and {pairs!r}")
    order = np.lexsort((pairs.distances, ~pairs.conflicting))[: check_positive_int(count, "count")]
    columns = min(_PAIRS_A_ROW, len(order))
    images: list[Any] = []
    titles: list[str] = []
    captions: list[str] = []
    marked: list[bool] = []
    for start in range(0, len(order), columns):
        chosen = order[start : start + columns]
        empty = columns - len(chosen)
        for side, part in enumerate(parts):
            positions = pairs.positions[chosen, side]
            images += [*data.scaling.restore(data.parts[part].images[positions]), *[None] * empty]
            titles += [name_of(label, data.info.class_names) for label in pairs.labels[chosen, side]] + [""] * empty
            numbers = [f"{part} {position}" for position in positions]
            apart = ["same pixels" if exact else f"{distance:.3f} apart"
                     for exact, distance in zip(pairs.exact[chosen], pairs.distances[chosen], strict=True)]  # fmt: skip
            below = numbers if side == 0 else [f"{one}\n{other}" for one, other in zip(numbers, apart, strict=True)]
            captions += below + [""] * empty
            marked += [*pairs.conflicting[chosen].tolist(), *[False] * empty]
    heading = (
        f"{len(pairs):,} of {parts[1]} like one of {parts[0]}, {int(pairs.conflicting.sum()):,} with another label"
    )
    return GalleryDisplay(
        images, columns=columns, limits=(0, 255), titles=titles, captions=captions, marked=marked, heading=heading
    ).plot()


@set_module("convvision.visualize")
def plot_label_issues(
    images: Any, issues: LabelIssues, *, class_names: Sequence[str] | None = None, count: int = 24
) -> GalleryDisplay:
    r"""Draw the images of suspicious labels, the most suspicious first.

    Above each image stand the given label and the class that the model suggests; below it its position and the
    probability that the model gives to its label.

    Args:
        images: All images that were looked at, shape (N, H, W, C), on any scale.
        issues: As :func:`convvision.datasets.find_label_issues` gives them.
        class_names: The name of class i at position i.
        count: Images, at most.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: There are no suspicious labels, or fewer names than classes.
        ShapeError: Images of another shape, or not as many as labels.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import find_label_issues
        >>> from convvision.visualize import plot_label_issues
        >>> issues = find_label_issues([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
        >>> plot_label_issues(np.zeros((3, 8, 8, 1), np.uint8), issues, class_names=["bag", "coat"]).titles
        ['bag\n→ coat?']
    """
    images = check_images(images)
    total = round(issues.joint.sum())
    if len(images) != total:
        raise InputError(f"Expected the {total:,} images of the labels that were looked at. Received: {len(images):,}")
    if not len(issues):
        raise InputError(f"There is no suspicious label to draw. Received: {issues!r}")
    chosen = slice(check_positive_int(count, "count"))
    shown = images[issues.indices[chosen]]
    given, suggested = issues.given[chosen], issues.suggested[chosen]
    return GalleryDisplay(
        list(shown),
        columns=min(_ISSUES_A_ROW, len(shown)),
        limits=limits_of(shown),
        titles=[
            f"{name_of(one, class_names)}\n→ {name_of(other, class_names)}?"
            for one, other in zip(given, suggested, strict=True)
        ],
        captions=[
            f"{index}: {confidence:.1%}"
            for index, confidence in zip(issues.indices[chosen], issues.confidences[chosen], strict=True)
        ],
        heading=f"{len(issues):,} of {total:,} labels are suspicious",
    ).plot()
