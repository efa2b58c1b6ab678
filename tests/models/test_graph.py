"""The order of layers in graphs of every form, and what one unit of each sees of the image."""

from __future__ import annotations

import re
import types
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import convvision
from convvision.errors import InputError
from convvision.models._graph import ReceptiveField, layer_calls


def names(model: keras.Model) -> list[str]:
    return [call.name for call in layer_calls(model)]


def sees(model: keras.Model) -> dict[str, str]:
    return {call.name: str(call.receptive_field) for call in layer_calls(model)}


# The order of the calls ----------------------------------------------------------------------------------------------


def test_a_chain_is_in_the_order_of_the_data() -> None:
    model = convvision.create_model("conv_32")
    assert names(model) == ["image", "conv_1", "pool_1", "flatten", "dense_1", "classifier"]


def test_each_call_comes_after_those_that_it_reads() -> None:
    image = keras.Input((16, 16, 2), name="image")
    long = layers.Conv2D(4, 1, name="long_2")(layers.Conv2D(4, 1, name="long_1")(image))
    short = layers.Conv2D(4, 1, name="short")(image)
    both = layers.Add(name="both")([short, long])
    model = keras.Model(image, layers.Concatenate(name="all")([both, short, image]))
    calls = layer_calls(model)
    assert sorted(names(model)) == sorted(["image", "long_1", "long_2", "short", "both", "all"])
    made: set[int] = set()
    for call in calls:
        assert all(id(tensor) in made for tensor in call.inputs)
        made.update(id(tensor) for tensor in call.outputs)


def test_nested_models_are_opened_and_give_their_name() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 1), name="in"), layers.Conv2D(2, 3, name="conv")], name="inner")
    middle = keras.Sequential([keras.Input((8, 8, 1), name="in"), inner], name="middle")
    image = keras.Input((8, 8, 1), name="image")
    model = keras.Model(image, layers.Flatten(name="flatten")(middle(image)))
    assert names(model) == ["image", "middle/in", "middle/inner/in", "middle/inner/conv", "flatten"]
    assert sees(model)["middle/inner/conv"] == sees(model)["flatten"] == "3 × 3"


def test_a_shared_model_is_listed_for_each_call() -> None:
    backbone = keras.Sequential([keras.Input((8, 8, 1), name="in"), layers.Conv2D(2, 3, name="conv")], name="backbone")
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    # The second call reads what has been through a convolution already.
    before = layers.Conv2D(1, 3, padding="same", name="before")(right)
    model = keras.Model([left, right], layers.Subtract(name="difference")([backbone(left), backbone(before)]))
    calls = [(call.name, str(call.receptive_field)) for call in layer_calls(model)]
    assert calls == [
        ("left", "1 × 1"),
        ("backbone/in", "1 × 1"),
        ("backbone/conv", "3 × 3"),
        ("right", "1 × 1"),
        ("before", "3 × 3"),
        ("backbone/in", "3 × 3"),
        ("backbone/conv", "5 × 5"),
        ("difference", "5 × 5"),
    ]


def test_inputs_of_a_nested_model_are_matched_by_name() -> None:
    first, second = keras.Input((8, 8, 1), name="first"), keras.Input((8, 8, 1), name="second")
    joined = layers.Add(name="joined")([layers.Conv2D(1, 3, padding="same", name="conv")(first), second])
    inner = keras.Model({"second": second, "first": first}, joined, name="inner")
    image = keras.Input((8, 8, 1), name="image")
    blurred = layers.AveragePooling2D(5, 1, padding="same", name="blurred")(image)
    model = keras.Model(image, inner({"first": blurred, "second": image}))
    assert sees(model)["inner/first"] == "5 × 5"
    assert sees(model)["inner/second"] == "1 × 1"
    assert sees(model)["inner/conv"] == "7 × 7"


def test_one_tensor_may_be_both_inputs_of_a_nested_model() -> None:
    pair = [keras.Input((8, 8, 1), name="a"), keras.Input((8, 8, 1), name="b")]
    inner = keras.Model(pair, layers.Add(name="sum")(pair), name="inner")
    image = keras.Input((8, 8, 1), name="image")
    assert names(keras.Model(image, inner([image, image]))) == ["image", "inner/a", "inner/b", "inner/sum"]


def test_several_outputs_are_all_reached() -> None:
    image = keras.Input((8, 8, 1), name="image")
    shared = layers.Conv2D(2, 3, name="shared")(image)
    heads = [layers.Flatten(name="flat")(shared), layers.Conv2D(3, 3, name="map")(shared)]
    assert names(keras.Model(image, heads)) == ["image", "shared", "flat", "map"]


def test_a_model_cut_out_of_another_lists_its_part_only() -> None:
    whole = convvision.create_model("conv_32_32")
    first = keras.Model(whole.inputs, whole.get_layer("pool_1").output)
    assert names(first) == ["image", "conv_1", "pool_1"]
    second = keras.Model(whole.get_layer("pool_1").output, whole.get_layer("pool_2").output)
    # Its image is what it is given: 13 × 13 maps.
    assert list(sees(second).values()) == ["1 × 1", "3 × 3", "4 × 4"]


def test_a_sequential_model_may_grow_and_shrink() -> None:
    model = keras.Sequential([keras.Input((8, 8, 1), name="in"), layers.Conv2D(2, 3, name="one")])
    assert names(model) == ["in", "one"]
    model.add(layers.Conv2D(2, 3, name="two"))
    assert sees(model) == {"in": "1 × 1", "one": "3 × 3", "two": "5 × 5"}
    model.pop()
    assert names(model) == ["in", "one"]


def test_a_sequential_model_without_input_is_known_once_it_is_called() -> None:
    model = keras.Sequential([layers.Conv2D(2, 3, name="one")], name="bare")
    advice = "'bare' are not connected yet. Call it once on images, or begin it with keras.Input((28, 28, 1))."
    with pytest.raises(InputError, match=re.escape(advice)):
        layer_calls(model)
    model(np.zeros((1, 8, 8, 1), np.float32))
    assert names(model)[-1] == "one"


def test_a_model_by_subclassing_is_refused_before_and_after_it_is_called() -> None:
    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="mine")
            self.layer = layers.Conv2D(2, 3)

        def call(self, images: Any) -> Any:
            return self.layer(images)

    model = Subclassed()
    with pytest.raises(InputError, match=r"'mine'.*use keras.Sequential or the functional API"):
        layer_calls(model)
    model(np.zeros((1, 8, 8, 1), np.float32))
    with pytest.raises(InputError, match=r"'mine'.*use keras.Sequential or the functional API"):
        layer_calls(model)


@pytest.mark.parametrize("thing", ["conv_64_64", None, keras.Model])
def test_what_is_no_model_is_refused(thing: Any) -> None:
    with pytest.raises(InputError, match=re.escape(f"Expected a keras.Model. Received: {thing!r}")):
        layer_calls(thing)


def test_a_run_and_a_name_are_refused_with_what_to_give_instead() -> None:
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()])
    with pytest.raises(InputError, match=r"Expected a keras\.Model\. Received: .*That of a run is run\.model\.$"):
        layer_calls(types.SimpleNamespace(model=model))
    with pytest.raises(InputError, match=r"create_model\('conv_64_64'\) makes"):
        layer_calls("conv_64_64")


def test_a_model_by_subclassing_inside_another_is_one_layer() -> None:
    class Block(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="block")
            self.layer = layers.Conv2D(2, 3)

        def call(self, images: Any) -> Any:
            return self.layer(images)

    model = keras.Sequential([keras.Input((8, 8, 1), name="in"), Block(), layers.Conv2D(2, 1, name="after")])
    assert sees(model) == {"in": "1 × 1", "block": "None", "after": "None"}


# Receptive fields against light ---------------------------------------------------------------------------------------
#
# With weights of one and no activation, a unit is lit by an image with one row (or column) of ones exactly where it
# sees some pixel of that row.

HEIGHT, WIDTH = 96, 88


def lit(maps: np.ndarray, row: int, column: int) -> np.ndarray:
    """Find the first and last row and column of the image that a unit sees: [[top, left], [bottom, right]]."""
    which = np.flatnonzero(maps[:, row, column, 0])
    rows, columns = which[which < HEIGHT], which[which >= HEIGHT] - HEIGHT
    box = np.array([[rows[0], columns[0]], [rows[-1], columns[-1]]])
    # A box that meets the border may be cut off there, and would prove nothing.
    assert (box[0] > 0).all()
    assert (box[1] < (HEIGHT - 1, WIDTH - 1)).all()
    return box


def assert_sees_what_lights_it(model: keras.Model) -> None:
    images = np.zeros((HEIGHT + WIDTH, HEIGHT, WIDTH, 1), np.float32)
    images[np.arange(HEIGHT), np.arange(HEIGHT)] = 1
    images[HEIGHT + np.arange(WIDTH), :, np.arange(WIDTH)] = 1
    _, *calls = layer_calls(model)
    computes = keras.Model(model.inputs[0], [call.outputs[0] for call in calls])
    for call, maps in zip(calls, computes(images), strict=True):
        middle = maps.shape[1] // 2, maps.shape[2] // 2
        box, neighbour = (lit(maps.numpy(), middle[0] + step, middle[1] + step) for step in (0, 1))
        expected = ReceptiveField(*(box[1] - box[0] + 1), *(neighbour - box)[0])
        assert call.receptive_field == expected, (call.name, call.layer.get_config())


def ones(kind: type[keras.Layer], *arguments: Any, **options: Any) -> keras.Layer:
    kernels = {
        layers.Conv2D: ["kernel"],
        layers.DepthwiseConv2D: ["depthwise"],
        layers.SeparableConv2D: ["depthwise", "pointwise"],
    }[kind]
    return kind(*arguments, **options, use_bias=False, **{f"{kernel}_initializer": "ones" for kernel in kernels})


def random_layer(random: np.random.Generator, *, shrinks: bool) -> keras.Layer:
    padding = str(random.choice(["valid", "same"]))
    kernel = tuple(map(int, random.integers(1, 6, 2)))
    # TensorFlow takes two different strides in a convolution and in a pooling, not in a depthwise convolution, and
    # no stride together with a dilation.
    strides = tuple(map(int, random.integers(1, 4, 2))) if shrinks else (1, 1)
    dilation = (1, 1) if shrinks else tuple(map(int, random.integers(1, 4, 2)))
    # Poolings may skip pixels. Of convolutions that do, TensorFlow 2.21 computes some wrongly on a CPU: a kernel of
    # (1, 5) with strides of (3, 1) gives another result at each call.
    within = (min(strides[0], kernel[0]), min(strides[1], kernel[1]))
    match random.choice(["conv", "depthwise", "separable", "max", "average"]):
        case "conv":
            return ones(layers.Conv2D, 1, kernel, strides=within, padding=padding, dilation_rate=dilation)
        case "depthwise":
            return ones(layers.DepthwiseConv2D, kernel, strides=min(within), padding=padding, dilation_rate=dilation)
        case "separable":
            return ones(layers.SeparableConv2D, 1, kernel, strides=min(within), padding=padding, dilation_rate=dilation)
        case "max":
            return layers.MaxPooling2D(kernel, strides, padding=padding)
        case _:
            return layers.AveragePooling2D(kernel, strides, padding=padding)


@pytest.mark.parametrize("seed", range(25))
def test_receptive_field_of_a_random_stack_is_what_lights_a_unit(seed: int) -> None:
    random = np.random.default_rng(seed)
    shrinks = [True, *random.permutation([True, False])]
    stack = [random_layer(random, shrinks=bool(one)) for one in random.permutation(shrinks)]
    assert_sees_what_lights_it(keras.Sequential([keras.Input((HEIGHT, WIDTH, 1)), *stack]))


@pytest.mark.parametrize("seed", range(3))
def test_receptive_field_where_branches_meet_is_what_lights_a_unit(seed: int) -> None:
    random = np.random.default_rng(seed)
    image = x = keras.Input((HEIGHT, WIDTH, 1))
    for _ in range(2):
        x = layers.AveragePooling2D(2)(x)
        kernels = [tuple(map(int, kernel)) for kernel in 2 * random.integers(0, 3, (3, 2)) + 1]
        x = layers.Add()([x, *(ones(layers.Conv2D, 1, kernel, padding="same")(x) for kernel in kernels)])
    assert_sees_what_lights_it(keras.Model(image, x))


# Receptive fields by hand and from the literature --------------------------------------------------------------------


def test_receptive_fields_of_the_lessons_model() -> None:
    fields = [call.receptive_field for call in layer_calls(convvision.create_model("conv_64_64"))]
    assert fields[:6] == [
        ReceptiveField(1, 1, 1, 1),
        ReceptiveField(3, 3, 1, 1),
        ReceptiveField(4, 4, 2, 2),
        ReceptiveField(8, 8, 2, 2),
        ReceptiveField(10, 10, 4, 4),
        # A flattened unit is one unit of the feature map still.
        ReceptiveField(10, 10, 4, 4),
    ]
    assert list(map(str, fields[6:])) == ["all", "all"]


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("VGG16", "block5_pool", 212),
        ("MobileNet", "conv_pw_13_relu", 315),
        ("ResNet50", "conv5_block3_out", 483),
    ],
)
def test_receptive_fields_are_those_that_are_published(name: str, layer: str, size: int) -> None:
    """Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019)."""
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
    assert sees(model)[layer] == f"{size} × {size}"


def test_global_layers_see_all() -> None:
    image = keras.Input((8, 8, 2), name="image")
    maps = layers.Conv2D(2, 3, name="conv")(image)
    pooled = [layers.GlobalAveragePooling2D(name="average")(maps), layers.GlobalMaxPooling2D(name="max")(maps)]
    model = keras.Model(image, layers.Dense(2, name="dense")(layers.Concatenate(name="both")(pooled)))
    assert list(sees(model).values()) == ["1 × 1", "3 × 3", "all", "all", "all", "all"]


def test_a_gate_over_the_whole_image_lets_every_unit_see_all() -> None:
    image = keras.Input((8, 8, 2), name="image")
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(image)
    gate = layers.Dense(2, activation="sigmoid", name="excite")(gate)
    model = keras.Model(image, layers.Conv2D(2, 3, name="conv")(layers.Multiply(name="gated")([image, gate])))
    assert sees(model) == {"image": "1 × 1", "squeeze": "all", "excite": "all", "gated": "all", "conv": "all"}


def test_what_has_seen_all_sees_all_behind_any_layer() -> None:
    stack = [layers.Flatten(), layers.Dense(18), layers.Reshape((3, 3, 2)), layers.UpSampling2D(), layers.Conv2D(2, 3)]
    model = keras.Sequential([keras.Input((8, 8, 2)), *stack])
    assert [str(call.receptive_field) for call in layer_calls(model)] == ["1 × 1", "1 × 1", *["all"] * 4]


def test_a_dense_layer_on_feature_maps_is_a_convolution_of_one() -> None:
    dense = layers.Dense(4, name="dense")
    image = keras.Input((8, 8, 2), name="image")
    maps = layers.Conv2D(2, 3, name="conv")(image)
    model = keras.Model(image, dense(maps))
    assert sees(model)["dense"] == "3 × 3"


POINTWISE = [
    layers.BatchNormalization(),
    layers.ReLU(),
    layers.LeakyReLU(),
    layers.Activation("gelu"),
    layers.Softmax(),
    layers.Dropout(0.5),
    layers.SpatialDropout2D(0.5),
    layers.GaussianNoise(0.1),
    layers.Identity(),
    layers.Rescaling(1 / 255),
    layers.RandomFlip(),
    layers.RandomTranslation(0.1, 0.1),
    layers.ZeroPadding2D(2),
    layers.Cropping2D(1),
    layers.Flatten(),
]


@pytest.mark.parametrize("layer", POINTWISE, ids=lambda layer: type(layer).__name__)
def test_pointwise_layers_see_no_more(layer: keras.Layer) -> None:
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 3), layer])
    assert layer_calls(model)[-1].receptive_field == ReceptiveField(3, 3, 1, 1)


OPERATIONS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * 2": lambda x, y: x * 2,
    "x / 255": lambda x, y: x / 255,
    "-x": lambda x, y: -x,
    "x ** 2": lambda x, y: x**2,
    "relu": lambda x, y: ops.relu(x),
    "activations.relu": lambda x, y: keras.activations.relu(x),
    "silu": lambda x, y: ops.silu(x),
    "sigmoid": lambda x, y: ops.sigmoid(x),
    "cast": lambda x, y: ops.cast(x, "float16"),
    "concatenate": lambda x, y: ops.concatenate([x, y]),
    "maximum": ops.maximum,
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_pointwise_operations_see_no_more(operation: Any) -> None:
    image = keras.Input((8, 8, 2), name="image")
    x, y = layers.Conv2D(2, 3, padding="same")(image), layers.Conv2D(2, 3, padding="same")(image)
    *_, last = layer_calls(keras.Model(image, operation(x, y)))
    assert last.receptive_field == ReceptiveField(3, 3, 1, 1)


UNKNOWN = {
    "transposed": layers.Conv2DTranspose(2, 3),
    "upsampling": layers.UpSampling2D(),
    "resizing": layers.Resizing(4, 4),
    "another grid": layers.Reshape((4, 16, 2)),
    "permuted": layers.Permute((2, 3, 1)),
    "lambda": layers.Lambda(lambda x: x[:, ::-1], output_shape=(8, 8, 2)),
}


@pytest.mark.parametrize("layer", UNKNOWN.values(), ids=UNKNOWN)
def test_behind_a_layer_of_unknown_effect_nothing_is_claimed(layer: keras.Layer) -> None:
    model = keras.Sequential([keras.Input((8, 8, 2)), layer, layers.Conv2D(2, 1), layers.Flatten(), layers.Dense(2)])
    assert [call.receptive_field for call in layer_calls(model)][1:] == [None] * 4


def test_the_operation_average_is_no_pointwise_layer() -> None:
    image = keras.Input((8, 8, 2))
    *_, operation = layer_calls(keras.Model(image, ops.average(image, axis=1)))
    assert operation.receptive_field is None
    *_, layer = layer_calls(keras.Model(image, layers.Average()([image, image])))
    assert layer.receptive_field == ReceptiveField(1, 1, 1, 1)


def test_adding_the_channel_axis_changes_nothing() -> None:
    stack = [layers.Reshape((28, 28, 1)), layers.Conv2D(2, 3)]
    model = keras.Sequential([keras.Input((28, 28)), *stack])
    assert layer_calls(model)[-1].receptive_field == ReceptiveField(3, 3, 1, 1)


def test_a_subclass_of_a_convolution_is_one() -> None:
    class Normalised(layers.Conv2D):
        pass

    model = keras.Sequential([keras.Input((8, 8, 2)), Normalised(2, 3, strides=2)])
    assert layer_calls(model)[-1].receptive_field == ReceptiveField(3, 3, 2, 2)
