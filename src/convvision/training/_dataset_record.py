"""Which data a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convvision._public import set_module
from convvision.datasets import Dataset, Scaling

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
    """

    name: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    scaling: Scaling
    train_count: int
    validation_count: int
    test_count: int

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
        )

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
