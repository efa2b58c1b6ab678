"""The passes over a data set on networks of every family, against NumPy on the feature maps of all images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import convvision
from convvision.models import densenet
from convvision.visualize import class_mean_activations, extract_activations, filter_report, top_patches
from registered_models import settled

COUNT, CLASSES = 24, 4

# One that adds, one that normalises first, depthwise ones, one that concatenates, and one with layer normalisation.
FAMILIES: dict[str, Callable[[], Any]] = {
    name: (lambda name=name: convvision.create_model(name))
    for name in ("resnet_20", "preact_resnet_20", "mobile_small", "tiny_5k", "convmixer_small", "convnext_atto_28")
}
FAMILIES["densenet"] = lambda: densenet(depth=16, growth_rate=6)


@pytest.fixture(params=FAMILIES, scope="module")
def model(request: pytest.FixtureRequest) -> Any:
    keras.utils.set_random_seed(0)
    return settled(FAMILIES[request.param]())


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((COUNT, 28, 28, 1), np.float32)


def test_the_filter_report_is_that_of_all_outputs(model: Any, images: np.ndarray) -> None:
    report = filter_report(model, images, batch_size=10)
    names = list(dict.fromkeys(layer.read_at for layer in report.layers))
    activations = extract_activations(model, images, names)
    for layer in report.layers:
        maps = activations[layer.read_at].maps.astype(np.float64)
        largest = abs(maps).max()
        # What is nearly zero may fall on either side of it where a compiled graph rounds otherwise.
        doubtful = (abs(maps) < 1e-5 * largest) & (maps != 0)
        off = abs(layer.active - (maps > 0).mean(axis=(0, 1, 2)))
        assert (off <= doubtful.mean(axis=(0, 1, 2)) + 1e-9).all(), layer.name
        off = abs(layer.active_images - (maps > 0).any(axis=(1, 2)).mean(axis=0))
        assert (off <= doubtful.any(axis=(1, 2)).mean(axis=0) + 1e-9).all(), layer.name
        np.testing.assert_allclose(layer.mean, maps.mean(axis=(0, 1, 2)), atol=1e-5 * largest, err_msg=layer.name)
        np.testing.assert_allclose(layer.maximum, maps.max(axis=(0, 1, 2)), atol=1e-5 * largest, err_msg=layer.name)
        assert layer.at_bound is None
        grid = [np.floor((np.arange(4) + 0.5) * side / 4).astype(int) for side in maps.shape[1:3]]
        sample = maps[:, grid[0]][:, :, grid[1]].reshape(-1, maps.shape[-1])
        varies = sample.std(axis=0) > 1e-3 * largest
        expected = np.corrcoef(sample[:, varies].T)
        np.testing.assert_allclose(layer.correlation[np.ix_(varies, varies)], expected, atol=1e-3, err_msg=layer.name)


def test_the_mean_of_each_class_is_that_of_its_maps(model: Any, images: np.ndarray) -> None:
    labels = np.random.default_rng(1).integers(0, CLASSES, COUNT)
    means = class_mean_activations(model, images, labels, batch_size=10)
    activations = extract_activations(model, images, "conv")
    assert [layer.name for layer in means.layers] == [layer.name for layer in activations.layers]
    for found, layer in zip(means.layers, activations.layers, strict=True):
        expected = np.stack([layer.maps[labels == label].mean(axis=0) for label in range(CLASSES)])
        atol = 1e-5 * abs(layer.maps).max()
        np.testing.assert_allclose(found.maps, expected, atol=atol, err_msg=layer.name)
        whole = np.einsum("k,khwc->hwc", means.counts / COUNT, found.maps.astype(np.float64))
        np.testing.assert_allclose(whole, layer.maps.mean(axis=0), atol=atol, err_msg=layer.name)


def test_the_strongest_patches_are_those_of_sorting_everything(model: Any, images: np.ndarray) -> None:
    convolutions = extract_activations(model, images, "conv").layers
    for layer in (convolutions[0], convolutions[len(convolutions) // 2], convolutions[-1]):
        found = top_patches(model, images, layer.name, [0, 3], k=5, batch_size=10)
        strongest = layer.maps[..., [0, 3]].max(axis=(1, 2)).T
        atol = 1e-5 * abs(layer.maps).max()
        np.testing.assert_allclose(found.values, -np.sort(-strongest)[:, :5], atol=atol, err_msg=layer.name)
        for channel, indices, positions, values in zip(
            (0, 3), found.indices, found.positions, found.values, strict=True
        ):
            there = layer.maps[indices, positions[:, 0], positions[:, 1], channel]
            np.testing.assert_allclose(there, values, atol=atol, err_msg=layer.name)
