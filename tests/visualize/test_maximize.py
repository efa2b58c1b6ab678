"""Gradient ascent on an image against what can be calculated: linear filters, whose best image is known."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import (
    MaximizedActivationDisplay,
    extract_activations,
    maximize_activation,
    plot_maximized_activation,
    saliency,
)
from convvision.visualize._maximize import _smoothed
from foreign_models import FOREIGN, SHAPE, build_foreign

# As plain as it gets: along the gradient, and in its place.
PLAIN: dict[str, Any] = {"smoothness": 0, "jitter": 0}


def linear_filter(size: int = 6, activation: str | None = None) -> tuple[Any, np.ndarray]:
    """Two filters as large as the image, whose weights are not near zero."""
    random = np.random.default_rng(0)
    kernel = (random.uniform(0.5, 1.5, (size, size, 1, 2)) * random.choice([-1, 1], (size, size, 1, 2))).astype(
        "float32"
    )
    model = keras.Sequential(
        [keras.Input((size, size, 1)), layers.Conv2D(2, size, activation=activation, name="filter"), layers.Flatten()]
    )
    model.set_weights([kernel, np.array([0.25, -0.5])])
    return model, kernel


# Against closed forms


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-2, 3), (0, 255)])
def test_the_best_image_of_a_linear_filter_is_bright_where_its_weights_are_positive(low: float, high: float) -> None:
    model, kernel = linear_filter()
    found = maximize_activation(model, "filter", [1, 0], steps=60, value_range=(low, high), **PLAIN)
    for image, activations, channel, bias in zip(found.images, found.activations, [1, 0], [-0.5, 0.25], strict=True):
        weights = kernel[..., channel]
        np.testing.assert_allclose(image, np.where(weights > 0, high, low), atol=1e-4 * (high - low))
        best = high * weights[weights > 0].sum() + low * weights[weights < 0].sum() + bias
        assert activations[-1] == pytest.approx(best, rel=1e-4)


def test_the_mean_over_the_map_is_maximised_where_the_filter_is_smaller_than_the_image() -> None:
    model = keras.Sequential([keras.Input((5, 5, 1)), layers.Conv2D(1, 2, use_bias=False, name="filter")])
    kernel = np.array([[2.0, -1.0], [0.5, -1.25]])
    model.set_weights([kernel.reshape(2, 2, 1, 1)])
    # How much a pixel adds to the sum over the map: all weights under which it comes to lie.
    share = np.zeros((5, 5))
    for i in range(4):
        for j in range(4):
            share[i : i + 2, j : j + 2] += kernel
    assert abs(share).min() > 0.2
    found = maximize_activation(model, "filter", 0, steps=200, **PLAIN)
    np.testing.assert_allclose(found.images[0, ..., 0], share > 0, atol=1e-4)
    assert found.activations[0, -1] == pytest.approx(share[share > 0].sum() / 16, rel=1e-4)


def test_a_linear_class_is_maximised_by_its_logit_under_the_softmax() -> None:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    weights = np.asarray(model.layers[-1].kernel).T.reshape(-1, 4, 4, 2)
    found = maximize_activation(model, None, [2], steps=400, **PLAIN)
    clear = abs(weights[2]) > 0.05
    np.testing.assert_allclose(found.images[0][clear], (weights[2] > 0)[clear], atol=1e-3)
    assert found.activations[0, -1] == pytest.approx(weights[2][weights[2] > 0].sum(), rel=0.01)
    assert found.layer is None


def test_plain_steps_on_a_linear_filter_never_lead_down() -> None:
    model, _ = linear_filter()
    found = maximize_activation(model, "filter", [0, 1], steps=40, **PLAIN)
    assert (np.diff(found.activations, axis=1) >= -1e-5).all()
    assert found.activations.shape == (2, 41)


def test_the_first_step_goes_along_the_gradient_as_far_as_it_says() -> None:
    model = build_foreign("branches")
    start = np.random.default_rng(0).uniform(0.4, 0.6, SHAPE).astype(np.float32)
    found = maximize_activation(model, None, 1, steps=1, step_size=0.01, start=start, **PLAIN)
    way = found.images[0] - start
    assert np.sqrt((way**2).mean()) == pytest.approx(0.01, rel=1e-3)
    uphill = saliency(model, start[None], 1).values[0]
    assert (way * uphill).sum() / np.linalg.norm(way) / np.linalg.norm(uphill) == pytest.approx(1, abs=1e-4)


def test_smoothing_divides_each_frequency_by_its_power() -> None:
    rows, columns = np.mgrid[:8, :16]
    for down, across in ((1, 0), (0, 3), (2, 5)):
        wave = np.cos(2 * np.pi * (down * rows / 8 + across * columns / 16)).astype(np.float32)[None, ..., None]
        frequency = np.hypot(down / 8, across / 16)
        np.testing.assert_allclose(_smoothed(wave, 1.5), wave * frequency**-1.5, rtol=1e-4, atol=1e-4)
    flat = np.ones((1, 8, 16, 1), np.float32)
    np.testing.assert_allclose(_smoothed(flat, 1.0), 16, rtol=1e-5)
    noise = np.random.default_rng(0).normal(size=(2, 7, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(_smoothed(noise, 0.0), noise, atol=1e-5)


# What is told is true


def test_activations_are_those_of_the_images() -> None:
    model = convvision.create_model("conv_16_16")
    found = maximize_activation(model, "conv_2", [3, 5, 3], steps=10)
    maps = extract_activations(model, found.images, "conv_2")["conv_2"].maps.mean(axis=(1, 2))
    np.testing.assert_allclose(found.activations[:, -1], maps[[0, 1, 2], [3, 5, 3]], rtol=1e-4, atol=1e-6)
    assert found.channels.tolist() == [3, 5, 3]
    assert found.images.dtype == found.activations.dtype == np.float32


@pytest.mark.parametrize("name", convvision.list_models("conv_*"))
def test_activations_rise_on_registered_models(name: str) -> None:
    keras.utils.set_random_seed(1)
    model = convvision.create_model(name)
    found = maximize_activation(model, "conv_1", [0, 1], steps=12)
    assert (found.activations[:, -1] > found.activations[:, 0]).all()
    classes = maximize_activation(model, None, [0, 9], steps=12)
    assert (classes.activations[:, -1] > classes.activations[:, 0]).all()
    for images in (found.images, classes.images):
        assert images.shape == (2, 28, 28, 1)
        assert images.min() >= 0
        assert images.max() <= 1


@pytest.mark.parametrize("name", FOREIGN)
def test_models_as_users_write_them(name: str) -> None:
    model = build_foreign(name)
    high = 255.0 if name == "half_precision" else 1.0
    options = {"output": "kind"} if name == "several_heads" else {}
    found = maximize_activation(
        model, None, 0, steps=12, value_range=(0, high), start=np.full(SHAPE, high / 2), **options
    )
    assert found.activations[0, -1] > found.activations[0, 0]
    assert found.images.min() >= 0
    assert found.images.max() <= high


def test_a_channel_that_only_the_dark_wakes_begins_there() -> None:
    """Its weight is negative and its bias positive: a ReLU is open below 0.3."""
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 1, activation="relu", name="filter")])
    model.set_weights([np.array([-1.0, 1.0]).reshape(1, 1, 1, 2), np.array([0.3, -0.7])])
    found = maximize_activation(model, "filter", [0, 1], steps=60, **PLAIN)
    np.testing.assert_allclose(found.images[0], 0, atol=1e-3)
    np.testing.assert_allclose(found.images[1], 1, atol=1e-3)


def test_a_dead_channel_stays_where_it_was_and_is_marked() -> None:
    model, _ = linear_filter(activation="relu")
    kernel, bias = model.get_weights()
    model.set_weights([kernel, bias - [1000, 0]])
    found = maximize_activation(model, "filter", [0, 1], steps=3)
    assert (found.activations[0] == 0).all()
    display = plot_maximized_activation(found)
    assert [[text.get_text() for text in axes.texts] for axes in display.axes_[0]] == [["no answer"], []]


def test_it_is_seeded() -> None:
    model = convvision.create_model("conv_16_16")
    one, again, other = (maximize_activation(model, "conv_1", 0, steps=3, seed=seed).images for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


def test_neither_the_model_nor_the_start_is_changed() -> None:
    model = build_foreign("sequential_with_input")
    model.compile("sgd", "sparse_categorical_crossentropy")
    weights, start = model.get_weights(), np.full((1, *SHAPE), 0.5)
    maximize_activation(model, None, 0, steps=2, start=start)
    for left, right in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert (start == 0.5).all()
    assert model.compiled


# The picture


def test_the_picture_shows_pixels_on_the_scale_of_the_model() -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1, 1, name="filter")])
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    found = maximize_activation(model, "filter", 0, steps=60, value_range=(0, 255), **PLAIN)
    display = plot_maximized_activation(found)
    # White everywhere, and not stretched from its darkest to its brightest.
    np.testing.assert_allclose(display.axes_[0, 0].get_images()[0].get_array(), 1, atol=1e-3)
    assert display.axes_[0, 0].get_title() == "channel 0"
    assert display.axes_[0, 0].get_xlabel().endswith("→ 255")


def test_classes_have_their_names_and_rows_have_columns() -> None:
    found = maximize_activation(build_foreign("branches"), None, [2, 0, 1], steps=1)
    display = plot_maximized_activation(found, class_names=["Boot", "Bag", "Coat"], columns=2)
    assert display.axes_.shape == (2, 2)
    assert [axes.get_title() for axes in display.axes_.flat] == ["Coat", "Boot", "Bag", ""]
    assert plot_maximized_activation(found).axes_[0, 0].get_title() == "class 2"
    with pytest.raises(InputError, match=r"2 among them\. Received: 2 class_names"):
        MaximizedActivationDisplay(found, class_names=["Boot", "Bag"])


# What is refused


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"channel": 2}, InputError, r"'filter' has the channels 0 to 1; choose one or several\. Received: channel=2"),
        ({"channel": [0, -1]}, InputError, "has the channels 0 to 1"),
        ({"channel": []}, InputError, "has the channels 0 to 1"),
        ({"channel": 0.0}, InputError, "has the channels 0 to 1"),
        ({"channel": True}, InputError, "has the channels 0 to 1"),
        ({"layer": None, "channel": 2}, InputError, "has the classes 0 to 1"),
        ({"layer": "filtre"}, UnknownNameError, "Did you mean 'filter'"),
        ({"layer": "flat"}, InputError, r"shape \(N, h, w, channels\)"),
        ({"steps": 0}, InputError, "steps is a whole number of at least 1"),
        ({"step_size": -1}, InputError, r"step_size is a finite number of at least 0\. Received: step_size=-1"),
        ({"smoothness": np.inf}, InputError, "smoothness is a finite number"),
        ({"jitter": "much"}, InputError, "jitter is a finite number"),
        ({"seed": -1}, InputError, "A seed is"),
        ({"value_range": (1, 0)}, InputError, r"value_range is the least and the largest.*Received: \(1, 0\)"),
        ({"value_range": 1}, InputError, "value_range is the least"),
        ({"start": np.zeros((5, 5, 1))}, ShapeError, r"\(N, 6, 6, 1\) here"),
        ({"start": np.zeros((3, 6, 6, 1))}, InputError, r"one for each of 1 channels\. Received: 3 images"),
        ({"start": np.full((6, 6, 1), 2.0)}, ValueRangeError, r"from 0 to 1\. Received: values from 2 to 2"),
    ],
)
def test_what_cannot_be_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    model, _ = linear_filter()
    model.layers[-1].name = "flat"
    with pytest.raises(error, match=message):
        maximize_activation(model, **({"layer": "filter", "channel": 0} | arguments))


def test_a_model_for_any_size_asks_for_a_start() -> None:
    with pytest.raises(InputError, match=r"images of any size, .*: give the image to begin with.*Received: start=None"):
        maximize_activation(build_foreign("fully_convolutional"), None, 0)


def test_a_model_that_is_not_built_is_refused() -> None:
    with pytest.raises(InputError, match="not connected yet"):
        maximize_activation(keras.Sequential([layers.Conv2D(2, 3)]), 0, 0)
