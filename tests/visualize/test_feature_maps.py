"""All channels of a layer: which stand where, on which scale, and which are marked."""

from __future__ import annotations

from typing import Any

import keras
import matplotlib as mpl
import numpy as np
import pytest
from keras import layers

from convvision.errors import InputError, ShapeError, UnknownNameError
from convvision.visualize import Activations, FeatureMapsDisplay, LayerActivation, plot_feature_maps

SHAPE = (6, 8, 1)


def scaling_model(factors: list[float], activation: str = "relu") -> Any:
    """Each channel is the image times a number."""
    model = keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(len(factors), 1, activation=activation, name="maps"), layers.Flatten()]
    )
    model.set_weights([np.array(factors).reshape(1, 1, 1, -1), np.zeros(len(factors))])
    return model


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random(SHAPE, np.float32)


def tiles(display: FeatureMapsDisplay) -> list[Any]:
    return list(display.axes_[0, 1].get_images())


def texts(display: FeatureMapsDisplay) -> list[str]:
    return [text.get_text() for text in display.axes_[0, 1].texts]


def test_every_channel_is_drawn_in_order_on_one_scale(image: np.ndarray) -> None:
    factors = [1.0, 3.0, 0.5, 2.0]
    display = plot_feature_maps(scaling_model(factors), image, "maps", columns=3)
    assert display.axes_.shape == (1, 2)
    assert texts(display) == ["0", "1", "2", "3"]
    for tile, factor in zip(tiles(display), factors, strict=True):
        np.testing.assert_allclose(tile.get_array(), factor * image[..., 0], atol=1e-6)
        assert tile.get_clim() == (0, pytest.approx(3 * image.max()))
        assert tile.get_cmap().name == "inferno"
    # One bar for all, beside the image and the frame of the maps.
    assert len(display.figure_.axes) == 3


def test_tiles_stand_row_by_row_and_keep_their_shape(image: np.ndarray) -> None:
    display = plot_feature_maps(scaling_model([1.0] * 5), image, "maps", columns=2)
    extents = [tile.get_extent() for tile in tiles(display)]
    assert len({(round(left, 3), round(top, 3)) for left, _, _, top in extents}) == 5
    assert [round(extent[0], 3) for extent in extents] == [0, 1.08, 0, 1.08, 0]
    for left, right, bottom, top in extents:
        assert (bottom - top) / (right - left) == pytest.approx(6 / 8)
    # None lies over another.
    assert extents[2][3] > extents[0][2]


def test_the_strongest_stand_first(image: np.ndarray) -> None:
    display = plot_feature_maps(scaling_model([1.0, 3.0, 0.5, 2.0]), image, 0, order="channel", columns=4)
    assert display.channels.tolist() == [0]
    display = plot_feature_maps(scaling_model([1.0, 3.0, 0.5, 2.0]), image, "maps", order="strongest")
    assert display.channels.tolist() == [1, 3, 0, 2]
    assert texts(display) == ["1", "3", "0", "2"]
    assert [float(tile.get_array().max() / image.max()) for tile in tiles(display)] == pytest.approx([3, 2, 1, 0.5])


def test_a_dead_channel_is_marked_and_not_stretched(image: np.ndarray) -> None:
    display = plot_feature_maps(scaling_model([1.0, -2.0, 0.0]), image, "maps")
    assert display.dead.tolist() == [False, True, True]
    assert texts(display) == ["0", "1", "2", "dead", "dead"]
    assert tiles(display)[1].get_clim() == (0, pytest.approx(image.max()))
    assert "3 maps of 6 × 8\n2 dead" in display.axes_[0, 0].get_xlabel()
    left, right, bottom, top = tiles(display)[1].get_extent()
    (x, y) = display.axes_[0, 1].texts[3].get_position()
    assert left < x < right
    assert top < y < bottom


def test_a_layer_of_dead_channels_alone_is_drawn_without_a_warning(image: np.ndarray) -> None:
    display = plot_feature_maps(scaling_model([-1.0, -1.0]), image, "maps")
    assert display.dead.all()
    assert display._repr_png_().startswith(b"\x89PNG")


def test_maps_with_a_sign_are_white_at_zero(image: np.ndarray) -> None:
    display = plot_feature_maps(scaling_model([1.0, -2.0], "linear"), image, "maps")
    largest = 2 * float(image.max())
    assert all(tile.get_clim() == pytest.approx((-largest, largest)) for tile in tiles(display))
    assert tiles(display)[0].get_cmap().name == "RdBu_r"
    np.testing.assert_allclose(tiles(display)[0].to_rgba(np.array([0.0]))[0, :3], 1, atol=0.05)


def test_nothing_global_changes_and_the_image_neither(image: np.ndarray) -> None:
    settings, before = dict(mpl.rcParams), image.copy()
    plot_feature_maps(scaling_model([1.0]), image, "maps")._repr_png_()
    assert dict(mpl.rcParams) == settings
    np.testing.assert_array_equal(image, before)


def test_what_cannot_be_is_refused(image: np.ndarray) -> None:
    model = scaling_model([1.0])
    with pytest.raises(ShapeError, match=r"One image has the shape \(H, W, C\)\. Received: shape \(6, 8\)"):
        plot_feature_maps(model, image[..., 0], "maps")
    with pytest.raises(ShapeError, match=r"Take one of several with images\[0\]"):
        plot_feature_maps(model, image[None], "maps")
    with pytest.raises(UnknownNameError, match="Did you mean 'maps'"):
        plot_feature_maps(model, image, "map")
    with pytest.raises(InputError, match=r"order is 'channel' or 'strongest'\. Received: order='weakest'"):
        plot_feature_maps(model, image, "maps", order="weakest")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="columns is a whole number"):
        plot_feature_maps(model, image, "maps", columns=0)
    with pytest.raises(InputError, match="'infermo'"):
        plot_feature_maps(model, image, "maps", cmap="infermo")
    two = Activations(np.zeros((2, *SHAPE)), (LayerActivation("maps", "Conv2D", np.zeros((2, 3, 3, 1), np.float32)),))
    with pytest.raises(InputError, match=r"one layer for one image\. Received: \['maps'\] for 2 images"):
        FeatureMapsDisplay(two)
