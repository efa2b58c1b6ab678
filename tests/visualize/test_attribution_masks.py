"""Occlusion and Score-CAM against loops, and against models whose answer to a mask can be calculated."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from convvision.errors import InputError, LabelError, ShapeError, UnknownNameError
from convvision.visualize import extract_activations, occlusion, saliency, score_cam
from counting import Counting
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import built, parametrised

METHODS = [occlusion, score_cam]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


def counted(shape: tuple[int, ...] = SHAPE) -> tuple[Any, Counting]:
    """A small network, and its layer that counts how often it runs."""
    counting = Counting()
    convolution = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")
    return keras.Sequential([keras.Input(shape), counting, convolution, layers.Flatten(), layers.Dense(4)]), counting


def linear_model() -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(4, activation="softmax")])
    model.layers[-1].bias.assign([0.3, -1, 2, 0.5])
    return model


def logits_of(model: Any, images: np.ndarray, target: int) -> np.ndarray:
    return saliency(model, images, target).logits[:, target]


def options_for(name: str) -> dict[str, Any]:
    return {"output": "kind"} if name == "several_heads" else {}


# Occlusion


def test_one_pixel_of_a_linear_model_counts_its_weight_times_itself(images: np.ndarray) -> None:
    model = linear_model()
    weights = np.asarray(model.layers[-1].kernel).T.reshape(-1, *SHAPE)
    found = occlusion(model, images, [2, 0, 1], patch=1, stride=1)
    # A patch covers every channel of its pixel.
    np.testing.assert_allclose(found.values, (weights[[2, 0, 1]] * images).sum(axis=-1), atol=1e-5)


@pytest.mark.parametrize("name", ["branches", "sigmoid_head", "nested_models"])
def test_a_patch_over_the_whole_image_leaves_the_baseline(name: str, images: np.ndarray) -> None:
    model = build_foreign(name)
    baseline = np.random.default_rng(1).random(images.shape, np.float32)
    found = occlusion(model, images, 0, patch=SHAPE[:2], stride=5, baseline=baseline)
    assert found.values.shape == (3, 1, 1)
    expected = logits_of(model, images, 0) - logits_of(model, baseline, 0)
    np.testing.assert_allclose(found.values[:, 0, 0], expected, atol=1e-5)


def test_every_patch_is_covered_as_a_loop_would(images: np.ndarray) -> None:
    model = build_foreign("branches")
    found = occlusion(model, images, 1, patch=(5, 3), stride=(3, 2), baseline=0.25)
    # 12 rows: patches from 0, 3, 6 and 9, the last over the border; 10 columns: from 0, 2, 4, 6 and 8.
    assert found.values.shape == (3, 4, 5)
    before = logits_of(model, images, 1)
    for row in range(4):
        for column in range(5):
            covered = images.copy()
            covered[:, 3 * row : 3 * row + 5, 2 * column : 2 * column + 3] = 0.25
            np.testing.assert_allclose(
                found.values[:, row, column], before - logits_of(model, covered, 1), atol=1e-5, err_msg=f"{row, column}"
            )


@pytest.mark.parametrize(("patch", "stride", "places"), [(4, 2, 5), (12, 1, 1), (1, 1, 12), (5, 12, 2), (5, 7, 2)])
def test_patches_reach_as_far_as_the_image(patch: int, stride: int, places: int) -> None:
    model = keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), layers.Dense(2)])
    values = occlusion(model, np.ones((1, 12, 12, 1)), 0, patch=patch, stride=stride).values
    assert values.shape == (1, places, places)


def test_the_lessons_images_take_169_masks_and_themselves_in_one_pass() -> None:
    model, counting = counted((28, 28, 1))
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    assert occlusion(model, images[:1]).values.shape == (1, 13, 13)
    assert counting.seen() == (1, 170)
    # Three images are 510 covered ones, 256 a pass.
    occlusion(model, images)
    assert counting.seen() == (1 + 2, 170 + 510)


def test_covered_images_are_made_pass_by_pass() -> None:
    import tracemalloc

    model = keras.Sequential([keras.Input((64, 64, 1)), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    images = np.zeros((1, 64, 64, 1), np.float32)
    occlusion(model, images, patch=1, stride=1, batch_size=64)
    tracemalloc.start()
    occlusion(model, images, patch=1, stride=1, batch_size=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All 4,097 of them would take 67 MB, one pass takes 1 MB for each copy.
    assert peak < 20e6


# Score-CAM


def test_score_cam_weights_channels_by_the_softmax_of_masked_logits(images: np.ndarray) -> None:
    model = build_foreign("branches")
    baseline = 0.5
    found = score_cam(model, images, 2, layer="stem", relu=False, baseline=baseline)
    maps = extract_activations(model, images, "stem").layers[0].maps
    seen = np.empty((3, 4))
    for index in range(3):
        for channel in range(4):
            mask = maps[index, ..., channel]
            # As large as the image already, so that nothing is stretched.
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            shown = images[index] * mask[..., None] + baseline * (1 - mask[..., None])
            seen[index, channel] = logits_of(model, shown[None], 2)[0]
    weights = np.exp(seen) / np.exp(seen).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.values, np.einsum("nhwc,nc->nhw", maps, weights), atol=1e-4)


def test_the_channel_that_shows_what_the_class_needs_weighs_most() -> None:
    """Two channels, the left and the right half; the class is made of the left."""
    kernel = np.zeros((1, 1, 2, 2), np.float32)
    kernel[0, 0] = np.eye(2)
    image = np.zeros((1, 4, 4, 2), np.float32)
    image[0, :, :2, 0], image[0, :, 2:, 1] = 1, 1
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Conv2D(2, 1, use_bias=False), layers.Flatten(), layers.Dense(1, use_bias=False)]
    )
    weights = np.zeros((4, 4, 2), np.float32)
    weights[:, :2, 0] = 1
    model.set_weights([kernel, weights.reshape(-1, 1)])
    found = score_cam(model, image, 0)
    # Masked by the left half the logit is 8, masked by the right it is 0.
    share = np.exp(8) / (np.exp(8) + 1)
    np.testing.assert_allclose(found.values[0], np.repeat([[share, share, 1 - share, 1 - share]], 4, axis=0), atol=1e-5)


def test_masks_are_stretched_to_the_image() -> None:
    kernel = np.ones((2, 2, 1, 1), np.float32)
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(1, 2, strides=2, use_bias=False), layers.Flatten(), layers.Dense(1)]
    )
    model.set_weights([kernel, np.ones((4, 1), np.float32), np.zeros(1, np.float32)])
    image = np.ones((1, 4, 4, 1), np.float32)
    image[0, :2, :2] = 3
    found = score_cam(model, image, 0)
    # One channel has all the weight, and the map is the layer's own.
    np.testing.assert_allclose(found.values[0], [[12, 4], [4, 4]], atol=1e-5)


def test_a_channel_that_is_the_same_everywhere_weighs_nothing(images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)])
    kernel, bias, *rest = model.get_weights()
    kernel[..., 1], bias[1] = 0, 5
    model.set_weights([kernel, bias, *rest])
    without = score_cam(model, images, 0, relu=False).values
    maps = extract_activations(model, images, "conv").layers[0].maps
    assert (maps[..., 1] == 5).all()
    assert without.max() < 4.5
    model.set_weights([np.zeros_like(kernel), bias, *rest])
    assert (score_cam(model, images, 0).values == 0).all()


def test_masked_images_go_in_as_few_passes_as_hold_them(images: np.ndarray) -> None:
    model, counting = counted()
    score_cam(model, images, layer="conv", batch_size=8)
    # One pass for the maps, and three images of four channels in two.
    assert counting.seen() == (1 + 2, 3 + 12)


# On every model


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("method", METHODS)
def test_models_as_users_write_them(method: Any, name: str, images: np.ndarray) -> None:
    if name == "half_precision":
        images = (255 * images).astype(np.uint8)
    found = method(build_foreign(name), images, 0, **options_for(name))
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()
    assert (found.values != 0).any(axis=(1, 2)).all()
    assert found.images is images


@parametrised(large=False)
def test_registered_models(name: str) -> None:
    model = built(name)
    images = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    assert occlusion(model, images, patch=7, stride=7).values.shape == (1, 4, 4)
    if name.startswith("dense_"):
        with pytest.raises(InputError, match="has no convolution"):
            score_cam(model, images)
    else:
        assert np.isfinite(score_cam(model, images).values).all()


@pytest.mark.parametrize("method", METHODS)
def test_pred_is_the_prediction_for_the_whole_image(method: Any, images: np.ndarray) -> None:
    model = build_foreign("branches")
    predicted = np.asarray(model(images)).argmax(axis=1)
    found = method(model, images)
    assert found.targets.tolist() == predicted.tolist()
    np.testing.assert_allclose(found.values, method(model, images, predicted, batch_size=7).values, atol=1e-5)
    np.testing.assert_allclose(found.logits, saliency(model, images).logits, atol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="only TensorFlow compiles")
@pytest.mark.parametrize(("method", "traces"), [(occlusion, 1), (score_cam, 2)])
def test_calls_with_other_numbers_of_images_trace_nothing_anew_and_read_the_weights(
    method: Any, traces: int, images: np.ndarray
) -> None:
    model, counting = counted()
    before = counting.traces
    for count in (3, 1, 2):
        found = method(model, images[:count], 0, batch_size=7)
    assert counting.traces == before + traces
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([2 * kernel, bias])
    doubled = method(model, images[:2], 0, batch_size=7)
    assert counting.traces == before + traces
    np.testing.assert_allclose(doubled.logits, 2 * found.logits, rtol=1e-5)
    if method is occlusion:
        np.testing.assert_allclose(doubled.values, 2 * found.values, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["branches", "several_heads"])
def test_no_model_is_made(method: Any, name: str, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_foreign(name)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a model is made")

    monkeypatch.setattr(keras.Model, "__init__", refuse)
    method(model, images, 0, **options_for(name))


@pytest.mark.parametrize("method", METHODS)
def test_neither_the_model_nor_the_images_are_changed(method: Any, images: np.ndarray) -> None:
    model = build_foreign("sequential_with_input")
    weights, before = model.get_weights(), images.copy()
    method(model, images)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(images, before)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patch": 0}, InputError, "patch is a whole number of at least 1"),
        ({"patch": (3, 11)}, InputError, r"no larger than the image, whose width is 10\. Received: patch=\(3, 11\)"),
        ({"patch": 13}, InputError, "whose height is 12"),
        ({"patch": (1, 2, 3)}, InputError, "one for rows and one for columns"),
        ({"patch": "4"}, InputError, "patch is a whole number"),
        ({"stride": 1.5}, InputError, "stride is a whole number"),
        ({"stride": (1, 0)}, InputError, "stride is a whole number"),
        ({"baseline": np.zeros((10, 12, 2))}, ShapeError, r"Received: shape \(10, 12, 2\)"),
        ({"target": 4}, LabelError, "from 0 to 3"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Any, error: Any, message: str, images: np.ndarray) -> None:
    with pytest.raises(error, match=message):
        occlusion(linear_model(), images, **options)


def test_score_cam_refuses_a_layer_that_does_not_exist(images: np.ndarray) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'shared'"):
        score_cam(build_foreign("several_heads"), images, output="kind", layer="sharde")
