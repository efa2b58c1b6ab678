"""The lesson's picture: what stands where, and how little is computed for it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import matplotlib as mpl
import numpy as np
import pytest
from keras import layers

from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.models import conv
from convvision.visualize import ActivationGridDisplay, Activations, LayerActivation, plot_activation_grid
from counting import Counting

SHAPE = (12, 12, 1)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return conv((3, 4), input_shape=SHAPE, num_classes=4, hidden_units=8, padding="same", name="small")


def drawn(axes: Any) -> np.ndarray:
    return np.asarray(axes.get_images()[0].get_array())


def made_up(*maps: np.ndarray) -> Activations:
    """Layers whose maps are given, for as many images as they have."""
    count = len(maps[0])
    found = tuple(LayerActivation(f"layer_{index}", "Conv2D", one) for index, one in enumerate(maps, start=1))
    return Activations(np.zeros((count, 4, 4, 1), np.float32), found)


# How little is computed


@pytest.fixture
def no_predict(monkeypatch: pytest.MonkeyPatch) -> None:
    def predict(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("predict traces a graph for every new model")

    monkeypatch.setattr(keras.Model, "predict", predict)


@pytest.mark.parametrize("build", ["sequential", "functional", "nested"])
@pytest.mark.usefixtures("no_predict")
def test_one_forward_pass_draws_everything_and_goes_no_further(build: str, images: np.ndarray) -> None:
    before, between, behind = (Counting(name=name) for name in ("before", "between", "behind"))
    head = [layers.Conv2D(3, 3, name="conv_1"), before, layers.MaxPooling2D(2, name="pool_1")]
    tail = [layers.Conv2D(4, 3, name="conv_2"), between, layers.MaxPooling2D(2, name="pool_2")]
    rest = [behind, layers.Flatten(), layers.Dense(4)]
    if build == "functional":
        x = image = keras.Input(SHAPE)
        for layer in [*head, *tail, *rest]:
            x = layer(x)
        model, prefix = keras.Model(image, x), ""
    elif build == "sequential":
        model, prefix = keras.Sequential([keras.Input(SHAPE), *head, *tail, *rest]), ""
    else:
        model = keras.Sequential(
            [keras.Input(SHAPE), keras.Sequential([keras.Input(SHAPE), *head], name="inner"), *tail, *rest]
        )
        prefix = "inner/"

    four = [f"{prefix}conv_1", f"{prefix}pool_1", "conv_2", "pool_2"]
    display = plot_activation_grid(model, images, layers=four)
    assert display.axes_.shape == (3, 5)
    assert (before.seen(), between.seen(), behind.seen()) == ((1, 3), (1, 3), (0, 0))

    plot_activation_grid(model, images, layers=four[:2])
    assert (before.seen(), between.seen(), behind.seen()) == ((2, 6), (1, 3), (0, 0))


def test_drawing_again_computes_nothing(images: np.ndarray) -> None:
    counting = Counting(name="counting")
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3), counting, layers.Flatten()])
    display = plot_activation_grid(model, images, channel=0)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    display._repr_png_()
    assert counting.seen() == (1, 3)


def test_the_model_is_freed_while_the_picture_lives(images: np.ndarray) -> None:
    model = conv(2, input_shape=SHAPE, num_classes=4)
    there = weakref.ref(model)
    display = plot_activation_grid(model, images)
    assert there() is model
    del model
    gc.collect()
    assert there() is None
    assert display._repr_png_().startswith(b"\x89PNG")


# What stands where


def test_a_row_an_image_and_a_column_a_layer(images: np.ndarray, model: keras.Model) -> None:
    display = plot_activation_grid(model, images, titles=["Sneaker", "Bag", "Coat"])
    assert display.axes_.shape == (3, 5)
    assert set(display.figure_.axes) == set(display.axes_.flat)
    assert [axes.get_title().partition("\n")[0] for axes in display.axes_[0]] == [
        "image", "conv_1", "pool_1", "conv_2", "pool_2",
    ]  # fmt: skip
    assert [axes.get_title().partition("\n")[2] for axes in display.axes_[0]] == [
        "", "12 × 12, channel 1", "6 × 6, channel 1", "6 × 6, channel 1", "3 × 3, channel 1",
    ]  # fmt: skip
    assert [row[0].get_ylabel() for row in display.axes_] == ["Sneaker", "Bag", "Coat"]
    assert all(axes.get_title() == "" for axes in display.axes_[1:].flat)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_each_panel_is_the_channel_of_its_layer_and_image(channel: int, images: np.ndarray, model: keras.Model) -> None:
    display = plot_activation_grid(model, images, layers=["conv_1", "pool_1"], channel=channel)
    for index, row in enumerate(display.axes_):
        maps = np.asarray(model.get_layer("conv_1")(images[index : index + 1]))[0, ..., channel]
        np.testing.assert_allclose(drawn(row[1]), maps, atol=1e-6)
        pooled = maps.reshape(6, 2, 6, 2).max(axis=(1, 3))
        np.testing.assert_allclose(drawn(row[2]), pooled, atol=1e-6)


def test_layers_stand_in_the_order_in_which_they_are_asked_for(images: np.ndarray, model: keras.Model) -> None:
    display = plot_activation_grid(model, images, layers=("pool_2", "conv_1"))
    assert [axes.get_title().partition("\n")[0] for axes in display.axes_[0]] == ["image", "pool_2", "conv_1"]


def test_each_map_has_its_own_range_from_dark_to_bright() -> None:
    maps = np.zeros((2, 2, 2, 1), np.float32)
    maps[0, ..., 0], maps[1, ..., 0] = [[-3, 0], [1, 5]], [[10, 11], [12, 20]]
    display = ActivationGridDisplay(made_up(maps), channel=0).plot()
    first, second = (row[1].get_images()[0] for row in display.axes_)
    assert (first.get_clim(), second.get_clim()) == ((-3, 5), (10, 20))
    assert first.get_cmap().name == "inferno"
    colours = first.to_rgba(np.array([-3.0, 5.0]))[:, :3].sum(axis=1)
    assert colours[0] < 0.2
    assert colours[1] > 1.5


def test_colours_may_be_others(images: np.ndarray, model: keras.Model) -> None:
    display = plot_activation_grid(model, images, layers=1, cmap="viridis")
    assert display.axes_[0, 1].get_images()[0].get_cmap().name == "viridis"


def test_the_image_itself_stands_in_front_grey_from_black_to_white(images: np.ndarray, model: keras.Model) -> None:
    standardised = images * 6 - 2
    for row, image in zip(plot_activation_grid(model, standardised, layers=1).axes_, standardised, strict=True):
        expected = (image[..., 0] - image.min()) / (image.max() - image.min())
        np.testing.assert_allclose(drawn(row[0]), expected, atol=1e-6)
        assert row[0].get_images()[0].get_cmap().name == "gray"
        assert row[0].get_images()[0].get_clim() == (0, 1)


def test_a_colour_image_is_drawn_in_colour() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten()])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    display = plot_activation_grid(model, pixels)
    low, high = pixels[1].min(), pixels[1].max()
    np.testing.assert_allclose(drawn(display.axes_[1, 0]), (pixels[1] - low) / (high - low), atol=1e-6)


# Maps and images without any contrast


@pytest.mark.parametrize("value", [0.0, 3.5, -2.0])
def test_a_map_that_is_the_same_everywhere_is_dark_and_marked(value: float) -> None:
    maps = np.full((1, 3, 3, 2), value, np.float32)
    maps[0, 1, 1, 1] = 7
    dead, live = (ActivationGridDisplay(made_up(maps), channel=channel).plot() for channel in (0, 1))
    # Warnings are errors in this test run; the picture must be rendered for Matplotlib to give its own.
    assert dead._repr_png_().startswith(b"\x89PNG")
    axes = dead.axes_[0, 1]
    assert [text.get_text() for text in axes.texts] == [f"{value:g} everywhere"]
    picture = axes.get_images()[0]
    assert picture.to_rgba(picture.get_array())[..., :3].sum(axis=-1).max() < 0.2
    assert list(live.axes_[0, 1].texts) == []


def test_a_relu_that_never_fires_survives(images: np.ndarray, model: keras.Model) -> None:
    layer = model.get_layer("conv_1")
    layer.set_weights([np.zeros((3, 3, 1, 3)), np.full(3, -1.0)])
    display = plot_activation_grid(model, images, layers="conv")
    assert [row[1].texts[0].get_text() for row in display.axes_] == ["0 everywhere"] * 3
    assert display._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_even_image_is_drawn_without_a_warning(value: float, model: keras.Model) -> None:
    display = plot_activation_grid(model, np.full((1, *SHAPE), value, np.float32))
    assert display._repr_png_().startswith(b"\x89PNG")
    assert np.isfinite(drawn(display.axes_[0, 0])).all()


# What it leaves alone


def test_nothing_global_changes_and_the_images_neither(images: np.ndarray, model: keras.Model) -> None:
    import matplotlib.pyplot as plt

    settings, before = dict(mpl.rcParams), images.copy()
    plot_activation_grid(model, images)._repr_png_()
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == []
    np.testing.assert_array_equal(images, before)


# What is refused


@pytest.mark.parametrize(
    ("channel", "layers"), [(3, "conv_1"), (3, ["conv_1", "conv_2"]), (-1, "spatial"), (64, "spatial"), (64, "conv_1")]
)
def test_a_channel_that_a_layer_lacks(
    channel: int, layers: str | list[str], images: np.ndarray, model: keras.Model
) -> None:
    with pytest.raises(InputError, match=rf"'conv_1' has the channels 0 to 2\. Received: channel={channel}"):
        plot_activation_grid(model, images, layers=layers, channel=channel)


def test_of_a_group_the_layers_that_lack_the_channel_are_left_out(images: np.ndarray, model: keras.Model) -> None:
    display = plot_activation_grid(model, images, layers="spatial", channel=3)
    assert [axes.get_title().partition("\n")[0] for axes in display.axes_[0]] == ["image", "conv_2", "pool_2"]
    maps = np.asarray(model.get_layer("conv_2")(model.get_layer("pool_1")(model.get_layer("conv_1")(images))))
    np.testing.assert_allclose(drawn(display.axes_[2, 1]), maps[2, ..., 3], atol=1e-6)


def test_titles_are_one_an_image(images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(InputError, match=r"Expected 3 titles, one an image\. Received: \['a', 'b'\]"):
        plot_activation_grid(model, images, titles=["a", "b"])


def test_unknown_layers_images_and_pixels_are_refused_as_by_extract_activations(
    images: np.ndarray, model: keras.Model
) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'conv_1'"):
        plot_activation_grid(model, images, layers="conv1")
    with pytest.raises(ShapeError, match=r"Add the channel axis"):
        plot_activation_grid(model, images[..., 0])
    with pytest.raises(ValueRangeError, match="NaN"):
        plot_activation_grid(model, images * np.nan)


def test_unknown_colours(images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(InputError, match=r"'infermo'"):
        plot_activation_grid(model, images, cmap="infermo")


# Channels that are chosen for the picture


def spots() -> Activations:
    """Two layers of three channels, for two images, with one bright spot in each channel."""
    first, second = np.zeros((2, 4, 4, 3), np.float32), np.zeros((2, 2, 2, 3), np.float32)
    first[0, 1, 1], first[1, 2, 3] = [1, 5, 3], [4, 2, 3]
    second[0, 0, 0], second[1, 1, 1] = [1, 2, 10], [8, 7, 6]
    return made_up(first, second)


def test_one_channel_for_each_layer() -> None:
    display = ActivationGridDisplay(spots(), channel=[2, 0]).plot()
    assert display.channels.tolist() == [[2, 0], [2, 0]]
    assert drawn(display.axes_[0, 1]).max() == 3
    assert drawn(display.axes_[1, 2]).max() == 8
    assert [axes.get_title().partition(", ")[2] for axes in display.axes_[0, 1:]] == ["channel 2", "channel 0"]


def test_the_top_channel_is_the_one_with_the_largest_value_and_is_named() -> None:
    display = ActivationGridDisplay(spots(), channel="top").plot()
    assert display.channels.tolist() == [[1, 2], [0, 0]]
    assert [drawn(axes).max() for axes in display.axes_[:, 1:].flat] == [5, 10, 4, 8]
    named = [axes.get_xlabel() for axes in display.axes_[:, 1:].flat]
    assert named == ["channel 1", "channel 2", "channel 0", "channel 0"]


def test_the_mean_is_over_all_channels() -> None:
    display = ActivationGridDisplay(spots(), channel="mean").plot()
    np.testing.assert_allclose([drawn(axes).max() for axes in display.axes_[:, 1:].flat], [3, 13 / 3, 3, 7])
    assert display.axes_[0, 1].get_title() == "layer_1\n4 × 4, mean of 3"


@pytest.mark.parametrize("channel", ["best", [1], [0, 1, 2], 1.5, [0, 1.5], [0, True], None])
def test_a_channel_that_cannot_be(channel: Any) -> None:
    with pytest.raises(InputError, match=r"Received: (channel=)?"):
        ActivationGridDisplay(spots(), channel=channel)


# Scales


@pytest.mark.parametrize(
    ("scale", "limits", "bars"),
    [
        ("panel", [(0, 3), (0, 10), (0, 3), (0, 6)], 0),
        ("row", [(0, 10), (0, 10), (0, 6), (0, 6)], 2),
        ("layer", [(0, 3), (0, 10), (0, 3), (0, 10)], 2),
        ("global", [(0, 10)] * 4, 1),
    ],
)
def test_maps_share_their_colours_and_the_bar_that_tells_them(scale: Any, limits: Any, bars: int) -> None:
    display = ActivationGridDisplay(spots(), channel=2, scale=scale).plot()
    assert [axes.get_images()[0].get_clim() for axes in display.axes_[:, 1:].flat] == limits
    assert len(display.figure_.axes) == display.axes_.size + bars
    for picture in (axes.get_images()[0] for axes in display.axes_[:, 1:].flat):
        assert (picture.colorbar is not None) <= (scale != "panel")


def test_a_dead_map_among_others_is_marked_and_stays_dark() -> None:
    maps = np.zeros((2, 3, 3, 1), np.float32)
    maps[1, 1, 1] = 4
    display = ActivationGridDisplay(made_up(maps), channel=0, scale="layer").plot()
    dead, live = display.axes_[:, 1]
    assert [text.get_text() for text in dead.texts] == ["0 everywhere"]
    assert list(live.texts) == []
    assert dead.get_images()[0].get_clim() == (0, 4)
    assert display._repr_png_().startswith(b"\x89PNG")


def test_a_scale_that_is_none() -> None:
    with pytest.raises(InputError, match=r"one of 'panel', 'row', 'layer', 'global'\. Received: scale='column'"):
        ActivationGridDisplay(spots(), scale="column")  # type: ignore[arg-type]
