"""The published networks: counts against the papers, costs and fields by hand, and what each block computes."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import convvision
from convvision.errors import InputError, ShapeError
from convvision.models import (
    convmixer,
    convnext,
    densenet,
    fast_conv,
    mobile,
    preact_resnet,
    resnet,
    summary,
    tiny,
    vgg,
    wide_resnet,
)
from registered_models import built

CIFAR = (32, 32, 3)


def trained(model: keras.Model) -> int:
    """Count what papers count: weights, and no statistics of batches."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def maps_of(model: keras.Model, layers: list[str], images: np.ndarray) -> list[np.ndarray]:
    return [layer.maps for layer in convvision.visualize.extract_activations(model, images, layers).layers]


def noise(shape: tuple[int, int, int] = (28, 28, 1)) -> np.ndarray:
    return np.random.default_rng(0).random((2, *shape), np.float32)


# Counts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "published", "exactly"),
    [
        # In millions with the digits that the paper gives, for CIFAR-10.
        pytest.param(lambda: resnet(20, input_shape=CIFAR), "0.27", 269_722, id="He et al. 2016, table 6: 20"),
        pytest.param(lambda: resnet(32, input_shape=CIFAR), "0.46", 464_154, id="the same: 32", marks=pytest.mark.slow),
        pytest.param(
            lambda: wide_resnet(40, 4, input_shape=CIFAR),
            "8.9",
            8_949_210,
            id="Zagoruyko and Komodakis 2016, table 4: 40-4",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: wide_resnet(28, 10, input_shape=CIFAR),
            "36.5",
            36_479_194,
            id="the same: 28-10",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: densenet(100, 12, input_shape=CIFAR),
            "0.8",
            769_162,
            id="Huang et al. 2017, table 2: 100, 12",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: convmixer(256, 8, input_shape=CIFAR, kernel_size=9, patch_size=1),
            "0.7",
            706_570,
            id="Trockman and Kolter 2022: 256/8",
        ),
    ],
)
def test_parameters_are_those_of_the_paper(build: Callable[[], keras.Model], published: str, exactly: int) -> None:
    count = trained(build())
    assert count == exactly
    assert f"{count / 1e6:.{len(published.partition('.')[2])}f}" == published


def test_parameters_of_a_residual_network_by_hand() -> None:
    kernels = 9 * (3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
    norms = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    assert trained(resnet(20, input_shape=CIFAR)) == kernels + norms + 64 * 10 + 10 == 269_722


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 2)])
def test_parameters_of_a_wide_residual_network_by_hand(depth: int, width: int) -> None:
    blocks, first, second, third = (depth - 4) // 6, 16 * width, 32 * width, 64 * width
    kernels, norms = 9 * 1 * 16, 2 * third
    for before, after in ((16, first), (first, second), (second, third)):
        kernels += 9 * (before * after + (2 * blocks - 1) * after * after)
        kernels += before * after if before != after else 0
        norms += 2 * (before + (2 * blocks - 1) * after)
    assert trained(wide_resnet(depth, width)) == kernels + norms + 10 * third + 10


def test_parameters_of_a_wide_network_of_width_one_are_those_with_activations_first() -> None:
    # 6 n + 4 counts the shortcuts of three stages, 6 n + 2 does not.
    assert wide_resnet(22, 1).count_params() == preact_resnet(20).count_params()


# Costs and fields ----------------------------------------------------------------------------------------------------


def test_multiply_adds_of_a_residual_network_by_hand() -> None:
    # Every stage but its first convolution costs the same: a quarter of the positions, four times the kernel.
    stage = 28 * 28 * 9 * 16 * 16
    cost = 28 * 28 * 9 * 16 + 6 * stage + 2 * (stage // 2 + 5 * stage) + 640
    assert summary(built("resnet_20")).multiply_adds == cost == 30_821_248


@pytest.mark.slow
def test_multiply_adds_of_a_wide_residual_network_by_hand() -> None:
    stage = 28 * 28 * 9 * 64 * 64
    shortcuts = 28 * 28 * 16 * 64 + 14 * 14 * 64 * 128 + 7 * 7 * 128 * 256
    cost = 28 * 28 * 9 * 16 + (stage // 4 + 3 * stage) + 2 * (stage // 2 + 3 * stage) + shortcuts + 2560
    assert summary(built("wrn_16_4")).multiply_adds == cost


def test_fields_of_a_residual_network_by_hand() -> None:
    seen = {row.name: row.receptive_field.height for row in summary(built("resnet_20")).layers}
    # 3 of the stem, then 2 for each of six convolutions; strides of 2 and 4 make it 4 and 8, but for the first of a
    # stage, which still walks on the finer grid.
    assert seen["stem_conv"] == 3
    assert seen["stage_1_block_3_relu_2"] == 3 + 6 * 2
    assert seen["stage_2_block_3_relu_2"] == 15 + 2 + 5 * 4
    assert seen["stage_3_block_3_relu_2"] == 37 + 4 + 5 * 8 == 81


@pytest.mark.parametrize("name", ["resnet_20", "convnext_atto_28"])
def test_boxes_of_pixels_are_known_to_the_last_maps(name: str) -> None:
    model = built(name)
    last = [row for row in summary(model).layers if len(row.output_shape) == 3][-1]
    found = convvision.visualize.receptive_field(model, last.name)
    assert (len(found.rows), len(found.columns)) == last.output_shape[:2]
    assert np.array_equal(found.rows, found.columns)


def test_a_padding_of_channels_moves_no_box() -> None:
    before, after = (
        convvision.visualize.receptive_field(built("resnet_20"), f"stage_2_block_1_shortcut_{what}")
        for what in ("stride", "pad")
    )
    assert np.array_equal(before.rows, after.rows)
    assert np.array_equal(before.columns, after.columns)
    assert (after.columns[:, 1] > after.columns[:, 0]).all()


def test_layer_normalisation_over_positions_joins_them() -> None:
    image = keras.Input((8, 8, 2))
    for axis, expected in ((-1, "1 × 1"), ([3], "1 × 1"), ([1, 2, 3], "?"), ([2, 3], "?")):
        model = keras.Model(image, keras.layers.LayerNormalization(axis=axis)(image))
        assert str(summary(model)).splitlines()[-3].split("  ")[-1].strip() == expected


# Blocks --------------------------------------------------------------------------------------------------------------


def test_the_shortcut_of_a_residual_network_has_no_weights() -> None:
    before, after = maps_of(built("resnet_20"), ["stage_1_block_3_relu_2", "stage_2_block_1_shortcut_pad"], noise())
    assert after.shape == (2, 14, 14, 32)
    np.testing.assert_array_equal(after[..., 8:24], before[:, ::2, ::2])
    assert not after[..., :8].any()
    assert not after[..., 24:].any()


@pytest.mark.parametrize(
    ("build", "last", "before", "after"),
    [
        # A block whose last layer gives zeros hands on what it was given.
        (resnet, "stage_1_block_1_norm_2", "stem_relu", "stage_1_block_1_relu_2"),
        (preact_resnet, "stage_1_block_1_conv_2", "stem_conv", "stage_1_block_1_sum"),
        (convmixer, "block_1_norm_1", "stem_norm", "block_1_sum"),
        (convnext, "stage_1_block_1_scale", "stem_norm", "stage_1_block_1_sum"),
    ],
)
def test_a_block_adds_to_what_it_was_given(build: Any, last: str, before: str, after: str) -> None:
    model = build(8) if build in (resnet, preact_resnet) else build()
    for weight in model.get_layer(last).trainable_weights:
        weight.assign(np.zeros(weight.shape))
    given, made = maps_of(model, [before, after], noise())
    assert given.any()
    np.testing.assert_array_equal(made, given)


def test_each_layer_of_a_densenet_reads_all_before_it() -> None:
    model = densenet(16, growth_rate=3)
    names = ["stem_conv", "stage_1_block_1_conv_2", "stage_1_block_2_conv_2", "stage_1_block_2_concat"]
    stem, first, second, joined = maps_of(model, names, noise())
    np.testing.assert_array_equal(joined, np.concatenate([stem, first, second], axis=-1))
    assert model.get_layer("stage_1_block_2_conv_1").kernel.shape == (1, 1, 6 + 3, 12)
    # 12 channels are halved between stages.
    assert model.get_layer("stage_1_pool").output.shape == (None, 14, 14, 6)


def test_layer_scale_is_a_factor_for_each_channel() -> None:
    model = convnext(widths=(6,), depths=(1,))
    scale = model.get_layer("stage_1_block_1_scale")
    np.testing.assert_allclose(scale.get_weights()[0], 1e-6)
    factors = np.arange(1, 7, dtype=np.float32)
    scale.set_weights([factors.reshape(scale.kernel.shape)])
    before, after = maps_of(model, ["stage_1_block_1_conv_2", "stage_1_block_1_scale"], noise())
    np.testing.assert_allclose(after, before * factors, rtol=1e-6)


def test_a_stage_of_a_mobile_network_begins_with_a_stride() -> None:
    model = mobile(stages=((8, 8), (16, 16), 24))
    shapes = [
        model.get_layer(f"stage_{stage}_block_{block}_depthwise").output.shape[1:]
        for stage, block in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1))
    ]
    assert shapes == [(28, 28, 4), (28, 28, 8), (14, 14, 8), (14, 14, 16), (7, 7, 16)]


def test_a_split_convolution_is_what_loops_compute() -> None:
    model = mobile(stages=((6,),), input_shape=(8, 8, 1))
    inner, outer = maps_of(model, ["stem_relu", "stage_1_block_1_depthwise"], noise((8, 8, 1)))
    padded = np.pad(inner, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernels = keras.ops.convert_to_numpy(model.get_layer("stage_1_block_1_depthwise").kernel)[..., 0]
    expected = np.empty((2, 8, 8, 3))
    for image, row, column, channel in np.ndindex(2, 8, 8, 3):
        window = padded[image, row : row + 3, column : column + 3, channel]
        expected[image, row, column, channel] = (window * kernels[:, :, channel]).sum()
    np.testing.assert_allclose(outer, expected, atol=1e-5)


def test_patches_that_stick_out_are_filled_with_zeros() -> None:
    model = convmixer(8, 1, input_shape=(7, 7, 1), patch_size=2)
    image = noise((7, 7, 1))
    padded = np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)))
    wide = convmixer(8, 1, input_shape=(8, 8, 1), patch_size=2)
    wide.set_weights(model.get_weights())
    ours, theirs = maps_of(model, ["stem_conv"], image), maps_of(wide, ["stem_conv"], padded)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-6)


def test_hidden_units_and_dropout_of_vgg() -> None:
    model = vgg(stages=(4, 8), hidden_units=(20, 12), dropout=0.5)
    names = ["flatten", "dense_1", "dropout_1", "dense_2", "dropout_2", "classifier"]
    assert [layer.name for layer in model.layers[-6:]] == names


def test_dropout_of_a_wide_network_is_between_its_convolutions() -> None:
    order = [row.name for row in summary(wide_resnet(10, 1, dropout=0.3)).layers if "stage_1" in row.name]
    at = order.index("stage_1_block_1_dropout")
    assert order[at - 1 : at + 2] == ["stage_1_block_1_relu_2", "stage_1_block_1_dropout", "stage_1_block_1_conv_2"]


SMALL: dict[str, Callable[..., keras.Model]] = {
    "resnet_8": functools.partial(resnet, 8),
    "preact_resnet_8": functools.partial(preact_resnet, 8),
    "wrn_10_2": functools.partial(wide_resnet, 10, 2),
    "densenet_bc_10_4": functools.partial(densenet, 10, 4),
    "convmixer_8_2": functools.partial(convmixer, 8, 2),
    "vgg": functools.partial(vgg, (4,)),
    "mobile": functools.partial(mobile, (4, 8)),
    "convnext": functools.partial(convnext, (4, 8), (1, 1)),
    "fast_conv": functools.partial(fast_conv, (4, 8)),
    "tiny": functools.partial(tiny, (4, 8)),
}


@pytest.mark.parametrize("name", SMALL)
def test_names(name: str) -> None:
    assert SMALL[name]().name == name
    assert SMALL[name](name="mine").name == "mine"


@pytest.mark.parametrize("name", SMALL)
def test_channels_stand_last_whatever_the_user_has_set_for_keras(name: str) -> None:
    expected = [layer.output.shape for layer in SMALL[name]().layers]
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        model = SMALL[name]()
    finally:
        keras.config.set_image_data_format(before)
    assert [layer.output.shape for layer in model.layers] == expected
    assert model(noise()).shape == (2, 10)


# What is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: resnet(18), "depth is 6 n + 2: 8, 14, 20, 26, 32 … Received: depth=18"),
        (lambda: resnet(2), "depth is 6 n + 2: 8, 14, 20, 26, 32 … Received: depth=2"),
        (lambda: preact_resnet(22), "depth is 6 n + 2: 8, 14, 20, 26, 32 … Received: depth=22"),
        (lambda: wide_resnet(20), "depth is 6 n + 4: 10, 16, 22, 28, 34 … Received: depth=20"),
        (lambda: densenet(101), "depth is 6 n + 4: 10, 16, 22, 28, 34 … Received: depth=101"),
        (lambda: resnet("20"), "depth is a whole number of at least 1. Received: depth='20'"),
        (lambda: wide_resnet(16, 0), "width is a whole number of at least 1. Received: width=0"),
        (lambda: wide_resnet(dropout=1), "dropout is a fraction: at least 0 and below 1. Received: dropout=1"),
        (lambda: densenet(growth_rate=0), "growth_rate is a whole number of at least 1. Received: growth_rate=0"),
        (lambda: convmixer(kernel_size=0), "kernel_size is a whole number of at least 1. Received: kernel_size=0"),
        (lambda: convmixer(patch_size=2.5), "patch_size is a whole number of at least 1. Received: patch_size=2.5"),
        (lambda: convmixer(depth=0), "depth is a whole number of at least 1. Received: depth=0"),
        (lambda: vgg(()), "as in ((32, 32), (64, 64)). Received: stages=()"),
        (lambda: mobile(((), (3,))), "Each stage has at least one convolution. Received: stages=((), (3,))"),
        (lambda: convnext((8, 16), (1,)), "one number for each stage. Received: widths=(8, 16), depths=(1,)"),
        (lambda: convnext((), ()), "one number for each stage. Received: widths=(), depths=()"),
        (lambda: convnext(kernel_size=(7, 7)), "kernel_size is a whole number of at least 1. Received: kernel_size=(7"),
        (lambda: convnext((8,), (0,)), "depths[0] is a whole number of at least 1. Received: depths[0]=0"),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        build()


@pytest.mark.parametrize(
    ("build", "size", "arithmetic"),
    [
        (resnet, 2, "2, convolution 3 by 2 → 1, convolution 3 by 2 → 0. Expected at least 3 pixels"),
        (preact_resnet, 2, "2, convolution 3 by 2 → 1, convolution 3 by 2 → 0. Expected at least 3 pixels"),
        (wide_resnet, 1, "1, convolution 3 by 2 → 0. Expected at least 3 pixels"),
        (densenet, 3, "3, pooling 2 → 1, pooling 2 → 0. Expected at least 4 pixels"),
        (vgg, 7, "7, pooling 2 → 3, pooling 2 → 1, pooling 2 → 0. Expected at least 8 pixels"),
        (mobile, 2, "2, convolution 3 by 2 → 1, convolution 3 by 2 → 0. Expected at least 3 pixels"),
        (convmixer, 1, "1, convolution 2 → 0. Expected at least 2 pixels"),
        (convnext, 4, "4, convolution 2 → 2, convolution 2 → 1, convolution 2 → 0. Expected at least 5 pixels"),
    ],
)
def test_too_small_an_image_is_refused_with_the_arithmetic(build: Any, size: int, arithmetic: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(arithmetic)):
        build(input_shape=(size, 28, 1))
