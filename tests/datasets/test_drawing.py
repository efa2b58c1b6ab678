"""Distances against geometry, and the canvas against areas that are known."""

from __future__ import annotations

import numpy as np
import pytest

from convvision.datasets._drawing import Canvas, capsule, ellipse, limb, profile, slab, triangle_wave


@pytest.fixture
def canvas() -> Canvas:
    return Canvas(np.random.default_rng(0), count=6, size=28)


def paper(size: int = 40) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    return x[None], y[None]


def distance_to_nearest(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sqrt((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2).min(axis=-1)


# Distances


def test_capsule_is_the_distance_to_the_nearest_point_of_the_line_less_its_radius() -> None:
    x, y = paper()
    start, end = np.array([-0.4, 0.3]), np.array([0.5, -0.1])
    points = start + np.linspace(0, 1, 2001)[:, None] * (end - start)
    expected = distance_to_nearest(points, x, y) - 0.2
    np.testing.assert_allclose(capsule(x, y, (-0.4, 0.3), (0.5, -0.1), 0.2), expected, atol=1e-3)


def test_ellipse_with_equal_radii_is_the_distance_to_a_circle() -> None:
    x, y = paper()
    expected = np.hypot(x - 0.1, y + 0.2) - 0.5
    np.testing.assert_allclose(ellipse(x, y, (0.1, -0.2), (0.5, 0.5)), expected, atol=1e-6)


def test_ellipse_is_zero_on_its_outline() -> None:
    angle = np.linspace(0, 2 * np.pi, 50, dtype=np.float32)[None, None]
    outline = ellipse(0.1 + 0.7 * np.cos(angle), 0.3 * np.sin(angle), (0.1, 0), (0.7, 0.3))
    np.testing.assert_allclose(outline, 0, atol=1e-6)


def test_limb_contains_what_a_trapezium_contains() -> None:
    # Upright from (0, -0.5) to (0, 0.5), half width 0.4 above and 0.2 below.
    x, y = paper()
    inside = (np.abs(y) < 0.5) & (np.abs(x) < 0.3 - 0.2 * y)
    np.testing.assert_array_equal(limb(x, y, (0, -0.5), (0, 0.5), (0.4, 0.2)) < 0, inside)


def test_limb_turns_with_its_ends() -> None:
    x, y = paper()
    upright = limb(x, y, (0, -0.5), (0, 0.5), (0.4, 0.2))
    lying = limb(-y, x, (0.5, 0), (-0.5, 0), (0.4, 0.2))
    np.testing.assert_allclose(lying, upright, atol=1e-6)


def test_slab_is_the_distance_to_an_interval() -> None:
    position = np.array([-0.5, 0.0, 0.2, 0.4, 1.0], np.float32)
    np.testing.assert_allclose(slab(position, 0.0, 0.4), [0.5, 0.0, -0.2, 0.0, 0.6], atol=1e-6)


def test_profile_interpolates_as_numpy_does() -> None:
    position = np.linspace(-1, 1, 101, dtype=np.float32)
    expected = np.interp(position, [-0.5, 0.1, 0.6], [0.3, 0.9, -0.2])
    np.testing.assert_allclose(profile(position, (-0.5, 0.3), (0.1, 0.9), (0.6, -0.2)), expected, atol=1e-6)


def test_profile_takes_numbers_of_each_picture() -> None:
    position = np.linspace(-1, 1, 9, dtype=np.float32).reshape(1, 3, 3).repeat(2, axis=0)
    values = np.array([0.2, 0.8], np.float32).reshape(2, 1, 1)
    both = profile(position, (-1.0, 0.0), (1.0, values))
    for picture, value in zip(both, (0.2, 0.8), strict=True):
        np.testing.assert_allclose(picture, np.interp(position[0], [-1, 1], [0, value]), atol=1e-6)


def test_triangle_wave_rises_and_falls_once_a_unit() -> None:
    phase = np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5], np.float32)
    np.testing.assert_allclose(triangle_wave(phase), [-1, -1, 0, 1, 0, -1, 1], atol=1e-6)


# The canvas


def test_paint_covers_about_as_many_pixels_as_the_shape_is_large(canvas: Canvas) -> None:
    # On undeformed paper, where a circle of radius 0.5 has the area π/4 of the 4 that the paper has.
    canvas.x, canvas.y = (axis.repeat(6, axis=0) for axis in paper(28))
    canvas.paint(ellipse(canvas.x, canvas.y, (0, 0), (0.5, 0.5)), 1.0)
    pixels_a_unit = 27 / 2
    np.testing.assert_allclose(canvas.brightness.sum(axis=(1, 2)), np.pi / 4 * pixels_a_unit**2, rtol=0.02)


def test_paint_covers_half_of_a_pixel_that_the_outline_halves(canvas: Canvas) -> None:
    canvas.paint(np.zeros_like(canvas.x), 0.8)
    np.testing.assert_allclose(canvas.brightness, 0.4, atol=1e-6)


def test_what_is_painted_later_lies_above(canvas: Canvas) -> None:
    everywhere = np.full_like(canvas.x, -1)
    canvas.paint(everywhere, 0.9)
    canvas.paint(everywhere, 0.2)
    np.testing.assert_allclose(canvas.brightness, 0.2, atol=1e-6)


def test_opacity_leaves_out_the_pictures_where_it_is_zero(canvas: Canvas) -> None:
    some = np.array([1, 0, 1, 0, 0, 1], np.float32).reshape(6, 1, 1)
    canvas.paint(np.full_like(canvas.x, -1), 0.7, opacity=some)
    np.testing.assert_allclose(canvas.brightness, np.broadcast_to(0.7 * some, canvas.x.shape), atol=1e-6)


def test_a_rim_is_dark_at_the_outline_and_not_in_the_middle(canvas: Canvas) -> None:
    canvas.paint(np.full_like(canvas.x, -1), 0.8, rim=0.5)
    middle = canvas.brightness.copy()
    canvas.paint(np.full_like(canvas.x, -0.08), 0.8, rim=0.5)
    assert np.allclose(middle, 0.8)
    assert (canvas.brightness < 0.75).all()


def test_a_canvas_is_deformed_in_each_picture_in_its_own_way(canvas: Canvas) -> None:
    centres = (2 * np.arange(28) + 1) / 28 - 1
    for axis, upright in ((canvas.x, centres[None, :]), (canvas.y, centres[:, None])):
        assert np.abs(axis - upright).max(axis=(1, 2)).min() > 0.05
        assert np.abs(axis[1:] - axis[:-1]).max(axis=(1, 2)).min() > 0.05


def test_everything_is_float32(canvas: Canvas) -> None:
    numbers = [canvas.uniform(-0.5, 2), canvas.chance(0.5), canvas.smooth_field(), canvas.x, canvas.y]
    shapes = [
        capsule(canvas.x, canvas.y, (0, 0.5), (1, 1), 0.1),
        limb(canvas.x, canvas.y, (0, 0.5), (1, 1), (0.1, 0.2)),
        ellipse(canvas.x, canvas.y, (0, 0.5), (0.1, 0.2)),
        slab(canvas.x, 0, 0.5),
        profile(canvas.x, (0, 0.5), (1, 2)),
        triangle_wave(canvas.x),
    ]
    canvas.paint(shapes[0], 0.5, opacity=0.5, rim=0.5)
    assert {array.dtype for array in [*numbers, *shapes, canvas.brightness]} == {np.dtype(np.float32)}


def test_uniform_fills_its_range_and_chance_meets_its_probability() -> None:
    canvas = Canvas(np.random.default_rng(1), count=4000, size=2)
    numbers, chances = canvas.uniform(-0.5, 2.0), canvas.chance(0.3)
    assert numbers.shape == chances.shape == (4000, 1, 1)
    assert -0.5 <= numbers.min() < -0.49
    assert 1.99 < numbers.max() <= 2.0
    assert set(np.unique(chances)) == {0.0, 1.0}
    assert abs(chances.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)


def test_a_smooth_field_stays_in_range_and_changes_slowly(canvas: Canvas) -> None:
    field = canvas.smooth_field()
    assert np.abs(field).max() <= 1
    # From -1 to 1 at most over a quarter of the picture, at a smoothstep's steepest 1.5 times the mean slope.
    steepest = 1.5 * 2 / (28 / 4)
    assert np.abs(np.diff(field, axis=1)).max() <= steepest
    assert np.abs(np.diff(field, axis=2)).max() <= steepest
    assert field.std() > 0.1


def test_a_photograph_of_nothing_is_dark_and_noisy(canvas: Canvas) -> None:
    pixels = canvas.photograph()
    assert pixels.shape == (6, 28, 28)
    assert pixels.dtype == np.uint8
    assert pixels.mean() < 10
    assert pixels.std() > 1


def test_a_photograph_of_white_does_not_wrap_around(canvas: Canvas) -> None:
    canvas.brightness += 1
    assert canvas.photograph().min() > 100
