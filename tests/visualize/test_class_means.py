"""Class means and selectivity against loops over the images of each class."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import convvision
from convvision.errors import InputError, LabelError, UnknownNameError
from convvision.visualize import class_mean_activations, extract_activations
from convvision.visualize._class_means import LayerClassMeanActivations
from foreign_models import FOREIGN, SHAPE, build_foreign

LABELS = np.array([2, 0, 0, 2, 1, 2, 0, 2, 1, 2, 2])


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((11, *SHAPE), np.float32)


@pytest.mark.parametrize("name", FOREIGN)
def test_each_class_has_the_mean_of_its_images_in_every_model(name: str, images: np.ndarray) -> None:
    model = build_foreign(name)
    means = class_mean_activations(model, images, LABELS, "spatial", batch_size=4)
    assert means.counts.tolist() == [3, 2, 6]
    for found, layer in zip(means.layers, extract_activations(model, images, "spatial").layers, strict=True):
        assert found.name == layer.name
        expected = [layer.maps[label == LABELS].mean(axis=0) for label in range(3)]
        np.testing.assert_allclose(found.maps, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [3, 11, 500])
def test_class_means_weighted_by_counts_give_the_global_mean(images: np.ndarray, batch_size: int) -> None:
    model = build_foreign("branches")
    means = class_mean_activations(model, images, LABELS, batch_size=batch_size)
    for layer in means.layers:
        weighted = np.einsum("k,khwc->hwc", means.counts / means.counts.sum(), layer.maps)
        everything = extract_activations(model, images, [layer.name]).layers[0].maps
        np.testing.assert_allclose(weighted, everything.mean(axis=0), atol=1e-5)
    weighted = np.einsum("k,khwc->hwc", means.counts / means.counts.sum(), means.images)
    np.testing.assert_allclose(weighted, images.mean(axis=0), atol=1e-6)


def test_selectivity_is_that_of_the_paper() -> None:
    # Mean outputs of three classes: one that answers class 1 alone, one that answers all alike, a dead one, and
    # (6 − (2 + 1) / 2) / (6 + (2 + 1) / 2) = 0.6.
    of_channels = np.array([[0, 3, 0, 2], [5, 3, 0, 6], [0, 3, 0, 1]], np.float32)
    maps = np.broadcast_to(of_channels[:, None, None], (3, 2, 5, 4)).copy()
    found = LayerClassMeanActivations("conv", maps)
    np.testing.assert_allclose(found.selectivity, [1, 0, 0, 0.6])
    assert found.preferred.tolist() == [1, 0, 0, 1]
    # What averages to the same is the same, wherever it is.
    maps[:, 0] *= 2
    maps[:, 1] = 0
    np.testing.assert_allclose(LayerClassMeanActivations("conv", maps).selectivity, [1, 0, 0, 0.6])
    with_a_class_without_images = np.concatenate([np.full((1, 2, 5, 4), np.nan, np.float32), maps])
    found = LayerClassMeanActivations("conv", with_a_class_without_images)
    np.testing.assert_allclose(found.selectivity, [1, 0, 0, 0.6])
    assert found.preferred.tolist() == [2, 1, 1, 2]
    assert LayerClassMeanActivations("conv", -maps).selectivity.tolist() == [0, 0, 0, 0]


def test_a_class_without_images_has_no_mean(images: np.ndarray) -> None:
    means = class_mean_activations(
        build_foreign("branches"), images, LABELS, "stem", class_names=["bag", "coat", "shirt", "boot"]
    )
    assert means.class_names == ("bag", "coat", "shirt", "boot")
    assert means.counts.tolist() == [3, 2, 6, 0]
    assert np.isnan(means["stem"].maps[3]).all()
    assert np.isnan(means.images[3]).all()
    assert np.isfinite(means["stem"].selectivity).all()
    assert repr(means) == "<ClassMeanActivations of 4 classes over 11 images: stem (12, 10, 4)>"


def test_labels_that_are_none_are_refused(images: np.ndarray) -> None:
    model = build_foreign("branches")
    for wrong, message in (
        (LABELS[:4], r"shape \(11,\)"),
        (LABELS.astype(float), "dtype float64"),
        (LABELS - 1, "Received: -1 at position 1"),
    ):
        with pytest.raises(LabelError, match=message):
            class_mean_activations(model, images, wrong)
    with pytest.raises(LabelError, match=r"from 0 to 1\. Received: 2"):
        class_mean_activations(model, images, LABELS, class_names=["a", "b"])
    with pytest.raises(InputError, match="class names: at least one"):
        class_mean_activations(model, images, LABELS, class_names=[])
    with pytest.raises(UnknownNameError, match="Did you mean 'stem'"):
        class_mean_activations(model, images, LABELS, "stm")


def test_uint8_images_are_summed_without_overflow() -> None:
    keras.utils.set_random_seed(0)
    model = convvision.create_model("conv_16_16")
    images = np.full((300, 28, 28, 1), 255, np.uint8)
    means = class_mean_activations(model, images, np.zeros(300, int), "conv_1")
    np.testing.assert_allclose(means.images, 255)
    expected = extract_activations(model, images[:1], "conv_1").layers[0].maps
    np.testing.assert_allclose(means["conv_1"].maps, expected, rtol=1e-5)
