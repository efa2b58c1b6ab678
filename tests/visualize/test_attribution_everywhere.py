"""Every attribution on every model, with what has to hold wherever it is used: no side effects, little memory."""

from __future__ import annotations

import functools
import tracemalloc
from typing import Any

import keras
import matplotlib as mpl
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.errors import InputError
from convvision.visualize import (
    grad_cam,
    grad_cam_pp,
    integrated_gradients,
    layer_cam,
    occlusion,
    plot_attributions,
    saliency,
    score_cam,
    smoothgrad,
)
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import parametrised

METHODS: dict[str, Any] = {
    "saliency": saliency,
    "smoothgrad": functools.partial(smoothgrad, samples=2),
    "integrated_gradients": functools.partial(integrated_gradients, steps=4, rtol=None),
    "grad_cam": functools.partial(grad_cam, relu=False),
    "grad_cam_pp": functools.partial(grad_cam_pp, relu=False),
    "layer_cam": functools.partial(layer_cam, relu=False),
    "score_cam": functools.partial(score_cam, relu=False),
    "occlusion": functools.partial(occlusion, patch=5, stride=5),
}
OF_CONVOLUTIONS = {"grad_cam", "grad_cam_pp", "layer_cam", "score_cam"}


@parametrised()
def test_every_method_on_every_registered_model(name: str) -> None:
    keras.utils.set_random_seed(4)
    model = convvision.create_model(name)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    logits = saliency(model, images).logits
    has_maps = any("Conv" in layer.kind for layer in convvision.summary(model).layers)
    for method, compute in METHODS.items():
        if method in OF_CONVOLUTIONS and not has_maps:
            with pytest.raises(InputError, match="has no convolution"):
                compute(model, images)
            continue
        found = compute(model, images)
        assert found.method == method
        assert found.values.dtype == np.float32
        assert np.isfinite(found.values).all(), method
        assert (found.values != 0).any(axis=tuple(range(1, found.values.ndim))).all(), method
        assert found.targets.tolist() == logits.argmax(axis=1).tolist()
        np.testing.assert_allclose(found.logits, logits, atol=1e-4, err_msg=method)


@pytest.mark.parametrize("name", FOREIGN)
def test_every_method_on_models_as_users_write_them(name: str) -> None:
    model = build_foreign(name)
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    options = {"output": "kind"} if name == "several_heads" else {}
    if name == "half_precision":
        images = (255 * images).astype(np.uint8)
    before, weights = images.copy(), model.get_weights()
    activations = [getattr(layer, "activation", None) for layer in model.layers]
    for method, compute in METHODS.items():
        found = compute(model, images, 0, **options)
        assert np.isfinite(found.values).all(), method
        assert len(found.values) == 2
    np.testing.assert_array_equal(images, before)
    for left, right in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert [getattr(layer, "activation", None) for layer in model.layers] == activations


@pytest.mark.parametrize("name", FOREIGN)
def test_integrated_gradients_are_complete_on_models_as_users_write_them(name: str) -> None:
    if name == "half_precision":
        pytest.skip("eight bits of a gradient do not sum to a difference")
    model = build_foreign(name)
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    options: dict[str, Any] = {"output": "kind"} if name == "several_heads" else {}
    found = integrated_gradients(model, images, 0, **options)
    black = saliency(model, np.zeros_like(images), 0, **options).logits[:, 0]
    difference = found.logits[:, 0] - black
    missing = abs(found.values.sum(axis=(1, 2, 3)) - difference)
    assert (missing <= 1e-2 * np.maximum(abs(difference), 1)).all()


@pytest.mark.parametrize(
    "compute",
    [functools.partial(smoothgrad, samples=128), functools.partial(integrated_gradients, steps=128, rtol=None)],
)
def test_memory_grows_with_the_batch_and_not_with_the_points(compute: Any) -> None:
    model = keras.Sequential([keras.Input((64, 64, 1)), layers.Flatten(), layers.Dense(2)])
    images = np.random.default_rng(0).random((1, 64, 64, 1), np.float32)
    compute(model, images, batch_size=4)
    peaks = []
    for batch_size in (4, 128):
        tracemalloc.start()
        compute(model, images, batch_size=batch_size)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # All 128 variants of the image are 2.1 MB for each copy, those of a small batch are 0.07 MB.
    assert peaks[0] < 1e6
    assert peaks[1] > 2e6


def test_pictures_leave_the_settings_of_matplotlib_alone() -> None:
    model = build_foreign("branches")
    images = np.zeros((1, *SHAPE), np.float32)
    settings = dict(mpl.rcParams)
    found = [compute(model, images, 0) for compute in METHODS.values()]
    assert plot_attributions(*found)._repr_png_().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == settings
