"""Which data a model was trained on."""

from __future__ import annotations

import dataclasses
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convvision._public import set_module
from convvision.datasets import Dataset, Scaling, Split, StreamedDataset, list_datasets, stream_folder
from convvision.datasets._open import open_data
from convvision.datasets._pictures import Aspect
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
        location: Absolute path of the folder or file that they were read from; empty for a registered set and for
            arrays.
        aspect: How image files were brought to the shape of the images.
        streamed: Whether the images stayed on the disk (:func:`convvision.datasets.stream_folder`); the fingerprints
            are then those of the names and sizes of the files.
        mirrored: Whether an image that is mirrored left to right is still one of its class; None where nobody said.
        options: With what else the files were read (:attr:`convvision.datasets.Dataset.options`), as pairs of a name
            and plain data.
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
    aspect: Aspect = "stretch"
    streamed: bool = False
    mirrored: bool | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, data: Dataset | StreamedDataset) -> DatasetRecord:
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
            aspect=data.aspect,
            streamed=isinstance(data, StreamedDataset),
            mirrored=data.info.mirrored,
            options=tuple(data.options.items()),
        )

    def open(self) -> Dataset | StreamedDataset:
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
                f"The run was trained on {self.name!r}, which is neither a registered data set nor a folder or file. "
                f"Say which data to use (data=, or --data on the command line)."
            )
        if self.location and not Path(self.location).exists():
            raise DataNotFoundError(
                f"The run was trained on data in {self.location}, which is gone. "
                f"Say where they are now, or which others to use (data=, or --data on the command line)."
            )
        data = self._reopened()
        test = data.test
        if isinstance(test, Split):
            test = dataclasses.replace(test, images=self.scaling.apply(test.images))
        if test.fingerprint != self.test_fingerprint:
            warnings.warn(
                f"The test images of {self.location or self.name} are not those of the run: they have changed, or were "
                f"split off in another way. Some may have been trained on.",
                DataWarning,
                stacklevel=2,
            )
        return data

    def open_like(self, data: Dataset | StreamedDataset | str | os.PathLike[str]) -> Dataset | StreamedDataset:
        """Open other data, or the same in another place, as these were opened: split alike, as raw pixels.

        Raises:
            ConvvisionError: The data cannot be had.
        """
        # A file of test images of its own belongs to the data of the run, and not to what is named here.
        return self._open(data, {name: value for name, value in self.options if name != "test_path"})

    def _reopened(self) -> Dataset | StreamedDataset:
        if not self.streamed:
            return self._open(Path(self.location) if self.location else self.name, dict(self.options))
        height, width, channels = self.image_shape
        return stream_folder(
            self.location,
            image_size=(height, width),
            color_mode="rgb" if channels == 3 else "grayscale",
            aspect=self.aspect,
            scale=None,
            **dict(self.options),
        )

    def _open(
        self, data: Dataset | StreamedDataset | str | os.PathLike[str], options: dict[str, Any]
    ) -> Dataset | StreamedDataset:
        return open_data(data, scale=None, image_shape=self.image_shape, aspect=self.aspect, options=options)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> DatasetRecord:
        """Rebuild a record from plain data, as :func:`dataclasses.asdict` and JSON leave it."""
        scaling = facts["scaling"]
        return cls(
            **{
                **facts,
                "image_shape": tuple(facts["image_shape"]),
                "class_names": tuple(facts["class_names"]),
                "options": tuple((name, _as_it_was(value)) for name, value in facts.get("options", ())),
                "scaling": Scaling(scaling["scale"], tuple(scaling["mean"]), tuple(scaling["std"])),
            }
        )


def _as_it_was(value: Any) -> Any:
    """Undo what JSON makes of a tuple."""
    return tuple(value) if isinstance(value, list) else value
