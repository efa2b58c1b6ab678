"""What the tests of training share: a tiny data set, tiny models, and runs that are trained once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import DATASETS, Dataset, DatasetInfo, Split, from_arrays, register_dataset
from convvision.models import conv, dense
from convvision.training import Run, train

CLASS_NAMES = ("top left", "top right", "bottom left", "bottom right")


def draw(count: int, *, seed: int, size: int = 12, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noise, brighter in the quarter that the label names; too little brighter to be told without a mistake."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    images = rng.integers(0, 200, (count, size, size, channels))
    half = size // 2
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * half : (row + 1) * half, column * half : (column + 1) * half] += 25
    return images.astype(np.uint8), labels


@pytest.fixture(scope="session")
def make_data() -> Callable[..., Dataset]:
    """Make a data set of 200 training and 60 test images; the keywords are those of from_arrays."""

    def make(*, size: int = 12, channels: int = 1, **options: Any) -> Dataset:
        train_images = draw(200, seed=0, size=size, channels=channels)
        test_images = draw(60, seed=1, size=size, channels=channels)
        return from_arrays(*train_images, *test_images, **({"class_names": CLASS_NAMES, "name": "quarters"} | options))

    return make


@pytest.fixture(scope="session")
def data(make_data: Callable[..., Dataset]) -> Dataset:
    return make_data()


@pytest.fixture(scope="session")
def validated_data(make_data: Callable[..., Dataset]) -> Dataset:
    """Of the 200 training images 40 are set apart."""
    return make_data(validation_split=0.2)


@pytest.fixture(scope="session")
def raw_data(make_data: Callable[..., Dataset]) -> Dataset:
    return make_data(scale=None)


@pytest.fixture(scope="session")
def make_dense() -> Callable[..., keras.Model]:
    """Build a dense network of eight hidden units; the keywords are those of dense."""

    def make(**options: Any) -> keras.Model:
        return dense(8, **({"input_shape": (12, 12, 1), "num_classes": 4} | options))

    return make


@pytest.fixture(scope="session")
def make_conv() -> Callable[..., keras.Model]:
    """Build a network of one small convolution; the keywords are those of conv."""

    def make(**options: Any) -> keras.Model:
        return conv(4, **({"input_shape": (12, 12, 1), "num_classes": 4, "hidden_units": 8} | options))

    return make


@pytest.fixture(scope="session")
def run(validated_data: Dataset, make_conv: Callable[..., keras.Model]) -> Run:
    """Three epochs of a small convolutional network, with validation. Tests do not change it."""
    keras.utils.set_random_seed(5)
    return train(make_conv(name="small_conv"), validated_data, epochs=3, seed=5, verbose=0)


@pytest.fixture(scope="session")
def saved(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run as a folder. Tests copy it before they break it."""
    return run.save(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def registered(make_data: Callable[..., Dataset]) -> Iterator[str]:
    """The name under which the same images are registered."""
    info = make_data().info
    name = "registered_quarters"

    @register_dataset(
        DatasetInfo(name, "Bright quarters.", info.image_shape, info.class_names, 200, 60, info.mean, info.std)
    )
    def load(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:
        return Split(*draw(200, seed=0)), Split(*draw(60, seed=1))

    yield name
    DATASETS.unregister(name)
