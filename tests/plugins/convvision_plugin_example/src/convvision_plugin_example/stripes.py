"""A data set that is drawn: horizontal and vertical stripes."""

from pathlib import Path

import numpy as np

import convvision
from convvision.datasets import DatasetInfo, Split


@convvision.register_dataset(
    DatasetInfo(
        name="example_stripes",
        summary="Horizontal and vertical stripes.",
        image_shape=(8, 8, 1),
        class_names=("horizontal", "vertical"),
        train_count=20,
        test_count=10,
        mean=(0.5,),
        std=(0.5,),
    )
)
def stripes(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:
    """Draw the images; nothing is stored and nothing is random."""
    return _draw(20), _draw(10)


def _draw(count: int) -> Split:
    labels = np.arange(count) % 2
    horizontal = np.repeat(np.arange(8) % 2 * 255, 8).reshape(8, 8, 1).astype(np.uint8)
    return Split(np.stack([horizontal.swapaxes(0, 1) if label else horizontal for label in labels]), labels)
