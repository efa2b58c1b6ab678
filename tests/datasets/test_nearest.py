"""The closest image within a distance, against a loop over all pairs."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convvision.datasets import _nearest
from convvision.datasets._nearest import closest_within

SHAPES = st.tuples(st.integers(1, 11), st.integers(1, 11), st.sampled_from([1, 3]))


def by_loop(
    images: np.ndarray, others: np.ndarray, near: float, *, only_earlier: bool = False
) -> list[tuple[int, float | None]]:
    """Compare every pixel of every pair, in Python's whole numbers."""
    answers: list[tuple[int, float | None]] = []
    for second, other in enumerate(others):
        found = []
        for first, image in enumerate(images[:second] if only_earlier else images):
            squares = sum((int(one) - int(two)) ** 2 for one, two in zip(image.flat, other.flat, strict=True))
            distance = (squares / image.size) ** 0.5 / 255
            if distance <= near:
                found.append((squares, first, distance))
        answers.append((min(found)[1], min(found)[2]) if found else (-1, None))
    return answers


def as_list(result: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, float | None]]:
    return [
        (position, None if np.isnan(distance) else distance)
        for position, distance in zip(result[0].tolist(), result[1].tolist(), strict=True)
    ]


@st.composite
def pictures(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A few images, and others of which some are the same or a little changed."""
    shape = draw(SHAPES)
    images = draw(hnp.arrays(np.uint8, (draw(st.integers(1, 7)), *shape)))
    others = draw(hnp.arrays(np.uint8, (draw(st.integers(1, 7)), *shape)))
    for index in range(len(others)):
        if draw(st.booleans()):
            noise = draw(hnp.arrays(np.int16, shape, elements=st.integers(-12, 12)))
            copied = images[draw(st.integers(0, len(images) - 1))] + noise * draw(st.sampled_from([0, 1]))
            others[index] = np.clip(copied, 0, 255)
    return images, others


@given(both=pictures(), near=st.sampled_from([0.0, 0.01, 0.03, 0.1, 0.5]))
def test_it_finds_what_a_loop_finds(both: tuple[np.ndarray, np.ndarray], near: float) -> None:
    images, others = both
    expected = by_loop(images, others, near)
    found = as_list(closest_within(images, others, near))
    assert [position for position, _ in found] == [position for position, _ in expected]
    assert [distance for _, distance in found] == pytest.approx([distance for _, distance in expected])


@given(both=pictures(), near=st.sampled_from([0.0, 0.03, 0.3]))
def test_within_one_set_only_earlier_ones_count(both: tuple[np.ndarray, np.ndarray], near: float) -> None:
    images = np.concatenate(both)
    expected = by_loop(images, images, near, only_earlier=True)
    found = as_list(closest_within(images, images, near, only_earlier=True))
    assert [position for position, _ in found] == [position for position, _ in expected]


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (61, 13, 9, 1), np.uint8)
    images[rng.permutation(61)[:20]] = images[rng.permutation(61)[:20]]
    whole = [closest_within(images, images, near, only_earlier=True) for near in (0.0, 0.35)]
    for name, size in (("_ROWS", 7), ("_COLUMNS", 11), ("_PIXELS_AT_ONCE", 300), ("_IMAGES_AT_ONCE", 5)):
        monkeypatch.setattr(_nearest, name, size)
    for near, before in zip((0.0, 0.35), whole, strict=True):
        for one, other in zip(closest_within(images, images, near, only_earlier=True), before, strict=True):
            np.testing.assert_array_equal(one, other)
        expected = by_loop(images, images, near, only_earlier=True)
        assert before[0].tolist() == [position for position, _ in expected]
        assert [distance for _, distance in as_list(before)] == pytest.approx([distance for _, distance in expected])


@pytest.mark.parametrize("near", [0.02, 0.2])
def test_a_distance_of_exactly_the_limit_counts(near: float) -> None:
    # 51 of 255 is a fifth: one pixel value of distance on either side of the limit.
    steps = round(near * 255)
    images = np.full((1, 28, 28, 1), 100, np.uint8)
    others = np.stack([images[0] + np.uint8(steps), images[0] + np.uint8(steps + 1)])
    exactly = steps / 255
    assert as_list(closest_within(images, others, exactly)) == [(0, pytest.approx(exactly)), (-1, None)]


def test_the_coarse_distance_never_exceeds_the_fine_one() -> None:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (40, 17, 30, 3), np.uint8)
    coarse = _nearest._coarse(images)
    assert coarse.shape == (40, 5 * 8 * 3 + 1)
    flat = images.reshape(40, -1).astype(float)
    fine = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    below = np.linalg.norm(coarse[:, None] - coarse[None], axis=2)
    assert (below <= fine + 1e-6).all()
    # Both of the same length, for the rest is a coordinate too.
    np.testing.assert_allclose(np.linalg.norm(coarse, axis=1), np.linalg.norm(flat, axis=1))


def test_few_pairs_are_left_to_compare_pixel_by_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def counted(images: np.ndarray, others: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        compared.append(len(first))
        return squares(images, others, first, second)

    squares = _nearest._squares
    monkeypatch.setattr(_nearest, "_squares", counted)
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28, 1), np.uint8)
    position, _ = closest_within(images, images, 0.03)
    assert position.tolist() == list(range(300))
    assert sum(compared) == 300


def test_of_equally_close_ones_the_first_counts_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nearest, "_ROWS", 2)
    same = np.full((7, 4, 4, 1), 9, np.uint8)
    assert closest_within(same, same[:3], 0.1)[0].tolist() == [0, 0, 0]
    assert closest_within(same, same, 0.1, only_earlier=True)[0].tolist() == [-1, 0, 0, 0, 0, 0, 0]
