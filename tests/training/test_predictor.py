"""The compiled classifier against the model called as Keras calls it, and against means taken by NumPy."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from convvision.errors import InputError, ShapeError, ValueRangeError
from convvision.training import Predictor, _precision, _predictor
from convvision.training._views import Views
from counting import Counting
from registered_models import built

VIEWS = ("one", "flip", "shift", "flip_shift")
SHAPE = (6, 7, 2)
IMAGES = np.random.default_rng(1).random((40, *SHAPE), np.float32)


def classifier(*ending: keras.Layer, counting: Counting | None = None) -> Any:
    keras.utils.set_random_seed(1)
    begin = [keras.Input(SHAPE), *([counting] if counting else [])]
    return keras.Sequential([*begin, layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), *ending])


def probabilistic(**options: Any) -> Any:
    return classifier(layers.Dense(3, activation="softmax"), **options)


def giving_logits(**options: Any) -> Any:
    return classifier(layers.Dense(3), **options)


def by_keras(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)), np.float64)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def shown(views: Views, images: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Each view with its weight."""
    bordered = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], "edge")
    plain = [(1.0, images)]
    if "shift" in views:
        plain = [(0.5, images), (0.25, bordered[:, :-2, :-2]), (0.25, bordered[:, 2:, 2:])]
    if "flip" in views:
        return [(weight / 2, each) for weight, view in plain for each in (view, view[:, :, ::-1])]
    return plain


# The same as the model


@pytest.mark.parametrize("name", ["conv_64_64", "fast_conv", "dense_128"])
def test_probabilities_are_those_of_the_model(name: str) -> None:
    images = np.random.default_rng(0).random((9, 28, 28, 1), np.float32)
    found = Predictor(built(name))(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_keras(built(name), images), atol=1e-5)


def test_logits_become_probabilities() -> None:
    model = giving_logits()
    np.testing.assert_allclose(Predictor(model)(IMAGES), softmax(by_keras(model, IMAGES)), atol=1e-6)


def test_large_logits_do_not_overflow() -> None:
    model = giving_logits()
    model.layers[-1].set_weights([np.zeros((80, 3)), np.array([1e4, 1e4, -1e4])])
    for views in VIEWS:
        np.testing.assert_array_equal(Predictor(model, views=views)(IMAGES)[0], [0.5, 0.5, 0])


@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("batch_size", [1, 3, 16, 128])
@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_images_in_batches_of_any_size(
    count: int, batch_size: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_predictor, "side_by_side", lambda: workers)
    model = probabilistic()
    found = Predictor(model, batch_size=batch_size)(IMAGES[:count])
    np.testing.assert_allclose(found, by_keras(model, IMAGES[:count]), atol=1e-6)


def test_other_dtypes_are_brought_to_that_of_the_model() -> None:
    image = keras.Input(SHAPE, dtype="uint8")
    reads_pixels = keras.Model(image, layers.Dense(3, "softmax")(layers.Flatten()(layers.Rescaling(1 / 255)(image))))
    pixels = (255 * IMAGES).astype(np.uint8)
    np.testing.assert_allclose(Predictor(reads_pixels)(pixels), by_keras(reads_pixels, pixels), atol=1e-6)
    model = probabilistic()
    np.testing.assert_array_equal(Predictor(model)(IMAGES.astype(np.float64)), Predictor(model)(IMAGES))
    np.testing.assert_array_equal(Predictor(model)(IMAGES.tolist()), Predictor(model)(IMAGES))


def test_a_model_for_images_of_any_size() -> None:
    image = keras.Input((None, None, 1))
    model = keras.Model(image, layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))))
    predictor = Predictor(model, views="flip_shift")
    for size in (5, 9):
        found = predictor(np.zeros((2, size, size + 1, 1), np.float32))
        np.testing.assert_allclose(found, by_keras(model, np.zeros((2, size, size, 1), np.float32)), atol=1e-6)


# Compiled once


@pytest.mark.parametrize("views", VIEWS)
def test_it_is_traced_once_for_any_number_of_images(views: Views) -> None:
    counting = Counting()
    model = probabilistic(counting=counting)
    built_with = counting.traces
    predictor = Predictor(model, views=views, batch_size=12)
    assert counting.traces == built_with
    for count in (1, 7, 12, 13, 40, 1):
        predictor(IMAGES[:count])
    assert counting.traces == built_with + 1


@pytest.mark.parametrize(("views", "passes"), [("one", 4), ("flip", 7), ("shift", 10), ("flip_shift", 20)])
def test_the_views_of_an_image_count_to_the_size_of_a_batch(views: Views, passes: int) -> None:
    counting = Counting()
    # 40 images in batches of 12, 6, 4 and 2.
    Predictor(probabilistic(counting=counting), views=views, batch_size=12)(IMAGES)
    assert counting.seen() == (passes, 40 * {"one": 1, "flip": 2, "shift": 3, "flip_shift": 6}[views])


def test_batches_are_shared_equally_among_those_that_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_predictor, "side_by_side", lambda: 2)
    sizes: list[int] = []
    predictor = Predictor(probabilistic(), batch_size=12)
    classify = predictor._classify
    monkeypatch.setattr(predictor, "_classify", lambda batch: (sizes.append(len(batch)), classify(batch))[1])
    predictor(IMAGES[:30])
    assert sorted(sizes) == [7, 7, 8, 8]


def test_weights_that_change_are_read_again_without_tracing() -> None:
    counting = Counting()
    model = probabilistic(counting=counting)
    predictor = Predictor(model)
    before = predictor(IMAGES)
    traces = counting.traces
    model.layers[-1].set_weights([2 * weight for weight in model.layers[-1].get_weights()])
    after = predictor(IMAGES)
    assert counting.traces == traces
    assert not np.allclose(before, after, atol=1e-3)
    np.testing.assert_allclose(after, by_keras(model, IMAGES), atol=1e-6)


def test_layers_that_change_are_compiled_anew() -> None:
    model = giving_logits()
    predictor = Predictor(model)
    before = predictor(IMAGES)
    model.layers[0].activation = keras.activations.tanh
    np.testing.assert_allclose(predictor(IMAGES), softmax(by_keras(model, IMAGES)), atol=1e-6)
    assert not np.allclose(predictor(IMAGES), before, atol=1e-3)
    model.add(layers.Softmax())
    np.testing.assert_allclose(predictor(IMAGES), by_keras(model, IMAGES), atol=1e-6)


def test_statistics_that_are_adapted_anew_are_noticed() -> None:
    statistics = keras.layers.Normalization()
    statistics.adapt(IMAGES)
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), statistics, layers.Flatten(), layers.Dense(3)])
    predictor = Predictor(model)
    before = predictor(IMAGES)
    statistics.adapt(3 * IMAGES + 1)
    after = predictor(IMAGES)
    assert not np.allclose(after, before, atol=1e-3)
    np.testing.assert_allclose(after, softmax(by_keras(model, IMAGES)), atol=1e-6)


def test_the_model_stays_as_it_was() -> None:
    model = giving_logits()
    weights, config, compiled = model.get_weights(), model.get_config(), model.compiled
    for precision in (None, "float32", "bfloat16"):
        Predictor(model, precision=precision, views="flip_shift")(IMAGES)
    assert all(map(np.array_equal, model.get_weights(), weights))
    assert (model.get_config(), model.compiled) == (config, compiled)
    assert model.predict_function is None


# Precision


@pytest.mark.parametrize("fast", [True, False])
def test_half_precision_where_the_processor_has_it(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_precision, "_has_bfloat16", lambda: fast)
    model, images = built("fast_conv"), np.random.default_rng(0).random((9, 28, 28, 1), np.float32)
    found, exact = Predictor(model, precision="bfloat16")(images), Predictor(model)(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, atol=0.03)
    assert np.array_equal(found, exact) is not fast


# Views


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("build", [probabilistic, giving_logits])
def test_views_are_averaged_as_logits(views: Views, build: Callable[[], Any]) -> None:
    model = build()
    logits = sum(
        weight * (by_keras(model, view) if build is giving_logits else np.log(by_keras(model, view)))
        for weight, view in shown(views, IMAGES)
    )
    found = Predictor(model, views=views, batch_size=17)(IMAGES)
    np.testing.assert_allclose(found, softmax(np.asarray(logits)), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_probabilities_and_their_logits_give_the_same_mean() -> None:
    soft, raw = probabilistic(), giving_logits()
    raw.set_weights(soft.get_weights())
    for views in VIEWS:
        np.testing.assert_allclose(Predictor(soft, views=views)(IMAGES), Predictor(raw, views=views)(IMAGES), atol=1e-6)


def test_a_probability_of_zero_has_no_infinite_say() -> None:
    model = probabilistic()
    model.layers[-1].set_weights([np.zeros((80, 3)), np.array([500.0, 0, -500])])
    np.testing.assert_allclose(Predictor(model, views="flip_shift")(IMAGES)[0], [1, 0, 0], atol=1e-6)


def test_a_symmetric_image_is_seen_as_it_is() -> None:
    model = probabilistic()
    symmetric = IMAGES + IMAGES[:, :, ::-1]
    np.testing.assert_allclose(Predictor(model, views="flip")(symmetric), by_keras(model, symmetric), atol=1e-6)


# What is refused


def test_another_ending_is_refused() -> None:
    with pytest.raises(InputError, match=r"Received: layer '.*' \(Dense\) with activation 'sigmoid'"):
        Predictor(classifier(layers.Dense(1, activation="sigmoid")))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"Expected a keras\.Model\. Received: 'conv_64_64'"):
        Predictor("conv_64_64")
    with pytest.raises(ShapeError, match=r"reads images \(N, H, W, C\)"):
        Predictor(keras.Sequential([keras.Input((9,)), layers.Dense(2)]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": "both"}, r"views is 'one' or .*Received: views='both'"),
        ({"precision": "float16"}, r"precision is 'float32' or 'bfloat16', or None .*Received: precision='float16'"),
        ({"batch_size": 0}, r"batch_size is a whole number of at least 1\. Received: batch_size=0"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Predictor(probabilistic(), **options)


def test_images_that_cannot_be() -> None:
    predictor = Predictor(probabilistic())
    with pytest.raises(ShapeError, match=r"at least one image"):
        predictor(IMAGES[:0])
    with pytest.raises(ShapeError, match=r"the shape \(N, 6, 7, 2\) here\. Received: shape \(40, 6, 7, 1\)"):
        predictor(IMAGES[..., :1])
    with pytest.raises(ValueRangeError, match="NaN or infinite"):
        predictor(np.full((1, *SHAPE), np.nan))


# Elsewhere


@pytest.mark.parametrize("views", VIEWS)
def test_without_compiled_graphs_it_computes_the_same(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    model = probabilistic()
    expected = Predictor(model, views=views)(IMAGES)
    # Nothing but keras.ops is used then, whatever these work on.
    monkeypatch.setattr(keras.config, "backend", lambda: "another")
    np.testing.assert_allclose(Predictor(model, views=views, batch_size=7)(IMAGES), expected, atol=1e-6)


PROGRAM = """
import sys
import keras, numpy as np
from convvision.training import Predictor
assert keras.config.backend() == sys.argv[2]
model = convvision.create_model("fast_conv")
model.load_weights(f"{sys.argv[1]}/model.weights.h5")
found = Predictor(model, views="flip_shift", batch_size=12)(np.load(f"{sys.argv[1]}/images.npy"))
np.save(f"{sys.argv[1]}/found.npy", found)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_compute_the_same(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    images = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    np.save(tmp_path / "images.npy", images)
    built("fast_conv").save_weights(tmp_path / "model.weights.h5")
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), backend],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
        timeout=300,
    )
    expected = Predictor(built("fast_conv"), views="flip_shift")(images)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, atol=1e-4)
