"""Test images that a command shows: those that a run was tested on, or those of other data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from convvision.datasets import Split, StreamedSplit
from convvision.training import DatasetRecord
from convvision.training._scoring import check_classes

__all__ = ["images_at", "open_test_images"]


def open_test_images(recorded: DatasetRecord, data: str | None) -> Split | StreamedSplit:
    """Open the test images, read as those that a run was trained on.

    Args:
        recorded: What the run was trained on.
        data: The name of other data, or where they are; None for the same.

    Raises:
        InputError: They are of other classes.
        ConvvisionError: The data cannot be had.
    """
    opened = recorded.open() if data is None else recorded.open_like(data)
    # The labels of other classes would be shown under the names of these.
    check_classes(recorded, opened)
    return opened.test


def images_at(test: Split | StreamedSplit, positions: Sequence[int]) -> NDArray[Any]:
    """Give the images at some positions, which for a stream are only now read."""
    return test.images[positions] if isinstance(test, Split) else test.read(positions)
