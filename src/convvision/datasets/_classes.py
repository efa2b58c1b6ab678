"""How many images each class has, and what they look like on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision._tables import text_table
from convvision.datasets._stream import check_in_memory
from convvision.datasets._types import Dataset

__all__ = ["ClassCounts", "class_counts", "class_means"]

# From here on it is worth a sentence. MNIST's digits, at 1.24, are usually called balanced.
_IMBALANCED = 1.5


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class ClassCounts:
    """The number of images of each class; ``print`` shows a table and says when the classes are out of balance.

    Attributes:
        class_names: The name of class i at position i.
        counts: Name of a part, as in "train" -> int64, shape (K,).
    """

    class_names: tuple[str, ...]
    counts: dict[str, NDArray[np.int64]]

    @property
    def imbalance(self) -> float:
        """Training images of the largest class over those of the smallest; infinite where a class has none."""
        smallest, largest = int(self.counts["train"].min()), int(self.counts["train"].max())
        return largest / smallest if smallest else float("inf")

    @property
    def remark(self) -> str:
        """A sentence where a class has 1.5 times as many training images as another, or one has none; else empty."""
        train = self.counts["train"]
        missing = [repr(self.class_names[label]) for label in np.flatnonzero(train == 0)]
        if missing:
            return f"There are no training images of {', '.join(missing)}."
        if self.imbalance < _IMBALANCED:
            return ""
        most, least = self.class_names[int(train.argmax())], self.class_names[int(train.argmin())]
        return f"{most!r} has {self.imbalance:.1f} times as many training images as {least!r}."

    @property
    def class_weights(self) -> dict[int, float]:
        """Weights that let every class count alike, for ``model.fit``: N / (K · n_k) for n_k of N training images.

        Those that scikit-learn calls "balanced" (King and Zeng 2001, "Logistic Regression in Rare Events Data"). A
        class without training images has none, and is not counted in K.
        """
        train = self.counts["train"]
        present = np.flatnonzero(train)
        return {int(label): float(train.sum() / (len(present) * train[label])) for label in present}

    def __str__(self) -> str:
        rows = [
            (name, *(f"{int(counts[label]):,}" for counts in self.counts.values()))
            for label, name in enumerate(self.class_names)
        ]
        rows.append(("", *(f"{int(counts.sum()):,}" for counts in self.counts.values())))
        table = text_table(("class", *self.counts), rows, numbers=range(1, 1 + len(self.counts)), total=True)
        return f"{table}\n\n{self.remark}" if self.remark else table


@set_module("convvision.datasets")
def class_counts(data: Dataset) -> ClassCounts:
    """Count the images of each class.

    Args:
        data: The data set.

    Returns:
        The counts of each part, how far they are out of balance, and weights that make up for it.

    Raises:
        InputError: A streamed data set.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import class_counts, from_arrays
        >>> pixels = np.zeros((9, 8, 8), np.uint8)
        >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
        >>> counts = class_counts(from_arrays(pixels, labels, pixels, labels, class_names=["bag", "coat"]))
        >>> counts.remark
        "'bag' has 2.0 times as many training images as 'coat'."
        >>> counts.class_weights
        {0: 0.75, 1: 1.5}
    """
    check_in_memory(data)
    classes = data.info.num_classes
    return ClassCounts(
        data.info.class_names,
        {name: np.bincount(split.labels, minlength=classes).astype(np.int64) for name, split in data.parts.items()},
    )


@set_module("convvision.datasets")
def class_means(data: Dataset) -> NDArray[np.float64]:
    """Average the training images of each class.

    Args:
        data: The data set.

    Returns:
        On the scale of the data, [0, 255] where it is raw; shape (K, H, W, C). NaN for a class without training images.

    Raises:
        InputError: A streamed data set.

    Example:
        >>> import convvision
        >>> from convvision.datasets import class_means
        >>> class_means(convvision.load_dataset("drawn_fashion")).shape
        (10, 28, 28, 1)
    """
    check_in_memory(data)
    means = np.full((data.info.num_classes, *data.info.image_shape), np.nan)
    for label in np.unique(data.train.labels):
        means[label] = data.train.images[data.train.labels == label].mean(axis=0, dtype=np.float64)
    return means
