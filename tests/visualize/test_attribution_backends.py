"""Gradients on every backend of Keras that is installed here, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

CALCULATED = """
import keras
import numpy as np
from keras import layers

from convvision.visualize import explain_unit, grad_cam, integrated_gradients, occlusion
from convvision.visualize import saliency, score_cam, smoothgrad

image = keras.Input((6, 5, 2))
inner = keras.Sequential([keras.Input((6, 5, 2)), layers.Conv2D(3, 3, activation="tanh", name="maps")], name="inner")
outputs = layers.Dense(4, activation="softmax", name="classes")(layers.GlobalAveragePooling2D()(inner(image)))
model = keras.Model(image, outputs)
images = np.random.default_rng(0).random((3, 6, 5, 2), np.float32)

maps = keras.ops.convert_to_numpy(inner(images))
kernel, bias = model.get_layer("classes").get_weights()
found = grad_cam(model, images, [2, 0, 3], relu=False)
expected = np.einsum("nhwc,cn->nhw", maps, kernel[:, [2, 0, 3]]) / maps[0, ..., 0].size
np.testing.assert_allclose(found.values, expected, atol=1e-6)
np.testing.assert_allclose(found.logits, maps.mean(axis=(1, 2)) @ kernel + bias, atol=1e-5)

linear = keras.Sequential([keras.Input((6, 5, 2)), layers.Flatten(), layers.Dense(4, activation="sigmoid")])
weights = linear.get_weights()[0].T.reshape(4, 6, 5, 2)
for method, exact in (
    (saliency, weights[[1] * 3]),
    (smoothgrad, weights[[1] * 3]),
    (integrated_gradients, weights[1] * images),
):
    np.testing.assert_allclose(method(linear, images, 1).values, exact, atol=1e-5)
covered = occlusion(linear, images, 1, patch=1, stride=1)
np.testing.assert_allclose(covered.values, (weights[1] * images).sum(-1), atol=1e-5)
constant = keras.Model(image, keras.ops.stop_gradient(outputs))
assert (saliency(constant, images, 1).values == 0).all()
assert np.isfinite(score_cam(model, images).values).all()
unit = explain_unit(model, images[0], "inner/maps", 1, (2, 1))
np.testing.assert_allclose(unit.activation, maps[0, 2, 1, 1], atol=1e-5)
print("calculated on", keras.config.backend())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_attributions_are_those_that_can_be_calculated(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", CALCULATED], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.strip().endswith(f"calculated on {backend}"), done.stderr[-2000:]
