"""What holds for every picture and every scale."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convvision.datasets import Scaling
from convvision.errors import ValueRangeError

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
PIXELS = SHAPES.flatmap(lambda shape: hnp.arrays(np.uint8, shape))


def standard(channels: int) -> st.SearchStrategy[Scaling]:
    means = st.tuples(*[st.floats(0, 1)] * channels)
    deviations = st.tuples(*[st.floats(0.01, 0.5)] * channels)
    return st.builds(lambda mean, std: Scaling("standard", mean, std), means, deviations)


PIXELS_AND_STANDARD = PIXELS.flatmap(lambda pixels: st.tuples(st.just(pixels), standard(pixels.shape[-1])))


@given(pixels=PIXELS)
def test_unit_is_a_two_hundred_and_fifty_fifth(pixels: np.ndarray) -> None:
    scaled = Scaling("unit").apply(pixels)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == (pixels / 255).astype(np.float32).tolist()


@given(drawn=PIXELS_AND_STANDARD)
def test_standard_is_undone_by_multiplying_and_adding(drawn: tuple[np.ndarray, Scaling]) -> None:
    pixels, scaling = drawn
    scaled = scaling.apply(pixels)
    assert scaled.dtype == np.float32
    restored = (scaled.astype(np.float64) * scaling.std + scaling.mean) * 255
    assert np.rint(restored).astype(np.int64).tolist() == pixels.tolist()


@given(drawn=PIXELS_AND_STANDARD)
def test_restoring_gives_back_the_stored_pixels(drawn: tuple[np.ndarray, Scaling]) -> None:
    pixels, scaling = drawn
    for one in (scaling, Scaling("unit"), Scaling(None)):
        restored = one.restore(one.apply(pixels))
        assert restored.dtype == np.uint8
        assert restored.tolist() == pixels.tolist()


@given(drawn=PIXELS_AND_STANDARD)
def test_brighter_pixels_stay_brighter(drawn: tuple[np.ndarray, Scaling]) -> None:
    pixels, scaling = drawn
    for channel in range(pixels.shape[-1]):
        order = np.argsort(pixels[..., channel], axis=None, kind="stable")
        assert (np.diff(scaling.apply(pixels)[..., channel].ravel()[order]) >= 0).all()


@given(drawn=PIXELS_AND_STANDARD)
def test_what_was_scaled_is_on_the_scale(drawn: tuple[np.ndarray, Scaling]) -> None:
    pixels, scaling = drawn
    for one in (scaling, Scaling("unit")):
        scaled = one.prepare(pixels)
        assert one.prepare(scaled) is scaled


@given(drawn=PIXELS_AND_STANDARD, bright=st.integers(128, 255))
def test_raw_pixels_as_floats_are_on_no_scale(drawn: tuple[np.ndarray, Scaling], bright: int) -> None:
    pixels, scaling = drawn
    raw = np.maximum(pixels, bright).astype(np.float32)
    # The standard scale ends at (1.5 - mean) / std, here at most at 30.
    wide = Scaling("standard", scaling.mean, tuple(max(0.05, std) for std in scaling.std))
    for one in (Scaling("unit"), wide):
        with pytest.raises(ValueRangeError, match="must already be on the scale"):
            one.prepare(raw)


@given(pixels=PIXELS)
def test_unit_is_undone_by_multiplying(pixels: np.ndarray) -> None:
    assert np.rint(Scaling("unit").apply(pixels) * 255).astype(np.uint8).tolist() == pixels.tolist()
