"""Data sets from a user's own arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from convvision.datasets import from_arrays
from convvision.errors import (
    DataWarning,
    InputError,
    LabelError,
    ShapeError,
    ValueRangeError,
)

# Three classes of 20, 10 and 10 grey images; every pixel of image i is i.
LABELS = np.random.default_rng(2).permutation(np.repeat([0, 1, 2], (20, 10, 10)))
IMAGES = np.repeat(np.arange(40, dtype=np.uint8), 6 * 5).reshape(40, 6, 5, 1)
TEST_IMAGES = np.full((4, 6, 5, 1), 200, np.uint8)
TEST_LABELS = np.array([0, 1, 2, 2])
ONE_HOT = np.eye(3, dtype=np.int64)[LABELS]


def numbers(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


# Arrays


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (1, "labels from 1 to 3, which leaves 1 class without an image."),
        (5, "labels from 5 to 7, which leaves 5 classes without an image."),
    ],
)
def test_labels_that_begin_above_0_are_warned_of(first: int, said: str) -> None:
    with pytest.warns(DataWarning) as caught:
        data = from_arrays(IMAGES, LABELS + first)
    advice = "numpy.unique(labels, return_inverse=True)[1] numbers them anew; "
    advice += "or name every class in class_names, the empty ones too."
    assert str(caught[0].message) == f"Class indices count from 0. Received: {said} {advice}"
    # It points to the line of the user.
    assert caught[0].filename == __file__
    assert len(data.info.class_names) == first + 3


def test_labels_that_begin_above_0_may_be_meant() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_arrays(IMAGES, LABELS + 1, class_names=["none", "a", "b", "c"])
        from_arrays(IMAGES, np.eye(4, dtype=np.int64)[LABELS + 1])
        # The parts count together.
        from_arrays(IMAGES, np.maximum(LABELS, 1), TEST_IMAGES, TEST_LABELS)


def test_given_test_images_are_kept_apart() -> None:
    data = from_arrays(IMAGES, LABELS, TEST_IMAGES, TEST_LABELS, scale=None)
    np.testing.assert_array_equal(data.train.images, IMAGES)
    np.testing.assert_array_equal(data.train.labels, LABELS)
    np.testing.assert_array_equal(data.test.images, TEST_IMAGES)
    np.testing.assert_array_equal(data.test.labels, TEST_LABELS)
    assert data.validation is None


def test_the_facts_are_those_of_the_arrays() -> None:
    info = from_arrays(IMAGES, LABELS, TEST_IMAGES, TEST_LABELS, name="mine").info
    assert info.name == "mine"
    assert info.summary == "44 images of 3 classes, from arrays."
    assert info.image_shape == (6, 5, 1)
    assert info.class_names == ("0", "1", "2")
    assert (info.train_count, info.test_count) == (40, 4)
    # Of 0, 1, …, 39: the mean is 39 / 2, the variance (40² - 1) / 12.
    assert info.mean == pytest.approx((19.5 / 255,))
    assert info.std == pytest.approx(((1599 / 12) ** 0.5 / 255,))


def test_without_test_images_a_fifth_of_each_class_is_set_apart() -> None:
    data = from_arrays(IMAGES, LABELS, scale=None)
    assert np.bincount(data.test.labels).tolist() == [4, 2, 2]
    assert sorted(numbers(data.train.images) + numbers(data.test.images)) == list(range(40))
    for images, labels in (data.train, data.test):
        assert labels.tolist() == [LABELS[number] for number in numbers(images)]


def test_test_and_validation_images_do_not_overlap() -> None:
    data = from_arrays(IMAGES, LABELS, scale=None, test_split=0.5, validation_split=0.2)
    assert np.bincount(data.test.labels).tolist() == [10, 5, 5]
    assert np.bincount(data.validation.labels).tolist() == [2, 1, 1]
    together = [split.images for split in (data.train, data.validation, data.test)]
    assert sorted(numbers(np.concatenate(together))) == list(range(40))
    assert data.info.train_count == 20


def test_the_split_depends_on_the_seed_alone() -> None:
    chosen = [numbers(from_arrays(IMAGES, LABELS, scale=None, seed=seed).test.images) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]


def test_mean_and_deviation_are_those_of_the_training_images_alone() -> None:
    train = np.zeros((4, 2, 2, 3), np.uint8)
    train[..., 1], train[:2, ..., 2] = 51, 255
    data = from_arrays(train, [0, 1, 0, 1], np.full((1, 2, 2, 3), 99, np.uint8), [0])
    assert data.info.mean == pytest.approx((0.0, 0.2, 0.5))
    assert data.info.std == pytest.approx((0.0, 0.0, 0.5))


def test_standard_has_mean_zero_and_deviation_one_in_each_channel() -> None:
    pixels = np.random.default_rng(0).integers(0, (100, 200, 256), (50, 8, 8, 3)).astype(np.uint8)
    data = from_arrays(pixels, np.arange(50) % 2, scale="standard", validation_split=0.0, test_split=0.2)
    images = data.train.images.astype(np.float64)
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(images.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_unit_is_the_default_scale() -> None:
    data = from_arrays(IMAGES, LABELS, TEST_IMAGES, TEST_LABELS)
    assert data.train.images.dtype == np.float32
    np.testing.assert_allclose(data.train.images, IMAGES / 255, rtol=1e-6)


def test_grey_images_need_no_channel_axis() -> None:
    data = from_arrays(IMAGES[..., 0], LABELS, TEST_IMAGES[..., 0], TEST_LABELS, scale=None)
    np.testing.assert_array_equal(data.train.images, IMAGES)
    assert data.test.images.shape == (4, 6, 5, 1)


def test_lists_are_arrays_too() -> None:
    data = from_arrays(IMAGES, LABELS.tolist(), TEST_IMAGES, TEST_LABELS.tolist())
    assert data.train.labels.dtype == data.test.labels.dtype == np.int64


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_of_any_integer_type_become_int64(dtype: type) -> None:
    data = from_arrays(IMAGES, LABELS.astype(dtype))
    assert data.train.labels.dtype == np.int64


def test_what_was_given_is_not_changed() -> None:
    images, labels = IMAGES.copy(), LABELS.copy()
    images.flags.writeable = labels.flags.writeable = False
    from_arrays(images, labels, scale="standard", validation_split=0.2)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


def test_class_names_may_name_more_classes_than_there_are_images_of() -> None:
    info = from_arrays(IMAGES, LABELS, class_names=["a", "b", "c", "d"]).info
    assert info.class_names == ("a", "b", "c", "d")
    assert info.num_classes == 4


def test_the_largest_label_of_both_parts_counts_the_classes() -> None:
    assert from_arrays(IMAGES, LABELS, TEST_IMAGES, [0, 1, 2, 6]).info.num_classes == 7


NAMES = np.array(["owl", "cat", "dog"])


@pytest.mark.parametrize("dtype", [np.str_, object])
def test_names_become_indices_in_alphabetical_order(dtype: type) -> None:
    data = from_arrays(IMAGES, NAMES[LABELS].astype(dtype), TEST_IMAGES, NAMES[TEST_LABELS].tolist())
    assert data.info.class_names == ("cat", "dog", "owl")
    assert [data.info.class_names[label] for label in data.train.labels] == NAMES[LABELS].tolist()
    assert [data.info.class_names[label] for label in data.test.labels] == NAMES[TEST_LABELS].tolist()


def test_class_names_give_the_order_of_names() -> None:
    data = from_arrays(IMAGES, NAMES[LABELS], TEST_IMAGES, NAMES[TEST_LABELS], class_names=NAMES.tolist())
    np.testing.assert_array_equal(data.train.labels, LABELS)
    np.testing.assert_array_equal(data.test.labels, TEST_LABELS)


@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool])
def test_one_hot_rows_are_read(dtype: type) -> None:
    data = from_arrays(IMAGES, ONE_HOT.astype(dtype), TEST_IMAGES, TEST_LABELS)
    np.testing.assert_array_equal(data.train.labels, LABELS)
    assert data.info.num_classes == 3


def test_one_hot_rows_tell_of_classes_without_images() -> None:
    rows = np.eye(5, dtype=np.int64)[LABELS]
    assert from_arrays(IMAGES, rows, TEST_IMAGES, TEST_LABELS).info.num_classes == 5


# Arrays that cannot be used


@pytest.mark.parametrize("given", [{"test_images": TEST_IMAGES}, {"test_labels": TEST_LABELS}])
def test_test_images_and_labels_come_together(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"Give test_images and test_labels together, or neither\. Received: one"):
        from_arrays(IMAGES, LABELS, **given)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (
            IMAGES / 255,
            r"Images are raw pixels, uint8 in \[0, 255\]. Received: dtype float64 with values from 0 to 0.152",
        ),
        (IMAGES.astype(np.float32), "dtype float32 with values from 0 to 39. If they are pixels .*pass images.astype"),
        (IMAGES.astype(np.int64), "dtype int64 with values from 0 to 39"),
        (IMAGES > 3, "dtype bool with values from 0 to 1"),
        (np.where(IMAGES == 3, np.nan, 0.5), "Images hold 30 pixels that are NaN or infinite, the first in image 3"),
        (IMAGES.astype(str), "Images are arrays of real numbers, as in data.test.images. Received: dtype <U"),
    ],
    ids=["unit", "float pixels", "int64", "bool", "NaN", "text"],
)
def test_images_that_are_no_pixels_are_refused(images: np.ndarray, said: str) -> None:
    with pytest.raises(ValueRangeError, match=said):
        from_arrays(images, LABELS)
    with pytest.raises(ValueRangeError, match=said):
        from_arrays(IMAGES, LABELS, images, LABELS)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (IMAGES[0, ..., 0], r"Received: shape \(6, 5\)\. Add both axes to a single grey image"),
        (IMAGES[..., None], r"Received: shape \(40, 6, 5, 1, 1\)"),
        (IMAGES[:0], r"Expected at least one image of at least one pixel\. Received: shape \(0, 6, 5, 1\)"),
        (IMAGES[:, :0], r"Expected at least one image of at least one pixel\. Received: shape \(40, 0, 5, 1\)"),
    ],
    ids=["one image", "five axes", "no images", "no pixels"],
)
def test_images_of_another_number_of_axes_are_refused(images: np.ndarray, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        from_arrays(images, LABELS)


def test_channels_that_come_first_are_refused() -> None:
    said = r"channels last\. Received: shape \(40, 3, 8, 8\)\. If they come first, use numpy\.moveaxis\(images, 1, -1\)"
    first = np.zeros((40, 3, 8, 8), np.uint8)
    with pytest.raises(ShapeError, match=said):
        from_arrays(first, LABELS)
    assert from_arrays(np.moveaxis(first, 1, -1), LABELS).info.image_shape == (8, 8, 3)


def test_test_images_unlike_the_training_images_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"Images have the shape \(N, 6, 5, 1\) here\. Received: shape \(4, 5, 6, 1\)"):
        from_arrays(IMAGES, LABELS, TEST_IMAGES.reshape(4, 5, 6, 1), TEST_LABELS)


@pytest.mark.parametrize(
    ("labels", "options", "said"),
    [
        (LABELS[:-1], {}, r"Expected one label an image: shape \(40,\)\. Received: shape \(39,\)"),
        (LABELS[:, None], {}, r"Expected one label an image: shape \(40,\)\. Received: shape \(40, 1\)"),
        (LABELS - 1, {}, "Labels are class indices from 0 to 1. Received: -1 at position"),
        (LABELS, {"class_names": "ab"}, r"from 0 to 1\. Received: 2 at position \d+ \(10 labels are outside\)"),
        (LABELS.astype(float), {}, r"Received: dtype float64\. .* by labels\.astype\('int64'\)"),
        (LABELS > 0, {}, "Received: dtype bool"),
        (np.array(["cat", "dog", "owl"])[LABELS], {"class_names": ["cat", "dog"]}, r"'dog'\]. Received: 'owl'"),
        (np.array(["cat", 1, None], object)[LABELS], {}, "or all of them names .*Received: (1|None) among them"),
        (np.full(40, b"cat"), {}, "or all of them names .*Received: b'cat' among them"),
        (np.array(["cat", "dog", "owl"])[LABELS][:39], {}, r"Expected one label an image: shape \(40,\)"),
        (np.ones((40, 3), int), {"class_names": "abc"}, r"not one-hot rows.*Received: shape \(40, 3\)"),
        (np.full((40, 3), 1 / 3), {"class_names": "abc"}, r"not one-hot rows.*Received: shape \(40, 3\)"),
        (ONE_HOT, {"class_names": "ab"}, r"from 0 to 1\. Received: 2 at position"),
        (np.where(LABELS == 2, 10**9, LABELS), {}, "a label of 1000000000, which would mean 1,000,000,001 classes"),
        ([[0, 1], [2]] * 20, {}, "parts that are not equally long"),
        ([], {}, r"Received: shape \(0,\)"),
        (None, {}, r"Received: shape \(\)"),
    ],
    ids=[
        "too few", "a column", "negative", "more than names", "floats", "bool", "an unknown name", "a mixture", "bytes",
        "too few names", "many-hot", "probabilities", "one-hot of more", "a huge one", "ragged", "none", "None",
    ],
)  # fmt: skip
def test_labels_that_are_no_class_indices_are_refused(labels: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(LabelError, match=said):
        from_arrays(IMAGES, labels, **options)


def test_test_labels_are_checked_as_well() -> None:
    with pytest.raises(LabelError, match=r"Expected one label an image: shape \(4,\)\. Received: shape \(3,\)"):
        from_arrays(IMAGES, LABELS, TEST_IMAGES, [0, 1, 2])


@pytest.mark.parametrize("name", ["test_split", "validation_split"])
@pytest.mark.parametrize("fraction", [1.0, -0.2, "a half"])
def test_what_is_no_fraction_is_refused(name: str, fraction: Any) -> None:
    with pytest.raises(
        InputError, match=f"{name} is a fraction: at least 0 and below 1. Received: {name}={fraction!r}"
    ):
        from_arrays(IMAGES, LABELS, **{name: fraction})


@pytest.mark.parametrize("option", [{"test_split": 0}, {"test_split": 0.01}, {"validation_split": 0.01}])
def test_a_split_that_leaves_a_part_empty_is_refused(option: dict[str, float]) -> None:
    with pytest.raises(InputError, match="leaves one of the two parts without an image"):
        from_arrays(IMAGES, LABELS, **option)


def test_standard_needs_pixels_that_differ() -> None:
    with pytest.raises(InputError, match=r"needs a mean and a positive standard deviation .*std=\(0\.0,\)"):
        from_arrays(np.full_like(IMAGES, 7), LABELS, scale="standard")
