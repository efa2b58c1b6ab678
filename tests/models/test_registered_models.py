"""What every registered model keeps: shapes, counts, names, gradients, files, seeds and the smallest image."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import convvision
from convvision.errors import InputError, ShapeError
from registered_models import LONG, MANY_LAYERS, MANY_MULTIPLY_ADDS, MANY_PARAMETERS, OURS, built, parametrised

PARAMETERS = {
    "dense_128": 101_770,
    "dense_512": 407_050,
    "conv_16_16": 55_098,
    "conv_32_32": 113_386,
    "conv_64_64": 243_786,
    "conv_32_64": 225_034,
    "conv_32": 693_962,
    "conv_64": 1_386_506,
    "conv_32_32_32": 24_330,
    "conv_64_64_64": 84_106,
}
# A convolution of 3 takes two pixels, a pooling of 2 halves what is left: one pixel remains of 4, 10 and 22.
SMALLEST = {
    "dense_128": 1,
    "dense_512": 1,
    "conv_32": 4,
    "conv_64": 4,
    "conv_16_16": 10,
    "conv_32_32": 10,
    "conv_64_64": 10,
    "conv_32_64": 10,
    "conv_32_32_32": 22,
    "conv_64_64_64": 22,
    # Padded, a network is too small once a single pixel would have to be halved: 2 and 1 are left of 3 and 5.
    "convmixer_small": 2,
    "convnext_atto_28": 5,
    "densenet_bc_100_12": 4,
    "fast_conv": 5,
    "fast_conv_large": 5,
    "fast_conv_medium": 5,
    "fast_conv_small": 5,
    "fast_conv_xlarge": 5,
    "mobile_small": 3,
    "preact_resnet_20": 3,
    "resnet_20": 3,
    "resnet_32": 3,
    "tiny_10k": 5,
    "tiny_5k": 5,
    "vgg_small": 8,
    "wrn_16_2": 3,
    "wrn_16_4": 3,
    "wrn_28_10": 3,
    "wrn_40_4": 3,
}
HEAD = ["flatten", "dense_1", "classifier"]
LAYERS = {
    "dense_128": ["image", *HEAD],
    "dense_512": ["image", *HEAD],
    "conv_32": ["image", "conv_1", "pool_1", *HEAD],
    "conv_64": ["image", "conv_1", "pool_1", *HEAD],
    "conv_16_16": ["image", "conv_1", "pool_1", "conv_2", "pool_2", *HEAD],
    "conv_32_32": ["image", "conv_1", "pool_1", "conv_2", "pool_2", *HEAD],
    "conv_64_64": ["image", "conv_1", "pool_1", "conv_2", "pool_2", *HEAD],
    "conv_32_64": ["image", "conv_1", "pool_1", "conv_2", "pool_2", *HEAD],
    "conv_32_32_32": ["image", "conv_1", "pool_1", "conv_2", "pool_2", "conv_3", "pool_3", *HEAD],
    "conv_64_64_64": ["image", "conv_1", "pool_1", "conv_2", "pool_2", "conv_3", "pool_3", *HEAD],
}


def pixels(count: int, shape: tuple[int, int, int] = (28, 28, 1)) -> np.ndarray:
    return np.random.default_rng(0).random((count, *shape), np.float32)


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=False))


def test_the_lessons_models_are_registered() -> None:
    assert set(PARAMETERS) <= set(OURS)


@parametrised()
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)], ids=["grey", "colour"])
def test_probabilities_of_seven_classes(name: str, shape: tuple[int, int, int]) -> None:
    model = convvision.create_model(name, input_shape=shape, num_classes=7)
    probabilities = outputs(model, pixels(3, shape))
    assert probabilities.shape == (3, 7)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@parametrised()
def test_probabilities_sum_to_one_in_mixed_precision(name: str, mixed_precision: None) -> None:
    model = convvision.create_model(name)
    *hidden, last = [layer for layer in model.layers if layer.weights]
    assert {layer.compute_dtype for layer in hidden} == {"bfloat16"}
    assert last.compute_dtype == "float32"
    # bfloat16 has 8 bits: probabilities in it would miss one by up to a percent.
    probabilities = outputs(model, 20 * pixels(5))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@parametrised()
def test_mixed_precision_gives_nearly_the_same(name: str, mixed_precision: None) -> None:
    mixed = convvision.create_model(name)
    exact = built(name)
    mixed.set_weights(exact.get_weights())
    images = pixels(4)
    np.testing.assert_allclose(outputs(mixed, images), outputs(exact, images), atol=0.1)


@parametrised()
def test_facts_are_those_of_the_model(name: str) -> None:
    info = convvision.get_model_info(name)
    model = built(name)
    assert info.name == model.name == name
    assert info.parameters == model.count_params()
    assert info.family in name
    assert info.summary.endswith(".")
    assert "\n" not in info.summary


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_parameters_are_exactly_those_of_the_lesson(name: str, parameters: int) -> None:
    assert convvision.create_model(name).count_params() == parameters
    assert convvision.get_model_info(name).parameters == parameters


@pytest.mark.parametrize(("name", "layers"), LAYERS.items())
def test_layer_names_are_stable(name: str, layers: list[str]) -> None:
    assert [layer.name for layer in convvision.create_model(name).layers] == layers


@parametrised()
def test_every_layer_is_named_by_its_place(name: str) -> None:
    # A name that Keras makes up, as in conv2d_7, depends on what has been built before.
    place = r"(stem|last|stage_\d+(_block_\d+|_transition|_down)?|block_\d+)"
    what = r"(conv|depthwise|norm|depthwise_norm|relu|gelu|sum|scale|concat|pool|shortcut_(conv|stride|pad))(_\d)?"
    pattern = rf"image|(conv|pool|dense)_\d|flatten|pool|classifier|{place}_{what}"
    assert [layer.name for layer in built(name).layers if not re.fullmatch(pattern, layer.name)] == []


def test_shapes_are_those_that_the_lesson_prints() -> None:
    table = [
        ("Conv2D", (None, 26, 26, 64), 640),
        ("MaxPooling2D", (None, 13, 13, 64), 0),
        ("Conv2D", (None, 11, 11, 64), 36_928),
        ("MaxPooling2D", (None, 5, 5, 64), 0),
        ("Flatten", (None, 1600), 0),
        ("Dense", (None, 128), 204_928),
        ("Dense", (None, 10), 1_290),
    ]
    image, *layers = convvision.create_model("conv_64_64").layers
    assert image.output.shape == (None, 28, 28, 1)
    assert [(type(layer).__name__, layer.output.shape, layer.count_params()) for layer in layers] == table


@parametrised()
def test_without_the_last_activation_it_gives_the_logits_of_the_same_probabilities(name: str) -> None:
    model = built(name)
    raw = convvision.create_model(name, classifier_activation=None)
    raw.set_weights(model.get_weights())
    images = pixels(4)
    logits = outputs(raw, images).astype(np.float64)
    assert not np.allclose(logits.sum(axis=1), 1)
    powers = np.exp(logits)
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), outputs(model, images), rtol=1e-4)


@parametrised()
def test_gradient_reaches_every_weight(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = convvision.create_model(name)
    with tf.GradientTape() as tape:
        probabilities = model(pixels(10), training=True)
        loss = keras.losses.sparse_categorical_crossentropy(np.arange(10), probabilities)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    # Whatever is not trained is a statistic of batch normalisation.
    assert all("moving_" in weight.name for weight in model.non_trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.any(gradient), weight.path


@parametrised()
def test_saved_and_loaded_it_computes_the_same(name: str, tmp_path: Path) -> None:
    model = built(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.name == name
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))
    images = pixels(3)
    np.testing.assert_allclose(outputs(loaded, images), outputs(model, images), rtol=1e-5)


@parametrised()
def test_built_from_its_configuration_it_computes_the_same(name: str) -> None:
    model = built(name)
    twin = type(model).from_config(model.get_config())
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    twin.set_weights(model.get_weights())
    images = pixels(3)
    np.testing.assert_allclose(outputs(twin, images), outputs(model, images), rtol=1e-5)


@parametrised()
def test_it_takes_images_of_the_smallest_size_and_none_below(name: str) -> None:
    size = convvision.get_model_info(name).min_size
    assert size is not None
    probabilities = outputs(convvision.create_model(name, (size, size, 1)), pixels(2, (size, size, 1)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    refusal = (InputError, "input_shape\\[0\\] is a whole number") if size == 1 else (ShapeError, f"at least {size} ")
    for shape in ((size - 1, size - 1, 1), (size - 1, 28, 3)):
        with pytest.raises(refusal[0], match=refusal[1]):
            convvision.create_model(name, shape)


@pytest.mark.parametrize(("name", "size"), SMALLEST.items())
def test_smallest_sizes_are_those_calculated_by_hand(name: str, size: int) -> None:
    assert convvision.get_model_info(name).min_size == size


@parametrised()
def test_it_is_not_compiled(name: str) -> None:
    model = built(name)
    assert not model.compiled
    assert getattr(model, "optimizer", None) is None


@parametrised()
def test_a_seed_decides_the_weights(name: str) -> None:
    builds = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(seed)
        builds.append(convvision.create_model(name).get_weights())
    first, again, other = builds
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    # Biases and factors begin at one number whatever the seed.
    assert all(not np.array_equal(one, two) for one, two in zip(first, other, strict=True) if np.ptp(one) > 0)
    assert all(np.ptp(one) > 0 for one in first if one.ndim == 2 or (one.ndim == 4 and one.shape[0] > 1))


@parametrised()
def test_activations_of_every_layer_with_maps(name: str) -> None:
    model, images = built(name), pixels(2)
    rows = [row for row in convvision.summary(model).layers if len(row.output_shape) == 3 and row.name != "image"]
    if not rows:
        return
    found = convvision.visualize.extract_activations(model, images).layers
    assert [(layer.name, layer.maps.shape) for layer in found] == [(row.name, (2, *row.output_shape)) for row in rows]
    assert all(np.isfinite(layer.maps).all() for layer in found)


@parametrised()
def test_costs_and_fields_of_all_layers_are_known(name: str) -> None:
    whole = convvision.summary(built(name))
    assert whole.parameters == convvision.get_model_info(name).parameters
    assert whole.multiply_adds is not None
    assert all(row.receptive_field is not None for row in whole.layers)
    assert np.isinf(whole.layers[-1].receptive_field.height)


@pytest.mark.slow
def test_what_is_marked_slow_is_what_takes_long() -> None:
    costs = {name: convvision.summary(built(name)) for name in OURS}
    long = {
        name
        for name, cost in costs.items()
        if len(cost.layers) > MANY_LAYERS or cost.multiply_adds > MANY_MULTIPLY_ADDS
    }
    assert long - {name for name, cost in costs.items() if cost.parameters > MANY_PARAMETERS} == LONG
