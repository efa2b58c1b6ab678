"""Kernels against loops, SciPy and Keras, and against what defines each of them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, signal

from convvision import kernels
from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError

KEEPS_BRIGHTNESS = ["identity", "sharpen", "unsharp_mask", "emboss", "box_blur", "gaussian_blur", "gaussian_blur_5"]
ANSWERS_TO_CHANGE = [
    *("edge", "laplacian"),
    *(f"{author}_{axis}" for author in ("sobel", "prewitt", "scharr") for axis in "xy"),
]
SIZES = [(1, 1), (3, 3), (5, 5), (2, 2), (4, 3), (1, 6)]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (9, 12), np.uint8)


def kernel_of_size(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(2).normal(size=size).astype(np.float32)


def correlate_by_loops(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    rows, columns = (have - size + 1 for have, size in zip(image.shape, kernel.shape, strict=True))
    result = np.zeros((rows, columns))
    for y in range(rows):
        for x in range(columns):
            for i in range(kernel.shape[0]):
                for j in range(kernel.shape[1]):
                    result[y, x] += float(kernel[i, j]) * float(image[y + i, x + j])
    return result


# The kernels themselves


def test_every_kernel_belongs_to_one_of_the_two_kinds() -> None:
    assert sorted(kernels.KERNELS) == sorted(KEEPS_BRIGHTNESS + ANSWERS_TO_CHANGE)


def test_kernels_has_every_constant_of_the_module_under_its_name() -> None:
    constants = {name for name in kernels.__all__ if name.isupper()} - {"KERNELS"}
    assert {name.upper() for name in kernels.KERNELS} == constants
    for name, kernel in kernels.KERNELS.items():
        assert kernel is getattr(kernels, name.upper())


@pytest.mark.parametrize("name", kernels.KERNELS)
def test_kernels_are_read_only_float32_of_odd_size(name: str) -> None:
    kernel = kernels.KERNELS[name]
    assert kernel.dtype == np.float32
    assert all(size % 2 == 1 for size in kernel.shape)
    with pytest.raises(ValueError, match="read-only"):
        kernel[0, 0] = 1


def test_the_mapping_of_kernels_is_read_only() -> None:
    with pytest.raises(TypeError):
        kernels.KERNELS["edge"] = kernels.SHARPEN  # type: ignore[index]


@pytest.mark.parametrize("name", KEEPS_BRIGHTNESS)
def test_weights_that_keep_brightness_sum_to_one(name: str) -> None:
    assert kernels.KERNELS[name].sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ANSWERS_TO_CHANGE)
def test_weights_that_answer_to_change_sum_to_zero(name: str) -> None:
    assert kernels.KERNELS[name].sum() == 0


def test_edge_has_eight_in_the_middle_and_minus_one_around_it_as_in_the_lesson() -> None:
    assert kernels.EDGE.tolist() == [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]


def test_scharr_has_its_published_whole_numbers() -> None:
    assert kernels.SCHARR_X.tolist() == [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]]
    assert kernels.SCHARR_Y.tolist() == [[-3, -10, -3], [0, 0, 0], [3, 10, 3]]


def test_unsharp_mask_has_476_in_the_middle_of_256ths() -> None:
    corner = [[-1, -4, -6], [-4, -16, -24], [-6, -24, 476]]
    assert (kernels.UNSHARP_MASK[:3, :3] * 256).tolist() == corner
    assert np.array_equal(kernels.UNSHARP_MASK, np.rot90(kernels.UNSHARP_MASK))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("sobel_x", lambda image: ndimage.sobel(image, axis=1, mode="mirror")),
        ("sobel_y", lambda image: ndimage.sobel(image, axis=0, mode="mirror")),
        ("prewitt_x", lambda image: ndimage.prewitt(image, axis=1, mode="mirror")),
        ("prewitt_y", lambda image: ndimage.prewitt(image, axis=0, mode="mirror")),
        ("laplacian", lambda image: ndimage.laplace(image, mode="mirror")),
        ("box_blur", lambda image: ndimage.uniform_filter(image, 3, mode="mirror")),
    ],
)
def test_kernels_that_scipy_has_too_give_its_result(name: str, reference, image: np.ndarray) -> None:
    expected = reference(image.astype(np.float64))
    np.testing.assert_allclose(kernels.apply(image, name, padding="reflect"), expected, rtol=1e-5, atol=1e-4)


def test_the_wide_gaussian_is_the_narrow_one_twice() -> None:
    assert np.array_equal(kernels.GAUSSIAN_BLUR_5, signal.convolve2d(kernels.GAUSSIAN_BLUR, kernels.GAUSSIAN_BLUR))


@pytest.mark.parametrize(("name", "variance"), [("gaussian_blur", 0.5), ("gaussian_blur_5", 1.0)])
def test_gaussians_have_the_spread_that_their_docs_say(name: str, variance: float) -> None:
    kernel = kernels.KERNELS[name]
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    assert (kernel.sum(axis=0) * offsets**2).sum() == pytest.approx(variance)


def test_sharpening_takes_away_the_laplacian(image: np.ndarray) -> None:
    assert np.array_equal(kernels.apply(image, "sharpen"), image - kernels.apply(image, "laplacian"))


def test_unsharp_masking_adds_what_the_blur_took(image: np.ndarray) -> None:
    blurred = kernels.apply(image, "gaussian_blur_5")
    np.testing.assert_allclose(kernels.apply(image, "unsharp_mask"), 2.0 * image - blurred, atol=1e-3)


def test_edge_is_nine_times_what_the_box_blur_took(image: np.ndarray) -> None:
    blurred = kernels.apply(image, "box_blur")
    np.testing.assert_allclose(kernels.apply(image, "edge"), 9 * (image - blurred), atol=1e-3)


def test_emboss_is_the_image_and_a_slope_towards_the_bottom_right() -> None:
    slope = kernels.EMBOSS - kernels.IDENTITY
    assert np.array_equal(slope, -slope[::-1, ::-1])
    y, x = np.mgrid[:3, :3]
    rising = kernels.apply(x + y, slope, padding="valid").item()
    assert rising == 12
    assert kernels.apply(x - y, slope, padding="valid").item() == 0


@pytest.mark.parametrize(("author", "gain"), [("sobel", 8), ("prewitt", 6), ("scharr", 32)])
def test_gradients_of_a_ramp_are_its_slope_times_the_gain(author: str, gain: int) -> None:
    y, x = np.mgrid[:5, :6]
    ramp = 3 * x - 2 * y
    assert (kernels.apply(ramp, f"{author}_x", padding="valid") == 3 * gain).all()
    assert (kernels.apply(ramp, f"{author}_y", padding="valid") == -2 * gain).all()


@pytest.mark.parametrize("name", ["edge", "laplacian"])
def test_second_differences_of_a_ramp_are_zero(name: str) -> None:
    y, x = np.mgrid[:5, :6]
    assert not kernels.apply(3 * x - 2 * y, name, padding="valid").any()


# apply: against independent implementations


@pytest.mark.parametrize("name", kernels.KERNELS)
def test_valid_equals_four_nested_loops(name: str, image: np.ndarray) -> None:
    expected = correlate_by_loops(image, kernels.KERNELS[name])
    np.testing.assert_allclose(kernels.apply(image, name, padding="valid"), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_valid_equals_scipy_for_kernels_of_any_size(size: tuple[int, int], image: np.ndarray) -> None:
    kernel = kernel_of_size(size)
    expected = signal.correlate2d(image.astype(np.float64), kernel, mode="valid")
    np.testing.assert_allclose(kernels.apply(image, kernel, padding="valid"), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("padding", "mode"), [("same", "constant"), ("reflect", "mirror")])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (5, 5), (3, 7)])
def test_borders_equal_those_of_scipy(padding: str, mode: str, size: tuple[int, int], image: np.ndarray) -> None:
    kernel = kernel_of_size(size)
    expected = ndimage.correlate(image.astype(np.float64), kernel.astype(np.float64), mode=mode, cval=0)
    np.testing.assert_allclose(kernels.apply(image, kernel, padding=padding), expected, rtol=1e-4, atol=1e-3)


def test_a_kernel_turned_by_180_degrees_gives_mathematical_convolution(image: np.ndarray) -> None:
    expected = signal.convolve2d(image.astype(np.float64), kernels.EMBOSS, mode="same")
    assert np.array_equal(kernels.apply(image, kernels.EMBOSS[::-1, ::-1]), expected)
    assert not np.array_equal(kernels.apply(image, kernels.EMBOSS), expected)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", SIZES)
def test_equals_a_conv2d_layer_with_that_kernel(padding: str, size: tuple[int, int]) -> None:
    import keras

    images = np.random.default_rng(3).random((2, 9, 12, 1), np.float32)
    kernel = kernel_of_size(size)
    layer = keras.layers.Conv2D(1, size, padding=padding, use_bias=False)
    layer.build(images.shape)
    layer.set_weights([kernel[..., None, None]])
    expected = keras.ops.convert_to_numpy(layer(images))
    np.testing.assert_allclose(kernels.apply(images, kernel, padding=padding), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_equals_a_depthwise_layer_with_that_kernel_on_every_channel(padding: str) -> None:
    import keras

    images = np.random.default_rng(3).random((2, 8, 7, 5), np.float32)
    layer = keras.layers.DepthwiseConv2D(3, padding=padding, use_bias=False)
    layer.build(images.shape)
    layer.set_weights([np.repeat(kernels.SCHARR_Y[..., None, None], 5, axis=2)])
    expected = keras.ops.convert_to_numpy(layer(images))
    np.testing.assert_allclose(kernels.apply(images, "scharr_y", padding=padding), expected, rtol=1e-4, atol=1e-4)


# apply: what must hold for any image

SMALL_INTEGERS = st.integers(-64, 64)
IMAGES = hnp.arrays(np.int16, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8), elements=SMALL_INTEGERS)
WEIGHTS = hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6), elements=SMALL_INTEGERS)


@given(
    shape=hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=4),
    weights=WEIGHTS,
    padding=st.sampled_from(["same", "reflect"]),
)
def test_padding_keeps_the_shape(shape: tuple[int, ...], weights: np.ndarray, padding: str) -> None:
    result = kernels.apply(np.ones(shape), weights, padding=padding)
    assert result.shape == shape
    assert result.dtype == np.float32


@given(image=IMAGES, weights=WEIGHTS)
def test_valid_shrinks_by_the_kernel_less_one_or_refuses(image: np.ndarray, weights: np.ndarray) -> None:
    expected = tuple(have - size + 1 for have, size in zip(image.shape, weights.shape, strict=True))
    if min(expected) < 1:
        with pytest.raises(ShapeError):
            kernels.apply(image, weights, padding="valid")
    else:
        assert kernels.apply(image, weights, padding="valid").shape == expected


# Sums of small integers are exact in float32, so linearity is equality.
@given(
    pair=hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8).flatmap(
        lambda shape: hnp.arrays(np.int64, (2, *shape), elements=SMALL_INTEGERS)
    ),
    weights=WEIGHTS,
    factors=st.tuples(st.integers(-16, 16), st.integers(-16, 16)),
    padding=st.sampled_from(["same", "reflect"]),
)
def test_is_linear_in_the_image(pair: np.ndarray, weights: np.ndarray, factors: tuple[int, int], padding: str) -> None:
    (first, second), (a, b) = pair, factors
    together = kernels.apply(a * first + b * second, weights, padding=padding)
    apart = a * kernels.apply(first, weights, padding=padding) + b * kernels.apply(second, weights, padding=padding)
    assert np.array_equal(together, apart)


@given(image=IMAGES, weights=WEIGHTS, down=st.integers(0, 5), right=st.integers(0, 5))
def test_a_shifted_image_gives_the_shifted_result(
    image: np.ndarray, weights: np.ndarray, down: int, right: int
) -> None:
    # Zeros wide enough around the image that the border has no part in it.
    margin = 12
    wide = np.pad(image, margin)
    shifted = np.roll(wide, (down, right), axis=(0, 1))
    expected = np.roll(kernels.apply(wide, weights), (down, right), axis=(0, 1))
    assert np.array_equal(kernels.apply(shifted, weights), expected)


@given(image=IMAGES)
def test_identity_returns_the_image(image: np.ndarray) -> None:
    for padding in ("same", "reflect"):
        assert np.array_equal(kernels.apply(image, "identity", padding=padding), image)


@given(brightness=SMALL_INTEGERS, shape=hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
def test_an_even_image_stays_even_without_a_frame(brightness: int, shape: tuple[int, int]) -> None:
    image = np.full(shape, brightness)
    for name in ANSWERS_TO_CHANGE:
        assert not kernels.apply(image, name, padding="reflect").any()
    for name in KEEPS_BRIGHTNESS:
        np.testing.assert_allclose(kernels.apply(image, name, padding="reflect"), brightness, atol=1e-4)


def test_edge_of_an_even_image_is_zero_inside_and_frames_it_with_padding_same() -> None:
    result = kernels.apply(np.full((5, 5), 10), "edge")
    assert not result[1:-1, 1:-1].any()
    # A corner has three neighbours, a side five; the others are zeros beyond the border.
    assert result[0].tolist() == [50, 30, 30, 30, 50]


# apply: what goes in and comes out


def test_channels_and_images_are_treated_on_their_own(image: np.ndarray) -> None:
    other = image[::-1, ::-1]
    stacked = kernels.apply(np.stack([np.stack([image, other], -1), np.stack([other, image], -1)]), "sobel_x")
    for result in (stacked[0, ..., 0], stacked[1, ..., 1]):
        assert np.array_equal(result, kernels.apply(image, "sobel_x"))
    for result in (stacked[0, ..., 1], stacked[1, ..., 0]):
        assert np.array_equal(result, kernels.apply(other, "sobel_x"))


@pytest.mark.parametrize("padding", ["same", "reflect", "valid"])
def test_one_image_gives_the_same_with_and_without_its_extra_axes(padding: str, image: np.ndarray) -> None:
    grey = kernels.apply(image, "emboss", padding=padding)
    assert np.array_equal(kernels.apply(image[..., None], "emboss", padding=padding), grey[..., None])
    assert np.array_equal(kernels.apply(image[None, ..., None], "emboss", padding=padding), grey[None, ..., None])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "float32", "float64"])
def test_every_real_dtype_gives_float32_without_wrapping_around(dtype: str) -> None:
    image = np.zeros((3, 3), dtype)
    image[1, 1] = 1 if dtype == "bool" else 100
    result = kernels.apply(image, "edge")
    assert result.dtype == np.float32
    assert result.tolist() == (-float(image[1, 1]) * np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]])).tolist()


def test_values_are_not_clipped() -> None:
    image = np.full((3, 3), 255, np.uint8)
    image[1, 1] = 0
    assert kernels.apply(image, "edge", padding="valid").item() == -2040
    assert kernels.apply(255 - image, "edge", padding="valid").item() == 2040


@pytest.mark.parametrize("padding", ["same", "reflect", "valid"])
def test_the_image_is_neither_changed_nor_returned(padding: str) -> None:
    image = np.random.default_rng(1).random((4, 4), np.float32)
    before = image.copy()
    result = kernels.apply(image, [[1]], padding=padding)
    assert not np.shares_memory(result, image)
    assert np.array_equal(image, before)


def test_nested_lists_serve_as_image_and_kernel() -> None:
    assert kernels.apply([[1, 2], [3, 4]], [[1, 10]], padding="valid").tolist() == [[21], [43]]


def test_an_even_kernel_lies_as_in_keras_with_its_rest_below_and_to_the_right() -> None:
    assert kernels.apply([[1, 2, 3]], [[1, 10]]).tolist() == [[21, 32, 3]]


# apply: what is refused


def test_an_unknown_kernel_says_what_was_meant() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown kernel 'egde'\. Did you mean 'edge'\?"):
        kernels.apply(np.zeros((3, 3)), "egde")


@pytest.mark.parametrize("shape", [(), (5,), (1, 2, 3, 4, 5), (0, 4), (2, 3, 0), (0, 3, 3, 1)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ShapeError, match=r"\(H, W\) or \(H, W, C\).*Received: shape " + str(shape).replace("(", r"\(")[:-1]
    ):
        kernels.apply(np.zeros(shape), "edge")


def test_a_stack_of_grey_images_without_channel_axis_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(100, 28, 28\)\. Add the channel axis .* images\[\.\.\., None\]"):
        kernels.apply(np.zeros((100, 28, 28)), "edge")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_in_the_image_are_refused(bad: float) -> None:
    with pytest.raises(ValueRangeError, match="NaN or infinite"):
        kernels.apply([[1.0, bad]], "identity")


@pytest.mark.parametrize("image", [np.array([["a"]]), np.array([[1j]]), np.array([[None]])])
def test_an_image_that_is_not_of_real_numbers_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueRangeError, match="real numbers"):
        kernels.apply(image, "identity")


@pytest.mark.parametrize(
    ("kernel", "error", "message"),
    [
        ([1, 2, 1], ShapeError, r"two axes.*shape \(3,\)\. numpy\.atleast_2d"),
        (np.zeros((3, 3, 1, 64)), ShapeError, r"shape \(3, 3, 1, 64\)\. .* weights\[:, :, channel, filter\]"),
        (np.zeros((3, 3, 3)), ShapeError, r"shape \(3, 3, 3\)\.$"),
        (5, ShapeError, r"shape \(\)"),
        (np.zeros((0, 3)), ShapeError, r"shape \(0, 3\)"),
        ([[1, 2], [3]], ShapeError, r"equally long.*\[\[1, 2\], \[3\]\]"),
        ([[1, np.nan]], ValueRangeError, r"finite.*nan"),
        ([["a"]], ValueRangeError, r"real numbers.*<U1"),
        ([[1j]], ValueRangeError, r"real numbers.*complex128"),
        (None, ShapeError, r"shape \(\)"),
    ],
)
def test_what_is_no_kernel_is_refused(kernel: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        kernels.apply(np.zeros((5, 5)), kernel)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(2, 9), (9, 2)])
def test_a_kernel_that_does_not_fit_is_refused_without_padding(shape: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=r"kernel of shape \(3, 3\) for an image of shape \(\d, \d\)\. Use a smaller"):
        kernels.apply(np.zeros(shape), "edge", padding="valid")


@pytest.mark.parametrize("padding", ["zeros", "SAME", None, 1])
def test_another_padding_is_refused(padding: object) -> None:
    with pytest.raises(InputError, match=r"'same', 'reflect' or 'valid'\. Received: padding="):
        kernels.apply(np.zeros((3, 3)), "edge", padding=padding)  # type: ignore[arg-type]


# gradient_magnitude


def test_gradient_magnitude_equals_scipys(image: np.ndarray) -> None:
    expected = ndimage.generic_gradient_magnitude(image.astype(np.float64), ndimage.sobel, mode="mirror")
    result = kernels.gradient_magnitude(image, padding="reflect")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_gradient_magnitude_of_a_quarter_turn_is_turned_with_the_image(image: np.ndarray) -> None:
    expected = np.rot90(kernels.gradient_magnitude(image))
    np.testing.assert_allclose(kernels.gradient_magnitude(np.rot90(image)), expected, rtol=1e-6)


# The floor


@pytest.mark.parametrize(("extra", "loaded"), [("", []), ("import matplotlib, convvision.datasets._types", [0, 1])])
def test_importing_and_using_kernels_loads_numpy_only(extra: str, loaded: list[int]) -> None:
    # The second case proves that the first can fail.
    program = (
        f"import sys; {extra or 'pass'}\n"
        "from convvision import kernels\n"
        "kernels.gradient_magnitude([[1]])\n"
        "heavy = ['matplotlib', 'convvision.datasets', 'keras', 'tensorflow']\n"
        "print([position for position, name in enumerate(heavy) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(loaded)
