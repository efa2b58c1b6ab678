"""Views of training images against a loop in NumPy."""

from __future__ import annotations

import keras
import numpy as np

from convvision.training._augment import Augmentation

IMAGES = np.random.default_rng(0).random((64, 9, 7, 2)).astype(np.float32) + 1


def views(augmentation: Augmentation, mirrored: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    mirrored = np.zeros(len(IMAGES), bool) if mirrored is None else mirrored
    return np.asarray(
        augmentation(
            keras.ops.convert_to_tensor(IMAGES), keras.ops.convert_to_tensor(mirrored), keras.random.SeedGenerator(seed)
        )
    )


def test_what_is_named_is_mirrored_and_nothing_else() -> None:
    mirrored = np.arange(64) % 3 == 0
    found = views(Augmentation(flip=True), mirrored)
    for image, view, turned in zip(IMAGES, found, mirrored, strict=True):
        np.testing.assert_array_equal(view, image[:, ::-1] if turned else image)


def test_each_image_is_one_of_all_possible_shifts() -> None:
    fill = np.array([0.25, 0.5], np.float32)
    found = views(Augmentation(shift=2, fill=(0.25, 0.5)))
    seen = set()
    for image, view in zip(IMAGES, found, strict=True):
        padded = np.broadcast_to(fill, (13, 11, 2)).copy()
        padded[2:11, 2:9] = image
        places = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if np.array_equal(padded[row : row + 9, column : column + 7], view)
        ]
        assert len(places) == 1
        seen.add(places[0])
    # 64 images, 25 places: nearly all are seen, the outermost among them.
    assert len(seen) > 18
    assert {row for row, _ in seen} == {column for _, column in seen} == set(range(5))


def test_a_square_is_blanked_and_the_rest_left_alone() -> None:
    found = views(Augmentation(cutout=3, fill=(-1.0, -2.0)))
    middles = set()
    for image, view in zip(IMAGES, found, strict=True):
        blank = (view == np.array([-1.0, -2.0])).all(axis=-1)
        rows, columns = np.flatnonzero(blank.any(axis=1)), np.flatnonzero(blank.any(axis=0))
        assert blank.sum() == len(rows) * len(columns)
        assert rows[-1] - rows[0] < 3
        assert columns[-1] - columns[0] < 3
        np.testing.assert_array_equal(view[~blank], image[~blank])
        middles.add((rows[0], columns[0]))
    assert len(middles) > 20


def test_the_seed_tells_the_views_and_moves_on() -> None:
    augmentation = Augmentation(shift=2, cutout=3)
    np.testing.assert_array_equal(views(augmentation, seed=5), views(augmentation, seed=5))
    assert not np.array_equal(views(augmentation, seed=5), views(augmentation, seed=6))
    seed = keras.random.SeedGenerator(5)
    images, none = keras.ops.convert_to_tensor(IMAGES), keras.ops.zeros(64, "bool")
    first, second = (np.asarray(augmentation(images, none, seed)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_nothing_is_nothing() -> None:
    assert not Augmentation()
    assert Augmentation(flip=True)
    np.testing.assert_array_equal(views(Augmentation()), IMAGES)
