"""Class activation maps against what they are by definition, on networks small enough to calculate."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision import _gradients
from convvision.errors import InputError, LabelError, UnknownNameError
from convvision.visualize import extract_activations, grad_cam, grad_cam_pp, layer_cam, saliency
from convvision.visualize._cam import _layer_gradients
from convvision.visualize._class_scores import ClassScores
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import built, parametrised

METHODS = [grad_cam, grad_cam_pp, layer_cam]
DEFAULT_LAYERS = {
    "sequential_with_input": ((9 - 4, 4), "re_lu"),
    "sequential_without_input": ((10, 8), "conv2d"),
    "nested_models": ((10, 8), "backbone/inner"),
    "branches": ((12, 10), "concatenate"),
    "several_heads": ((10, 8), "shared"),
    "sigmoid_head": ((5, 4), "conv2d"),
    "depthwise_and_grouped": ((4, 3), "multiply"),
    "fully_convolutional": ((10, 8), "conv2d"),
    "half_precision": ((10, 8), "conv2d"),
    "one_layer_called_twice": ((12, 10), "twice"),
}


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


def pooled_model() -> Any:
    """A convolution, global average pooling and a dense layer: what class activation maps were invented for."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, activation="tanh", name="maps")(image)
    outputs = layers.Dense(4, activation="softmax", name="classes")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, outputs)
    model.get_layer("classes").bias.assign([0.5, -0.25, 1, 2])
    return model


def class_activation_maps(model: Any, images: np.ndarray, classes: list[int]) -> np.ndarray:
    """Zhou et al. 2016: the channels of the last maps, summed with the weights of a class."""
    maps = np.asarray(keras.Model(model.inputs[0], model.get_layer("maps").output)(images))
    kernel = np.asarray(model.get_layer("classes").kernel)
    return np.stack([one @ kernel[:, k] for one, k in zip(maps, classes, strict=True)])


def options_for(name: str) -> dict[str, Any]:
    return {"output": "kind"} if name == "several_heads" else {}


# Against their definitions


def test_grad_cam_before_global_pooling_is_the_class_activation_map_by_the_number_of_positions(
    images: np.ndarray,
) -> None:
    model = pooled_model()
    expected = class_activation_maps(model, images, [2, 0, 3]) / (10 * 8)
    found = grad_cam(model, images, [2, 0, 3], relu=False)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    np.testing.assert_allclose(grad_cam(model, images, [2, 0, 3]).values, np.maximum(expected, 0), atol=1e-6)
    biases = np.asarray(model.get_layer("classes").bias)[[2, 0, 3]]
    np.testing.assert_allclose(found.values.sum(axis=(1, 2)), found.logits[range(3), [2, 0, 3]] - biases, atol=1e-5)


def test_grad_cam_is_the_sum_of_channels_weighted_by_their_mean_gradient() -> None:
    """A dense layer on flattened maps has its weights as gradients."""
    keras.utils.set_random_seed(2)
    image = keras.Input((3, 3, 1))
    maps = layers.Conv2D(2, 2, use_bias=False, name="maps")(image)
    model = keras.Model(image, layers.Dense(2, name="classes")(layers.Flatten()(maps)))
    x = np.random.default_rng(0).random((1, 3, 3, 1), np.float32)
    gradients = np.asarray(model.get_layer("classes").kernel)[:, 1].reshape(2, 2, 2)
    kernel = np.asarray(model.get_layer("maps").kernel)
    activation = np.array(
        [[[(x[0, i : i + 2, j : j + 2, 0] * kernel[..., 0, k]).sum() for k in (0, 1)] for j in (0, 1)] for i in (0, 1)]
    )
    by_hand = sum(gradients[..., k].mean() * activation[..., k] for k in (0, 1))
    np.testing.assert_allclose(grad_cam(model, x, 1, relu=False).values[0], by_hand, atol=1e-6)

    by_hand = (np.maximum(gradients, 0) * activation).sum(axis=-1)
    np.testing.assert_allclose(layer_cam(model, x, 1, relu=False).values[0], by_hand, atol=1e-6)

    by_hand = np.zeros((2, 2))
    for k in (0, 1):
        weight = 0.0
        for g in gradients[..., k].ravel():
            # The paper's α with Y = exp(S), whose second and third derivatives are exp(S) g² and exp(S) g³.
            alpha = g**2 / (2 * g**2 + activation[..., k].sum() * g**3)
            weight += alpha * max(g, 0)
        by_hand += weight * activation[..., k]
    np.testing.assert_allclose(grad_cam_pp(model, x, 1, relu=False).values[0], by_hand, rtol=1e-4, atol=1e-6)


def test_maps_at_the_image_itself_are_gradients_times_pixels(images: np.ndarray) -> None:
    model = build_foreign("branches")
    gradients = saliency(model, images, 1).values
    found = layer_cam(model, images, 1, layer=0, relu=False)
    np.testing.assert_allclose(found.values, (np.maximum(gradients, 0) * images).sum(axis=-1), atol=1e-5)


@pytest.mark.parametrize(("name", "layer"), [("nested_models", "backbone/inner"), ("branches", "stem")])
def test_the_gradient_at_a_layer_is_the_effect_of_its_bias(name: str, layer: str, images: np.ndarray) -> None:
    """A bias moves its channel wherever the ReLU is open, and the logit by the sum of the gradients there."""
    model = build_foreign(name)
    position = next(index for index, row in enumerate(convvision.summary(model).layers) if row.name.startswith(layer))
    holder = model.get_layer("backbone") if "/" in layer else model
    convolution = next(each for each in holder.layers if isinstance(each, layers.Conv2D))
    maps, gradients, logits = _layer_gradients(ClassScores(model), images, position, np.array([1, 1, 1]))
    expected, step = (gradients * (maps > 0))[..., 2].sum(axis=(1, 2)), 1e-3
    assert (expected != 0).all()
    convolution.bias.assign(convolution.bias + step * np.eye(4)[2])
    moved = saliency(model, images, 1).logits[:, 1]
    np.testing.assert_allclose((moved - logits[:, 1]) / step, expected, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_what_speaks_against_a_class_is_left_out_unless_asked_for(method: Any, images: np.ndarray) -> None:
    model = pooled_model()
    signed = method(model, images, 0, relu=False).values
    np.testing.assert_array_equal(method(model, images, 0).values, np.maximum(signed, 0))


# On every model


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("method", METHODS)
def test_models_as_users_write_them(method: Any, name: str, images: np.ndarray) -> None:
    found = method(build_foreign(name), images, 0, relu=False, **options_for(name))
    shape, layer = DEFAULT_LAYERS[name]
    assert found.values.shape == (3, *shape)
    assert found.values.dtype == np.float32
    assert found.layer is not None
    assert found.layer.rstrip("0123456789").rstrip("_") == layer
    assert np.isfinite(found.values).all()
    assert (found.values != 0).any(axis=(1, 2)).all()


@parametrised(large=False)
@pytest.mark.parametrize("method", METHODS)
def test_registered_models(method: Any, name: str) -> None:
    model = built(name)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    if name.startswith("dense_"):
        with pytest.raises(InputError, match=f"'{name}' has no convolution.*Ask for its pixels with saliency"):
            method(model, images)
        return
    maps = [row for row in convvision.summary(model).layers if len(row.output_shape) == 3]
    last = [row for row in maps if "Pooling" not in row.kind][-1]
    found = method(model, images)
    assert found.layer == last.name
    assert found.values.shape[1:] == last.output_shape[:2]


@pytest.mark.parametrize("head", ["kind", "colour"])
def test_the_default_layer_leads_to_the_output_that_is_explained(head: str, images: np.ndarray) -> None:
    expected = {"kind": "shared", "colour": "only_for_colour"}[head]
    assert grad_cam(build_foreign("several_heads"), images, 0, output=head).layer == expected


def test_a_dropout_behind_the_pooling_is_not_the_default_layer(images: np.ndarray) -> None:
    for size in (SHAPE, (None, None, 2)):
        model = keras.Sequential(
            [
                keras.Input(size),
                layers.Conv2D(3, 3, name="maps"),
                layers.BatchNormalization(),
                layers.ReLU(name="rectified"),
                layers.MaxPooling2D(),
                layers.Dropout(0.5),
                layers.GlobalAveragePooling2D(),
                layers.Dense(2),
            ]
        )
        assert grad_cam(model, images).layer == "rectified"


def test_a_layer_is_chosen_by_name_or_position(images: np.ndarray) -> None:
    model = build_foreign("nested_models")
    by_name = grad_cam(model, images, 1, layer="backbone/inner")
    position = [layer.name for layer in convvision.summary(model).layers].index("backbone/inner")
    np.testing.assert_array_equal(grad_cam(model, images, 1, layer=position).values, by_name.values)
    pooled = grad_cam(model, images, 1, layer=position + 1)
    assert pooled.values.shape == (3, 5, 4)


def test_images_of_several_sizes_are_taken_by_a_model_that_takes_them() -> None:
    model = build_foreign("fully_convolutional")
    for size in ((9, 7), (20, 13)):
        found = grad_cam(model, np.ones((1, *size, 2), np.float32))
        assert found.values.shape == (1, size[0] - 2, size[1] - 2)


def test_a_map_that_is_zero_everywhere_warns_of_nothing() -> None:
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(3, 3, activation="relu", bias_initializer=keras.initializers.Constant(-1000)),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    for method in METHODS:
        assert (method(model, np.ones((2, *SHAPE)), 1).values == 0).all()


# What it costs, and what it leaves alone


@pytest.mark.parametrize("method", METHODS)
def test_one_forward_and_one_backward_pass(method: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    forward, backward = [], []

    class Counted(layers.Layer):
        def call(self, inputs: Any) -> Any:
            forward.append(inputs.shape[0])
            return inputs

    def counting(function: Any, at: Any) -> Any:
        backward.append(at.shape[0])
        return _gradients.gradient(function, at)

    monkeypatch.setattr("convvision.visualize._cam.gradient", counting)
    model = keras.Sequential(
        [keras.Input(SHAPE), Counted(), layers.Conv2D(2, 3), Counted(), layers.Flatten(), Counted(), layers.Dense(2)]
    )
    forward.clear()
    method(model, images)
    assert (forward, backward) == ([3, 3, 3], [3])


@pytest.mark.parametrize("method", METHODS)
def test_neither_the_model_nor_the_images_are_changed(method: Any, images: np.ndarray) -> None:
    model = pooled_model()
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    weights, before, activation = model.get_weights(), images.copy(), model.layers[-1].activation
    method(model, images)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(images, before)
    assert model.layers[-1].activation is activation
    assert model.compiled
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def test_the_size_of_the_batches_does_not_matter(images: np.ndarray) -> None:
    model = build_foreign("branches")
    for method in METHODS:
        whole, parts = (method(model, images, [0, 1, 2], batch_size=size).values for size in (128, 2))
        np.testing.assert_allclose(parts, whole, atol=1e-6)


# What is refused


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_that_cannot_be_weighted_is_refused(method: Any, images: np.ndarray) -> None:
    model = pooled_model()
    with pytest.raises(UnknownNameError, match="Did you mean 'maps'"):
        method(model, images, layer="map")
    with pytest.raises(InputError, match=r"\(N, h, w, channels\), as those of .*'maps'\. Received: layer 'classes'"):
        method(model, images, layer="classes")
    with pytest.raises(InputError, match="4 layers, 0 to 3"):
        method(model, images, layer=4)
    with pytest.raises(LabelError, match="from 0 to 3"):
        method(model, images, 4)


def test_extracted_maps_are_those_that_are_weighted(images: np.ndarray) -> None:
    """The forward pass that can be stepped in computes what the one that is only looked into does."""
    model = pooled_model()
    maps = extract_activations(model, images, "maps").layers[0].maps
    weights = np.asarray(model.get_layer("classes").kernel)[:, 1] / 80
    np.testing.assert_allclose(grad_cam(model, images, 1, relu=False).values, maps @ weights, atol=1e-6)
