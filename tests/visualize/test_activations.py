"""Feature maps against those that come from calling each layer by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from convvision.errors import (
    CorruptDataError,
    InputError,
    OutputError,
    ShapeError,
    UnknownNameError,
    ValueRangeError,
)
from convvision.models import conv, dense
from convvision.visualize import Activations, extract_activations, load_activations, load_recording

SHAPE = (12, 12, 1)
# A model, and what each of its spatial layers makes of images when it is called by hand, in order.
Case = tuple[keras.Model, list[tuple[str, Callable[[Any], Any]]]]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((5, *SHAPE), np.float32)


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return conv((3, 4), input_shape=SHAPE, num_classes=4, hidden_units=8, padding="same", name="small")


def parts() -> list[layers.Layer]:
    keras.utils.set_random_seed(0)
    return [
        layers.Conv2D(3, 3, activation="relu", name="first"),
        layers.MaxPooling2D(2, name="pooled"),
        layers.Conv2D(2, 2, name="second"),
        layers.Flatten(name="flat"),
        layers.Dense(4, name="scores"),
    ]


def in_turn(spatial: list[layers.Layer], prefix: str = "") -> list[tuple[str, Callable[[Any], Any]]]:
    def up_to(count: int) -> Callable[[Any], Any]:
        def call(x: Any) -> Any:
            for layer in spatial[:count]:
                x = layer(x)
            return x

        return call

    return [(prefix + layer.name, up_to(index)) for index, layer in enumerate(spatial, start=1)]


def sequential_with_input() -> Case:
    chain = parts()
    return keras.Sequential([keras.Input(SHAPE), *chain]), in_turn(chain[:3])


def sequential_built_by_calling() -> Case:
    chain = parts()
    model = keras.Sequential(chain)
    model(np.zeros((1, *SHAPE), np.float32))
    return model, in_turn(chain[:3])


def functional() -> Case:
    chain = parts()
    x = image = keras.Input(SHAPE)
    for layer in chain:
        x = layer(x)
    return keras.Model(image, x), in_turn(chain[:3])


def nested() -> Case:
    first, pooled, second, flat, scores = parts()
    backbone = keras.Sequential([keras.Input(SHAPE), first, pooled], name="backbone")
    model = keras.Sequential([keras.Input(SHAPE), backbone, second, flat, scores])
    (one, two), three = in_turn([first, pooled], "backbone/"), in_turn([first, pooled, second])[2]
    return model, [one, two, three]


def nested_twice() -> Case:
    first, pooled, second, flat, scores = parts()
    inner = keras.Sequential([keras.Input(SHAPE), first], name="inner")
    image = keras.Input(SHAPE)
    backbone = keras.Model(image, pooled(inner(image)), name="backbone")
    model = keras.Sequential([keras.Input(SHAPE), backbone, second, flat, scores])
    return model, [
        ("backbone/inner/first", first),
        ("backbone/pooled", lambda x: pooled(first(x))),
        ("second", lambda x: second(pooled(first(x)))),
    ]


def branches() -> Case:
    keras.utils.set_random_seed(0)
    left, right = layers.Conv2D(3, 3, padding="same", name="left"), layers.Conv2D(3, 5, padding="same", name="right")
    joined, skipped = layers.Concatenate(name="joined"), layers.Add(name="skipped")
    image = keras.Input(SHAPE)
    a, b = left(image), right(image)
    x = joined([skipped([a, b]), a])
    model = keras.Model(image, layers.Dense(4)(layers.Flatten()(x)))
    return model, [
        ("left", left),
        ("right", right),
        ("skipped", lambda x: left(x) + right(x)),
        ("joined", lambda x: keras.ops.concatenate([left(x) + right(x), left(x)], axis=-1)),
    ]


def operations() -> Case:
    keras.utils.set_random_seed(0)
    layer = layers.Conv2D(1, 3, padding="same", name="filtered")
    image = keras.Input(SHAPE)
    x = keras.ops.relu(layer(image) * 2.0 + image)
    model = keras.Model(image, layers.Flatten()(x))
    return model, [
        ("filtered", layer),
        ("multiply", lambda x: layer(x) * 2.0),
        ("add", lambda x: layer(x) * 2.0 + x),
        ("relu", lambda x: keras.ops.relu(layer(x) * 2.0 + x)),
    ]


def shared_layer() -> Case:
    keras.utils.set_random_seed(0)
    layer = layers.Conv2D(1, 3, padding="same", activation="tanh", name="shared")
    image = keras.Input(SHAPE)
    model = keras.Model(image, layers.Flatten()(layer(layer(image))))
    return model, [("shared", layer), ("shared", lambda x: layer(layer(x)))]


def shared_model() -> Case:
    keras.utils.set_random_seed(0)
    layer = layers.Conv2D(1, 3, padding="same", activation="tanh", name="filtered")
    block = keras.Sequential([keras.Input(SHAPE), layer], name="block")
    image = keras.Input(SHAPE)
    model = keras.Model(image, layers.Flatten()(block(block(image))))
    return model, [("block/filtered", layer), ("block/filtered", lambda x: layer(layer(x)))]


CASES = [
    sequential_with_input,
    sequential_built_by_calling,
    functional,
    nested,
    nested_twice,
    branches,
    operations,
    shared_layer,
    shared_model,
]


# Against the layers, called by hand


@pytest.mark.parametrize("case", CASES)
def test_feature_maps_are_those_of_the_layers_called_by_hand(case: Callable[[], Case], images: np.ndarray) -> None:
    model, expected = case()
    found = extract_activations(model, images)
    # Operations have numbers behind their names once there is more than one in a session.
    assert [layer.name.rstrip("_0123456789") for layer in found.layers] == [name for name, _ in expected]
    for layer, (_, by_hand) in zip(found.layers, expected, strict=True):
        assert layer.maps.dtype == np.float32
        np.testing.assert_allclose(layer.maps, np.asarray(by_hand(images)), atol=1e-6, err_msg=layer.name)


@pytest.mark.parametrize("case", CASES)
def test_one_layer_alone_gives_what_it_gives_among_all(case: Callable[[], Case], images: np.ndarray) -> None:
    model, _ = case()
    together = extract_activations(model, images).layers
    alone = extract_activations(model, images, together[0].name).layers
    assert len(alone) == 1
    np.testing.assert_allclose(alone[0].maps, together[0].maps, atol=1e-6)


def test_a_convolution_is_the_sum_of_products_that_a_textbook_gives(images: np.ndarray, model: keras.Model) -> None:
    kernel, bias = model.get_layer("conv_1").get_weights()
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float64)
    expected = np.zeros((5, 12, 12, 3))
    for row in range(12):
        for column in range(12):
            window = padded[:, row : row + 3, column : column + 3, :]
            expected[:, row, column] = np.einsum("nijc,ijcf->nf", window, kernel) + bias
    found = extract_activations(model, images, "conv_1").layers[0].maps
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-5)


def test_layers_work_as_in_inference_and_not_as_in_training(images: np.ndarray) -> None:
    normalised = layers.BatchNormalization(name="normalised")
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.Sequential([keras.Input(SHAPE), layers.RandomFlip(name="flipped")], name="augmented"),
            layers.Dropout(0.9, name="dropped"),
            normalised,
            layers.Flatten(),
        ]
    )
    normalised.set_weights([np.array([value]) for value in (2.0, 1.0, 0.25, 4.0)])
    found = extract_activations(model, images)
    np.testing.assert_array_equal(found["augmented/flipped"].maps, images)
    np.testing.assert_array_equal(found["dropped"].maps, images)
    by_hand = 2 * (images - 0.25) / np.sqrt(4 + 1e-3) + 1
    np.testing.assert_allclose(found["normalised"].maps, by_hand, atol=1e-5)


def test_what_a_session_shows_is_short(images: np.ndarray, model: keras.Model) -> None:
    shown = repr(extract_activations(model, images, "conv"))
    assert shown == "<Activations of 5 images: conv_1 (12, 12, 3), conv_2 (6, 6, 4)>"


def test_raw_pixels_are_read_as_numbers(model: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), np.uint8)
    of_pixels, of_floats = (extract_activations(model, x).layers[0].maps for x in (pixels, pixels.astype(np.float32)))
    np.testing.assert_array_equal(of_pixels, of_floats)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 5, 100])
def test_the_batch_size_changes_nothing(batch_size: int, images: np.ndarray, model: keras.Model) -> None:
    expected = extract_activations(model, images)
    found = extract_activations(model, images, batch_size=batch_size)
    for one, other in zip(found.layers, expected.layers, strict=True):
        assert one.maps.shape == other.maps.shape
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-6)


# Which layers


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("spatial", ["conv_1", "pool_1", "conv_2", "pool_2"]),
        ("conv", ["conv_1", "conv_2"]),
        ("pool", ["pool_1", "pool_2"]),
        ("pool_1", ["pool_1"]),
        (1, ["conv_1"]),
        (0, ["image"]),
        (-4, ["pool_2"]),
        (np.int64(2), ["pool_1"]),
        (["pool_2", "conv_1"], ["pool_2", "conv_1"]),
        ((4, "conv_1", -8), ["pool_2", "conv_1", "image"]),
        (["conv_1", "conv_1"], ["conv_1", "conv_1"]),
    ],
)
def test_layers_are_chosen_by_kind_name_and_position(
    chosen: Any, names: list[str], images: np.ndarray, model: keras.Model
) -> None:
    # image, conv_1, pool_1, conv_2, pool_2, flatten, dense_1, classifier
    found = extract_activations(model, images, chosen)
    assert [layer.name for layer in found.layers] == names
    everything = extract_activations(model, images, ["image", "conv_1", "pool_1", "conv_2", "pool_2"])
    for layer in found.layers:
        np.testing.assert_allclose(layer.maps, everything[layer.name].maps, atol=1e-6)


def test_kinds_are_the_classes_of_layers(images: np.ndarray, model: keras.Model) -> None:
    kinds = [layer.kind for layer in extract_activations(model, images).layers]
    assert kinds == ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D"]


def test_a_layer_is_looked_up_by_its_name(images: np.ndarray, model: keras.Model) -> None:
    found = extract_activations(model, images, "pool")
    assert found["pool_2"] is found.layers[1]
    with pytest.raises(UnknownNameError, match=r"Unknown layer 'pool2'\. Did you mean 'pool_2'.*Known: 'pool_1'"):
        found["pool2"]


def test_the_name_of_a_shared_layer_is_its_first_call_and_a_position_any(images: np.ndarray) -> None:
    model, ((_, first), (_, second)) = shared_layer()
    by_name = extract_activations(model, images, "shared")
    np.testing.assert_allclose(by_name["shared"].maps, np.asarray(first(images)), atol=1e-6)
    np.testing.assert_allclose(
        extract_activations(model, images, 2).layers[0].maps, np.asarray(second(images)), atol=1e-6
    )


# What it leaves alone


@pytest.mark.parametrize("case", [functional, nested, shared_model])
def test_nothing_of_the_users_is_changed(case: Callable[[], Case], images: np.ndarray) -> None:
    model, _ = case()
    model.compile("sgd", "mse")
    optimizer, before, weights = model.optimizer, images.copy(), [weight.copy() for weight in model.get_weights()]
    structure = model.to_json()
    outputs = [layer.output for layer in model.layers if not case.__name__.startswith("shared")]
    found = extract_activations(model, images)
    assert isinstance(found, Activations)
    assert found.images is images
    np.testing.assert_array_equal(images, before)
    for left, right in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(left, right)
    assert model.compiled
    assert model.optimizer is optimizer
    assert model.to_json() == structure
    # A layer that had been called anew would no longer have one output.
    assert [layer.output for layer in model.layers if not case.__name__.startswith("shared")] == outputs


# What is refused


def test_an_unknown_layer_says_which_was_meant(images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown layer 'conv1' of 'small'\. Did you mean 'conv_1'"):
        extract_activations(model, images, "conv1")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'pool_2'"):
        extract_activations(model, images, ["conv_1", "pool2"])


def test_a_misspelt_group_says_which_groups_there_are(images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"Unknown layer 'convs' of 'small'\. Did you mean 'conv' or .* "
        r"'spatial', 'conv', 'pool' stand for all layers of a kind\.$",
    ):
        extract_activations(model, images, "convs")
    with pytest.raises(UnknownNameError, match="Unknown layer 'convs'") as caught:
        extract_activations(model, images, ["convs"])
    assert "of a kind" not in str(caught.value)


@pytest.mark.parametrize("position", [8, -9, 100])
def test_a_position_outside_says_how_many_there_are(position: int, images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(InputError, match=rf"'small' has 8 layers, 0 to 7\. Received: layer {position}"):
        extract_activations(model, images, position)


def test_what_is_neither_a_name_nor_a_position(images: np.ndarray, model: keras.Model) -> None:
    for layers_asked in (None, 1.5, model):
        with pytest.raises(InputError, match="layers is one of 'spatial', 'conv', 'pool', or the name or position of"):
            extract_activations(model, images, layers_asked)
    for layers_asked in (True, [False], [1.5], [None]):
        with pytest.raises(InputError, match="chosen by its name or its position"):
            extract_activations(model, images, layers_asked)


@pytest.mark.parametrize("layer", ["flatten", "classifier", -1])
def test_a_layer_without_feature_maps(layer: str | int, images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(
        InputError,
        match=r"shape \(N, h, w, channels\), as those of .*'conv_1', .*'pool_2'\. Received: layer '\w+', \(None, \d+\)",
    ):
        extract_activations(model, images, layer)


@pytest.mark.parametrize("group", ["spatial", "conv", "pool"])
def test_a_model_without_such_layers_lists_those_it_has(group: str, images: np.ndarray) -> None:
    model = dense(8, input_shape=SHAPE, num_classes=4)
    with pytest.raises(InputError, match=rf"no {group} layer with feature maps\. Received: .*classifier \(Dense\)"):
        extract_activations(model, images, group)


def test_no_layer_at_all(images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(InputError, match=r"at least one layer\. Received: layers=\[\]"):
        extract_activations(model, images, [])


def test_a_model_that_is_not_built(images: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"not connected yet\. Call it once on images, or begin it with keras\.Input"):
        extract_activations(keras.Sequential([layers.Conv2D(2, 3)]), images)


def test_a_subclassed_model(images: np.ndarray) -> None:
    class Subclassed(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    model = Subclassed()
    model(images)
    with pytest.raises(InputError, match=r"use keras\.Sequential or the functional API"):
        extract_activations(model, images)


def test_something_that_is_no_model(images: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"Expected a keras\.Model\. Received: 'conv_64_64'"):
        extract_activations("conv_64_64", images)  # type: ignore[arg-type]


def test_a_model_of_two_inputs(images: np.ndarray) -> None:
    one, other = keras.Input(SHAPE), keras.Input(SHAPE)
    with pytest.raises(InputError, match="reads images from one input"):
        extract_activations(keras.Model([one, other], layers.Add()([one, other])), images)


def test_a_model_that_reads_no_images(images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input((144,)), layers.Reshape(SHAPE)])
    with pytest.raises(ShapeError, match=r"reads images \(N, H, W, C\)\. Received: .*\(None, 144\)"):
        extract_activations(model, images)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 28, 28, 1), r"the shape \(N, 12, 12, 1\) here\. Received: shape \(5, 28, 28, 1\)"),
        ((5, 12, 12), r"Add the channel axis to grey images, images\[\.\.\., None\]"),
        ((0, 12, 12, 1), "at least one image"),
    ],
)
def test_images_of_another_shape(shape: tuple[int, ...], message: str, model: keras.Model) -> None:
    with pytest.raises(ShapeError, match=message):
        extract_activations(model, np.zeros(shape, np.float32))


def test_nan_pixels(images: np.ndarray, model: keras.Model) -> None:
    images[2, 0, 0, 0] = np.nan
    with pytest.raises(ValueRangeError, match=r"NaN or infinite, the first in image 2"):
        extract_activations(model, images)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_the_batch_size_is_positive(batch_size: Any, images: np.ndarray, model: keras.Model) -> None:
    with pytest.raises(InputError, match=rf"batch_size is a whole number of at least 1\. Received: .*={batch_size}"):
        extract_activations(model, images, batch_size=batch_size)


# What else is told


def test_layers_know_their_receptive_fields(images: np.ndarray, model: keras.Model) -> None:
    found = extract_activations(model, images)
    # 3 × 3, pooled by 2, 3 × 3, pooled by 2; by hand.
    assert [str(layer.receptive_field) for layer in found.layers] == ["3 × 3", "4 × 4", "8 × 8", "10 × 10"]
    strides = [layer.receptive_field.stride_height for layer in found.layers if layer.receptive_field]
    assert strides == [1, 2, 2, 4]


def test_logits_are_what_the_softmax_makes_probabilities_of(images: np.ndarray, model: keras.Model) -> None:
    found = extract_activations(model, images, "conv_1").logits
    assert found is not None
    assert found.shape == (5, 4)
    exponents = np.exp(found)
    np.testing.assert_allclose(exponents / exponents.sum(axis=1, keepdims=True), np.asarray(model(images)), atol=1e-6)


def test_what_is_saved_is_read_back_bit_for_bit(images: np.ndarray, model: keras.Model, tmp_path: Path) -> None:
    written = extract_activations(model, images, ["conv_1", "pool_2"])
    read = load_activations(written.save(tmp_path / "maps.npz"))
    np.testing.assert_array_equal(read.images, images)
    np.testing.assert_array_equal(read.logits, written.logits)
    for left, right in zip(written.layers, read.layers, strict=True):
        assert (left.name, left.kind, left.receptive_field) == (right.name, right.kind, right.receptive_field)
        np.testing.assert_array_equal(left.maps, right.maps)
    without = Activations(written.images, written.layers)
    assert load_activations(without.save(tmp_path / "maps.npz")).logits is None


def test_a_file_that_holds_no_activations_is_refused(images: np.ndarray, model: keras.Model, tmp_path: Path) -> None:
    path = extract_activations(model, images, "conv").save(tmp_path / "maps.npz")
    with pytest.raises(CorruptDataError, match=r"holds no recording of convvision's\. Received: activations"):
        load_recording(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CorruptDataError, match=r"is cut short, or no \.npz file"):
        load_activations(path)
    with pytest.raises(OutputError, match="Cannot write"):
        extract_activations(model, images, "conv").save(path / "inside_a_file.npz")
