"""What a run says about images."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision._tables import number_of

__all__ = ["Prediction", "Predictions"]

# Of how many images a collection names the class.
_SHOWN = 3


@set_module("convvision.training")
@dataclass(frozen=True)
class Prediction:
    """A class and its probability.

    Attributes:
        class_name: Name of the class.
        probability: In [0, 1].
    """

    class_name: str
    probability: float

    def __str__(self) -> str:
        return f"{self.class_name} ({self.probability:.1%})"


@set_module("convvision.training")
@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities of several images; iterating gives the likeliest class of each.

    Attributes:
        probabilities: float32, shape (N, classes); each row sums to 1.
        class_names: The name of class i at position i.
    """

    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        shown = [*map(str, itertools.islice(self, _SHOWN)), *(["…"] if len(self) > _SHOWN else [])]
        return f"<Predictions of {number_of(len(self), 'image')}{': ' if shown else ''}{', '.join(shown)}>"

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, index: int) -> Prediction:
        row = self.probabilities[operator.index(index)]
        best = int(row.argmax())
        return Prediction(self.class_names[best], float(row[best]))

    def __iter__(self) -> Iterator[Prediction]:
        return (self[index] for index in range(len(self)))

    @property
    def labels(self) -> NDArray[np.integer[Any]]:
        """Index of the likeliest class of each image, shape (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def top(self, count: int) -> list[list[Prediction]]:
        """List the likeliest classes of each image, the likeliest first.

        Args:
            count: How many, at most; there are never more than classes.

        Example:
            >>> import numpy as np
            >>> from convvision.training import Predictions
            >>> predictions = Predictions(np.array([[0.25, 0.75]], np.float32), ("cat", "dog"))
            >>> print(*predictions.top(2)[0])
            dog (75.0%) cat (25.0%)
        """
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, : check_positive_int(count, "count")]
        return [
            [Prediction(self.class_names[label], float(row[label])) for label in labels]
            for labels, row in zip(order, self.probabilities, strict=True)
        ]
