"""The picture of kernels: what stands where, which scale it has, and what it leaves alone."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from convvision import kernels
from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import KernelDisplay, plot_kernels


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (28, 28, 1), np.uint8)


def drawn(axes) -> np.ndarray:
    return np.asarray(axes.get_images()[0].get_array())


def numbers(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def rendered(display: KernelDisplay) -> np.ndarray:
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=50)
    return np.asarray(Image.open(buffer).convert("RGB"))


def test_all_kernels_are_drawn_unless_some_are_named(image: np.ndarray) -> None:
    display = plot_kernels(image)
    assert display.axes_.shape == (len(kernels.KERNELS), 2)
    assert [pair[1].get_title() for pair in display.axes_] == list(kernels.KERNELS)
    assert set(display.figure_.axes) == set(display.axes_.flat)


def test_named_kernels_are_drawn_in_their_order(image: np.ndarray) -> None:
    display = plot_kernels(image, ["sobel_y", "edge"])
    assert [pair[1].get_title() for pair in display.axes_] == ["sobel_y", "edge"]
    assert len(display.figure_.axes) == 4


def test_one_name_is_one_kernel_and_not_its_letters(image: np.ndarray) -> None:
    assert list(plot_kernels(image, "edge").kernels) == ["edge"]


def test_a_mapping_gives_kernels_names_of_ones_own(image: np.ndarray) -> None:
    display = plot_kernels(image, {"my kernel": [[0, 2], [-1, 0]], "the lesson's": "edge"})
    assert [pair[1].get_title() for pair in display.axes_] == ["my kernel", "the lesson's"]
    assert numbers(display.axes_[0, 0]) == ["0", "2", "−1", "0"]
    assert numbers(display.axes_[1, 0]) == ["−1"] * 4 + ["8"] + ["−1"] * 4


@pytest.mark.parametrize(("columns", "grid"), [(1, (7, 1)), (2, (4, 2)), (3, (3, 3)), (7, (1, 7)), (100, (1, 7))])
def test_columns_is_the_number_of_kernels_side_by_side(columns: int, grid: tuple[int, int], image: np.ndarray) -> None:
    display = plot_kernels(image, list(kernels.KERNELS)[:7], columns=columns)
    outer = display.axes_[0, 0].get_subplotspec().get_topmost_subplotspec().get_gridspec()
    assert outer.get_geometry() == grid


@pytest.mark.parametrize(
    ("name", "middle_row", "below"),
    [
        ("box_blur", ["1", "1", "1"], "÷ 9"),
        ("gaussian_blur", ["2", "4", "2"], "÷ 16"),
        ("gaussian_blur_5", ["6", "24", "36", "24", "6"], "÷ 256"),
        ("unsharp_mask", ["−6", "−24", "476", "−24", "−6"], "÷ 256"),
        ("edge", ["−1", "8", "−1"], ""),
    ],
)
def test_weights_are_whole_numbers_over_one_divisor(
    name: str, middle_row: list[str], below: str, image: np.ndarray
) -> None:
    axes = plot_kernels(image, name).axes_[0, 0]
    side = len(middle_row)
    assert numbers(axes)[side * (side // 2) : side * (side // 2 + 1)] == middle_row
    assert axes.get_xlabel() == below


def test_weights_that_are_no_such_fractions_have_two_digits(image: np.ndarray) -> None:
    axes = plot_kernels(image, {"mine": [[np.pi, -np.e / 10]]}).axes_[0, 0]
    assert numbers(axes) == ["3.1", "−0.27"]
    assert axes.get_xlabel() == ""


def test_a_large_kernel_is_drawn_in_colours_only(image: np.ndarray) -> None:
    axes = plot_kernels(image, {"motion": np.eye(9) / 9}).axes_[0, 0]
    assert numbers(axes) == []
    assert drawn(axes).shape == (9, 9)


def test_colours_of_weights_have_the_sign_of_the_weights(image: np.ndarray) -> None:
    cells = plot_kernels(image, "laplacian").axes_[0, 0].get_images()[0]
    red, _, blue = np.moveaxis(cells.to_rgba(cells.get_array())[..., :3], -1, 0)
    assert np.array_equal(np.sign((red - blue).round(2)), np.sign(kernels.LAPLACIAN))


@pytest.mark.parametrize("name", ["edge", "laplacian", "sobel_x", "scharr_y"])
def test_signed_results_are_drawn_as_they_are_around_white_at_zero(name: str, image: np.ndarray) -> None:
    picture = plot_kernels(image, name).axes_[0, 1].get_images()[0]
    expected = kernels.apply(image[..., 0], name, padding="reflect")
    assert np.array_equal(picture.get_array(), expected)
    assert picture.get_clim() == (-abs(expected).max(), abs(expected).max())
    zero = picture.to_rgba(np.zeros((1, 1)))[0, 0, :3]
    assert zero.min() > 0.95
    red, _, blue = picture.to_rgba(np.array([[picture.get_clim()[1]]]))[0, 0, :3]
    assert red > blue


def test_the_identity_shows_the_image(image: np.ndarray) -> None:
    picture = plot_kernels(image, "identity").axes_[0, 1].get_images()[0]
    np.testing.assert_allclose(picture.get_array(), image[..., 0] / image.max(), atol=1e-6)
    assert picture.get_clim() == (0, 1)
    assert picture.get_cmap().name == "gray"


def test_the_same_image_on_another_scale_makes_the_same_picture(image: np.ndarray) -> None:
    names = ["sharpen", "edge"]
    assert np.array_equal(rendered(plot_kernels(image, names)), rendered(plot_kernels(image / 255, names)))


def test_what_overshoots_is_cut_off_at_black_and_white(image: np.ndarray) -> None:
    shown = drawn(plot_kernels(image, "sharpen").axes_[0, 1])
    sharpened = kernels.apply(image[..., 0], "sharpen", padding="reflect")
    assert (shown[sharpened < 0] == 0).all()
    assert (shown[sharpened > image.max()] == 1).all()
    assert sharpened.min() < 0 < image.max() < sharpened.max()


def test_a_kernel_of_another_gain_keeps_the_brightness_of_even_areas() -> None:
    image = np.zeros((12, 12))
    image[:, 6:] = 40
    image[0, 0] = 80
    display = plot_kernels(image, {"sum": np.ones((3, 3)), "negative": [[-1]]})
    for axes in display.axes_[:, 1]:
        assert drawn(axes)[6, 9] == pytest.approx(0.5)
        assert drawn(axes)[6, 2] == pytest.approx(0)


def test_a_standardised_image_is_drawn_from_its_lowest_to_its_highest_value() -> None:
    image = np.linspace(-2, 6, 25).reshape(5, 5)
    shown = drawn(plot_kernels(image, "identity").axes_[0, 1])
    np.testing.assert_allclose(shown.ravel(), np.linspace(0, 1, 25), atol=1e-6)


def test_no_frame_is_drawn_around_an_even_image() -> None:
    display = plot_kernels(np.full((8, 8), 200, np.uint8))
    for axes in display.axes_[:, 1]:
        assert np.ptp(drawn(axes)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("value", [0, 1, 255])
def test_an_even_image_draws_without_a_warning(value: int) -> None:
    # Warnings are errors in this test run; the picture must be rendered for Matplotlib to give its own.
    assert rendered(plot_kernels(np.full((6, 6), value, np.uint8))).std() > 0


def test_an_even_image_has_no_edges_and_is_no_blue_picture() -> None:
    picture = plot_kernels(np.full((6, 6), 9.0), "edge").axes_[0, 1].get_images()[0]
    assert picture.to_rgba(picture.get_array())[..., :3].min() > 0.95


def test_colour_images_stay_in_colour_and_average_their_channels_where_signed() -> None:
    image = np.random.default_rng(1).random((6, 8, 3))
    display = plot_kernels(image, ["gaussian_blur", "sobel_x"])
    assert drawn(display.axes_[0, 1]).shape == (6, 8, 3)
    expected = np.mean([kernels.apply(image[..., c], "sobel_x", padding="reflect") for c in range(3)], axis=0)
    np.testing.assert_allclose(drawn(display.axes_[1, 1]), expected, atol=1e-5)


def test_cmap_colours_grey_images_and_not_signed_ones(image: np.ndarray) -> None:
    display = plot_kernels(image, ["box_blur", "edge"], cmap="inferno")
    blurred, edges = (axes.get_images()[0].get_cmap().name for axes in display.axes_[:, 1])
    assert blurred == "inferno"
    assert edges != "inferno"


def test_drawing_again_makes_a_new_figure_of_the_same_results(image: np.ndarray) -> None:
    display = plot_kernels(image, ["edge", "sharpen"])
    first, before = display.figure_, rendered(display)
    assert display.plot() is display
    assert display.figure_ is not first
    assert np.array_equal(rendered(display), before)


def test_nothing_global_changes_and_pyplot_knows_no_figure(image: np.ndarray) -> None:
    import matplotlib.pyplot as plt

    settings, before = dict(mpl.rcParams), image.copy()
    rendered(plot_kernels(image))
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == []
    assert np.array_equal(image, before)


def test_save_writes_the_picture(tmp_path: Path, image: np.ndarray) -> None:
    display = plot_kernels(image, ["identity", "edge"])
    path = display.save(tmp_path / "kernels.png", dpi=60)
    with Image.open(path) as saved:
        assert saved.size == tuple(int(inches * 60) for inches in display.figure_.get_size_inches())
        assert np.asarray(saved.convert("RGB")).std() > 0


def test_the_background_of_the_numbers_is_pale_enough_to_read_them(image: np.ndarray) -> None:
    for axes in plot_kernels(image).axes_[:, 0]:
        cells = axes.get_images()[0]
        colours = cells.to_rgba(cells.get_array())[..., :3]
        # Relative luminance and contrast of WCAG 2; 4.5 is its limit for text.
        linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
        luminance = linear @ [0.2126, 0.7152, 0.0722]
        assert all(to_rgb(text.get_color()) == (0, 0, 0) for text in axes.texts)
        assert ((luminance + 0.05) / 0.05).min() >= 4.5


# What is refused


@pytest.mark.parametrize("shape", [(28,), (10, 28, 28), (1, 28, 28, 1), (28, 28, 4)])
def test_more_or_less_than_one_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"One grey image has the shape .* Received: shape \(.*images\[0\]"):
        plot_kernels(np.zeros(shape), "edge")


def test_an_unknown_kernel_says_what_was_meant(image: np.ndarray) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'sharpen'"):
        plot_kernels(image, ["edge", "sharpe"])


@pytest.mark.parametrize("none", [[], (), {}])
def test_no_kernel_at_all_is_refused(none, image: np.ndarray) -> None:
    with pytest.raises(InputError, match="at least one kernel, or None for all"):
        plot_kernels(image, none)


@pytest.mark.parametrize("nameless", [np.eye(3), [np.eye(3)], [[0, 1], [1, 0]]])
def test_kernels_without_a_name_are_refused_with_the_way_to_give_one(nameless, image: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"\{'mine': kernel\}"):
        plot_kernels(image, nameless)


def test_a_kernel_that_is_none_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="two axes"):
        plot_kernels(image, {"mine": np.zeros((3, 3, 1, 64))})


def test_nan_is_refused() -> None:
    with pytest.raises(ValueRangeError, match="NaN"):
        plot_kernels(np.full((4, 4), np.nan))


@pytest.mark.parametrize("columns", [0, -1, 1.5, True, "3"])
def test_columns_is_a_whole_number(columns, image: np.ndarray) -> None:
    with pytest.raises(InputError, match="columns is a whole number of at least 1"):
        plot_kernels(image, "edge", columns=columns)


def test_unknown_colours_are_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"Received: cmap='infermo'"):
        plot_kernels(image, "edge", cmap="infermo")
