"""Which data a model was trained on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convvision._public import set_module
from convvision.datasets import Dataset, Scaling, Split, list_datasets
from convvision.datasets._open import open_data
from convvision.errors import DataNotFoundError, DataWarning, InputError

__all__ = ["DatasetRecord"]


@set_module("convvision.training")
@dataclass(frozen=True)
class DatasetRecord:
    """Which data a model was trained on.

    Attributes:
        name: Name of the data set.
        fingerprint: SHA-256 of its arrays (:attr:`convvision.datasets.Dataset.fingerprint`).
        image_shape: (H, W, C) of its images.
        class_names: The name of class i at position i.
        scaling: How its pixels were scaled.
        train_count: Images that were trained on.
        validation_count: Images that were set apart for validation.
        test_count: Images for the test.
        test_fingerprint: SHA-256 of the test images and labels, as they were scaled.
        location: Absolute path of the folder that they were read from; empty for a registered set and for arrays.
    """

    name: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    scaling: Scaling
    train_count: int
    validation_count: int
    test_count: int
    test_fingerprint: str
    location: str

    @classmethod
    def of(cls, data: Dataset) -> DatasetRecord:
        """Record a data set."""
        return cls(
            name=data.info.name,
            fingerprint=data.fingerprint,
            image_shape=data.info.image_shape,
            class_names=data.info.class_names,
            scaling=data.scaling,
            train_count=len(data.train),
            validation_count=0 if data.validation is None else len(data.validation),
            test_count=len(data.test),
            test_fingerprint=data.test.fingerprint,
            location=data.location,
        )

    def open(self) -> Dataset:
        """Open the same data again, as raw pixels (``scale=None``).

        Raises:
            InputError: The data were arrays, which nothing leads back to.
            DataNotFoundError: The folder that they came from is gone.
            ConvvisionError: As for the data set or the folder that they came from.

        Warns:
            DataWarning: The test images are others than those of the run.
        """
        if not self.location and self.name not in list_datasets():
            raise InputError(
                f"The run was trained on {self.name!r}, which is neither a registered data set nor a folder. "
                f"Say which data to use."
            )
        if self.location and not Path(self.location).is_dir():
            raise DataNotFoundError(
                f"The run was trained on data in {self.location}, which is gone. "
                f"Say where they are now, or which others to use."
            )
        data = open_data(Path(self.location) if self.location else self.name, scale=None, image_shape=self.image_shape)
        if Split(self.scaling.apply(data.test.images), data.test.labels).fingerprint != self.test_fingerprint:
            warnings.warn(
                f"The test images of {self.location or self.name} are not those of the run: they have changed, or were "
                f"split off in another way. Some may have been trained on.",
                DataWarning,
                stacklevel=2,
            )
        return data

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> DatasetRecord:
        """Rebuild a record from plain data, as :func:`dataclasses.asdict` and JSON leave it."""
        scaling = facts["scaling"]
        return cls(
            **{
                **facts,
                "image_shape": tuple(facts["image_shape"]),
                "class_names": tuple(facts["class_names"]),
                "scaling": Scaling(scaling["scale"], tuple(scaling["mean"]), tuple(scaling["std"])),
            }
        )
