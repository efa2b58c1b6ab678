"""Which classes a model takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision._tables import text_table
from convvision.errors import ShapeError, ValueRangeError
from convvision.visualize._class_scores import ClassScores
from convvision.visualize._named import names_of_classes

__all__ = ["ConfusedPair", "Confusion", "confusion"]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class ConfusedPair:
    """Images of one class that were taken for another.

    Attributes:
        true: The class that they are of.
        predicted: The class that they were taken for.
        indices: Of the images, int64, shape (n,); the surest mistake first.
        probabilities: Of the predicted class, float32, shape (n,).
    """

    true: int
    predicted: int
    indices: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class Confusion:
    """Labels and what a model made of them; printed as a table.

    :func:`confusion` makes it of a model. Make it yourself of what any other classifier said: its probabilities, or
    ``numpy.eye(classes)[predictions]``.

    Attributes:
        labels: Class indices, int64, shape (N,).
        probabilities: Shape (N, classes).
        class_names: The name of class i at position i; None for "0", "1" ….
        images: Shape (N, H, W, C), for a gallery of mistakes; or None.

    Raises:
        ShapeError: Probabilities that are not (N, classes), or another number of images.
        LabelError: Labels that are no class indices, or not one a row of probabilities.
        ValueRangeError: Probabilities outside [0, 1].
        InputError: Not one name a class.

    Example:
        >>> import numpy as np
        >>> from convvision.visualize import Confusion
        >>> labels, predictions = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
        >>> print(Confusion(labels, np.eye(2)[predictions], ["cat", "dog"]))
        class     images  precision  recall     F1  most often taken for
        ────────────────────────────────────────────────────────────────
        cat            2     100.0%   50.0%  66.7%  dog (1)
        dog            2      66.7%  100.0%  80.0%
        ────────────────────────────────────────────────────────────────
        accuracy       4              75.0%
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    class_names: Sequence[str] | None = None
    images: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        probabilities = np.asarray(self.probabilities, np.float32)
        if probabilities.ndim != 2 or 0 in probabilities.shape:
            raise ShapeError(f"Probabilities have the shape (N, classes). Received: shape {probabilities.shape}.")
        # Written so that NaN is refused too.
        if not ((probabilities >= 0) & (probabilities <= 1 + 1e-5)).all():
            raise ValueRangeError(
                f"Probabilities lie in [0, 1]. Received: {probabilities.min():g} to {probabilities.max():g}. "
                f"Take the softmax of logits first, or numpy.eye(classes)[predictions] of class indices."
            )
        count, num_classes = probabilities.shape
        names, labels = names_of_classes(self.labels, self.class_names, count=count, num_classes=num_classes)
        if self.images is not None and len(check_images(self.images)) != count:
            raise ShapeError(f"Expected {count} images, one a label. Received: {len(self.images)}.")
        for name, value in {"labels": labels, "probabilities": probabilities, "class_names": names}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<Confusion of {len(self.names)} classes over {len(self.labels)} images: accuracy={self.accuracy:.4f}>"

    def __str__(self) -> str:
        rows = []
        for label, name in enumerate(self.names):
            mistakes = np.where(np.arange(len(self.names)) == label, 0, self.matrix[label])
            most = int(mistakes.argmax())
            figures = (self.precision[label], self.recall[label], self.f1[label])
            rows.append(
                [
                    name,
                    str(self.matrix[label].sum()),
                    *("–" if np.isnan(figure) else f"{figure:.1%}" for figure in figures),
                    f"{self.names[most]} ({mistakes[most]})" if mistakes[most] else "",
                ]
            )
        rows.append(["accuracy", str(len(self.labels)), "", f"{self.accuracy:.1%}", "", ""])
        header = ["class", "images", "precision", "recall", "F1", "most often taken for"]
        return text_table(header, rows, numbers=range(1, 5), total=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of class i at position i, also where none were given."""
        return tuple(self.class_names or ())

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The likeliest class of each image, shape (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @cached_property
    def matrix(self) -> NDArray[np.int64]:
        """How many images of class i were taken for class j, shape (classes, classes): a row a true class."""
        counts = np.zeros((len(self.names),) * 2, np.int64)
        np.add.at(counts, (self.labels, self.predictions), 1)
        return counts

    @property
    def accuracy(self) -> float:
        """Fraction of images whose class was found."""
        return float((self.predictions == self.labels).mean())

    @property
    def precision(self) -> NDArray[np.float64]:
        """Of the images taken for a class, the fraction that is of it, shape (classes,); NaN where there are none."""
        return _ratio(self.matrix.diagonal(), self.matrix.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Of the images of a class, the fraction taken for it, shape (classes,); NaN where there are none."""
        return _ratio(self.matrix.diagonal(), self.matrix.sum(axis=1))

    @property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of precision and recall, shape (classes,); NaN for a class that never occurs."""
        return _ratio(2 * self.matrix.diagonal(), self.matrix.sum(axis=0) + self.matrix.sum(axis=1))

    def most_confused(self, count: int = 3) -> list[ConfusedPair]:
        """List the pairs of a true and a predicted class with the most mistakes, the most first.

        Args:
            count: How many pairs, at most; pairs without a mistake are left out.

        Example:
            >>> import numpy as np
            >>> from convvision.visualize import Confusion
            >>> said = np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]])
            >>> (pair,) = Confusion(np.array([0, 0, 1]), said, ["cat", "dog"]).most_confused()
            >>> pair.true, pair.predicted, pair.indices.tolist()
            (0, 1, [0])
        """
        mistakes = self.matrix * ~np.eye(len(self.names), dtype=bool)
        order = np.argsort(-mistakes, axis=None, kind="stable")[: check_positive_int(count, "count")]
        pairs = [divmod(int(place), len(self.names)) for place in order]
        return [self._pair(true, predicted) for true, predicted in pairs if mistakes[true, predicted]]

    def _pair(self, true: int, predicted: int) -> ConfusedPair:
        indices = np.flatnonzero((self.labels == true) & (self.predictions == predicted))
        probabilities = self.probabilities[indices, predicted]
        order = np.argsort(-probabilities, kind="stable")
        return ConfusedPair(true, predicted, indices[order].astype(np.int64), probabilities[order])


@set_module("convvision.visualize")
def confusion(
    model: keras.Model,
    images: Any,
    labels: Any,
    *,
    class_names: Sequence[str] | None = None,
    output: str | int | None = None,
    batch_size: int = 256,
) -> Confusion:
    """Classify a data set, and tell which classes are taken for which.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened. One that ends in a
            single sigmoid tells class 1 from class 0.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        labels: Class indices, shape (N,).
        class_names: The name of class i at position i.
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Images a forward pass.

    Returns:
        The matrix, precision, recall and F1 of each class, and the most confused pairs with their images.

    Raises:
        InputError: A model that is not built, or whose logits cannot be told; or not one name a class.
        LabelError: Labels that are no class indices, or not one an image.
        ShapeError: Images that the model does not take.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("dense_128", num_classes=3)
        >>> found = convvision.visualize.confusion(model, np.ones((4, 28, 28, 1)), [0, 1, 2, 2])
        >>> found.matrix.sum(axis=1)
        array([1, 1, 2])
    """
    scores = ClassScores(model, output)
    images = check_images(images, image_shape=scores.image_shape)
    check_positive_int(batch_size, "batch_size")
    num_classes = max(scores.num_classes, 2)
    names, labels = names_of_classes(labels, class_names, count=len(images), num_classes=num_classes)
    probabilities = scores.probabilities(scores.in_batches(images, batch_size))
    if scores.num_classes == 1:
        probabilities = np.concatenate([1 - probabilities, probabilities], axis=1)
    return Confusion(labels, probabilities, names, images)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
