"""What a trained model says about labelled images."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images
from convvision.datasets import Dataset, Scaling, Split, StreamedDataset, StreamedSplit
from convvision.errors import InputError, ShapeError
from convvision.training._dataset_record import DatasetRecord
from convvision.training._predictor import Predictor

__all__ = ["check_classes", "open_test", "probabilities", "score"]

# Images of a stream that are in memory at once while they are classified.
_STREAMED = 512


def open_test(
    trained_on: DatasetRecord, data: Dataset | StreamedDataset | str | os.PathLike[str] | None
) -> Split | StreamedSplit:
    """Open test images of the classes that a model was trained on.

    Args:
        trained_on: The data of the training.
        data: Where the images are; by default in the data of the training, opened again.

    Returns:
        The test images; those that are in memory are brought onto the scale of the training, those of a stream are raw.

    Raises:
        InputError: Other classes, or another scaling.
        ShapeError: Images of another shape.
    """
    data = trained_on.open() if data is None else trained_on.open_like(data)
    check_classes(trained_on, data)
    # The pixels of a stream are raw until they are read, whatever its own scale.
    if isinstance(data, StreamedDataset):
        if data.info.image_shape != trained_on.image_shape:
            raise ShapeError(
                f"The run reads images of shape {trained_on.image_shape}. Received: {data.info.image_shape}"
            )
        return data.test
    theirs, ours = data.scaling, trained_on.scaling
    # Data in [0, 1] are in [0, 1], whatever their own mean and standard deviation.
    if theirs.scale is not None and (theirs.scale != ours.scale or (ours.scale == "standard" and theirs != ours)):
        raise InputError(
            f"The run was trained with {ours}. Received: data with {theirs}. "
            f"Load them with scale=None: the run scales raw pixels itself."
        )
    images = check_images(data.test.images, image_shape=trained_on.image_shape)
    return dataclasses.replace(data.test, images=ours.prepare(images))


def check_classes(trained_on: DatasetRecord, data: Dataset | StreamedDataset) -> None:
    """Refuse data of other classes than a model was trained on.

    Raises:
        InputError: Other classes, or the same in another order.
    """
    if data.info.class_names != trained_on.class_names:
        raise InputError(
            f"The run tells these classes apart: {', '.join(trained_on.class_names)}. "
            f"Received: {', '.join(data.info.class_names)}"
        )


def score(predictor: Predictor, split: Split | StreamedSplit, scaling: Scaling) -> dict[str, float]:
    """Measure accuracy and mean cross-entropy; images in memory are on the scale already, those of a stream are not."""
    found = probabilities(predictor, split, scaling)
    chosen = found[np.arange(len(split)), split.labels]
    # Below this float32 has no number, and one mistake made with certainty would make the mean infinite.
    loss = -np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean(dtype=np.float64)
    accuracy = (found.argmax(axis=1) == split.labels).mean()
    return {"test_accuracy": float(accuracy), "test_loss": float(loss)}


def probabilities(predictor: Predictor, split: Split | StreamedSplit, scaling: Scaling) -> NDArray[np.floating[Any]]:
    """Classify a split; of a stream, a batch is in memory at a time."""
    if isinstance(split, Split):
        return predictor(split.images)
    return np.concatenate([predictor(scaling.apply(images)) for images, _ in split.batches(_STREAMED)])
