"""The report on filters against loops over all their outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.errors import InputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import extract_activations, filter_report
from foreign_models import FOREIGN, SHAPE, build_foreign


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((7, *SHAPE), np.float32)


def network(activation: str = "relu", *, filters: int = 5, bias: list[float] | None = None) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(filters, 3, activation=activation, name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    if bias is not None:
        model.get_layer("first").bias.assign(bias)
    return model


def test_a_filter_whose_bias_is_minus_a_thousand_is_the_only_dead_one(images: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    model = convvision.create_model("conv_16_16")
    # All others are far above what any kernel could pull below zero everywhere.
    for name in ("conv_1", "conv_2"):
        model.get_layer(name).bias.assign(np.full(16, 0.5))
    model.get_layer("conv_2").bias.assign(np.where(np.arange(16) == 11, -1000.0, 0.5))
    report = filter_report(model, np.random.default_rng(0).random((40, 28, 28, 1)), batch_size=16)
    assert [np.flatnonzero(layer.dead).tolist() for layer in report.layers] == [[], [11]]
    dead = report["conv_2"]
    assert dead.active[11] == dead.active_images[11] == dead.mean[11] == dead.maximum[11] == 0
    assert not dead.correlation[11].any()


@pytest.mark.parametrize("batch_size", [2, 7, 256])
def test_every_figure_is_that_of_a_loop_over_all_outputs(images: np.ndarray, batch_size: int) -> None:
    model = network()
    report = filter_report(model, images, batch_size=batch_size)
    for layer in extract_activations(model, images, "conv").layers:
        found, maps = report[layer.name], layer.maps.astype(np.float64)
        assert found.read_at == layer.name
        np.testing.assert_allclose(found.active, (maps > 0).mean(axis=(0, 1, 2)), atol=1e-12)
        np.testing.assert_array_equal(found.active_images, (maps > 0).any(axis=(1, 2)).mean(axis=0))
        np.testing.assert_allclose(found.mean, maps.mean(axis=(0, 1, 2)), rtol=1e-5)
        np.testing.assert_array_equal(found.maximum, maps.max(axis=(0, 1, 2)))
        height, width = maps.shape[1:3]
        # Four rows and columns, each in the middle of a quarter.
        rows, columns = (np.floor((np.arange(4) + 0.5) * side / 4).astype(int) for side in (height, width))
        sample = maps[:, rows][:, :, columns].reshape(-1, maps.shape[-1])
        with np.errstate(invalid="ignore"):
            expected = np.nan_to_num(np.corrcoef(sample.T))
        np.testing.assert_allclose(found.correlation, expected, atol=1e-5)
        kernels = np.asarray(model.get_layer(layer.name).kernel).reshape(-1, maps.shape[-1])
        lengths = np.linalg.norm(kernels, axis=0)
        np.testing.assert_allclose(found.kernel_similarity, kernels.T @ kernels / np.outer(lengths, lengths), atol=1e-6)


def test_a_filter_that_is_above_zero_everywhere_is_saturated_and_one_exception_is_enough(images: np.ndarray) -> None:
    model = network(bias=[0, 1000, 0, -1000, 0.1])
    found = filter_report(model, images, "first").layers[0]
    assert found.saturated[1]
    assert found.active[1] == 1
    assert found.dead[3]
    assert not found.saturated[3]
    # The largest bias with which one unit of all is not above zero.
    sums = extract_activations(network("linear"), images, "first").layers[0].maps[..., 0]
    model.get_layer("first").bias.assign([-float(sums.min()) - 1e-4, 0, 0, 0, 0])
    found = filter_report(model, images, "first").layers[0]
    assert found.active[0] == 1 - 1 / sums.size
    assert not found.saturated[0]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_a_bounded_activation_is_saturated_at_either_bound(activation: str, images: np.ndarray) -> None:
    found = filter_report(network(activation, bias=[0, 60, -60, 0, 0]), images, "first").layers[0]
    assert found.at_bound is not None
    np.testing.assert_array_equal(found.at_bound[[1, 2]], 1)
    # tanh is dead at its lower bound, where it is never above zero; sigmoid is always a little above.
    assert found.saturated.tolist() == [False, True, activation == "sigmoid", False, False]
    maps = extract_activations(network(activation, bias=[0, 60, -60, 0, 0]), images, "first").layers[0].maps
    near = (maps > 0.98) | (maps < -0.98) if activation == "tanh" else (maps > 0.99) | (maps < 0.01)
    np.testing.assert_allclose(found.at_bound, near.mean(axis=(0, 1, 2)), atol=1e-9)


@pytest.mark.parametrize("batch_size", [3, 256])
def test_outputs_that_are_large_and_hardly_differ_are_correlated_as_well(images: np.ndarray, batch_size: int) -> None:
    plain = filter_report(network("linear"), images, "first", batch_size=batch_size).layers[0]
    lifted = filter_report(network("linear", bias=[1000.0] * 5), images, "first", batch_size=batch_size).layers[0]
    np.testing.assert_allclose(lifted.correlation, plain.correlation, atol=1e-3)
    np.testing.assert_allclose(lifted.correlation.diagonal(), 1)


def test_a_filter_that_is_there_twice_is_found_whatever_its_scale(images: np.ndarray) -> None:
    model = network()
    first = model.get_layer("first")
    kernel = np.array(first.kernel)
    kernel[..., 3] = 2.5 * kernel[..., 1]
    first.kernel.assign(kernel)
    found = filter_report(model, images, "first").layers[0]
    assert (1, 3) in found.near_duplicates(1.0)
    assert found.near_duplicates(1.0) == [
        (a, b) for a in range(5) for b in range(a + 1, 5) if found.correlation[a, b] > 0.99999
    ]
    assert found.kernel_similarity is not None
    assert found.kernel_similarity[1, 3] == pytest.approx(1)
    pairs = found.near_duplicates(0.01)
    strengths = [found.correlation[pair] for pair in pairs]
    assert strengths == sorted(strengths, reverse=True)
    assert len(pairs) == (found.correlation[np.triu_indices(5, k=1)] >= 0.01).sum()


def test_a_convolution_is_read_behind_the_activation_that_follows(images: np.ndarray) -> None:
    report = filter_report(build_foreign("depthwise_and_grouped"), images)
    assert [layer.read_at.startswith("re_lu") for layer in report.layers] == [True, True, False]
    assert report.layers[0].read_at != report.layers[1].read_at
    # A filter of one group reads other channels than that of another, and a depthwise one its own alone.
    assert [layer.kernel_similarity is None for layer in report.layers] == [True, True, True]
    branches = filter_report(build_foreign("branches"), images)
    # What is added to another branch before its activation is read as it is.
    assert [layer.read_at == layer.name for layer in branches.layers] == [True, True, True]
    relu = filter_report(build_foreign("sequential_with_input"), images)
    assert relu.layers[1].read_at.startswith("re_lu")


def test_the_table_says_what_is_dead_and_what_is_alike() -> None:
    keras.utils.set_random_seed(0)
    model = convvision.models.conv((16, 16), name="mine")
    kernel = np.array(model.get_layer("conv_1").kernel)
    kernel[..., 9] = kernel[..., 2] = 1
    model.get_layer("conv_1").kernel.assign(kernel)
    model.get_layer("conv_1").bias.assign(np.where(np.arange(16) == 5, -1000.0, 0))
    report = filter_report(model, np.random.default_rng(0).random((30, 28, 28, 1)))
    text = str(report)
    assert text.splitlines()[0].split() == [
        *["layer", "filters", "dead", "saturated"],
        "near-duplicate",
        "pairs",
        "active",
    ]
    assert text.splitlines()[2].split()[:3] == ["conv_1", "16", str(int(report["conv_1"].dead.sum()))]
    assert "conv_1, dead: 5" in text
    assert "2 and 9 (1.00)" in text
    assert repr(report) == "<FilterReport of 'mine' over 30 images: conv_1, conv_2>"
    with pytest.raises(UnknownNameError, match=r"Unknown layer 'conv_3'. Did you mean"):
        report["conv_3"]


@pytest.mark.parametrize("name", FOREIGN)
def test_it_reports_on_models_of_others(name: str, images: np.ndarray) -> None:
    model = build_foreign(name)
    report = filter_report(model, images, batch_size=4)
    if name == "one_layer_called_twice":
        # Its name means its first call.
        assert [layer.name for layer in report.layers] == ["twice", "twice"]
        expected = extract_activations(model, images, "conv")
    else:
        expected = extract_activations(model, images, [layer.read_at for layer in report.layers])
    for found, layer in zip(report.layers, expected.layers, strict=True):
        np.testing.assert_allclose(found.active, (layer.maps > 0).mean(axis=(0, 1, 2)), atol=1e-6)


def test_what_cannot_be_reported_is_refused(images: np.ndarray) -> None:
    model = network()
    with pytest.raises(UnknownNameError, match="Did you mean 'second'"):
        filter_report(model, images, "secnd")
    with pytest.raises(InputError, match=r"Feature maps have the shape .* 'flatten"):
        filter_report(model, images, 4)
    with pytest.raises(ShapeError, match="image\\[None\\]"):
        filter_report(model, images[0])
    with pytest.raises(ValueRangeError, match="NaN"):
        filter_report(model, np.full((1, *SHAPE), np.nan))
    with pytest.raises(InputError, match="not connected yet"):
        filter_report(keras.Sequential([layers.Conv2D(2, 3)]), images)
    with pytest.raises(InputError, match=r"no conv layer with feature maps"):
        filter_report(convvision.create_model("dense_128"), np.ones((1, 28, 28, 1)))
    with pytest.raises(InputError, match=r"batch_size is a whole number"):
        filter_report(model, images, batch_size=0)
    for wrong in (0, 1.5, "0.9", True):
        with pytest.raises(InputError, match="threshold is a correlation"):
            filter_report(model, images).layers[0].near_duplicates(wrong)  # type: ignore[arg-type]
