"""The sanity check: its ranks against SciPy, its copies, and the verdict on methods that are known."""

from __future__ import annotations

import functools
import gc
import random
import weakref
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from keras import layers

import convvision
from convvision.datasets import Dataset
from convvision.errors import InputError, LabelError, ShapeError
from convvision.visualize import (
    Attribution,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
    sanity_check,
    smoothgrad,
)
from convvision.visualize._sanity_check import rank_correlation
from foreign_models import FOREIGN, SHAPE, build_foreign


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


# Ranks


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_ranks_are_correlated_as_scipy_does_with_ties_and_without(levels: int) -> None:
    numbers = np.random.default_rng(0)
    one, other = (numbers.integers(0, levels, (4, 6, 5)).astype(np.float32) for _ in range(2))
    other[1], other[2] = one[1] ** 3, -one[2]
    found = rank_correlation(one, other)
    for row in range(4):
        expected = scipy.stats.spearmanr(one[row].ravel(), other[row].ravel()).statistic
        assert found[row] == pytest.approx(expected, abs=1e-12)
    assert found[1] == pytest.approx(1)
    assert found[2] == pytest.approx(-1)


def test_a_map_that_is_the_same_everywhere_has_no_ranks() -> None:
    found = rank_correlation(np.zeros((2, 3)), np.array([[1, 2, 3], [1, 1, 1]]))
    assert np.isnan(found).all()


# Steps and copies


def test_each_step_replaces_one_more_layer_from_the_top(images: np.ndarray) -> None:
    model = build_foreign("sequential_with_input")
    seen: list[list[np.ndarray]] = []

    def note(asked: Any, images: np.ndarray, target: np.ndarray) -> np.ndarray:
        seen.append([np.array(weight) for weight in asked.weights])
        assert target.tolist() == np.asarray(model(images)).argmax(axis=1).tolist()
        return images

    found = sanity_check(model, images, note)
    names = [weight.path for weight in model.weights]
    assert len(seen) == 4
    assert [name.split("_")[0] for name in found.steps] == ["dense", "conv2d", "conv2d"]
    assert found.steps[1] > found.steps[2]
    for step, weights in enumerate(seen):
        changed = {
            path.split("/")[-2]
            for path, old, new in zip(names, model.weights, weights, strict=True)
            if not np.array_equal(old, new)
        }
        assert changed == set(found.steps[:step])
    # The image itself was given as the map each time.
    np.testing.assert_allclose(found.correlations, 1)
    np.testing.assert_allclose(found.maps, np.broadcast_to(images.sum(axis=-1), (4, 3, *SHAPE[:2])))
    assert found.method == "note"


def test_all_at_once_ends_where_the_cascade_does(images: np.ndarray) -> None:
    model = build_foreign("branches")
    cascade, at_once = (sanity_check(model, images, cascade=cascade, seed=4) for cascade in (True, False))
    assert at_once.steps == cascade.steps[-1:] == ("stem",)
    np.testing.assert_array_equal(at_once.correlations, cascade.correlations[-1:])
    assert cascade.correlations.shape == (4, 3)


def test_the_seed_chooses_the_weights_and_no_generator_is_moved(images: np.ndarray) -> None:
    model = build_foreign("branches")
    random.seed(11)
    state = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    one, same, other = (sanity_check(model, images, seed=seed).correlations for seed in (0, 0, 1))
    assert (random.getstate(), str(np.random.get_state())) == state  # noqa: NPY002
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_the_model_is_not_changed_nor_kept(images: np.ndarray) -> None:
    model = build_foreign("sequential_with_input")
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    weights, before, activation = model.get_weights(), images.copy(), model.layers[-1].activation
    sanity_check(model, images)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(images, before)
    assert model.layers[-1].activation is activation
    assert model.compiled
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("name", FOREIGN)
def test_every_model_can_be_checked(name: str, images: np.ndarray) -> None:
    found = sanity_check(build_foreign(name), images, output="kind" if name == "several_heads" else None)
    assert found.correlations.shape == (len(found.steps), 3)
    assert (abs(found.correlations[np.isfinite(found.correlations)]) <= 1 + 1e-9).all()
    # What leads to another output only has no part in it.
    assert "only_for_colour" not in found.steps


@pytest.mark.parametrize(
    "method", [grad_cam, functools.partial(grad_cam, relu=False), occlusion, functools.partial(smoothgrad, samples=2)]
)
def test_methods_of_this_package_can_be_given(method: Any, images: np.ndarray) -> None:
    found = sanity_check(build_foreign("branches"), images, method, [0, 1, 2])
    assert found.method in ("grad_cam", "occlusion", "smoothgrad")
    assert found.maps.shape[:2] == (5, 3)
    assert found.maps.ndim == 4


def test_the_table_has_a_line_a_step(images: np.ndarray) -> None:
    found = sanity_check(build_foreign("sequential_with_input"), images)
    lines = str(found).splitlines()
    assert "correlation of saliency" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == list(found.steps)
    np.testing.assert_allclose(found.means, found.correlations.mean(axis=1))
    assert repr(found).startswith("<SanityCheck of saliency on 3 images: ")


def test_a_model_without_gradients_has_no_correlation(images: np.ndarray) -> None:
    model = build_foreign("branches")
    found = sanity_check(model, images, lambda model, images, target: np.zeros(images.shape))
    assert np.isnan(found.correlations).all()
    assert np.isnan(found.means).all()
    assert "nan" in str(found)


def test_what_cannot_be_checked_is_refused(images: np.ndarray) -> None:
    model = build_foreign("branches")
    wrong: Any = "saliency"
    with pytest.raises(InputError, match=r"method is a function.*Received: method='saliency'"):
        sanity_check(model, images, wrong)
    with pytest.raises(ShapeError, match=r"one map an image: \(3, h, w\).*Received: shape \(3,\)"):
        sanity_check(model, images, lambda model, images, target: np.zeros(3))
    with pytest.raises(LabelError, match="from 0 to 2"):
        sanity_check(model, images, target=3)
    with pytest.raises(InputError, match="A seed is"):
        sanity_check(model, images, seed=-1)
    plain = keras.Sequential([keras.Input(SHAPE), layers.GlobalAveragePooling2D()])
    with pytest.raises(InputError, match="no weights that could be replaced"):
        sanity_check(plain, images)

    class Unknown(layers.Layer):
        def __init__(self, width: int) -> None:
            super().__init__()

        def call(self, inputs: Any) -> Any:
            return inputs

    strange = keras.Sequential([keras.Input(SHAPE), Unknown(3), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(InputError, match=r"(?s)Keras cannot copy .sequential.*needs get_config"):
        sanity_check(strange, images)


# What it says of methods that are known


def guided_backprop(model: Any, images: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Springenberg et al. 2014: gradients that a ReLU lets through only where they are positive."""

    @tf.custom_gradient
    def guided(x: Any) -> Any:
        y = tf.nn.relu(x)
        return y, lambda upstream: tf.cast(y > 0, x.dtype) * tf.nn.relu(upstream)

    x = inputs = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        for layer in model.layers:
            if isinstance(layer, layers.InputLayer):
                continue
            if getattr(layer, "activation", None) is keras.activations.relu:
                sums = (
                    tf.nn.conv2d(x, layer.kernel, 1, "VALID")
                    if isinstance(layer, layers.Conv2D)
                    else tf.matmul(x, layer.kernel)
                )
                x = guided(sums + layer.bias)
            elif isinstance(layer, layers.Dense):
                x = tf.matmul(x, layer.kernel) + layer.bias
            else:
                x = layer(x)
        chosen = tf.reduce_sum(tf.gather(x, target, axis=1, batch_dims=1))
    return np.asarray(tape.gradient(chosen, inputs))


def trained_on(data: Dataset) -> tuple[Any, np.ndarray]:
    keras.utils.set_random_seed(0)
    images, labels = data.train
    model = convvision.create_model("conv_32_32")
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(images[:2000], labels[:2000], epochs=2, batch_size=64, verbose=0)
    return model, images[2000:2012]


@pytest.fixture(scope="module")
def trained() -> tuple[Any, np.ndarray]:
    return trained_on(convvision.load_dataset("drawn_fashion"))


@pytest.mark.parametrize("method", [saliency, integrated_gradients])
def test_gradients_depend_on_what_was_learnt(method: Any, trained: tuple[Any, np.ndarray]) -> None:
    found = sanity_check(*trained, method, cascade=False)
    assert abs(found.means[-1]) < 0.2


def test_guided_backprop_hardly_does(trained: tuple[Any, np.ndarray]) -> None:
    found = sanity_check(*trained, guided_backprop, cascade=False)
    assert found.means[-1] > 0.4


@pytest.mark.slow
@pytest.mark.realdata
def test_real_images_give_the_same_verdict(real_data_home: Path) -> None:
    trained = trained_on(convvision.load_dataset("fashion_mnist", data_home=real_data_home))
    assert abs(sanity_check(*trained, saliency, cascade=False).means[-1]) < 0.2
    assert abs(sanity_check(*trained, integrated_gradients, cascade=False).means[-1]) < 0.2
    assert sanity_check(*trained, guided_backprop, cascade=False).means[-1] > 0.4


def test_an_attribution_and_its_array_are_checked_alike(images: np.ndarray) -> None:
    model = build_foreign("branches")

    def as_array(model: Any, images: np.ndarray, target: np.ndarray) -> np.ndarray:
        found = saliency(model, images, target)
        assert isinstance(found, Attribution)
        return found.values

    np.testing.assert_array_equal(
        sanity_check(model, images, as_array).correlations, sanity_check(model, images).correlations
    )
