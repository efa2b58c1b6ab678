"""Filters are the weights that reproduce the layer, and are drawn on one scale."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from convvision.errors import InputError, UnknownNameError
from convvision.visualize import FiltersDisplay, LayerFilters, extract_filters, plot_filters

CONVOLUTIONS = {
    "plain": lambda: layers.Conv2D(5, (3, 2), name="conv"),
    "grouped": lambda: layers.Conv2D(6, 3, groups=3, use_bias=False, name="conv"),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, name="conv"),
    "separable": lambda: layers.SeparableConv2D(4, 3, depth_multiplier=2, name="conv"),
    "dilated": lambda: layers.Conv2D(4, 2, dilation_rate=2, name="conv"),
}


def model_of(convolution: Any, channels: int = 6) -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((9, 9, channels)), convolution, layers.Flatten(), layers.Dense(2)])


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_filters_reproduce_what_the_layer_makes_of_a_patch(kind: str) -> None:
    model = model_of(CONVOLUTIONS[kind]())
    layer = model.get_layer("conv")
    found = extract_filters(model, "conv")
    image = np.random.default_rng(0).random((1, 9, 9, 6), np.float32)
    made = np.asarray(layer(image))[0]
    height, width = found.kernels.shape[1:3]
    step = layer.dilation_rate[0]
    patch = image[0, 1 : 1 + height * step : step, 2 : 2 + width * step : step]
    bias = np.zeros(made.shape[-1]) if layer.bias is None else np.asarray(layer.bias)
    assert len(found.kernels) == made.shape[-1]
    for index, (kernel, channels) in enumerate(zip(found.kernels, found.channels, strict=True)):
        total = (patch[..., channels] * kernel).sum() + bias[index]
        assert total == pytest.approx(made[1, 2, index], abs=1e-5)


def test_filters_of_groups_and_of_depthwise_convolutions_read_their_own_channels() -> None:
    assert extract_filters(model_of(CONVOLUTIONS["grouped"]()), "conv").channels.tolist() == [
        [0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5],
    ]  # fmt: skip
    assert extract_filters(model_of(CONVOLUTIONS["depthwise"]()), "conv").channels[:, 0].tolist() == [
        0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5,
    ]  # fmt: skip


def test_a_copy_is_taken() -> None:
    model = model_of(CONVOLUTIONS["plain"]())
    before = model.get_weights()
    extract_filters(model, "conv").kernels[:] = 7
    for left, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)


def tiles(display: FiltersDisplay) -> list[Any]:
    return list(display.axes_[0, 0].get_images())


def test_filters_of_one_channel_are_signed_with_zero_in_the_middle() -> None:
    model = model_of(layers.Conv2D(4, 3, name="conv"), channels=1)
    display = plot_filters(model, "conv", columns=3)
    kernel = np.asarray(model.get_layer("conv").kernel)
    assert display.inputs == "each"
    for index, tile in enumerate(tiles(display)):
        np.testing.assert_array_equal(tile.get_array(), kernel[..., 0, index])
        low, high = tile.get_clim()
        assert -low == high == pytest.approx(abs(kernel).max())
        assert tile.get_cmap().name == "RdBu_r"
    assert [text.get_text() for text in display.axes_[0, 0].texts] == ["0", "1", "2", "3"]
    assert len(display.figure_.axes) == 2


def test_filters_of_many_channels_are_their_norms() -> None:
    model = model_of(CONVOLUTIONS["plain"]())
    display = plot_filters(model, "conv")
    kernel = np.asarray(model.get_layer("conv").kernel)
    assert display.inputs == "norm"
    for index, tile in enumerate(tiles(display)):
        np.testing.assert_allclose(tile.get_array(), np.linalg.norm(kernel[..., index], axis=-1), rtol=1e-5)
        assert tile.get_clim()[0] == 0


def test_filters_of_a_colour_image_are_pictures_grey_at_zero() -> None:
    model = model_of(layers.Conv2D(3, 3, name="conv"), channels=3)
    kernel, bias, *rest = model.get_weights()
    kernel[:] = 0
    kernel[1, 1, :, 0], kernel[0, 0, :, 1] = [2, 0, 0], [0, -2, 1]
    model.set_weights([kernel, bias, *rest])
    display = plot_filters(model, "conv")
    assert display.inputs == "colour"
    red, green, grey = (np.asarray(tile.get_array()) for tile in tiles(display))
    np.testing.assert_allclose(red[1, 1], [1, 0.5, 0.5])
    np.testing.assert_allclose(green[0, 0], [0.5, 0, 0.75])
    np.testing.assert_allclose(grey, 0.5)


def test_three_channels_that_are_no_image_have_no_colours() -> None:
    model = keras.Sequential([keras.Input((9, 9, 3)), layers.Conv2D(3, 1), layers.Conv2D(2, 3, name="conv")])
    assert plot_filters(model, "conv").inputs == "norm"


def test_each_kernel_stands_in_the_row_of_its_filter_and_the_column_of_its_channel() -> None:
    model = model_of(CONVOLUTIONS["plain"]())
    (picture,) = tiles(plot_filters(model, "conv", inputs="each"))
    mosaic, kernel = np.ma.filled(picture.get_array(), np.nan), np.asarray(model.get_layer("conv").kernel)
    assert mosaic.shape == (5 * 4 - 1, 6 * 3 - 1)
    for index in range(5):
        for channel in range(6):
            part = mosaic[4 * index : 4 * index + 3, 3 * channel : 3 * channel + 2]
            np.testing.assert_array_equal(part, kernel[..., channel, index])
    assert np.isnan(mosaic[3::4]).all()
    assert np.isnan(mosaic[:, 2::3]).all()


def test_weights_that_are_all_zero_are_drawn_without_a_warning() -> None:
    for channels, inputs in ((1, None), (6, "norm"), (6, "each"), (3, "colour")):
        model = model_of(layers.Conv2D(2, 3, kernel_initializer="zeros", name="conv"), channels=channels)
        assert plot_filters(model, "conv", inputs=inputs)._repr_png_().startswith(b"\x89PNG")  # type: ignore[arg-type]


def test_what_cannot_be_is_refused() -> None:
    model = model_of(CONVOLUTIONS["plain"]())
    with pytest.raises(UnknownNameError, match="Did you mean 'conv'"):
        plot_filters(model, "convo")
    with pytest.raises(InputError, match=r"shape \(N, h, w, channels\)"):
        plot_filters(model, -1)
    with pytest.raises(InputError, match=r"one of 'norm', 'each', 'colour', or None\. Received: inputs='all'"):
        plot_filters(model, "conv", inputs="all")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"Received: 'conv', whose filters read 6 channels\. Use inputs='each'"):
        plot_filters(model, "conv", inputs="colour")
    with pytest.raises(InputError, match="columns is a whole number"):
        plot_filters(model, "conv", columns=-1)
    pooled = keras.Sequential([keras.Input((9, 9, 1)), layers.MaxPooling2D(name="pool")])
    with pytest.raises(InputError, match=r"Filters are those of Conv2D, DepthwiseConv2D or SeparableConv2D.*'pool'"):
        extract_filters(pooled, "pool")


def test_a_result_can_be_drawn_without_a_model() -> None:
    filters = LayerFilters("conv", np.ones((2, 3, 3, 1), np.float32), np.zeros((2, 1), np.int64), reads_image=True)
    assert len(tiles(FiltersDisplay(filters).plot())) == 2
