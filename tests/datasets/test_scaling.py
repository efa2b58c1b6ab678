"""Scaling: numbers by hand, and images that are refused because they are on another scale."""

from __future__ import annotations

import numpy as np
import pytest

from convvision.datasets import Scaling
from convvision.errors import InputError, ValueRangeError

PIXELS = np.array([0, 51, 102, 255], np.uint8).reshape(1, 2, 2, 1)
STANDARD = Scaling("standard", (0.25,), (0.5,))


def values(images: np.ndarray) -> list[float]:
    return images.ravel().tolist()


# Stored pixels


def test_unit_divides_by_255() -> None:
    scaled = Scaling("unit").apply(PIXELS)
    assert scaled.dtype == np.float32
    assert scaled.shape == PIXELS.shape
    assert values(scaled) == pytest.approx([0.0, 0.2, 0.4, 1.0], abs=1e-7)


def test_standard_subtracts_the_mean_and_divides_by_the_deviation() -> None:
    scaled = STANDARD.apply(PIXELS)
    assert scaled.dtype == np.float32
    # (0 - 0.25) / 0.5, (0.2 - 0.25) / 0.5, (0.4 - 0.25) / 0.5, (1 - 0.25) / 0.5
    assert values(scaled) == pytest.approx([-0.5, -0.1, 0.3, 1.5], abs=1e-6)


def test_each_channel_has_its_mean_and_deviation() -> None:
    colour = np.array([51, 51, 51], np.uint8).reshape(1, 1, 1, 3)
    scaled = Scaling("standard", (0.0, 0.1, 0.2), (1.0, 0.5, 0.25)).apply(colour)
    assert values(scaled) == pytest.approx([0.2, 0.2, 0.0], abs=1e-6)


def test_none_keeps_the_very_array() -> None:
    assert Scaling(None).apply(PIXELS) is PIXELS


@pytest.mark.parametrize("scaling", [Scaling("unit"), STANDARD], ids=["unit", "standard"])
def test_scaling_leaves_the_pixels_alone(scaling: Scaling) -> None:
    pixels = PIXELS.copy()
    pixels.flags.writeable = False
    scaling.apply(pixels)
    assert values(pixels) == [0, 51, 102, 255]


def test_restoring_rounds_and_clips_what_no_pixel_is() -> None:
    images = np.array([-0.3, 0.4004, 1.2]).reshape(1, 1, 3, 1)
    assert values(Scaling("unit").restore(images)) == [0, 102, 255]


# Images of a caller


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [(Scaling(None), [0, 51, 102, 255]), (Scaling("unit"), [0.0, 0.2, 0.4, 1.0]), (STANDARD, [-0.5, -0.1, 0.3, 1.5])],
    ids=["none", "unit", "standard"],
)
def test_uint8_is_raw_and_is_scaled(scaling: Scaling, expected: list[float]) -> None:
    assert values(scaling.prepare(PIXELS)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scaling", [Scaling(None), Scaling("unit"), STANDARD], ids=["none", "unit", "standard"])
def test_floats_on_the_scale_are_returned_untouched(scaling: Scaling, dtype: type) -> None:
    images = Scaling("unit").apply(PIXELS).astype(dtype)
    assert scaling.prepare(images) is images


def test_a_little_beyond_the_ends_is_still_on_the_scale() -> None:
    overshoot = np.array([-0.2, 1.2], np.float32).reshape(1, 1, 2, 1)
    assert Scaling("unit").prepare(overshoot) is overshoot


def test_pixels_as_floats_are_refused_on_unit() -> None:
    with pytest.raises(
        ValueRangeError,
        match=(
            r"Float images must already be on the scale 'unit' \(-0\.5 to 1\.5\)\. Received: values from 0 to 255\. "
            r"If they are raw pixels in \[0, 255\], pass images\.astype\('uint8'\)\."
        ),
    ):
        Scaling("unit").prepare(PIXELS.astype(np.float32))


def test_pixels_as_floats_are_refused_on_standard() -> None:
    # (-0.5 - 0.25) / 0.5 and (1.5 - 0.25) / 0.5
    with pytest.raises(
        ValueRangeError, match=r"on the scale 'standard' \(-1\.5 to 2\.5\)\. Received: values from 0 to"
    ):
        STANDARD.prepare(PIXELS.astype(np.float32))


@pytest.mark.parametrize("std", [(0.1, 0.5), (0.5, 0.1)])
def test_the_widest_channel_sets_the_ends_of_standard(std: tuple[float, float]) -> None:
    scaling = Scaling("standard", (0.5, 0.5), std)
    # 10 is (1.5 - 0.5) / 0.1 in one channel, and far beyond the 2 of the other.
    assert scaling.prepare(np.full((1, 1, 1, 2), 9.9)) is not None
    with pytest.raises(ValueRangeError, match=r"\(-10 to 10\)"):
        scaling.prepare(np.full((1, 1, 1, 2), 10.1))


def test_standard_values_are_refused_on_unit() -> None:
    with pytest.raises(ValueRangeError, match=r"Received: values from -0\.8 to 2"):
        Scaling("unit").prepare(np.array([-0.8, 2.0]).reshape(1, 1, 2, 1))


@pytest.mark.parametrize("scaling", [Scaling(None), Scaling("unit"), STANDARD], ids=["none", "unit", "standard"])
def test_nan_is_on_no_scale(scaling: Scaling) -> None:
    images = np.array([0.5, np.nan]).reshape(1, 1, 2, 1)
    with pytest.raises(ValueRangeError, match="Received: values from nan to nan"):
        scaling.prepare(images)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16, np.int8, bool])
def test_other_integers_are_refused(dtype: type) -> None:
    with pytest.raises(
        ValueRangeError,
        match=rf"Raw pixels are uint8 in \[0, 255\]; .*: dtype {np.dtype(dtype)}\. Use images\.astype\('uint8'\)",
    ):
        Scaling("unit").prepare(PIXELS.astype(dtype))


# Scales that cannot be


@pytest.mark.parametrize("scale", ["Unit", "", 0, 255, ["unit"]])
def test_another_scale_is_refused(scale: object) -> None:
    with pytest.raises(InputError, match=r"scale is 'unit', 'standard' or None\. Received: scale="):
        Scaling(scale)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mean", "std"),
    [((), ()), ((0.5,), ()), ((), (0.5,)), ((0.5,), (0.0,)), ((0.5,) * 2, (0.1, -1.0)), ((0.5,) * 3, (0.5,) * 2)],
)
def test_standard_needs_a_mean_and_a_positive_deviation_a_channel(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    with pytest.raises(InputError, match=r"needs a mean and a positive standard deviation for each channel\."):
        Scaling("standard", mean, std)
