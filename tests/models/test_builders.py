"""What each parameter of ``conv`` and ``dense`` does, what they refuse, and the arithmetic of a convolution."""

from __future__ import annotations

import functools
import re
from typing import Any

import keras
import numpy as np
import pytest

from convvision.errors import InputError, ShapeError, UnknownNameError
from convvision.models import conv, dense


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


def activations(model: keras.Model) -> dict[str, str]:
    return {layer.name: layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")}


# The forward pass, in loops ------------------------------------------------------------------------------------------


def convolve(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray, *, same: bool) -> np.ndarray:
    size, _, channels, filters = kernel.shape
    if same:
        before = (size - 1) // 2
        after = size - 1 - before
        image = np.pad(image, ((before, after), (before, after), (0, 0)))
    height, width = image.shape[0] - size + 1, image.shape[1] - size + 1
    result = np.empty((height, width, filters))
    for row in range(height):
        for column in range(width):
            for which in range(filters):
                total = bias[which]
                for i in range(size):
                    for j in range(size):
                        for channel in range(channels):
                            total += image[row + i, column + j, channel] * kernel[i, j, channel, which]
                result[row, column, which] = total
    return result


def pool(maps: np.ndarray, size: int) -> np.ndarray:
    height, width = maps.shape[0] // size, maps.shape[1] // size
    result = np.empty((height, width, maps.shape[2]))
    for row in range(height):
        for column in range(width):
            window = maps[row * size : (row + 1) * size, column * size : (column + 1) * size]
            result[row, column] = window.max(axis=(0, 1))
    return result


def relu(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@pytest.mark.parametrize(
    ("kernel_size", "pool_size", "padding"),
    [(3, 2, "valid"), (2, 2, "valid"), (3, 2, "same"), (2, 3, "same"), (3, 1, "valid")],
)
def test_forward_pass_equals_that_of_loops(kernel_size: int, pool_size: int, padding: Any) -> None:
    model = conv(
        (2, 3),
        input_shape=(11, 10, 2),
        num_classes=4,
        kernel_size=kernel_size,
        pool_size=pool_size,
        padding=padding,
        hidden_units=5,
    )
    random = np.random.default_rng(2)
    # Biases begin at zero, which would hide one that is left out.
    weights = {weight.path: random.normal(0, 0.3, weight.shape).astype(np.float32) for weight in model.weights}
    for weight in model.weights:
        weight.assign(weights[weight.path])
    image = random.normal(size=(11, 10, 2)).astype(np.float32)

    maps = image.astype(np.float64)
    for layer in ("conv_1", "conv_2"):
        maps = relu(convolve(maps, weights[f"{layer}/kernel"], weights[f"{layer}/bias"], same=padding == "same"))
        maps = pool(maps, pool_size)
    hidden = relu(maps.reshape(-1) @ weights["dense_1/kernel"] + weights["dense_1/bias"])
    expected = softmax(hidden @ weights["classifier/kernel"] + weights["classifier/bias"])

    assert 0.001 < expected.max() < 0.999
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(image[None]))[0], expected, rtol=1e-4, atol=1e-6)


# What each parameter does --------------------------------------------------------------------------------------------


def test_filters_are_those_of_the_convolutions_in_turn() -> None:
    model = conv((4, 6), hidden_units=5)
    assert model.get_layer("conv_1").kernel.shape == (3, 3, 1, 4)
    assert model.get_layer("conv_2").kernel.shape == (3, 3, 4, 6)
    assert model.name == "conv_4_6"


@pytest.mark.parametrize("filters", [7, np.int64(7), [7], (7,)], ids=repr)
def test_one_number_of_filters_is_one_convolution(filters: Any) -> None:
    assert names(conv(filters, hidden_units=())) == ["image", "conv_1", "pool_1", "flatten", "classifier"]


def test_kernel_size_is_that_of_every_kernel() -> None:
    model = conv((4, 4), kernel_size=5)
    assert [model.get_layer(name).kernel.shape[:2] for name in ("conv_1", "conv_2")] == [(5, 5), (5, 5)]
    # 28 − 4 = 24, halved 12; 12 − 4 = 8, halved 4.
    assert model.get_layer("pool_2").output.shape == (None, 4, 4, 4)


def test_pool_size_is_window_and_stride() -> None:
    # 28 − 2 = 26, by three 8.
    layer = conv(4, pool_size=3).get_layer("pool_1")
    assert (layer.pool_size, layer.strides) == ((3, 3), (3, 3))
    assert layer.output.shape == (None, 8, 8, 4)


def test_a_pool_size_of_one_leaves_poolings_out() -> None:
    model = conv((4, 4), pool_size=1)
    assert names(model) == ["image", "conv_1", "conv_2", "flatten", "dense_1", "classifier"]
    assert model.get_layer("conv_2").output.shape == (None, 24, 24, 4)


def test_same_padding_keeps_the_size() -> None:
    model = conv((4, 4), padding="same", kernel_size=4)
    shapes = [model.get_layer(name).output.shape for name in ("conv_1", "pool_1", "conv_2", "pool_2")]
    assert shapes == [(None, 28, 28, 4), (None, 14, 14, 4), (None, 14, 14, 4), (None, 7, 7, 4)]


@pytest.mark.parametrize("build", [functools.partial(conv, 4), dense], ids=["conv", "dense"])
class TestHead:
    """The hidden layers and the classifier, which both builders share."""

    def test_without_hidden_units_the_classifier_reads_the_features(self, build: Any) -> None:
        model = build(hidden_units=())
        assert names(model)[-2:] == ["flatten", "classifier"]
        assert "dense_1" not in names(model)

    def test_hidden_units_are_a_layer_each(self, build: Any) -> None:
        model = build(hidden_units=(20, 10, 5), num_classes=3)
        assert names(model)[-4:] == ["dense_1", "dense_2", "dense_3", "classifier"]
        assert [model.get_layer(name).units for name in names(model)[-4:]] == [20, 10, 5, 3]

    def test_activation_is_that_of_all_but_the_classifier(self, build: Any) -> None:
        found = activations(build(activation="tanh", hidden_units=(6, 6)))
        assert found.pop("classifier") == "softmax"
        assert {"dense_1", "dense_2"} <= set(found)
        assert set(found.values()) == {"tanh"}

    def test_classifier_activation_is_that_of_the_classifier_alone(self, build: Any) -> None:
        found = activations(build(classifier_activation=None))
        assert found.pop("classifier") == "linear"
        assert set(found.values()) == {"relu"}

    def test_dropout_stands_behind_each_hidden_layer(self, build: Any) -> None:
        model = build(hidden_units=(6, 5), dropout=0.25)
        assert names(model)[-5:] == ["dense_1", "dropout_1", "dense_2", "dropout_2", "classifier"]
        assert [model.get_layer(name).rate for name in ("dropout_1", "dropout_2")] == [0.25, 0.25]

    def test_no_dropout_is_no_layer(self, build: Any) -> None:
        assert not [name for name in names(build(dropout=0.0)) if "dropout" in name]

    def test_dropout_works_while_training_only(self, build: Any) -> None:
        keras.utils.set_random_seed(0)
        model = build(dropout=0.5)
        images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
        calm = [keras.ops.convert_to_numpy(model(images, training=False)) for _ in range(2)]
        wild = [keras.ops.convert_to_numpy(model(images, training=True)) for _ in range(2)]
        np.testing.assert_allclose(*calm, rtol=1e-5)
        assert not np.allclose(*wild)

    def test_a_name_replaces_the_default(self, build: Any) -> None:
        assert build(name="mine").name == "mine"


def test_default_names_are_the_builder_and_its_numbers() -> None:
    assert conv().name == "conv_64_64"
    assert dense((30, 20)).name == "dense_30_20"
    assert dense(()).name == "dense"


# What is refused -----------------------------------------------------------------------------------------------------

SHARED = [
    ({"num_classes": 1}, "A classifier tells at least 2 classes apart. Received: num_classes=1"),
    ({"num_classes": 0}, "num_classes is a whole number of at least 1. Received: num_classes=0"),
    ({"num_classes": 2.0}, "num_classes is a whole number of at least 1. Received: num_classes=2.0"),
    ({"input_shape": (28, 28)}, "(height, width, channels), without the batch. Received: input_shape=(28, 28)"),
    ({"input_shape": (None, 28, 28, 1)}, "without the batch. Received: input_shape=(None, 28, 28, 1)"),
    ({"input_shape": 28}, "(height, width, channels), without the batch. Received: input_shape=28"),
    ({"input_shape": (28, 28, 0)}, "input_shape[2] is a whole number of at least 1. Received: input_shape[2]=0"),
    ({"input_shape": (None, 28, 1)}, "input_shape[0] is a whole number of at least 1. Received: input_shape[0]=None"),
    ({"hidden_units": 0}, "hidden_units is a whole number of at least 1. Received: hidden_units=0"),
    ({"hidden_units": (128, -1)}, "hidden_units[1] is a whole number of at least 1. Received: hidden_units[1]=-1"),
    ({"hidden_units": "128"}, "hidden_units is a whole number of at least 1. Received: hidden_units='128'"),
    ({"hidden_units": None}, "hidden_units is a whole number of at least 1. Received: hidden_units=None"),
    ({"dropout": 1.0}, "dropout is a fraction: at least 0 and below 1. Received: dropout=1.0"),
    ({"dropout": -0.1}, "dropout is a fraction: at least 0 and below 1. Received: dropout=-0.1"),
    ({"dropout": True}, "dropout is a fraction: at least 0 and below 1. Received: dropout=True"),
    ({"activation": 5}, "activation is a name in keras.activations. Received: activation=5"),
]
OF_CONV = [
    ({"filters": ()}, "conv needs at least one convolution; dense has none. Received: filters=()"),
    ({"filters": 0}, "filters is a whole number of at least 1. Received: filters=0"),
    ({"filters": (32, 0)}, "filters[1] is a whole number of at least 1. Received: filters[1]=0"),
    ({"filters": True}, "filters is a whole number of at least 1. Received: filters=True"),
    ({"filters": 2.5}, "filters is a whole number of at least 1. Received: filters=2.5"),
    ({"filters": (2.5,)}, "filters[0] is a whole number of at least 1. Received: filters[0]=2.5"),
    ({"kernel_size": 0}, "kernel_size is a whole number of at least 1. Received: kernel_size=0"),
    ({"kernel_size": (3, 3)}, "kernel_size is a whole number of at least 1. Received: kernel_size=(3, 3)"),
    ({"pool_size": 0}, "pool_size is a whole number of at least 1. Received: pool_size=0"),
    ({"padding": "SAME"}, "padding is 'valid' or 'same'. Received: padding='SAME'"),
]


@pytest.mark.parametrize(("given", "message"), SHARED + OF_CONV, ids=str)
def test_conv_refuses(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        conv(**given)


@pytest.mark.parametrize(("given", "message"), SHARED, ids=str)
def test_dense_refuses(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        dense(**given)


@pytest.mark.parametrize("build", [conv, dense])
def test_an_unknown_activation_says_what_was_meant(build: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"^Unknown activation 'rleu'. Did you mean 'relu'"):
        build(activation="rleu")
    with pytest.raises(UnknownNameError, match=r"^Unknown classifier_activation 'softmx'. Did you mean 'softmax'"):
        build(classifier_activation="softmx")


@pytest.mark.parametrize(
    ("given", "arithmetic"),
    [
        (
            {"filters": (64, 64), "input_shape": (9, 9, 1)},
            "Images of 9 × 9 are too small for this network: 9, convolution 3 → 7, pooling 2 → 3, "
            "convolution 3 → 1, pooling 2 → 0. Expected at least 10 pixels a side.",
        ),
        # The narrower side decides.
        (
            {"filters": (8,), "input_shape": (28, 3, 1)},
            "Images of 28 × 3 are too small for this network: "
            "3, convolution 3 → 1, pooling 2 → 0. Expected at least 4 pixels a side.",
        ),
        (
            {"filters": (8,), "input_shape": (4, 4, 1), "kernel_size": 7},
            "4, convolution 7 → 0. Expected at least 8 pixels a side.",
        ),
        # Without pooling there is no pooling in the arithmetic.
        (
            {"filters": (8, 8), "input_shape": (4, 4, 1), "pool_size": 1},
            "4, convolution 3 → 2, convolution 3 → 0. Expected at least 5 pixels a side.",
        ),
        (
            {"filters": (8, 8), "input_shape": (3, 3, 1), "padding": "same"},
            "3, convolution 3 → 3, pooling 2 → 1, convolution 3 → 1, pooling 2 → 0. Expected at least 4 pixels a side.",
        ),
    ],
)
def test_too_small_an_image_is_refused_with_the_arithmetic(given: dict[str, Any], arithmetic: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(arithmetic)) as caught:
        conv(**given)
    assert str(caught.value).endswith(f"Received: input_shape={given['input_shape']}")


@pytest.mark.parametrize(
    ("depth", "kernel_size", "pool_size", "padding"),
    [(1, 3, 2, "valid"), (2, 5, 2, "valid"), (2, 2, 3, "valid"), (3, 3, 2, "same"), (4, 3, 1, "valid")],
)
def test_the_smallest_size_that_is_advised_works_and_one_less_does_not(
    depth: int, kernel_size: int, pool_size: int, padding: Any
) -> None:
    def build(side: int) -> keras.Model:
        return conv(
            (2,) * depth, input_shape=(side, side, 1), kernel_size=kernel_size, pool_size=pool_size, padding=padding
        )

    with pytest.raises(ShapeError) as caught:
        # With "same" and no pooling every image would do.
        build(1)
    advised = int(re.search(r"at least (\d+) pixels", str(caught.value))[1])
    assert build(advised).get_layer("flatten").output.shape[1] >= 2
    with pytest.raises(ShapeError):
        build(advised - 1)
