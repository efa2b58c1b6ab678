"""``fast_conv`` and ``tiny``: that folding is a convolution, and what their parameters do."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import pytest

import convvision
from convvision.errors import InputError, ShapeError
from convvision.models import fast_conv, summary, tiny
from registered_models import built


def maps_of(model: keras.Model, layer: str, images: np.ndarray) -> np.ndarray:
    (found,) = convvision.visualize.extract_activations(model, images, layer).layers
    return found.maps


def space_to_depth(image: np.ndarray) -> np.ndarray:
    """Fold each block of 2 × 2 pixels into one position, pixel by pixel; zeros where a block sticks out."""
    height, width, channels = image.shape
    folded = np.zeros((-(-height // 2), -(-width // 2), 4 * channels))
    for row in range(height):
        for column in range(width):
            first = ((row % 2) * 2 + column % 2) * channels
            folded[row // 2, column // 2, first : first + channels] = image[row, column]
    return folded


def convolve_3_by_3(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    result = np.zeros((height, width, kernel.shape[-1]))
    for row in range(height):
        for column in range(width):
            result[row, column] = np.tensordot(padded[row : row + 3, column : column + 3], kernel, 3)
    return result


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (9, 8, 2), (7, 11, 1)], ids=str)
def test_the_first_convolution_is_one_of_3_by_3_on_the_folded_image(shape: tuple[int, int, int]) -> None:
    model = fast_conv(((5,), (4,)), input_shape=shape)
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    kernel = keras.ops.convert_to_numpy(model.get_layer("stage_1_conv_1").kernel)
    # Pixel (2 a + p, 2 b + q) of a 6 × 6 window is channel (p, q) of position (a, b) of a 3 × 3 window.
    channels = shape[2]
    folded = kernel.reshape(3, 2, 3, 2, channels, 5).transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, 4 * channels, 5)
    expected = convolve_3_by_3(space_to_depth(image), folded)
    np.testing.assert_allclose(maps_of(model, "stage_1_conv_1", image[None])[0], expected, atol=1e-5)


def test_layers_and_shapes() -> None:
    assert [(layer.name, layer.output.shape[1:]) for layer in built("fast_conv").layers] == [
        ("image", (28, 28, 1)),
        ("stage_1_conv_1", (14, 14, 32)),
        ("stage_1_norm_1", (14, 14, 32)),
        ("stage_1_relu_1", (14, 14, 32)),
        ("stage_1_pool", (7, 7, 32)),
        ("stage_2_conv_1", (7, 7, 48)),
        ("stage_2_norm_1", (7, 7, 48)),
        ("stage_2_relu_1", (7, 7, 48)),
        ("stage_2_pool", (4, 4, 48)),
        ("stage_3_conv_1", (4, 4, 96)),
        ("stage_3_norm_1", (4, 4, 96)),
        ("stage_3_relu_1", (4, 4, 96)),
        ("flatten", (1536,)),
        ("classifier", (10,)),
    ]


@pytest.mark.parametrize(
    ("name", "multiply_adds"),
    [
        # 14 · 14 · 36 · 32, 7 · 7 · 9 · 32 · 48, 4 · 4 · 9 · 48 · 96 and 1,536 · 10.
        ("fast_conv", 225_792 + 677_376 + 663_552 + 15_360),
        # 14 · 14 · 36 · 16, 7 · 7 · 9 · 16 · 32, 4 · 4 · 9 · 32 · 64 and 1,024 · 10.
        ("fast_conv_small", 112_896 + 225_792 + 294_912 + 10_240),
        # 14 · 14 · 64 · (36 + 2 · 9 · 64), 7 · 7 · 9 · 64 · 128, 4 · 4 · 9 · 128 · 256 and 4,096 · 10.
        ("fast_conv_medium", 14_902_272 + 3_612_672 + 4_718_592 + 40_960),
        # 14 · 14 · 64 · (36 + 2 · 9 · 64), 7 · 7 · 128 · 9 · (64 + 128), 4 · 4 · 9 · 128 · 128 and 2,048 · 10.
        ("fast_conv_large", 14_902_272 + 10_838_016 + 2_359_296 + 20_480),
        # 14 · 14 · 96 · (36 + 2 · 9 · 96), 7 · 7 · 192 · 9 · (96 + 192), 4 · 4 · 256 · 9 · (192 + 256) and 4,096 · 10.
        ("fast_conv_xlarge", 33_191_424 + 24_385_536 + 16_515_072 + 40_960),
    ],
)
def test_multiply_adds_by_hand(name: str, multiply_adds: int) -> None:
    assert summary(built(name)).multiply_adds == multiply_adds


def test_parameters_by_hand() -> None:
    kernels = 36 * 32 + 9 * 32 * 48 + 9 * 48 * 96
    # Four numbers a channel for the normalisation, of which two are statistics.
    assert built("fast_conv").count_params() == kernels + 4 * (32 + 48 + 96) + 1536 * 10 + 10 == 72_522


def test_fields_by_hand() -> None:
    # 6 pixels by 2, then pooling adds 2 and doubles the stride, a 3 × 3 kernel adds 2 strides.
    seen = {row.name: str(row.receptive_field) for row in summary(built("fast_conv")).layers}
    expected = {"stage_1_conv_1": 6, "stage_1_pool": 8, "stage_2_conv_1": 16, "stage_2_pool": 20, "stage_3_conv_1": 36}
    assert {name: seen[name] for name in expected} == {name: f"{side} × {side}" for name, side in expected.items()}


@pytest.mark.parametrize(("pooling", "reduce"), [("average", np.mean), ("max", np.max)])
def test_pooling_reads_the_seventh_row_too(pooling: Any, reduce: Any) -> None:
    model = fast_conv(((3,), (3,), (3,)), pooling=pooling)
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    before, after = maps_of(model, "stage_2_relu_1", image)[0], maps_of(model, "stage_2_pool", image)[0]
    # Padding takes no part in a mean.
    expected = [[reduce(before[i : i + 2, j : j + 2], axis=(0, 1)) for j in (0, 2, 4, 6)] for i in (0, 2, 4, 6)]
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("build", [fast_conv, tiny])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stages": ()}, "as in ((32, 32), (64, 64)). Received: stages=()"),
        ({"stages": 32}, "as in ((32, 32), (64, 64)). Received: stages=32"),
        ({"stages": ((32,), ())}, "Each stage has at least one convolution. Received: stages=((32,), ())"),
        ({"stages": ((32,), (16, 0))}, "stages[1][1] is a whole number of at least 1. Received: stages[1][1]=0"),
        ({"num_classes": 1}, "at least 2 classes apart. Received: num_classes=1"),
        ({"input_shape": (28, 28)}, "without the batch. Received: input_shape=(28, 28)"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(build: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        build(**given)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(InputError, match=re.escape("pooling is 'average' or 'max'. Received: pooling='mean'")):
        fast_conv(pooling="mean")


def test_too_small_an_image_is_refused_with_the_arithmetic() -> None:
    arithmetic = "4, convolution 6 by 2 → 2, pooling 2 → 1, pooling 2 → 0. Expected at least 5 pixels a side."
    with pytest.raises(ShapeError, match=re.escape(arithmetic) + ".*fewer stages"):
        fast_conv(input_shape=(28, 4, 1))


def test_a_stage_given_as_a_number_is_one_convolution() -> None:
    assert fast_conv((4, 6)).count_params() == fast_conv(((4,), (6,))).count_params()


@pytest.mark.parametrize(("name", "limit"), [("tiny_5k", 5_000), ("tiny_10k", 10_000)])
def test_tiny_models_keep_what_their_names_promise(name: str, limit: int) -> None:
    assert built(name).count_params() < limit


def test_parameters_of_a_tiny_model_by_hand() -> None:
    # 4 × 4 on one channel, then 3 × 3; behind each four numbers a channel for the normalisation.
    assert built("tiny_5k").count_params() == (
        16 * 8 + 9 * (8 * 8 + 8 * 12 + 12 * 12 + 12 * 14) + 4 * (8 + 8 + 12 + 12 + 14) + 14 * 10 + 10
    )
    assert built("tiny_10k").count_params() == (
        16 * 12 + 9 * (12 * 12 + 12 * 16 + 16 * 16 + 16 * 24) + 4 * (12 + 12 + 16 + 16 + 24) + 24 * 10 + 10
    )


def test_a_tiny_model_reads_the_mean_of_each_map() -> None:
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    model = built("tiny_5k")
    before = maps_of(model, "stage_3_relu_1", images)
    assert before.shape == (2, 4, 4, 14)
    classifier = model.get_layer("classifier")
    logits = before.mean(axis=(1, 2)) @ keras.ops.convert_to_numpy(classifier.kernel)
    powers = np.exp(logits + keras.ops.convert_to_numpy(classifier.bias))
    np.testing.assert_allclose(model(images), powers / powers.sum(axis=1, keepdims=True), rtol=1e-4)
