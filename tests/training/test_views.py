"""Test-time views against NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from convvision.errors import InputError
from convvision.training._views import Views, check_views, make_views, permitted_views, view_weights

IMAGES = np.random.default_rng(0).random((3, 4, 5, 2), np.float32)


def by_hand(views: Views) -> list[np.ndarray]:
    """Each view of all images, pixel by pixel."""
    height, width = IMAGES.shape[1:3]

    def moved(by: int) -> np.ndarray:
        found = np.empty_like(IMAGES)
        for row in range(height):
            for column in range(width):
                source = min(max(row - by, 0), height - 1), min(max(column - by, 0), width - 1)
                found[:, row, column] = IMAGES[:, source[0], source[1]]
        return found

    plain = [IMAGES, moved(1), moved(-1)] if "shift" in views else [IMAGES]
    return [*plain, *(one[:, :, ::-1] for one in plain)] if "flip" in views else plain


@pytest.mark.parametrize(("views", "count"), [("one", 1), ("flip", 2), ("shift", 3), ("flip_shift", 6)])
def test_views_are_those_of_the_definition(views: Views, count: int) -> None:
    shown = keras.ops.convert_to_numpy(make_views(keras.ops.convert_to_tensor(IMAGES), views))
    expected = by_hand(views)
    assert len(expected) == len(view_weights(views)) == count
    np.testing.assert_array_equal(shown, np.concatenate(expected))


@pytest.mark.parametrize("views", ["flip_shift", "shift"])
def test_an_image_of_one_pixel_is_its_own_neighbour(views: Views) -> None:
    pixel = np.full((1, 1, 1, 1), 0.5, np.float32)
    assert (keras.ops.convert_to_numpy(make_views(pixel, views)) == 0.5).all()


def test_the_image_where_it_stands_counts_as_much_as_both_shifts() -> None:
    # Jordan (2024): half for the image and its mirror image, half for those that are moved.
    assert view_weights("one") == (1,)
    assert view_weights("flip") == (0.5, 0.5)
    assert view_weights("shift") == (0.5, 0.25, 0.25)
    assert view_weights("flip_shift") == (0.25, 0.125, 0.125, 0.25, 0.125, 0.125)


@pytest.mark.parametrize("views", ["one", "flip", "shift", "flip_shift"])
def test_what_may_not_be_mirrored_is_not(views: Views) -> None:
    assert permitted_views(views, mirrored=True) == permitted_views(views, mirrored=None) == views
    assert permitted_views(views, mirrored=False) == {"flip": "one", "flip_shift": "shift"}.get(views, views)


@pytest.mark.parametrize("views", ["flips", "", None, 2, ["flip"]])
def test_another_name_is_refused(views: Any) -> None:
    with pytest.raises(InputError, match=r"views is 'one' or 'flip' or 'shift' or 'flip_shift'\. Received: views="):
        check_views(views)
