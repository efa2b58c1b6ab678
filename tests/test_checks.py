"""Arrays of images and labels, right and wrong."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from convvision._checks import (
    check_fraction,
    check_image,
    check_images,
    check_labels,
    check_positive_int,
    check_seed,
    is_number,
)
from convvision.errors import InputError, LabelError, ShapeError, ValueRangeError

NUMBERS = st.sampled_from(["bool", "uint8", "int8", "int64", "uint64", "float16", "float32", "float64"])
FOUR_AXES = arrays.array_shapes(min_dims=4, max_dims=4, max_side=4)


@given(NUMBERS, FOUR_AXES)
def test_real_images_are_returned_as_they_are(dtype: str, shape: tuple[int, ...]) -> None:
    images = np.ones(shape, dtype)
    assert check_images(images) is images
    assert check_images(images, image_shape=shape[1:]) is images
    assert check_images(images, image_shape=(None, shape[2], None)) is images


def test_nested_lists_become_an_array() -> None:
    images = check_images([[[[0.0], [0.5]]]])
    assert images.shape == (1, 1, 2, 1)
    assert images.dtype == np.float64


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((), None, "Images have the shape (N, H, W, C). Received: shape ()."),
        ((0,), None, "Expected at least one image of at least one pixel. Received: shape (0,)."),
        ((3,), None, "Images have the shape (N, H, W, C). Received: shape (3,)."),
        (
            (28, 28),
            None,
            "Received: shape (28, 28). Add both axes to a single grey image: image[None, ..., None].",
        ),
        (
            (5, 28, 28),
            (28, 28, 1),
            "Images have the shape (N, 28, 28, 1). Received: shape (5, 28, 28). Add the channel axis to grey images, "
            "images[..., None], or the first to a single image, image[None].",
        ),
        ((1, 1, 28, 28, 1), None, "Received: shape (1, 1, 28, 28, 1)."),
        ((0, 28, 28, 1), None, "Expected at least one image of at least one pixel. Received: shape (0, 28, 28, 1)."),
        ((2, 0, 28, 1), None, "Expected at least one image of at least one pixel. Received: shape (2, 0, 28, 1)."),
        ((2, 28, 28, 3), (28, 28, 1), "Images have the shape (N, 28, 28, 1) here. Received: shape (2, 28, 28, 3)."),
        ((2, 28, 28, 3), (None, None, 1), "Images have the shape (N, any, any, 1) here. Received"),
    ],
)
def test_another_shape_is_refused_with_advice(
    shape: tuple[int, ...], image_shape: tuple[int | None, ...] | None, message: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(message)):
        check_images(np.zeros(shape), image_shape=image_shape)


def test_the_advice_on_missing_axes_is_right() -> None:
    grey = np.zeros((28, 28))
    assert check_images(grey[None, ..., None]).shape == (1, 28, 28, 1)
    assert check_images(np.zeros((5, 28, 28))[..., None]).shape == (5, 28, 28, 1)
    assert check_images(np.zeros((28, 28, 3))[None]).shape == (1, 28, 28, 3)


def test_one_image_is_returned_as_it_is_and_several_are_refused_with_advice() -> None:
    image = np.zeros((3, 4, 1), np.uint8)
    assert np.shares_memory(check_image(image, image_shape=(3, 4, 1)), image)
    wanted = r"One image has the shape \(H, W, C\)\. Received: "
    with pytest.raises(ShapeError, match=wanted + r"shape \(3, 4\)\. Take one of several with images\[0\], or add"):
        check_image(image[..., 0])
    with pytest.raises(ShapeError, match=wanted + r"shape \(1, 3, 4, 1\)"):
        check_image(image[None])
    with pytest.raises(ShapeError, match=wanted + "parts that are not equally long"):
        check_image([[1, 2], [3]])
    with pytest.raises(ShapeError, match=r"\(N, 5, 4, 1\) here"):
        check_image(image, image_shape=(5, 4, 1))


def test_images_of_different_sizes_are_refused() -> None:
    small, large = np.zeros((2, 2, 1)), np.zeros((3, 3, 1))
    with pytest.raises(ShapeError, match=r"shape \(N, H, W, C\)\. Received: a sequence whose parts are not equally"):
        check_images([small.tolist(), large.tolist()])


@pytest.mark.parametrize("dtype", ["complex64", "U1", "S1", "object", "datetime64[s]"])
def test_what_is_no_real_number_is_refused(dtype: str) -> None:
    with pytest.raises(ValueRangeError, match=re.escape(f"data.test.images. Received: dtype {np.dtype(dtype)}.")):
        check_images(np.zeros((1, 2, 2, 1), dtype))


@pytest.mark.parametrize(
    ("thing", "name"), [(None, "NoneType"), ("one.png", "str"), (object(), "object")], ids=["none", "text", "object"]
)
def test_what_is_no_array_is_named(thing: Any, name: str) -> None:
    with pytest.raises(ValueRangeError) as caught:
        check_images(thing)
    assert str(caught.value) == f"Images are arrays of real numbers, as in data.test.images. Received: {name}."


@given(
    st.sampled_from(["float16", "float32", "float64"]),
    st.lists(st.integers(0, 5 * 4 - 1), min_size=1, max_size=6, unique=True),
    st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), min_size=6, max_size=6),
)
def test_pixels_that_are_not_finite_are_counted_and_the_first_is_named(
    dtype: str, places: list[int], values: list[float]
) -> None:
    images = np.zeros((5, 2, 2, 1), dtype)
    images.flat[places] = values[: len(places)]
    touched = sorted({place // 4 for place in places})
    message = (
        f"Images hold {len(places)} pixels that are NaN or infinite, the first in image {touched[0]}. "
        f"Leave those {len(touched)} images out, or replace the pixels with numpy.nan_to_num."
    )
    with pytest.raises(ValueRangeError, match=re.escape(message)):
        check_images(images)


def test_finite_pixels_whose_sum_is_not_finite_pass() -> None:
    images = np.full((2, 2, 2, 1), np.finfo(np.float64).max)
    assert check_images(images) is images


@given(st.integers(2, 300), st.integers(0, 20), st.data())
def test_class_indices_are_returned_as_they_are(num_classes: int, count: int, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["uint8", "int16", "int64", "uint64"]))
    most = min(num_classes - 1, np.iinfo(dtype).max)
    labels = data.draw(arrays.arrays(dtype, count, elements=st.integers(0, most)))
    assert check_labels(labels, count=count, num_classes=num_classes) is labels


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.eye(3),
            "class indices of shape (3,), not one-hot rows: use labels.argmax(axis=1). Received: shape (3, 3).",
        ),
        ([0, 1], "Expected one label an image: shape (3,). Received: shape (2,)."),
        ([[0], [1], [2]], "Expected one label an image: shape (3,). Received: shape (3, 1)."),
        (1, "Expected one label an image: shape (3,). Received: shape ()."),
        ([[0], [1, 2], [1]], "Expected one label an image: shape (3,). Received: parts that are not equally long."),
        (
            [0.0, 1.0, 2.0],
            "whole numbers from 0. Received: dtype float64. Whole numbers that are stored as floats become indices by "
            "labels.astype('int64').",
        ),
        ([True, False, True], "Labels are class indices, whole numbers from 0. Received: dtype bool. numpy.unique("),
        (["cat", "dog", "cat"], "dtype <U3. numpy.unique(labels, return_inverse=True) turns names into indices."),
        ([0, 3, 4], "class indices from 0 to 2. Received: 3 at position 1 (2 labels are outside)."),
        ([0, 1, -1], "class indices from 0 to 2. Received: -1 at position 2 (1 labels are outside)."),
    ],
)
def test_labels_that_are_no_class_indices_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(LabelError, match=re.escape(message)):
        check_labels(labels, count=3, num_classes=3)


def test_a_column_of_one_class_is_not_taken_for_one_hot_rows() -> None:
    with pytest.raises(LabelError, match=r"shape \(3,\)\. Received: shape \(3, 1\)"):
        check_labels(np.zeros((3, 1), int), count=3, num_classes=1)


def test_the_advice_on_labels_is_right() -> None:
    one_hot = np.eye(3)[[2, 0, 1]]
    assert check_labels(one_hot.argmax(axis=1), count=3, num_classes=3).tolist() == [2, 0, 1]
    _, indices = np.unique(["cat", "dog", "cat"], return_inverse=True)
    assert check_labels(indices, count=3, num_classes=2).tolist() == [0, 1, 0]


@given(st.floats(0, 1, exclude_max=True))
def test_a_fraction_is_returned(value: float) -> None:
    assert check_fraction(value, "dropout") == value
    assert check_fraction(np.float64(value), "dropout") == value


@pytest.mark.parametrize("value", [0, np.int64(0), np.float32(0.5)])
def test_a_fraction_of_another_type_becomes_a_float(value: Any) -> None:
    fraction = check_fraction(value, "dropout")
    assert type(fraction) is float
    assert fraction == value


WRONG_FRACTIONS = [1, 1.0, -0.1, -1, 2, float("nan"), float("inf"), "0.5", None, True, False, 0.5j, np.complex64(0.5)]


@pytest.mark.parametrize("value", WRONG_FRACTIONS)
def test_what_is_no_fraction_is_refused(value: Any) -> None:
    message = f"dropout is a fraction: at least 0 and below 1. Received: dropout={value!r}"
    with pytest.raises(InputError, match=re.escape(message)):
        check_fraction(value, "dropout")


@given(st.integers(1, 2**62))
def test_a_positive_whole_number_is_returned(value: int) -> None:
    for given_value in (value, np.int64(value)):
        number = check_positive_int(given_value, "epochs")
        assert type(number) is int
        assert number == value


@pytest.mark.parametrize("value", [0, -1, np.int8(-1), 1.0, np.float64(2), "1", None, True, np.True_, [1]])
def test_what_is_no_positive_whole_number_is_refused(value: Any) -> None:
    message = f"epochs is a whole number of at least 1. Received: epochs={value!r}"
    with pytest.raises(InputError, match=re.escape(message)):
        check_positive_int(value, "epochs")


@pytest.mark.parametrize("value", [0, 1, 2**32 - 1, np.int64(7), np.uint32(2**32 - 1)])
def test_a_seed_is_one_that_numpy_takes(value: Any) -> None:
    seed = check_seed(value)
    assert type(seed) is int
    assert seed == value
    np.random.RandomState(seed)  # The narrowest of those that are given it.


@pytest.mark.parametrize("value", [-1, 2**32, 1.0, "1", None, True, np.True_, [1]])
def test_what_is_no_seed_is_refused(value: Any) -> None:
    message = f"seed is a whole number from 0 to 4294967295. Received: seed={value!r}"
    with pytest.raises(InputError, match=re.escape(message)):
        check_seed(value)


@pytest.mark.parametrize("value", [0, -1.5, float("nan"), float("inf"), np.float16(1), np.uint8(1)])
def test_real_numbers_are_numbers(value: Any) -> None:
    assert is_number(value)


@pytest.mark.parametrize(
    "value", [True, np.True_, "1", None, 1j, np.complex64(1), [1], np.zeros(1), np.datetime64("now")]
)
def test_what_only_behaves_like_a_number_is_none(value: Any) -> None:
    assert not is_number(value)
