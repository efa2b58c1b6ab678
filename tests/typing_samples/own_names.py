"""A model, a data set and a recipe of a user's own; the decorators keep the functions' types."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, assert_type

import numpy as np

import convvision
from convvision.datasets import DatasetInfo, Split
from convvision.models import conv


@convvision.register_model("wide_first", family="own", summary="Large kernels.", reference="nobody, 2026")
def wide_first(*, input_shape: tuple[int, int, int], num_classes: int, **options: Any) -> Any:
    return conv(filters=(32, 64), kernel_size=5, padding="same", input_shape=input_shape, num_classes=num_classes)


@convvision.register_dataset(
    DatasetInfo(
        name="blank",
        summary="Nothing to see.",
        image_shape=(8, 8, 1),
        class_names=("blank", "empty"),
        train_count=4,
        test_count=2,
        mean=(0.0,),
        std=(1.0,),
    )
)
def blank(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:
    pixels = np.zeros((4, 8, 8, 1), np.uint8)
    return Split(pixels, np.arange(4) % 2), Split(pixels[:2], np.arange(2))


longer = convvision.register_recipe(dataclasses.replace(convvision.get_recipe("lesson"), name="longer", epochs=20))
assert_type(longer, convvision.Recipe)
assert_type(blank(data_home=Path(), download=False, seed=0), tuple[Split, Split])
