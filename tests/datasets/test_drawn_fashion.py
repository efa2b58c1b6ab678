"""The drawn clothes: what is promised of them, and that convolutions win on them."""

from __future__ import annotations

import itertools
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import convvision
from convvision._keras import keras
from convvision.datasets import DATASETS, Split, draw_fashion, get_dataset_info
from convvision.errors import InputError
from convvision.models import conv, dense

INFO = get_dataset_info("drawn_fashion")


@pytest.fixture(scope="module")
def splits() -> tuple[Split, Split]:
    return DATASETS.get("drawn_fashion").loader(data_home=Path("nowhere"), download=False, seed=0)


def distinct(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


# Drawing


def test_the_same_arguments_give_the_same_pictures() -> None:
    for one, other in zip(draw_fashion(40, seed=5), draw_fashion(40, seed=5), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_draws_other_clothes_in_another_order() -> None:
    one, other = draw_fashion(40, seed=5), draw_fashion(40, seed=6)
    assert not distinct(one.images) & distinct(other.images)
    assert (one.labels != other.labels).any()


def test_drawing_leaves_the_global_generator_alone() -> None:
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    draw_fashion(1)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("count", [1, 10, 333])
def test_the_first_pictures_of_a_larger_set_are_the_smaller_set(count: int) -> None:
    for small, large in zip(draw_fashion(count), draw_fashion(700), strict=True):
        np.testing.assert_array_equal(small, large[:count])


@pytest.mark.parametrize("image_size", [16, 28, 32])
@pytest.mark.parametrize("count", [1, 7, 321])
def test_shapes_and_types(count: int, image_size: int) -> None:
    images, labels = draw_fashion(count, image_size=image_size)
    assert images.shape == (count, image_size, image_size, 1)
    assert images.dtype == np.uint8
    assert labels.shape == (count,)
    assert labels.dtype == np.int64


def test_numpy_integers_are_as_good_as_pythons() -> None:
    numbers = draw_fashion(np.int64(3), seed=np.uint8(2), image_size=np.int32(20))
    np.testing.assert_array_equal(numbers.images, draw_fashion(3, seed=2, image_size=20).images)


@pytest.mark.parametrize("count", [1, 9, 10, 25, 655, 1000])
def test_classes_are_in_balance(count: int) -> None:
    counts = np.bincount(draw_fashion(count).labels, minlength=10)
    assert counts.sum() == count
    assert counts.max() - counts.min() <= 1


def test_the_order_of_classes_is_shuffled() -> None:
    rounds = draw_fashion(300).labels.reshape(-1, 10)
    assert len({tuple(order) for order in rounds}) == 30


def test_no_two_pictures_are_alike() -> None:
    assert len(distinct(draw_fashion(1000).images)) == 1000


def test_pictures_are_white_on_black() -> None:
    images = draw_fashion(1000).images
    assert (images.reshape(1000, -1).max(axis=1) > 60).all()
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.median(corners) < 10
    assert 0.5 < (images < 40).mean() < 0.8


def test_another_size_shows_the_same_clothes() -> None:
    coarse, fine = draw_fashion(100, seed=1), draw_fashion(100, seed=1, image_size=56)
    np.testing.assert_array_equal(coarse.labels, fine.labels)
    pooled = fine.images.reshape(100, 28, 2, 28, 2).mean(axis=(2, 4))
    ones, others = coarse.images.reshape(100, -1), pooled.reshape(100, -1)
    similarity = np.corrcoef(ones, others)[:100, 100:]
    np.testing.assert_array_equal(similarity.argmax(axis=1), np.arange(100))
    assert similarity.diagonal().min() > 0.8


def test_every_two_classes_differ_in_their_mean_image() -> None:
    images, labels = draw_fashion(2000)
    members = [images[labels == label, ..., 0].astype(float) for label in range(10)]
    for one, other in itertools.combinations(members, 2):
        error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
        difference = np.abs(one.mean(axis=0) - other.mean(axis=0))
        # 784 pixels of equal classes stay below five standard errors almost surely.
        assert (difference / error).max() > 5


def test_no_python_loop_runs_over_pixels_or_pictures() -> None:
    def calls(count: int, image_size: int) -> int:
        total = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal total
            total += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            draw_fashion(count, image_size=image_size)
        finally:
            sys.setprofile(None)
        return total

    draw_fashion(1)
    assert calls(320, 16) == calls(320, 56) == calls(1, 16)


def test_memory_does_not_grow_with_the_number_of_pictures_beyond_what_is_returned() -> None:
    def working_memory(count: int) -> int:
        tracemalloc.start()
        try:
            images, labels = draw_fashion(count)
            return tracemalloc.get_traced_memory()[1] - images.nbytes - labels.nbytes
        finally:
            tracemalloc.stop()

    draw_fashion(1)
    assert working_memory(1280) < 1.2 * working_memory(320)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, r"count is a whole number of at least 1\. Received: count=0"),
        ({"count": 2.0}, r"count is a whole number of at least 1\. Received: count=2\.0"),
        ({"count": 1, "seed": -1}, r"seed is a whole number from 0 to 4294967295\. Received: seed=-1"),
        ({"count": 1, "seed": None}, r"seed is a whole number from 0 to 4294967295\. Received: seed=None"),
        ({"count": 1, "seed": True}, r"seed is a whole number from 0 to 4294967295\. Received: seed=True"),
        ({"count": 1, "image_size": 15}, r"image_size is at least 16 pixels.*Received: image_size=15"),
        ({"count": 1, "image_size": (28, 28)}, r"image_size is a whole number.*Received: image_size=\(28, 28\)"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw_fashion(**arguments)


# The registered data set


def test_classes_are_named_as_in_fashion_mnist() -> None:
    assert INFO.class_names == get_dataset_info("fashion_mnist").class_names


def test_counts_and_shape_are_as_stated(splits: tuple[Split, Split]) -> None:
    train, test = splits
    assert train.images.shape == (INFO.train_count, *INFO.image_shape)
    assert test.images.shape == (INFO.test_count, *INFO.image_shape)


def test_mean_and_std_are_as_stated(splits: tuple[Split, Split]) -> None:
    pixels = splits[0].images / 255
    assert pixels.mean() == pytest.approx(INFO.mean[0], abs=5e-5)
    assert pixels.std() == pytest.approx(INFO.std[0], abs=5e-5)


def test_mean_and_std_of_another_seed_are_close_to_those_stated() -> None:
    pixels = draw_fashion(INFO.train_count, seed=1).images / 255
    assert pixels.mean() == pytest.approx(INFO.mean[0], abs=1e-3)
    assert pixels.std() == pytest.approx(INFO.std[0], abs=1e-3)


def test_training_images_are_those_of_draw_fashion(splits: tuple[Split, Split]) -> None:
    for loaded, drawn in zip(splits[0], draw_fashion(50, seed=0), strict=True):
        np.testing.assert_array_equal(loaded[:50], drawn)


def test_no_test_image_is_a_training_image(splits: tuple[Split, Split]) -> None:
    train, test = splits
    assert not distinct(train.images) & distinct(test.images)
    # Nor the same clothes under other noise, which is what two streams of one generator could give.
    similarity = np.corrcoef(train.images[:1000].reshape(1000, -1), test.images[:1000].reshape(1000, -1))
    assert similarity[:1000, 1000:].max() < 0.99


def test_nothing_is_stored(tmp_path: Path) -> None:
    data_home = tmp_path / "data"
    data = convvision.load_dataset("drawn_fashion", data_home=data_home, download=False)
    assert data.train.images.dtype == np.float32
    assert not data_home.exists()


def test_a_seed_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"seed is a whole number from 0 to 4294967295\. Received: seed=-3"):
        convvision.load_dataset("drawn_fashion", seed=-3)


@pytest.mark.slow
def test_convolutions_beat_a_dense_network_by_four_points(splits: tuple[Split, Split]) -> None:
    (images, labels), (test_images, test_labels) = splits
    accuracy = {}
    for name, build in (("dense", lambda: dense(128)), ("conv", lambda: conv((32, 32)))):
        keras.utils.set_random_seed(0)
        model = build()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(images / np.float32(255), labels, batch_size=32, epochs=5, verbose=0)
        accuracy[name] = model.evaluate(test_images / np.float32(255), test_labels, verbose=0)[1]
    assert 0.75 < accuracy["dense"] < 0.92
    assert accuracy["conv"] >= accuracy["dense"] + 0.04
