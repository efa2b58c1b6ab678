"""What is left of an image, against Keras and by hand."""

from __future__ import annotations

import itertools
import re
from typing import Any

import keras
import pytest

from convvision.errors import ShapeError
from convvision.models._sizes import Window, check_size, smallest_size


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (3, 2), (6, 2), (1, 2), (2, 3)])
def test_what_is_left_is_what_keras_leaves(size: int, stride: int, padding: Any) -> None:
    window = Window("convolution", size, stride, padding)
    layer = keras.layers.Conv2D(1, size, strides=stride, padding=padding)
    for side in range(max(size, stride), 15):
        assert window.left_of(side) == layer.compute_output_shape((None, side, side, 1))[1]


def test_less_than_a_window_is_nothing() -> None:
    assert [Window("pooling", 3, 2).left_of(side) for side in (1, 2, 3)] == [0, 0, 1]
    # With zeros around it Keras would go on with one pixel for ever.
    assert [Window("pooling", 3, 2, "same").left_of(side) for side in (1, 2, 3)] == [0, 1, 2]


def test_windows_as_they_are_written() -> None:
    windows = [Window("convolution", 3), Window("pooling", 2, 2), Window("convolution", 6, 2, "same")]
    assert [str(window) for window in windows] == ["convolution 3", "pooling 2", "convolution 6 by 2"]


def test_the_arithmetic_is_shown() -> None:
    windows = [Window("convolution", 6, 2, "same"), *[Window("pooling", 2, 2, "same")] * 2]
    message = (
        "Images of 28 × 4 are too small for this network: 4, convolution 6 by 2 → 2, pooling 2 → 1, pooling 2 → 0. "
        "Expected at least 5 pixels a side. Use larger images. Received: input_shape=(28, 4, 1)"
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        check_size((28, 4, 1), windows)
    check_size((5, 5, 1), windows)


def test_the_smallest_size_is_enough_and_one_less_is_not() -> None:
    kinds = [Window("convolution", 3), Window("pooling", 2, 2), Window("convolution", 3, 2, "same")]
    for windows in itertools.product(kinds, repeat=3):
        smallest = smallest_size(windows)
        check_size((smallest, smallest, 1), windows)
        with pytest.raises(ShapeError, match=f"at least {smallest} pixels"):
            check_size((smallest - 1, 99, 1), windows)


def test_without_windows_every_image_is_large_enough() -> None:
    assert smallest_size([]) == 1
