"""The arithmetic of one unit against what Keras computes, for every option of a convolution."""

from __future__ import annotations

import io
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import convvision
from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import explain_unit, extract_activations, plot_unit
from foreign_models import build_foreign

SIZE = (9, 8, 4)

CONVOLUTIONS: dict[str, Any] = {
    "plain": lambda: layers.Conv2D(6, 3),
    "relu": lambda: layers.Conv2D(6, (2, 3), activation="relu"),
    "same": lambda: layers.Conv2D(6, 3, padding="same", activation="tanh"),
    "even kernel, same": lambda: layers.Conv2D(6, 4, padding="same"),
    "strided": lambda: layers.Conv2D(6, 3, strides=(2, 3)),
    "strided, same": lambda: layers.Conv2D(6, (3, 2), strides=2, padding="same"),
    "stride beyond the kernel, same": lambda: layers.Conv2D(6, 1, strides=3, padding="same"),
    "dilated": lambda: layers.Conv2D(6, 3, dilation_rate=(2, 3)),
    "dilated, same": lambda: layers.Conv2D(6, 3, dilation_rate=2, padding="same"),
    "groups": lambda: layers.Conv2D(6, 3, groups=2),
    "as many groups as channels": lambda: layers.Conv2D(8, 3, groups=4, padding="same"),
    "without bias": lambda: layers.Conv2D(6, 3, use_bias=False),
    "softmax over channels": lambda: layers.Conv2D(6, 3, activation="softmax"),
    "depthwise": lambda: layers.DepthwiseConv2D(3),
    "depthwise, multiplied": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same"),
    "separable": lambda: layers.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="elu"),
}


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).normal(size=SIZE).astype(np.float32)


def model_of(*several: Any) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input(SIZE), *several])
    random = np.random.default_rng(2)
    for weight in model.weights:
        weight.assign(random.uniform(0.2, 1, weight.shape) * random.choice([1, -1] if "gamma" in weight.path else [1]))
    for layer in several:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(random.normal(size=layer.kernel.shape))
    return model


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_the_arithmetic_gives_what_the_layer_gives(name: str, image: np.ndarray) -> None:
    model = model_of(CONVOLUTIONS[name]())
    maps = np.asarray(model(image[None]))[0]
    height, width, channels = maps.shape
    for row, column, channel in [(0, 0, 0), (height - 1, width - 1, channels - 1), (height // 2, width // 2, 1)]:
        found = explain_unit(model, image, 0 if len(model.layers) == 0 else -1, channel, (row, column))
        assert found.activation == pytest.approx(maps[row, column, channel], abs=1e-5)
        assert found.sum == pytest.approx(found.products.sum(dtype=np.float64) + found.bias, abs=1e-4)
        assert found.patch.shape == found.kernel.shape == found.products.shape
        assert found.patch.shape == (len(found.rows), len(found.columns), len(found.channels))


def test_every_number_of_a_small_map_by_hand() -> None:
    model = keras.Sequential([keras.Input((3, 3, 1)), layers.Conv2D(1, 2, activation="relu", name="conv")])
    model.set_weights([np.array([[1, -2], [3, 0.5]], np.float32).reshape(2, 2, 1, 1), np.array([-4], np.float32)])
    image = np.arange(9, dtype=np.float32).reshape(3, 3, 1)
    found = explain_unit(model, image, "conv", 0, (1, 0))
    assert found.patch[..., 0].tolist() == [[3, 4], [6, 7]]
    assert found.products[..., 0].tolist() == [[3, -8], [18, 3.5]]
    assert (found.bias, found.sum, found.activation_name, found.activation) == (-4, 12.5, "relu", 12.5)
    assert (found.rows, found.columns, found.channels) == ((1, 2), (0, 1), (0,))
    assert str(found) == "conv (1, 0), channel 0: products 16.5 + bias -4 = 12.5 → relu 12.5"
    # 0·1 − 1·2 + 3·3 + 4/2 − 4 = 5 at the top left; with the first row and the last turned it is below zero.
    assert explain_unit(model, image, "conv", 0, (0, 0)).sum == 5
    negative = explain_unit(model, -image, "conv", 0, (0, 0))
    assert (negative.sum, negative.activation) == (-13, 0)


def test_padding_is_zero_and_says_where_it_lies(image: np.ndarray) -> None:
    found = explain_unit(model_of(layers.Conv2D(6, 3, padding="same")), image, -1, 0, (0, 7))
    assert (found.rows, found.columns) == ((-1, 0, 1), (6, 7, 8))
    assert (found.patch[0] == 0).all()
    assert (found.patch[:, 2] == 0).all()
    np.testing.assert_array_equal(found.patch[1:, :2], image[:2, 6:])


def test_a_group_and_a_depth_read_their_own_channels(image: np.ndarray) -> None:
    grouped = explain_unit(model_of(layers.Conv2D(6, 3, groups=2)), image, -1, 4, (2, 2))
    assert grouped.channels == (2, 3)
    np.testing.assert_array_equal(grouped.patch, image[2:5, 2:5, 2:])
    single = explain_unit(model_of(layers.DepthwiseConv2D(3, depth_multiplier=2)), image, -1, 5, (2, 2))
    assert single.channels == (2,)
    np.testing.assert_array_equal(single.patch, image[2:5, 2:5, 2:3])


def test_normalisation_and_activation_behind_the_layer_are_followed(image: np.ndarray) -> None:
    model = model_of(
        layers.Conv2D(6, 3, use_bias=False, name="conv"),
        layers.BatchNormalization(name="normalised"),
        layers.Activation("relu", name="rectified"),
        layers.MaxPooling2D(2, name="pool"),
    )
    maps = extract_activations(model, image[None], ["conv", "normalised", "rectified"]).layers
    for channel in range(6):
        found = explain_unit(model, image, "conv", channel, (3, 2))
        assert found.activation_name == "linear"
        assert [step.layer for step in found.steps] == ["normalised", "rectified"]
        values = [found.activation, *(step.value for step in found.steps)]
        np.testing.assert_allclose(values, [each.maps[0, 3, 2, channel] for each in maps], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"scale": False, "center": False}])
def test_a_normalisation_may_lack_its_scale_or_its_shift(options: Any, image: np.ndarray) -> None:
    model = model_of(layers.Conv2D(6, 3), layers.BatchNormalization(**options), layers.LeakyReLU())
    found = explain_unit(model, image, 1 if model.layers[0].name.startswith("input") else -3, 2, (1, 1))
    assert found.steps[-1].value == pytest.approx(float(np.asarray(model(image[None]))[0, 1, 1, 2]), abs=1e-5)
    assert len(found.steps) == 2


def test_what_is_read_by_two_layers_is_followed_no_further() -> None:
    image = keras.Input((4, 4, 1))
    x = layers.Conv2D(2, 2, name="conv")(image)
    model = keras.Model(image, layers.Add()([layers.ReLU()(x), layers.ELU()(x)]))
    assert explain_unit(model, np.ones((4, 4, 1)), "conv", 0, (0, 0)).steps == ()


def test_a_softmax_behind_the_layer_is_no_step_of_one_number(image: np.ndarray) -> None:
    model = model_of(layers.Conv2D(6, 3, name="conv"), layers.Activation("softmax"))
    assert explain_unit(model, image, "conv", 0, (0, 0)).steps == ()


def test_a_layer_of_a_nested_model() -> None:
    model = build_foreign("nested_models")
    image = np.random.default_rng(0).random((12, 10, 2), np.float32)
    maps = extract_activations(model, image[None], "backbone/inner").layers[0].maps
    found = explain_unit(model, image, "backbone/inner", 3, (4, 5))
    assert found.activation == pytest.approx(maps[0, 4, 5, 3], abs=1e-5)
    # Its input is the image behind a Rescaling by 2.
    np.testing.assert_allclose(found.patch, 2 * image[4:7, 5:8], rtol=1e-6)


def test_each_call_of_a_layer_has_its_own_input() -> None:
    model = build_foreign("one_layer_called_twice")
    image = np.random.default_rng(0).random((12, 10, 2), np.float32)
    first, second = extract_activations(model, image[None], [1, 2]).layers
    for position, maps in ((1, first.maps), (2, second.maps)):
        assert explain_unit(model, image, position, 1, (5, 5)).activation == pytest.approx(maps[0, 5, 5, 1], abs=1e-5)


@pytest.mark.parametrize("name", convvision.list_models("conv_*"))
def test_every_convolution_of_the_registered_models(name: str) -> None:
    model = convvision.create_model(name)
    image = np.random.default_rng(0).random((28, 28, 1), np.float32)
    for layer in extract_activations(model, image[None], "conv").layers:
        found = explain_unit(model, image, layer.name, 7, (2, 1))
        assert found.activation == pytest.approx(layer.maps[0, 2, 1, 7], abs=1e-5)


def test_nothing_is_changed(image: np.ndarray) -> None:
    model, before = model_of(layers.Conv2D(6, 3)), image.copy()
    weights = model.get_weights()
    explain_unit(model, image, -1, 0, (0, 0))
    assert np.array_equal(image, before)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))


# What is refused


def test_what_cannot_be_is_refused(image: np.ndarray) -> None:
    model = model_of(layers.Conv2D(6, 3, name="conv"), layers.MaxPooling2D(2, name="pool"))
    for unit in ((7, 0), (0, -1), (1,), 3, "11", (0.5, 1)):
        with pytest.raises(InputError, match=r"maps of 'conv', from \(0, 0\) to \(6, 5\)\. Received"):
            explain_unit(model, image, "conv", 0, unit)
    for channel in (6, -1, 1.0, True):
        with pytest.raises(InputError, match=r"channels 0 to 5\. Received: channel="):
            explain_unit(model, image, "conv", channel, (0, 0))
    with pytest.raises(InputError, match=r"can be explained.*layer 'pool' \(MaxPooling2D\)"):
        explain_unit(model, image, "pool", 0, (0, 0))
    with pytest.raises(UnknownNameError, match="Did you mean 'conv'"):
        explain_unit(model, image, "covn", 0, (0, 0))
    with pytest.raises(ShapeError, match=r"Take one of several with images\[0\]"):
        explain_unit(model, image[None], "conv", 0, (0, 0))
    with pytest.raises(ShapeError, match=r"\(N, 9, 8, 4\)"):
        explain_unit(model, image[:5], "conv", 0, (0, 0))
    with pytest.raises(ValueRangeError, match="NaN"):
        explain_unit(model, image * np.nan, "conv", 0, (0, 0))


def test_a_convolution_that_computes_something_else_is_refused(image: np.ndarray) -> None:
    class Squared(layers.Conv2D):
        def call(self, inputs: Any) -> Any:
            return super().call(inputs) ** 2

    with pytest.raises(InputError, match=r"can be explained.*\(Squared\)"):
        explain_unit(model_of(Squared(2, 3, name="conv")), image, "conv", 0, (0, 0))


def test_the_chain_ends_before_a_layer_that_computes_something_else(image: np.ndarray) -> None:
    class Doubled(layers.BatchNormalization):
        def call(self, inputs: Any, training: bool = False) -> Any:
            return 2 * super().call(inputs, training=training)

    model = model_of(
        layers.Conv2D(2, 3, name="conv"),
        layers.Activation(layers.LeakyReLU(0.5), name="leaky"),
        Doubled(),
        layers.ReLU(),
    )
    found = explain_unit(model, image, "conv", 1, (2, 2))
    (step,) = found.steps
    assert (step.layer, step.operation) == ("leaky", "LeakyReLU")
    assert step.value == pytest.approx(found.sum if found.sum > 0 else found.sum / 2)


# Drawn


def test_the_strongest_input_channels_are_drawn_and_the_rest_is_summed(image: np.ndarray) -> None:
    model = model_of(layers.Conv2D(6, 3, activation="relu", name="conv"))
    display = plot_unit(model, image, "conv", 2, (1, 1))
    assert display.axes_.shape == (3, 3)
    sums = display.explanation.products.sum(axis=(0, 1))
    order = np.argsort(-abs(sums))
    labels = [axes[0].get_ylabel() for axes in display.axes_]
    assert labels == [f"input channel {channel}" for channel in order[:3]]
    assert [axes.get_title() for axes in display.axes_[0]] == ["patch", "× kernel", "= products"]
    title = display.figure_.get_suptitle()
    assert f"other input channels (1): sum {sums[order[3]]:.3g}" in title
    assert "→ relu" in title
    assert not any(text.get_text() == "−0" for axes in display.axes_.flat for text in axes.texts)
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=50)
    assert np.asarray(Image.open(buffer).convert("RGB")).std() > 0


def test_what_a_session_shows_is_the_sentence(image: np.ndarray) -> None:
    model = keras.Sequential([keras.Input(SIZE), layers.Conv2D(2, 3, name="only")])
    explanation = explain_unit(model, image, "only", 1, (2, 3))
    assert repr(explanation) == f"<UnitExplanation of {explanation}>"
    assert repr(explanation).startswith("<UnitExplanation of only (2, 3), channel 1: products ")
