"""Images as they are: samples of each class, and what a class looks like on average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int, check_seed
from convvision._public import set_module
from convvision.datasets import Dataset, Split, StreamedDataset, StreamedSplit, class_means
from convvision.errors import InputError
from convvision.visualize._gallery import GalleryDisplay, limits_of
from convvision.visualize._named import name_of, names_of_classes

__all__ = ["plot_class_means", "plot_samples"]

_UNLABELLED_COLUMNS = 8
_MEANS_COLUMNS = 5


@set_module("convvision.visualize")
def plot_samples(
    data: Dataset | Split | Any,
    labels: Any = None,
    *,
    class_names: Sequence[str] | None = None,
    per_class: int = 8,
    count: int = 32,
    seed: int = 0,
) -> GalleryDisplay:
    """Draw images chosen at random: a row a class; or a plain grid where there are no labels.

    Args:
        data: A data set, of which the training images are drawn; or a split; or images of shape (N, H, W, C) on any
            scale. uint8 are drawn as they are, floats from the smallest to the largest value that is shown.
        labels: Class indices, shape (N,), where ``data`` are images.
        class_names: The name of class i at position i; a data set knows them.
        per_class: Images of each class, at most.
        count: Images altogether, at most, where there are no labels.
        seed: Of the choice.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Raises:
        InputError: A streamed data set, labels beside a data set or a split, fewer names than classes, or a count or
            seed that cannot be.
        ShapeError: Images of another shape.
        ValueRangeError: NaN among the pixels.
        LabelError: Labels that are no class indices.

    Example:
        >>> import convvision
        >>> from convvision.visualize import plot_samples
        >>> data = convvision.load_dataset("drawn_fashion")
        >>> plot_samples(data, per_class=6).axes_.shape
        (10, 6)
        >>> plot_samples(data.test.images, count=24).axes_.shape
        (3, 8)
    """
    if isinstance(data, StreamedDataset | StreamedSplit):
        raise InputError(
            f"plot_samples draws images in memory. Received: {type(data).__name__}. "
            f"Read some, as in plot_samples(data.train.read(range(40)))."
        )
    if isinstance(data, Dataset | Split) and labels is not None:
        raise InputError(f"labels go with images alone; a {type(data).__name__} has its own. Received: both")
    rng = np.random.default_rng(check_seed(seed))
    restore = data.scaling.restore if isinstance(data, Dataset) else np.asarray
    if isinstance(data, Dataset):
        class_names = data.info.class_names if class_names is None else class_names
        images, labels = data.train
    else:
        images, labels = data if isinstance(data, Split) else (check_images(data), labels)
    if labels is None:
        chosen = np.sort(rng.permutation(len(images))[: check_positive_int(count, "count")])
        shown = restore(images[chosen])
        return GalleryDisplay(list(shown), columns=min(_UNLABELLED_COLUMNS, len(shown)), limits=limits_of(shown)).plot()

    all_names, labels = names_of_classes(labels, class_names, count=len(images))
    check_positive_int(per_class, "per_class")
    classes = range(len(all_names)) if class_names is not None else np.unique(labels).tolist()
    rows = [rng.permutation(np.flatnonzero(labels == label))[:per_class] for label in classes]
    shown = restore(images[np.concatenate(rows)])
    columns = max(map(len, rows))
    places = iter(shown)
    cells = [next(places) if column < len(row) else None for row in rows for column in range(columns)]
    names = [name_of(label, class_names) for label in classes]
    return GalleryDisplay(cells, columns=columns, limits=limits_of(shown), row_names=names).plot()


@set_module("convvision.visualize")
def plot_class_means(data: Dataset) -> GalleryDisplay:
    """Draw the mean training image of each class.

    A sharp mean is a class whose images are alike and stand in the same place; a grey cloud one whose are not. A model
    has to do more than compare with these.

    Args:
        data: The data set.

    Returns:
        The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

    Example:
        >>> import convvision
        >>> from convvision.visualize import plot_class_means
        >>> plot_class_means(convvision.load_dataset("drawn_fashion")).axes_.shape
        (2, 5)
    """
    means: list[NDArray[Any] | None] = [None if np.isnan(mean).any() else mean for mean in class_means(data)]
    titles = [
        name if mean is not None else f"{name}\nno images"
        for name, mean in zip(data.info.class_names, means, strict=True)
    ]
    return GalleryDisplay(means, columns=min(_MEANS_COLUMNS, len(means)), titles=titles).plot()
