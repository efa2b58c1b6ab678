"""Attribution by gradients against what can be calculated: linear models, homogeneous networks, finite differences."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from convvision import _gradients
from convvision.errors import InputError, LabelError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import Attribution, integrated_gradients, saliency, smoothgrad
from convvision.visualize._class_scores import ClassScores
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import built, parametrised

METHODS = [saliency, smoothgrad, integrated_gradients]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


def linear_model(activation: str | None = None) -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(4, activation=activation)])
    model.layers[-1].bias.assign([0.3, -1, 2, 0.5])
    return model


def weight_images(model: Any) -> np.ndarray:
    """The weights of each class, as an image."""
    return np.asarray(model.layers[-1].kernel).T.reshape(-1, *SHAPE)


def options_for(name: str) -> dict[str, Any]:
    return {"output": "kind"} if name == "several_heads" else {}


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of points in each pass with a gradient."""
    counted: list[int] = []

    def counting(function: Any, at: Any) -> Any:
        counted.append(at.shape[0])
        return _gradients.gradient(function, at)

    monkeypatch.setattr("convvision.visualize._gradient_methods.gradient", counting)
    return counted


# The logits that are explained


@pytest.mark.parametrize("name", FOREIGN)
def test_the_logits_are_those_behind_which_the_model_squashes(name: str, images: np.ndarray) -> None:
    model = build_foreign(name)
    given = model((images * 255).astype("uint8") if name == "half_precision" else images, training=False)
    given = keras.ops.convert_to_numpy(given["kind"] if name == "several_heads" else given)
    found = saliency(
        model, (images * 255).astype("uint8") if name == "half_precision" else images, 0, **options_for(name)
    )
    if name == "sigmoid_head":
        expected, tolerance = np.log(given / (1 - given)), 1e-4
        np.testing.assert_allclose(found.logits, expected, atol=tolerance)
    elif name in ("depthwise_and_grouped", "one_layer_called_twice"):
        np.testing.assert_allclose(found.logits, given, atol=1e-5)
    else:
        exponents = np.exp(found.logits)
        # Half precision keeps eight bits, and the logits are computed beyond it.
        tolerance = 2e-2 if name == "half_precision" else 1e-5
        np.testing.assert_allclose(exponents / exponents.sum(axis=1, keepdims=True), given, atol=tolerance)
        assert abs(exponents.sum(axis=1) - 1).max() > 0.01


@pytest.mark.parametrize("end", ["softmax", "sigmoid", "log_softmax", None])
def test_a_squashing_activation_is_left_out_wherever_it_stands(end: str | None, images: np.ndarray) -> None:
    plain = linear_model()
    within = linear_model(end)
    behind = keras.Sequential([keras.Input(SHAPE), *linear_model().layers, layers.Activation(end or "linear")])
    operations = {
        "softmax": keras.ops.softmax,
        "sigmoid": keras.ops.sigmoid,
        "log_softmax": keras.ops.log_softmax,
        None: lambda logits: logits,
    }
    operation = keras.Model(plain.inputs, operations[end](plain.outputs[0]))
    expected = np.asarray(plain(images))
    for model in (within, behind, operation):
        np.testing.assert_allclose(saliency(model, images, 1).logits, expected, atol=1e-5)


def test_a_softmax_in_the_middle_is_part_of_the_model(images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input(SHAPE), *linear_model("softmax").layers, layers.Dense(2)])
    np.testing.assert_allclose(saliency(model, images, 1).logits, model(images), atol=1e-6)


def test_a_last_layer_whose_inside_is_not_known_is_refused(images: np.ndarray) -> None:
    class Doubled(layers.Dense):
        def call(self, inputs: Any) -> Any:
            return super().call(2 * inputs)

    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), Doubled(3, activation="softmax", name="last")])
    with pytest.raises(InputError, match=r"last layer 'last' \(Doubled\) applies an activation inside.*Softmax\(\)"):
        saliency(model, images)


def test_each_of_several_outputs_can_be_explained(images: np.ndarray) -> None:
    model = build_foreign("several_heads")
    by_name = saliency(model, images, 1, output="colour")
    np.testing.assert_allclose(by_name.logits, model(images)["colour"], atol=1e-5)
    for position, name in enumerate(model.output_names):
        by_position = saliency(model, images, 1, output=position)
        np.testing.assert_array_equal(by_position.values, saliency(model, images, 1, output=name).values)


# Saliency


def test_the_saliency_of_a_linear_model_is_its_weights(images: np.ndarray) -> None:
    model = linear_model("softmax")
    found = saliency(model, images, [2, 0, 3])
    np.testing.assert_allclose(found.values, weight_images(model)[[2, 0, 3]], atol=1e-6)
    assert found.targets.tolist() == [2, 0, 3]
    assert found.values.dtype == np.float32
    assert found.images is images


@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "half_precision"])
def test_saliency_predicts_a_small_step_in_its_own_direction(name: str, images: np.ndarray) -> None:
    model = build_foreign(name)
    options = options_for(name)
    found = saliency(model, images, 0, **options)
    # Small, for a ReLU has kinks; and along the signs, so that every pixel's part adds to the difference.
    step = 3e-4
    moved = step * np.sign(found.values)
    ahead, back = (saliency(model, images + way, 0, **options).logits[:, 0] for way in (moved, -moved))
    assert (found.values != 0).any(axis=(1, 2, 3)).all()
    np.testing.assert_allclose((ahead - back) / (2 * step), abs(found.values).sum(axis=(1, 2, 3)), rtol=0.02)


def test_pred_is_the_class_with_the_largest_logit(images: np.ndarray) -> None:
    model = linear_model("softmax")
    predicted = np.asarray(model(images)).argmax(axis=1)
    for method in METHODS:
        found = method(model, images)
        assert found.targets.tolist() == predicted.tolist()
        np.testing.assert_array_equal(found.values, method(model, images, predicted).values)


def test_the_size_of_the_batches_does_not_matter(images: np.ndarray) -> None:
    model = build_foreign("branches")
    for method in METHODS:
        whole = method(model, images, [0, 1, 2])
        parts = method(model, images, [0, 1, 2], batch_size=2)
        np.testing.assert_allclose(parts.values, whole.values, atol=1e-5)
        np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-5)


def test_dropout_and_batch_statistics_are_those_of_inference(images: np.ndarray) -> None:
    model = build_foreign("sequential_with_input")
    np.testing.assert_array_equal(saliency(model, images, 0).values, saliency(model, images, 0).values)
    normalised = build_foreign("depthwise_and_grouped")
    alone = saliency(normalised, images[:1], 0).values
    np.testing.assert_allclose(alone, saliency(normalised, images, 0).values[:1], atol=1e-6)


# SmoothGrad


def test_smoothgrad_without_noise_is_saliency(images: np.ndarray) -> None:
    model = build_foreign("branches")
    np.testing.assert_allclose(
        smoothgrad(model, images, 1, sigma=0, samples=3).values, saliency(model, images, 1).values, atol=1e-6
    )


def test_smoothgrad_is_seeded(images: np.ndarray) -> None:
    model = build_foreign("sequential_with_input")
    first, again, other = (smoothgrad(model, images, 1, samples=4, seed=seed).values for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_smoothgrad_is_the_mean_gradient_of_a_quadratic_score() -> None:
    # f(x) = |x|², whose gradient 2x averages to 2x under any noise of mean zero.
    image = keras.Input((4, 4, 1))
    flat = layers.Flatten()(image)
    model = keras.Model(image, keras.ops.concatenate([keras.ops.sum(flat * flat, axis=1, keepdims=True)] * 2, axis=1))
    x = np.random.default_rng(0).random((1, 4, 4, 1), np.float32)
    found = smoothgrad(model, x, 0, samples=4000, sigma=0.5, batch_size=1000)
    deviation = 0.5 * np.ptp(x)
    assert abs(found.values - 2 * x).max() < 5 * 2 * deviation / np.sqrt(4000)
    one = smoothgrad(model, x, 0, samples=1, sigma=0.5)
    assert np.std(one.values - 2 * x) == pytest.approx(2 * deviation, rel=0.5)


def test_the_noise_of_an_even_image_is_none() -> None:
    model = linear_model()
    found = smoothgrad(model, np.full((1, *SHAPE), 0.5), 0)
    np.testing.assert_allclose(found.values[0], weight_images(model)[0], atol=1e-6)


# Integrated gradients


@pytest.mark.parametrize("steps", [1, 2, 7, 50])
def test_integrated_gradients_of_a_linear_model_are_weights_times_the_way(steps: int, images: np.ndarray) -> None:
    model = linear_model("softmax")
    baseline = np.random.default_rng(1).random(SHAPE, np.float32)
    found = integrated_gradients(model, images, 2, steps=steps, baseline=baseline)
    np.testing.assert_allclose(found.values, weight_images(model)[2] * (images - baseline), atol=1e-5)
    assert found.steps is not None
    assert found.steps.tolist() == [steps] * 3


@pytest.mark.parametrize("steps", [1, 8])
def test_a_network_without_biases_is_shared_out_whole_from_a_black_baseline(steps: int, images: np.ndarray) -> None:
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(8, 3, activation="relu", use_bias=False),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(16, activation="relu", use_bias=False),
            layers.Dense(3, activation="softmax", use_bias=False),
        ]
    )
    found = integrated_gradients(model, images, 1, steps=steps)
    np.testing.assert_allclose(found.values.sum(axis=(1, 2, 3)), found.logits[:, 1], atol=1e-4)
    # Along a ray from the origin its gradient does not change.
    np.testing.assert_allclose(found.values, saliency(model, images, 1).values * images, atol=1e-5)


def test_integrated_gradients_of_a_smooth_function_have_their_closed_form() -> None:
    # f(x) = Σ x³: the integral of 3 (αx)² x over α is x³.
    image = keras.Input((3, 3, 1))
    cubes = keras.ops.sum(layers.Flatten()(image) ** 3, axis=1, keepdims=True)
    model = keras.Model(image, keras.ops.concatenate([cubes, -cubes], axis=1))
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 1)).astype(np.float32)
    # Gauss–Legendre with two points is exact for cubic integrands.
    np.testing.assert_allclose(integrated_gradients(model, x, 0, steps=2).values, x**3, atol=1e-5)
    np.testing.assert_allclose(integrated_gradients(model, x, 1, steps=2).values, -(x**3), atol=1e-5)


@parametrised(large=False)
def test_values_of_every_registered_model_sum_to_the_difference_of_logits(name: str) -> None:
    model = built(name)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    baseline = 0.5
    found = integrated_gradients(model, images, [3, 7], baseline=baseline, steps=16)
    start = saliency(model, np.full_like(images, baseline), [3, 7]).logits
    difference = (found.logits - start)[[0, 1], [3, 7]]
    assert (abs(found.values.sum(axis=(1, 2, 3)) - difference) <= 1e-2 * np.maximum(abs(difference), 1)).all()
    assert found.completeness_error is not None
    np.testing.assert_allclose(found.completeness_error, abs(found.values.sum(axis=(1, 2, 3)) - difference), atol=1e-5)


def hard_to_integrate() -> Any:
    """A sigmoid a hundred times too steep: nearly a jump in the middle of the way from 0 to 1."""
    image = keras.Input((2, 2, 1))
    jump = keras.ops.sigmoid(400 * (keras.ops.mean(image, axis=(1, 2)) - 0.43))
    return keras.Model(image, 5 * keras.ops.concatenate([jump, -jump], axis=1) + 0.0)


def test_steps_are_doubled_only_for_images_that_need_it(passes: list[int]) -> None:
    model = hard_to_integrate()
    images = np.stack([np.ones((2, 2, 1)), np.full((2, 2, 1), 0.1)])
    rough = integrated_gradients(model, images, 0, steps=4, rtol=None)
    assert rough.completeness_error is not None
    assert rough.completeness_error[0] > 0.5
    passes.clear()
    fine = integrated_gradients(model, images, 0, steps=4, rtol=0.01)
    assert fine.steps is not None
    assert fine.completeness_error is not None
    assert fine.steps[1] == 4 < fine.steps[0]
    assert fine.completeness_error[0] <= 0.05
    # 4 for both, then 8, 16, … for the first.
    assert sum(passes) == 4 + fine.steps.sum() + sum(8 * 2**k for k in range(10) if 8 * 2**k < fine.steps[0])


def test_refining_ends_and_says_how_far_it_came() -> None:
    image = keras.Input((2, 2, 1))
    step = keras.ops.cast(keras.ops.mean(image, axis=(1, 2)) > 0.5, "float32")
    model = keras.Model(image, keras.ops.concatenate([step, step], axis=1))
    found = integrated_gradients(model, np.ones((1, 2, 2, 1)), 0)
    assert found.steps is not None
    assert found.steps[0] == 1024
    # A step has no gradient anywhere, and no path sums to what it makes.
    assert found.completeness_error == pytest.approx([1.0])
    assert (found.values == 0).all()


def test_a_baseline_is_a_number_an_image_or_one_for_each(images: np.ndarray) -> None:
    model = linear_model()
    weights = weight_images(model)[0]
    for baseline in (0.25, np.full(SHAPE, 0.25), np.full(images.shape, 0.25)):
        np.testing.assert_allclose(
            integrated_gradients(model, images, 0, baseline=baseline).values, weights * (images - 0.25), atol=1e-5
        )


# What it costs


def test_gradients_are_taken_in_as_few_passes_as_hold_them(passes: list[int], images: np.ndarray) -> None:
    model = linear_model()
    saliency(model, images, 0, batch_size=2)
    assert passes == [2, 1]
    passes.clear()
    smoothgrad(model, images, 0, samples=10, batch_size=16)
    assert passes == [16, 14]
    passes.clear()
    integrated_gradients(model, images, 0, steps=20, batch_size=16)
    assert passes == [16, 16, 16, 12]


def test_saliency_runs_the_model_once(images: np.ndarray) -> None:
    calls = []

    class Counted(layers.Layer):
        def call(self, inputs: Any) -> Any:
            calls.append(inputs.shape[0])
            return inputs

    model = keras.Sequential([keras.Input(SHAPE), Counted(), layers.Flatten(), layers.Dense(2, activation="softmax")])
    calls.clear()
    saliency(model, images)
    assert calls == [3]


# What it leaves alone


@pytest.mark.parametrize("method", METHODS)
def test_neither_the_model_nor_the_images_are_changed(method: Any, images: np.ndarray) -> None:
    model = build_foreign("sequential_with_input")
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    weights, before, activation = model.get_weights(), images.copy(), model.layers[-1].activation
    optimizer, built = model.optimizer, model.optimizer.built
    found = method(model, images)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(images, before)
    assert model.layers[-1].activation is activation
    assert (model.optimizer, model.optimizer.built, model.compiled) == (optimizer, built, True)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None
    assert isinstance(found, Attribution)


def test_explaining_one_of_several_outputs_counts_no_new_model(images: np.ndarray) -> None:
    model = build_foreign("several_heads")
    keras.backend.clear_session()
    saliency(model, images, 0, output="colour")
    image = keras.Input((2,))
    assert keras.Model(image, layers.ReLU()(image)).name == "functional"


def test_weights_are_read_anew(images: np.ndarray) -> None:
    model = linear_model()
    saliency(model, images, 0)
    model.layers[-1].kernel.assign(np.full(model.layers[-1].kernel.shape, 7.0))
    np.testing.assert_allclose(saliency(model, images, 0).values, 7)


# What is refused


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", [4, -1, [0, 1], [0, 1, 4], "pred ", 1.0, True, None, [[0, 1, 2]], [[0], [1, 2]]])
def test_a_target_is_a_class_one_for_each_image_or_pred(method: Any, target: Any, images: np.ndarray) -> None:
    with pytest.raises(LabelError, match=r"class index from 0 to 3, one for each of the 3 images, or 'pred'. Received"):
        method(linear_model(), images, target)


@pytest.mark.parametrize("method", METHODS)
def test_images_that_cannot_be_are_refused(method: Any, images: np.ndarray) -> None:
    model = linear_model()
    with pytest.raises(ShapeError, match="Add the channel axis"):
        method(model, images[..., 0])
    with pytest.raises(ShapeError, match=r"\(N, 12, 10, 2\) here"):
        method(model, images[:, :-1])
    images[1, 2, 3, 0] = np.nan
    with pytest.raises(ValueRangeError, match="image 1"):
        method(model, images)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_is_not_built_is_refused(method: Any, images: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"not connected yet\. Call it once"):
        method(keras.Sequential([layers.Flatten(), layers.Dense(2)]), images)
    with pytest.raises(InputError, match=r"Expected a keras\.Model"):
        method("conv_64_64", images)


def test_an_output_has_to_be_chosen_among_several(images: np.ndarray) -> None:
    model = build_foreign("several_heads")
    with pytest.raises(InputError, match=r"2 outputs: choose one of \["):
        saliency(model, images)
    with pytest.raises(UnknownNameError, match="Did you mean 'colour'"):
        saliency(model, images, output="color")
    for output in (2, -1, True, 0.0):
        with pytest.raises(InputError, match="position from 0 to 1"):
            saliency(model, images, output=output)


def test_an_output_that_is_no_row_of_classes_is_refused(images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(3, 3)])
    with pytest.raises(InputError, match=r"A classifier gives \(N, classes\)"):
        saliency(model, images)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (smoothgrad, {"samples": 0}, "samples is a whole number of at least 1"),
        (smoothgrad, {"sigma": -0.1}, "sigma is a number of at least 0"),
        (smoothgrad, {"sigma": float("nan")}, "sigma is a number of at least 0"),
        (smoothgrad, {"sigma": "much"}, "sigma is a number of at least 0"),
        (integrated_gradients, {"steps": 2.5}, "steps is a whole number of at least 1"),
        (integrated_gradients, {"rtol": 0}, "rtol is a number above 0, or None"),
        (integrated_gradients, {"baseline": "black"}, "baseline is a number, one image"),
        (integrated_gradients, {"baseline": np.zeros((5, 5))}, r"one image \(12, 10, 2\).*Received: shape \(5, 5\)"),
        (integrated_gradients, {"baseline": np.inf}, "finite numbers"),
        (saliency, {"batch_size": 0}, "batch_size is a whole number of at least 1"),
    ],
)
def test_options_that_cannot_be_are_refused(method: Any, options: Any, message: str, images: np.ndarray) -> None:
    with pytest.raises(InputError, match=message):
        method(linear_model(), images, **options)


def test_a_backend_without_gradients_is_named(monkeypatch: pytest.MonkeyPatch, images: np.ndarray) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "numpy")
    with pytest.raises(InputError, match=r"tensorflow, jax, torch\. Received: 'numpy'"):
        _gradients.gradient(lambda x: (x, None), 0.0)


def test_a_result_says_what_it_is_and_sums_its_channels(images: np.ndarray) -> None:
    found = saliency(linear_model(), images, 1)
    assert repr(found) == "Attribution(saliency, values=(3, 12, 10, 2), targets=[1, 1, 1])"
    np.testing.assert_allclose(found.maps, found.values[..., 0] + found.values[..., 1], atol=1e-6)
    assert ClassScores(linear_model()).num_classes == 4
