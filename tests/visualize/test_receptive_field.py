"""Receptive fields against the pixels that a unit's gradient reaches."""

from __future__ import annotations

import io
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import convvision
from convvision.errors import InputError, ShapeError, UnknownNameError
from convvision.visualize import PixelBox, plot_receptive_field, receptive_field
from foreign_models import FOREIGN, build_foreign

SIZE = (13, 11, 2)


def positive(model: Any) -> Any:
    """Give a model weights above zero, so that every pixel that a unit sees has an influence on it."""
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1, weight.shape).astype(np.float32) for weight in model.weights])
    return model


def reached(model: Any, size: tuple[int, int, int]) -> np.ndarray:
    """Which pixels change each unit of the model's output, (h, w, H, W): one pixel is raised after another."""
    base = np.full((1, *size), 0.5, np.float32)
    raised = np.repeat(base, size[0] * size[1], axis=0)
    for index in range(len(raised)):
        raised[index, index // size[1], index % size[1]] += 1
    changed = np.asarray(model(raised)) != np.asarray(model(base))
    height, width = changed.shape[1:3]
    return changed.any(axis=-1).reshape(*size[:2], height, width).transpose(2, 3, 0, 1)


def box_of(support: np.ndarray) -> PixelBox:
    rows, columns = (np.flatnonzero(support.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return PixelBox(0, 0, 0, 0)
    return PixelBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def chain(*several: Any) -> Any:
    return keras.Sequential([keras.Input(SIZE), *several])


def inception() -> Any:
    image = keras.Input(SIZE)
    # The wide branch reaches further to the right: its padding is put there.
    wide = layers.Conv2D(2, (3, 5))(layers.ZeroPadding2D(((0, 2), (1, 3)))(image))
    pooled = layers.AveragePooling2D(3, strides=1, padding="same")(image)
    return keras.Model(image, layers.Concatenate()([layers.Conv2D(2, 1)(pooled), wide, image]))


def gated() -> Any:
    image = keras.Input(SIZE)
    x = layers.Conv2D(3, 3, strides=2)(image)
    gate = layers.Dense(3)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(image, layers.Multiply()([x, gate]))


MODELS: dict[str, Any] = {
    "convolution": lambda: chain(layers.Conv2D(2, (3, 2))),
    "even kernel, same": lambda: chain(layers.Conv2D(2, 4, padding="same")),
    "strided, same": lambda: chain(layers.Conv2D(2, 3, strides=2, padding="same")),
    "stride beyond the kernel, same": lambda: chain(layers.Conv2D(2, 2, strides=(3, 4), padding="same")),
    "dilated": lambda: chain(layers.Conv2D(2, 3, dilation_rate=2, padding="same"), layers.Conv2D(2, 2)),
    "lesson": lambda: chain(
        layers.Conv2D(2, 3, activation="relu"),
        layers.AveragePooling2D(2),
        layers.Conv2D(2, 2, activation="relu"),
        layers.AveragePooling2D(2),
    ),
    "overlapping pools": lambda: chain(layers.AveragePooling2D(3, strides=2, padding="same"), layers.Conv2D(2, 3)),
    "padded and cropped": lambda: chain(
        layers.ZeroPadding2D(((2, 0), (0, 1))), layers.Conv2D(2, 3), layers.Cropping2D(((1, 2), (0, 3)))
    ),
    "padded by more than the kernel": lambda: chain(layers.ZeroPadding2D(3), layers.Conv2D(2, 2)),
    "depthwise": lambda: chain(layers.DepthwiseConv2D(3, strides=2, padding="same"), layers.SeparableConv2D(2, 3)),
    "pointwise": lambda: chain(layers.BatchNormalization(), layers.Dense(3), layers.PReLU(), layers.Conv2D(2, 3)),
    "nested": lambda: chain(chain(layers.Conv2D(2, 3, strides=2)), layers.Conv2D(2, 3)),
    "branches": inception,
    "gated": gated,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_box_holds_the_pixels_that_reach_the_unit_and_no_others(name: str) -> None:
    model = positive(MODELS[name]())
    found = receptive_field(model, -1)
    support = reached(model, SIZE)
    assert (len(found.rows), len(found.columns)) == support.shape[:2]
    for row, column in np.ndindex(*support.shape[:2]):
        assert found.box(row, column) == box_of(support[row, column]), (row, column)


@pytest.mark.parametrize("name", ["sequential_with_input", "nested_models", "branches", "depthwise_and_grouped"])
def test_no_pixel_outside_the_box_reaches_a_unit_of_a_model_as_users_write_them(name: str) -> None:
    model = build_foreign(name)
    spatial = [row for row in convvision.summary(model).layers if len(row.output_shape) == 3]
    height, width, channels = spatial[0].output_shape
    size = (height, width, channels)
    wanted = next(row.name for row in reversed(spatial) if "/" not in row.name)
    found = receptive_field(model, wanted)
    support = reached(keras.Model(model.inputs[0], model.get_layer(wanted).output), size)
    for row, column in np.ndindex(*support.shape[:2]):
        outside = support[row, column].copy()
        outside[found.box(row, column).slices] = False
        assert not outside.any()


def test_uncut_boxes_have_the_size_and_the_stride_of_the_summary() -> None:
    model = convvision.create_model("conv_32_32_32")
    for row in convvision.summary(model).layers:
        if len(row.output_shape) == 3:
            found = receptive_field(model, row.name)
            heights = found.rows[:, 1] - found.rows[:, 0]
            assert row.receptive_field == found.size
            assert (heights == found.size.height).all()
            assert (np.diff(found.rows[:, 0]) == found.size.stride_height).all()


def test_the_lessons_second_pooling_by_hand() -> None:
    found = receptive_field(convvision.create_model("conv_64_64"), "pool_2")
    # 28 → 26 → 13 → 11 → 5: a unit sees 1 + 2 + 1 + 2·2 + 2 = 10 pixels, four further for each step.
    assert repr(found) == "ReceptiveFields('pool_2', 10 × 10, units=5 × 5)"
    assert found.rows.tolist() == found.columns.tolist() == [[4 * i, 4 * i + 10] for i in range(5)]
    image = np.arange(28 * 28).reshape(28, 28)
    assert image[found.box(1, 2).slices].shape == (10, 10)
    assert image[found.box(1, 2).slices][0, 0] == 4 * 28 + 8


def test_a_layer_may_be_chosen_by_its_position() -> None:
    model = convvision.create_model("conv_64_64")
    assert receptive_field(model, 4).layer == "pool_2"


def test_a_unit_behind_a_layer_that_is_not_known_is_refused() -> None:
    class Shuffled(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return keras.ops.flip(inputs, axis=1)

    model = chain(Shuffled(name="shuffled"), layers.Conv2D(2, 3, name="conv"))
    with pytest.raises(InputError, match="What 'conv' sees is not known, for it is behind 'shuffled'"):
        receptive_field(model, "conv")
    image = keras.Input(SIZE)
    joined = layers.Concatenate(axis=1, name="joined")([image, layers.Conv2D(2, 3, padding="same")(image)])
    with pytest.raises(InputError, match="behind 'joined'"):
        receptive_field(keras.Model(image, joined), "joined")


def test_what_cannot_be_is_refused() -> None:
    model = convvision.create_model("conv_64_64")
    found = receptive_field(model, "pool_2")
    for unit in ((5, 0), (0, -1), (0.0, 1), (True, 0)):
        with pytest.raises(InputError, match=r"from \(0, 0\) to \(4, 4\)\. Received"):
            found.box(*unit)
    with pytest.raises(UnknownNameError, match="Did you mean 'pool_2'"):
        receptive_field(model, "pool2")
    with pytest.raises(InputError, match=r"shape \(N, h, w, channels\)"):
        receptive_field(model, "flatten")
    with pytest.raises(InputError, match="images of None × None pixels"):
        receptive_field(build_foreign("fully_convolutional"), 1)
    with pytest.raises(InputError, match="not connected yet"):
        receptive_field(keras.Sequential([layers.Conv2D(2, 3)]), 0)


@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "fully_convolutional"])
def test_every_layer_with_maps_of_a_model_as_users_write_them_has_boxes(name: str) -> None:
    model = build_foreign(name)
    for position, row in enumerate(convvision.summary(model).layers):
        if len(row.output_shape) == 3:
            found = receptive_field(model, position)
            assert (len(found.rows), len(found.columns)) == row.output_shape[:2]
            assert (found.rows[:, 0] < found.rows[:, 1]).all()


# Drawn


def test_the_box_is_drawn_on_the_image_and_cut_out_of_it() -> None:
    model, image = convvision.create_model("conv_64_64"), np.random.default_rng(0).random((28, 28, 1), np.float32)
    display = plot_receptive_field(model, image, "conv_2", (2, 3))
    whole, part = display.axes_[0]
    assert {patch.get_bbox().extents.tolist() == [5.5, 3.5, 13.5, 11.5] for patch in whole.patches} == {True}
    assert part.get_images()[0].get_array().shape == (8, 8)
    assert part.get_xlabel() == "rows 4–11, columns 6–13"
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=50)
    assert np.asarray(Image.open(buffer).convert("RGB")).std() > 0
    with pytest.raises(ShapeError, match=r"One image .* Received: shape \(1, 28, 28, 1\)"):
        plot_receptive_field(model, image[None], "conv_2", (2, 3))
    for unit in (3, (11, 0)):
        with pytest.raises(InputError, match=r"from \(0, 0\) to \(10, 10\)"):
            plot_receptive_field(model, image, "conv_2", unit)


def test_a_unit_that_sees_padding_only_says_so() -> None:
    model = chain(layers.ZeroPadding2D(3), layers.Conv2D(2, 2))
    display = plot_receptive_field(model, np.ones(SIZE), -1, (0, 0))
    assert display.box == PixelBox(0, 0, 0, 0)
    assert [text.get_text() for text in display.axes_[0, 1].texts] == ["padding only"]
