"""The costs of models: parameters, multiply-adds and the table, against Keras, by hand and by counting."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import convvision
from convvision.errors import InputError
from convvision.models import LayerSummary, ReceptiveField, summary
from registered_models import parametrised

ALL = ReceptiveField(*[float("inf")] * 4)


def image(*shape: int | None) -> Any:
    return keras.Input(shape or (12, 12, 2), name="image")


# The lesson's model, by hand -----------------------------------------------------------------------------------------


def test_rows_of_the_lessons_model() -> None:
    # A 3 × 3 kernel over 26 × 26 positions, one channel in and 64 out: 26 · 26 · 9 · 64 = 389,376. Then
    # 11 · 11 · 9 · 64 · 64 = 4,460,544 and 1,600 · 128 = 204,800. Each pooling doubles the stride, so that the second
    # kernel reaches 2 · 2 = 4 pixels further than the first window.
    pixel, first, second = ReceptiveField(1, 1, 1, 1), ReceptiveField(3, 3, 1, 1), ReceptiveField(4, 4, 2, 2)
    third, fourth = ReceptiveField(8, 8, 2, 2), ReceptiveField(10, 10, 4, 4)
    assert summary(convvision.create_model("conv_64_64")).layers == (
        LayerSummary("image", "InputLayer", (28, 28, 1), None, 0, 0, pixel),
        LayerSummary("conv_1", "Conv2D", (26, 26, 64), (3, 3), 640, 389_376, first),
        LayerSummary("pool_1", "MaxPooling2D", (13, 13, 64), (2, 2), 0, 0, second),
        LayerSummary("conv_2", "Conv2D", (11, 11, 64), (3, 3), 36_928, 4_460_544, third),
        LayerSummary("pool_2", "MaxPooling2D", (5, 5, 64), (2, 2), 0, 0, fourth),
        LayerSummary("flatten", "Flatten", (1600,), None, 0, 0, fourth),
        LayerSummary("dense_1", "Dense", (128,), None, 204_928, 204_800, ALL),
        LayerSummary("classifier", "Dense", (10,), None, 1_290, 1_280, ALL),
    )


def test_totals_of_the_lessons_model() -> None:
    whole = summary(convvision.create_model("conv_64_64"))
    assert whole.name == "conv_64_64"
    assert whole.parameters == 243_786
    assert whole.multiply_adds == 5_056_000


# The table -----------------------------------------------------------------------------------------------------------


def cells(table: str) -> list[list[str]]:
    """Cut a table where two neighbouring columns of characters are blank in every line."""
    lines = [line for line in table.splitlines() if set(line) != {"─"}]
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    blank = [all(line[at] == " " for line in lines) for at in range(width)]
    gaps = [at for at in range(width - 1) if blank[at] and blank[at + 1]]
    starts = [0] + [at + 2 for at in gaps if at + 1 not in gaps]
    return [
        [line[start:end].strip() for start, end in zip(starts, [*starts[1:], width], strict=True)] for line in lines
    ]


def test_the_table_lines_up() -> None:
    title, empty, *table = str(summary(convvision.create_model("conv_64_64"))).splitlines()
    assert (title, empty) == ("conv_64_64", "")
    assert cells("\n".join(table)) == [
        ["layer", "kind", "output shape", "kernel", "parameters", "multiply-adds", "receptive field"],
        ["image", "InputLayer", "28 × 28 × 1", "", "0", "0", "1 × 1"],
        ["conv_1", "Conv2D", "26 × 26 × 64", "3 × 3", "640", "389,376", "3 × 3"],
        ["pool_1", "MaxPooling2D", "13 × 13 × 64", "2 × 2", "0", "0", "4 × 4"],
        ["conv_2", "Conv2D", "11 × 11 × 64", "3 × 3", "36,928", "4,460,544", "8 × 8"],
        ["pool_2", "MaxPooling2D", "5 × 5 × 64", "2 × 2", "0", "0", "10 × 10"],
        ["flatten", "Flatten", "1600", "", "0", "0", "10 × 10"],
        ["dense_1", "Dense", "128", "", "204,928", "204,800", "all"],
        ["classifier", "Dense", "10", "", "1,290", "1,280", "all"],
        ["total", "", "", "", "243,786", "5,056,000", ""],
    ]
    rules = [position for position, line in enumerate(table) if set(line) == {"─"}]
    assert rules == [1, len(table) - 2]
    assert len(table[1]) == max(map(len, table))


def test_words_stand_left_and_numbers_right() -> None:
    lines = str(summary(convvision.create_model("conv_64_64"))).splitlines()[2:]
    header, *rows = [line for line in lines if set(line) != {"─"}]
    for number in ("parameters", "multiply-adds"):
        end = header.index(number) + len(number)
        assert all(row[end - 1].isdigit() and row[end : end + 1] in {"", " "} for row in rows)
    for word in ("kind", "output shape"):
        start = header.index(word)
        assert all(row[start - 1] == " " and row[start] != " " for row in rows[:-1])


@pytest.mark.parametrize("name", ["conv_32", "dense_128"])
def test_totals_of_the_table_are_the_sums_of_its_rows(name: str) -> None:
    _, *rows, total = cells(str(summary(convvision.create_model(name))).partition("\n\n")[2])
    for column in (-3, -2):
        numbers = [int(row[column].replace(",", "")) for row in rows]
        assert sum(numbers) == int(total[column].replace(",", ""))


def test_what_is_not_known_is_a_question_mark() -> None:
    model = keras.Sequential([image(None, None, 2), layers.Conv2D(3, 3), layers.Conv2DTranspose(4, 3)], name="open")
    _, *_, transposed, total = cells(str(summary(model)).partition("\n\n")[2])
    assert transposed[2:] == ["None × None × 4", "3 × 3", "112", "?", "?"]
    assert total[-3:-1] == [str(57 + 112), "?"]


# Parameters, against Keras -------------------------------------------------------------------------------------------


def modern() -> keras.Model:
    x = start = image()
    for width in (4, 6):
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(start, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def of_every_convolution() -> keras.Model:
    return keras.Sequential(
        [
            image(),
            layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.SeparableConv2D(6, 3, depth_multiplier=2),
            layers.Conv2D(4, 3, groups=2, padding="same"),
            layers.Conv2D(4, 3, dilation_rate=2),
            layers.Conv2DTranspose(3, 3, strides=2),
        ]
    )


def sequential_in_functional() -> keras.Model:
    start = image()
    inner = keras.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization()])
    return keras.Model(start, layers.Dense(3)(layers.Flatten()(inner(start))))


def shared_backbone() -> keras.Model:
    backbone = keras.Sequential([keras.Input((12, 12, 2)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(5)])
    left, right = keras.Input((12, 12, 2)), keras.Input((12, 12, 2))
    return keras.Model([left, right], layers.Dense(1)(layers.Subtract()([backbone(left), backbone(right)])))


def shared_layer() -> keras.Model:
    start, conv = image(), layers.Conv2D(2, 3, padding="same")
    return keras.Model(start, conv(conv(conv(start))))


def weights_shared_by_a_wrapper() -> keras.Model:
    start, dense = keras.Input((4, 5)), layers.Dense(5)
    return keras.Model(start, layers.TimeDistributed(dense)(dense(start)))


def residual() -> keras.Model:
    start = image()
    x = layers.Conv2D(2, 3, padding="same")(start)
    x = layers.Add()([x, start])
    return keras.Model(start, layers.Concatenate()([x, layers.Conv2D(3, 1)(x)]))


def operators() -> keras.Model:
    start = image()
    x = layers.Conv2D(2, 3, padding="same")(start / 255.0)
    return keras.Model(start, layers.Dense(3)(layers.Flatten()(x + start * 2)))


def operations() -> keras.Model:
    start = image()
    x = ops.relu(layers.Conv2D(4, 3)(start))
    x = ops.concatenate([x, ops.square(x)], axis=-1)
    return keras.Model(start, layers.Dense(3)(ops.mean(ops.max_pool(x, 2), axis=(1, 2))))


def several_outputs() -> keras.Model:
    start = image()
    x = layers.Flatten()(layers.Conv2D(4, 3)(start))
    return keras.Model(start, {"kind": layers.Dense(3)(x), "size": layers.Dense(1)(x), "maps": start * 2})


def nested_with_several_outputs() -> keras.Model:
    start, inner = image(), several_outputs()
    return keras.Model(start, layers.Dense(2)(inner(start)["kind"]))


def subclassed_inside() -> keras.Model:
    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = layers.Conv2D(2, 3, padding="same"), layers.BatchNormalization()

        def call(self, maps: Any) -> Any:
            return maps + self.norm(self.conv(maps))

    return keras.Sequential([image(), Block(), layers.Flatten(), layers.Dense(3)])


def frozen() -> keras.Model:
    model = modern()
    model.trainable = False
    return model


def loaded_from_a_configuration() -> keras.Model:
    model = shared_backbone()
    return type(model).from_config(model.get_config())


def called_without_an_input() -> keras.Model:
    model = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    model(np.zeros((1, 12, 12, 2), np.float32))
    return model


def compiled() -> keras.Model:
    model = keras.Sequential([image(), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    model.compile("adam", "mse", metrics=["mae"])
    # Its moments are variables of the model, and no weights.
    model.optimizer.build(model.trainable_variables)
    return model


MODELS_OF_EVERY_FORM: list[Callable[[], keras.Model]] = [
    modern,
    of_every_convolution,
    sequential_in_functional,
    shared_backbone,
    shared_layer,
    weights_shared_by_a_wrapper,
    residual,
    operators,
    operations,
    several_outputs,
    nested_with_several_outputs,
    subclassed_inside,
    frozen,
    loaded_from_a_configuration,
    called_without_an_input,
    compiled,
]


@pytest.mark.parametrize("build", MODELS_OF_EVERY_FORM)
def test_parameters_are_those_that_keras_counts(build: Callable[[], keras.Model]) -> None:
    model = build()
    assert summary(model).parameters == model.count_params() > 0


@parametrised()
def test_parameters_of_registered_models_are_those_that_keras_counts(name: str) -> None:
    model = convvision.create_model(name, (32, 32, 3), 7)
    assert summary(model).parameters == model.count_params()


def test_a_shared_layer_costs_weights_once_and_work_at_each_call() -> None:
    rows = summary(shared_layer()).layers[1:]
    # 3 · 3 · 2 · 2 weights and two biases; 12 · 12 positions.
    assert [row.parameters for row in rows] == [38, 0, 0]
    assert [row.multiply_adds for row in rows] == [144 * 36] * 3


def test_a_loaded_model_has_the_same_summary(tmp_path: Path) -> None:
    model = modern()
    model.save(tmp_path / "model.keras")
    assert summary(keras.models.load_model(tmp_path / "model.keras")) == summary(model)


def test_names_and_kinds_of_operations() -> None:
    rows = summary(operators()).layers
    assert [row.kind for row in rows] == [
        "InputLayer", "TrueDivide", "Conv2D", "Multiply", "Add", "Flatten", "Dense",
    ]  # fmt: skip
    assert [str(row.receptive_field) for row in rows] == ["1 × 1", "1 × 1", "3 × 3", "1 × 1", "3 × 3", "3 × 3", "all"]


# Multiply-adds, by counting ------------------------------------------------------------------------------------------

COUNTED = {
    "conv": lambda: layers.Conv2D(4, (2, 3)),
    "strided": lambda: layers.Conv2D(4, 3, strides=(2, 3)),
    "dilated": lambda: layers.Conv2D(4, 3, dilation_rate=2),
    "grouped": lambda: layers.Conv2D(6, 3, groups=3),
    "pointwise": lambda: layers.Conv2D(5, 1),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
    "depthwise strided": lambda: layers.DepthwiseConv2D(3, strides=2),
    "transposed": lambda: layers.Conv2DTranspose(4, 3),
    "transposed strided": lambda: layers.Conv2DTranspose(4, (3, 2), strides=2),
    "dense on maps": lambda: layers.Dense(5),
}


@pytest.mark.parametrize("build", COUNTED.values(), ids=COUNTED)
def test_multiply_adds_are_what_ones_add_up_to(build: Callable[[], keras.Layer]) -> None:
    """Of ones times ones without padding, every multiplication adds one to the sum of the output."""
    layer = build()
    model = keras.Sequential([image(9, 8, 3), layer])
    model.set_weights([np.ones_like(weight) if weight.ndim > 1 else weight for weight in model.get_weights()])
    total = float(ops.sum(model(np.ones((1, 9, 8, 3), np.float32))))
    assert summary(model).layers[-1].multiply_adds == total > 0


def test_multiply_adds_of_a_flat_dense_layer() -> None:
    model = keras.Sequential([image(5, 4, 3), layers.Flatten(), layers.Dense(7)])
    assert summary(model).multiply_adds == 5 * 4 * 3 * 7


def test_multiply_adds_of_a_separable_convolution_are_those_of_its_two() -> None:
    # 7 × 6 positions: 3 · 3 for each of 3 · 2 channels, then 6 channels into 5.
    model = keras.Sequential([image(9, 8, 3), layers.SeparableConv2D(5, 3, depth_multiplier=2)])
    assert summary(model).multiply_adds == 7 * 6 * (9 * 6 + 6 * 5)


def test_padding_counts_as_input() -> None:
    model = keras.Sequential([image(5, 4, 2), layers.Conv2D(3, 3, strides=2, padding="same")])
    count = 0
    for _position in itertools.product(range(0, 5, 2), range(0, 4, 2)):
        for _tap in itertools.product(range(3), range(3)):
            count += 2 * 3
    assert summary(model).multiply_adds == count


def test_channels_may_stand_first() -> None:
    model = keras.Sequential([keras.Input((2, 9, 8)), layers.Conv2D(4, 3, data_format="channels_first")])
    assert summary(model).multiply_adds == 7 * 6 * 9 * 2 * 4


@pytest.mark.parametrize(
    ("name", "shape", "millions"),
    [
        # Howard et al. 2017, table 4; Sandler et al. 2018, table 4; both round to millions.
        ("MobileNet", (224, 224, 3), 569),
        pytest.param("MobileNetV2", (224, 224, 3), 300, marks=pytest.mark.slow),
    ],
)
def test_multiply_adds_are_those_that_are_published(name: str, shape: tuple[int, ...], millions: int) -> None:
    model = getattr(keras.applications, name)(weights=None, input_shape=shape)
    assert round(summary(model).multiply_adds / 1e6) == pytest.approx(millions, abs=1)


def test_normalisation_and_merging_cost_no_multiply_adds() -> None:
    start = image()
    x = layers.Add()([layers.PReLU()(layers.BatchNormalization()(start)), start])
    assert summary(keras.Model(start, layers.LayerNormalization()(x))).multiply_adds == 0


def test_an_open_image_size_leaves_multiply_adds_open() -> None:
    model = keras.Sequential([image(None, None, 3), layers.Conv2D(4, 3), layers.GlobalMaxPooling2D(), layers.Dense(2)])
    whole = summary(model)
    assert [row.multiply_adds for row in whole.layers] == [0, None, 0, 8]
    assert whole.multiply_adds is None
    assert whole.parameters == 3 * 3 * 3 * 4 + 4 + 4 * 2 + 2


def test_layers_that_use_weights_in_their_own_way_are_not_guessed() -> None:
    whole = summary(subclassed_inside())
    assert [row.multiply_adds for row in whole.layers] == [0, None, 0, 12 * 12 * 2 * 3]
    assert whole.multiply_adds is None


# Odd layers ----------------------------------------------------------------------------------------------------------


def test_kernels_are_shown_of_windows_in_two_dimensions_only() -> None:
    class Own(layers.Layer):
        kernel_size = 3

        def call(self, maps: Any) -> Any:
            return maps

    model = keras.Sequential(
        [image(12, 12, 2), Own(), layers.AveragePooling2D((2, 3)), layers.Reshape((24, 2)), layers.Conv1D(2, 3)]
    )
    assert [row.kernel for row in summary(model).layers] == [None, None, (2, 3), None, None]


def test_an_unbuilt_model_is_refused_with_advice() -> None:
    with pytest.raises(InputError, match=r"not connected yet\. Call it once on images, or begin it with keras\.Input"):
        summary(keras.Sequential([layers.Conv2D(4, 3)]))


def test_a_model_by_subclassing_is_refused_with_advice() -> None:
    class Subclassed(keras.Model):
        def call(self, images: Any) -> Any:
            return images

    with pytest.raises(InputError, match=r"use keras\.Sequential or the functional API"):
        summary(Subclassed())


def test_the_name_of_a_model_is_no_model() -> None:
    with pytest.raises(InputError, match=r"Expected a keras\.Model\. Received: 'conv_64_64'"):
        summary("conv_64_64")
