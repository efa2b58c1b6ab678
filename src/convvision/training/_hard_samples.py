"""The images of the last epoch, where it is made of the hardest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import tf

__all__ = ["HardSamples", "hardest"]

# Losses fall while an epoch goes on: an image's loss is compared with those of images seen at about the same time.
_RANKED_TOGETHER = 10


class HardSamples:
    """Remembers the loss of each training image.

    Args:
        count: Training images.
        fraction: Part of them that is chosen.

    Attributes:
        count: How many are chosen, at least one.
    """

    def __init__(self, count: int, fraction: float) -> None:
        self.count = max(1, round(count * fraction))
        self._losses = tf.Variable(tf.zeros([count]), trainable=False)

    def note(self, positions: Any, losses: Any) -> None:
        """Keep the losses of a batch; part of a graph."""
        self._losses.scatter_update(tf.IndexedSlices(losses, positions))

    def choose(self, order: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        """Give the positions of the hardest images, after an epoch in the given order."""
        return hardest(self._losses.numpy(), order, self.count)


def hardest(losses: NDArray[np.floating[Any]], order: NDArray[np.integer[Any]], count: int) -> NDArray[np.integer[Any]]:
    """Choose the images with the largest losses, each compared with those that were trained on at about the same time.

    Args:
        losses: Of all images, (N,).
        order: The images in the order in which they were trained on.
        count: How many to choose.

    Returns:
        Indices of images, ``count`` of them.
    """
    rank = np.empty(len(order))
    for together in np.array_split(np.arange(len(order)), min(_RANKED_TOGETHER, len(order))):
        falling = np.argsort(-losses[order[together]], kind="stable")
        # As a part of its group, so that a group more or less by one image does not matter.
        rank[together[falling]] = (np.arange(len(together)) + 0.5) / len(together)
    return order[np.argsort(rank, kind="stable")[:count]]
