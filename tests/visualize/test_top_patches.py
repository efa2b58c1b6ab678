"""The strongest patches against sorting every output of every image."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.errors import InputError, ShapeError, UnknownNameError
from convvision.visualize import extract_activations, receptive_field, top_patches
from foreign_models import FOREIGN, SHAPE, build_foreign

SPATIAL = {
    "sequential_with_input": 2,
    "sequential_without_input": 0,
    "nested_models": "backbone/inner",
    "branches": -5,
    "several_heads": "shared",
    "sigmoid_head": 1,
    "depthwise_and_grouped": 6,
    "half_precision": 2,
    "one_layer_called_twice": "twice",
}


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((23, *SHAPE), np.float32)


@pytest.mark.parametrize("name", SPATIAL)
@pytest.mark.parametrize("batch_size", [4, 100])
def test_they_are_those_of_sorting_everything(name: str, batch_size: int, images: np.ndarray) -> None:
    model, layer = build_foreign(name), SPATIAL[name]
    found = top_patches(model, images, layer, [1, 0], k=6, batch_size=batch_size)
    maps = extract_activations(model, images, layer).layers[0].maps
    fields = receptive_field(model, layer)
    assert found.channels == (1, 0)
    for row, channel in enumerate(found.channels):
        strongest = maps[..., channel].max(axis=(1, 2))
        order = np.argsort(-strongest, kind="stable")[:6]
        np.testing.assert_allclose(found.values[row], strongest[order], rtol=1e-5)
        if len(set(strongest.round(5))) == len(strongest):
            np.testing.assert_array_equal(found.indices[row], order)
        for index, (i, j), patch in zip(found.indices[row], found.positions[row], found.patches[row], strict=True):
            np.testing.assert_allclose(maps[index, i, j, channel], strongest[index], rtol=1e-5)
            box = fields.box(i, j)
            inside = ~np.isnan(patch).any(axis=-1)
            assert inside.sum() == (box.bottom - box.top) * (box.right - box.left)
            np.testing.assert_array_equal(patch[inside], images[index][box.slices].reshape(-1, SHAPE[-1]))


def test_of_equals_the_first_comes_first_in_whatever_batches() -> None:
    model = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(1, 1, kernel_initializer="ones"), layers.Flatten()])
    # More than so few that any way to sort them is stable.
    brightness = np.random.default_rng(1).integers(1, 4, 80)
    images = np.zeros((80, 6, 6, 1), np.float32)
    images[np.arange(80), 2, 4, 0] = brightness
    expected = sorted(range(80), key=lambda index: -brightness[index])[:50]
    for batch_size in (1, 33, 80):
        found = top_patches(model, images, 1, 0, k=50, batch_size=batch_size)
        assert found.indices[0].tolist() == expected
        assert found.values[0].tolist() == brightness[expected].tolist()
        assert (found.positions == [2, 4]).all()
        assert found.patches.shape == (1, 50, 1, 1, 1)


def test_a_patch_at_the_border_stands_where_its_unit_sees_it() -> None:
    model = keras.Sequential(
        [
            keras.Input((5, 5, 1)),
            layers.Conv2D(1, 3, padding="same", kernel_initializer="ones"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    image = np.arange(1, 26, dtype=np.float32).reshape(1, 5, 5, 1)
    # The brightest 3 × 3 pixels are around (3, 3).
    (patch,) = top_patches(model, image, 1, 0, k=1).patches[0]
    np.testing.assert_array_equal(patch, image[0, 2:5, 2:5])
    corner = np.zeros((1, 5, 5, 1), np.float32)
    corner[0, 0, 0] = 7
    found = top_patches(model, corner, 1, 0, k=1)
    # Four units see the corner alone; the first of them sees it in the middle of its patch.
    assert found.positions.tolist() == [[[0, 0]]]
    nan = np.nan
    np.testing.assert_array_equal(found.patches[0, 0, ..., 0], [[nan, nan, nan], [nan, 7, 0], [nan, 0, 0]])
    corner[0, 0, 0], corner[0, 4, 3] = 0, 7
    corner[0, :, 4] = -1
    corner[0, 4, 2] = -5
    corner[0, 4, 4] = 9
    found = top_patches(model, corner, 1, 0, k=1)
    assert found.positions.tolist() == [[[4, 4]]]
    np.testing.assert_array_equal(found.patches[0, 0, ..., 0], [[0, -1, nan], [7, 9, nan], [nan, nan, nan]])


def test_images_of_an_open_size_have_no_boxes(images: np.ndarray) -> None:
    with pytest.raises(InputError, match="Boxes need images of one size"):
        top_patches(build_foreign("fully_convolutional"), images, 1, 0)
    assert set(FOREIGN) == {*SPATIAL, "fully_convolutional"}


def test_what_is_not_there_is_refused(images: np.ndarray) -> None:
    model = build_foreign("branches")
    for channels, message in (
        (4, "'stem' has the channels 0 to 3. Received: channel=4"),
        (-1, "Received: channel=-1"),
        ([0, 1.5], "Received: channel=1.5"),
        ([], "at least one channel of 'stem'"),
        ("all", "at least one channel of 'stem'"),
    ):
        wrong: Any = channels
        with pytest.raises(InputError, match=message):
            top_patches(model, images, "stem", wrong)
    with pytest.raises(InputError, match=r"of which there are 23. Received: k=24"):
        top_patches(model, images, "stem", 0, k=24)
    with pytest.raises(InputError, match="k is a whole number"):
        top_patches(model, images, "stem", 0, k=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'stem'"):
        top_patches(model, images, "stam", 0)
    with pytest.raises(ShapeError, match=r"\(N, 12, 10, 2\)"):
        top_patches(model, images[..., :1], "stem", 0)


def test_it_says_what_it_holds() -> None:
    model = convvision.create_model("conv_16_16")
    found = top_patches(model, np.random.default_rng(0).random((3, 28, 28, 1)), "pool_2", 2, k=2)
    assert repr(found) == "TopPatches('pool_2', channels=[2], patches=(1, 2, 10, 10, 1))"
