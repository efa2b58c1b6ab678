"""The forward pass that only predicts, against the model called as Keras calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision._tracing import traced
from convvision.models._inference import fixed_parts, inference_pass
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import built, parametrised

ONE_OUTPUT = [name for name in FOREIGN if name != "several_heads"]


def outputs(forward: Callable[[Any], Any], images: np.ndarray) -> np.ndarray:
    found = keras.ops.convert_to_numpy(keras.ops.cast(forward(keras.ops.convert_to_tensor(images)), "float32"))
    return np.asarray(found)


def by_keras(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))


def noise(count: int, shape: tuple[int, ...] = (28, 28, 1)) -> np.ndarray:
    return np.random.default_rng(0).random((count, *shape), np.float32)


def shaken(model: keras.Model) -> keras.Model:
    """Give a model weights and statistics of which none is 0 or 1, so that one that is left out shows."""
    random = np.random.default_rng(3)
    for weight in model.weights:
        spread = np.prod(weight.shape[:-1]) ** -0.5 if len(weight.shape) > 1 else 0
        drawn = random.normal(0, spread, weight.shape) if spread else random.uniform(0.2, 0.9, weight.shape)
        weight.assign(drawn)
    return model


@pytest.fixture
def normalised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the layers of batch normalisation that are called, in order."""
    called: list[str] = []
    original = layers.BatchNormalization.call

    def call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        called.append(self.name)
        return original(self, inputs, training=training, mask=mask)

    monkeypatch.setattr(layers.BatchNormalization, "call", call)
    return called


@pytest.fixture
def convolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The dtypes that convolutions and matrix products are computed in, in order."""
    dtypes: list[str] = []
    for name in ("conv", "depthwise_conv", "matmul"):
        original = getattr(keras.ops, name)

        def record(inputs: Any, weights: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            assert keras.backend.standardize_dtype(inputs.dtype) == keras.backend.standardize_dtype(weights.dtype)
            dtypes.append(keras.backend.standardize_dtype(inputs.dtype))
            return _original(inputs, weights, *args, **kwargs)

        monkeypatch.setattr(keras.ops, name, record)
    return dtypes


# The same numbers


@parametrised()
def test_registered_models_compute_the_same(name: str) -> None:
    images = noise(4)
    np.testing.assert_allclose(outputs(inference_pass(built(name)), images), by_keras(built(name), images), atol=1e-5)


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_models_of_others_compute_the_same(name: str) -> None:
    model = build_foreign(name)
    shape = tuple(size or 9 for size in model.inputs[0].shape[1:])
    images = noise(3, shape)
    if model.inputs[0].dtype == "uint8":
        images = (255 * images).astype(np.uint8)
    tolerance = 0.02 if name == "half_precision" else 1e-5
    np.testing.assert_allclose(outputs(inference_pass(model), images), by_keras(model, images), atol=tolerance)


def test_a_normalised_convolution_is_the_one_of_the_formula() -> None:
    model = shaken(keras.Sequential([keras.Input((4, 5, 2)), layers.Conv2D(3, 1), layers.BatchNormalization()]))
    conv, norm = model.layers
    images = noise(2, (4, 5, 2))
    kernel, bias = (np.asarray(weight, np.float64) for weight in conv.get_weights())
    gamma, beta, mean, variance = (np.asarray(weight, np.float64) for weight in norm.get_weights())
    expected = gamma * (images @ kernel[0, 0] + bias - mean) / np.sqrt(variance + norm.epsilon) + beta
    np.testing.assert_allclose(outputs(inference_pass(model), images), expected, atol=1e-5)


# What is joined, and what is not


@pytest.mark.parametrize("name", ["fast_conv", "resnet_20", "mobile_small"])
def test_no_normalisation_is_left_where_each_stands_behind_a_convolution(name: str, normalised: list[str]) -> None:
    model = built(name)
    model(noise(1))
    assert normalised
    normalised.clear()
    inference_pass(model)(noise(1))
    assert normalised == []


def test_one_in_front_of_a_convolution_stays(normalised: list[str]) -> None:
    model = built("preact_resnet_20")
    inference_pass(model)(noise(1))
    # The second of each of nine blocks stands behind the first convolution of its block, with nothing between.
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(normalised) == len(norms) - 9


class Doubled(layers.Conv2D):
    """A convolution that does something else than Keras's."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return 2 * super().convolution_op(inputs, kernel)


class Halved(layers.BatchNormalization):
    """A normalisation that does something else than Keras's."""

    def call(self, inputs: Any, **options: Any) -> Any:
        return super().call(inputs, **options) / 2


def read_twice() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(3, 3)(image)
    return keras.Model(image, layers.Add()([x, layers.BatchNormalization()(x)]))


def nested(*, between: bool) -> Any:
    """The convolution inside a nested model and the normalisation outside, or both inside."""
    inside = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(3, 3), *([] if between else [bn()])])
    return keras.Sequential([keras.Input(SHAPE), inside, *([bn()] if between else [])])


def bn(**options: Any) -> Any:
    return layers.BatchNormalization(**options)


def behind(*stack: Any) -> Any:
    return keras.Sequential([keras.Input(SHAPE), *stack])


STACKS: dict[str, tuple[Callable[[], Any], int]] = {
    "convolution": (lambda: behind(layers.Conv2D(3, 3), bn()), 0),
    "without bias": (lambda: behind(layers.Conv2D(3, 3, use_bias=False), bn()), 0),
    "without factor": (lambda: behind(layers.Conv2D(3, 3), bn(scale=False)), 0),
    "without offset": (lambda: behind(layers.Conv2D(3, 3), bn(center=False)), 0),
    "strided, dilated": (lambda: behind(layers.Conv2D(3, 3, strides=2), bn(), layers.Conv2D(3, 2, dilation_rate=2)), 0),
    "depthwise": (lambda: behind(layers.DepthwiseConv2D(3, depth_multiplier=3), bn()), 0),
    "dense on maps": (lambda: behind(layers.Dense(3), bn(axis=3)), 0),
    "dense": (lambda: behind(layers.Flatten(), layers.Dense(3), bn()), 0),
    "inside": (lambda: nested(between=False), 0),
    "an activation between": (lambda: behind(layers.Conv2D(3, 3, activation="relu"), bn()), 1),
    "read twice": (read_twice, 1),
    "another axis": (lambda: behind(layers.Conv2D(3, 3), bn(axis=1)), 1),
    "another convolution": (lambda: behind(Doubled(3, 3), bn()), 1),
    "another normalisation": (lambda: behind(layers.Conv2D(3, 3), Halved()), 1),
    "another model between": (lambda: nested(between=True), 1),
    "two of them": (lambda: behind(layers.Conv2D(3, 3), bn(), bn()), 1),
}


@pytest.mark.parametrize(("build", "left"), STACKS.values(), ids=STACKS)
def test_what_stands_between_is_respected(build: Callable[[], Any], left: int, normalised: list[str]) -> None:
    model = shaken(build())
    images = noise(3, SHAPE)
    expected = by_keras(model, images)
    normalised.clear()
    np.testing.assert_allclose(outputs(inference_pass(model), images), expected, atol=1e-5)
    assert len(normalised) == left


def test_a_model_with_a_call_of_its_own_is_called() -> None:
    class Tripled(keras.Model):
        def call(self, images: Any, training: bool = False) -> Any:
            return 3 * super().call(images, training=training)

    image = keras.Input(SHAPE)
    model = shaken(Tripled(image, bn()(layers.Conv2D(3, 3)(image))))
    images = noise(3, SHAPE)
    np.testing.assert_allclose(outputs(inference_pass(model), images), by_keras(model, images), atol=1e-5)


# Precision


@pytest.mark.parametrize("name", ["fast_conv", "mobile_small", "conv_64_64", "resnet_20"])
def test_a_float32_model_in_half_precision(name: str, convolved: list[str]) -> None:
    model, images = built(name), noise(4)
    found = outputs(inference_pass(model, "bfloat16"), images)
    assert set(convolved[:-1]) == {"bfloat16"}
    # The scores themselves are not rounded.
    assert convolved[-1] == "float32"
    np.testing.assert_allclose(found, by_keras(model, images), atol=0.03)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["fast_conv", "conv_64_64", "mobile_small"])
def test_a_half_precision_model_in_float32(name: str, mixed_precision: None, convolved: list[str]) -> None:
    mixed = convvision.create_model(name)
    mixed.set_weights(built(name).get_weights())
    convolved.clear()
    found = outputs(inference_pass(mixed, "float32"), noise(4))
    assert set(convolved) == {"float32"}
    np.testing.assert_allclose(found, by_keras(built(name), noise(4)), atol=1e-5)


@pytest.mark.parametrize("name", ["fast_conv", "mobile_small"])
def test_a_half_precision_model_keeps_its_policy(name: str, mixed_precision: None, convolved: list[str]) -> None:
    mixed = convvision.create_model(name)
    mixed.set_weights(built(name).get_weights())
    convolved.clear()
    found = outputs(inference_pass(mixed), noise(4))
    assert convolved[:-1] == ["bfloat16"] * (len(convolved) - 1)
    assert convolved[-1] == "float32"
    np.testing.assert_allclose(found, by_keras(mixed, noise(4)), atol=0.03)


# The model is the caller's


@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16"])
def test_the_model_is_not_changed(dtype: str | None) -> None:
    model = convvision.create_model("fast_conv")
    weights, config = model.get_weights(), model.get_config()
    traced(inference_pass(model, dtype), ((None, 28, 28, 1), "float32"))(keras.ops.convert_to_tensor(noise(2)))
    assert model.get_config() == config
    assert all(map(np.array_equal, model.get_weights(), weights))


def test_weights_are_read_at_each_call() -> None:
    model = convvision.create_model("fast_conv")
    forward = traced(inference_pass(model), ((None, 28, 28, 1), "float32"))
    before = outputs(forward, noise(2))
    model.set_weights([1.5 * weight for weight in built("fast_conv").get_weights()])
    after = outputs(forward, noise(2))
    assert not np.allclose(before, after, atol=1e-3)
    np.testing.assert_allclose(after, by_keras(model, noise(2)), atol=1e-5)


def same(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(one is other for one, other in zip(left, right, strict=True))


def test_parts_are_the_same_until_a_layer_changes() -> None:
    model = behind(layers.Conv2D(3, 3, activation="relu"), layers.Flatten(), layers.Dense(8), layers.Dense(3))
    parts = fixed_parts(model)
    model(noise(1, SHAPE))
    model.set_weights([weight + 1 for weight in model.get_weights()])
    assert same(parts, fixed_parts(model))

    model.layers[0].activation = keras.activations.tanh
    exchanged = fixed_parts(model)
    assert not same(parts, exchanged)
    model.add(layers.Softmax())
    added = fixed_parts(model)
    assert not same(exchanged, added)
    model.pop()
    popped = fixed_parts(model)
    assert not same(added, popped)
    model.layers[2].quantize("int8")
    assert not same(popped, fixed_parts(model))


class Squared(layers.Layer):
    def activation(self, values: Any) -> Any:
        return values * values

    def call(self, values: Any) -> Any:
        return self.activation(values)


def test_an_activation_that_is_a_method_is_the_same_each_time() -> None:
    model = behind(Squared(), layers.Flatten(), layers.Dense(3))
    assert same(fixed_parts(model), fixed_parts(model))
