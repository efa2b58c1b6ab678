"""Deletion and insertion on models whose answer to a missing pixel can be calculated."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.errors import InputError, LabelError, ShapeError
from convvision.visualize import (
    Attribution,
    deletion_curve,
    grad_cam,
    insertion_curve,
    plot_attribution_curves,
    saliency,
    sanity_check,
)
from counting import Counting
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import parametrised

PIXELS = SHAPE[0] * SHAPE[1]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, *SHAPE), np.float32)


def linear_model(activation: str | None = "softmax") -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(4, activation=activation)])
    model.layers[-1].bias.assign([0.3, -1, 2, 0.5])
    return model


def contributions(model: Any, images: np.ndarray, targets: list[int]) -> Attribution:
    """The product of weight and pixel: what a linear model's logit is made of."""
    weights = np.asarray(model.layers[-1].kernel).T.reshape(-1, *SHAPE)
    return dataclasses.replace(saliency(model, images, targets), values=weights[targets] * images)


def test_a_linear_model_loses_and_gains_the_sorted_contributions(images: np.ndarray) -> None:
    model, targets = linear_model(), [2, 0, 1]
    perfect = contributions(model, images, targets)
    bias = np.array([2, 0.3, -1])[:, None]
    ordered = -np.sort(-perfect.maps.reshape(3, -1), axis=1)
    put_in = np.concatenate([np.zeros((3, 1)), np.cumsum(ordered, axis=1)], axis=1)
    inserted = insertion_curve(model, perfect, steps=PIXELS)
    np.testing.assert_allclose(inserted.logits, bias + put_in, atol=1e-4)
    deleted = deletion_curve(model, perfect, steps=PIXELS)
    np.testing.assert_allclose(deleted.logits, bias + put_in[:, -1:] - put_in, atol=1e-4)
    np.testing.assert_allclose(deleted.fractions, np.arange(PIXELS + 1) / PIXELS)
    # A part of the steps gives a part of the points.
    few = deletion_curve(model, perfect, steps=12)
    np.testing.assert_allclose(few.logits, deleted.logits[:, :: PIXELS // 12], atol=1e-5)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None])
def test_probabilities_and_their_area(activation: str | None, images: np.ndarray) -> None:
    model = linear_model(activation)
    perfect = contributions(model, images, [2, 0, 1])
    found = deletion_curve(model, perfect, steps=5, baseline=0.5)
    ranks = np.argsort(np.argsort(-perfect.maps.reshape(3, -1), axis=1, kind="stable"), axis=1).reshape(3, *SHAPE[:2])
    for point in range(6):
        shown = np.where((ranks < point * PIXELS / 5)[..., None], 0.5, images)
        outputs = np.asarray(model(shown))
        if activation is None:
            outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found.probabilities[:, point], outputs[range(3), [2, 0, 1]], atol=1e-5)
    by_hand = [sum((row[i] + row[i + 1]) / 2 / 5 for i in range(5)) for row in found.probabilities]
    np.testing.assert_allclose(found.auc, by_hand, rtol=1e-6)


def test_a_perfect_map_beats_a_random_one_and_its_opposite(images: np.ndarray) -> None:
    model = linear_model()
    perfect = contributions(model, images, [2, 0, 1])
    random = dataclasses.replace(perfect, values=np.random.default_rng(1).normal(size=images.shape).astype(np.float32))
    opposite = dataclasses.replace(perfect, values=-perfect.values)
    deleted = [deletion_curve(model, one).auc for one in (perfect, random, opposite)]
    inserted = [insertion_curve(model, one).auc for one in (perfect, random, opposite)]
    assert (deleted[0] < deleted[1]).all()
    assert (deleted[1] < deleted[2]).all()
    assert (inserted[0] > inserted[1]).all()
    assert (inserted[1] > inserted[2]).all()


def test_of_equal_pixels_the_first_in_reading_order_goes_first(images: np.ndarray) -> None:
    model = linear_model()
    flat = dataclasses.replace(saliency(model, images, 0), values=np.zeros_like(images))
    found = deletion_curve(model, flat, steps=SHAPE[0])
    for point in range(SHAPE[0] + 1):
        rest = images.copy()
        # A row a step.
        rest[:, :point] = 0
        np.testing.assert_allclose(found.logits[:, point], saliency(model, rest, 0).logits[:, 0], atol=1e-5)


def test_maps_of_a_layer_are_stretched_to_the_image(images: np.ndarray) -> None:
    model = build_foreign("branches")
    corner = np.zeros((3, 3, 2), np.float32)
    corner[:, 0, 0] = 1
    coarse = dataclasses.replace(grad_cam(model, images, 0), values=corner)
    # The upper left sixth of the pixels is nearest to the one place that counts.
    found = insertion_curve(model, coarse, steps=PIXELS)
    only_corner = np.zeros_like(images)
    only_corner[:, 0, 0] = images[:, 0, 0]
    np.testing.assert_allclose(found.logits[:, 1], saliency(model, only_corner, 0).logits[:, 0], atol=1e-5)


def test_images_are_made_batch_by_batch(images: np.ndarray) -> None:
    counting = Counting()
    model = keras.Sequential([keras.Input(SHAPE), counting, layers.Flatten(), layers.Dense(4)])
    attribution = saliency(model, images)
    passes, count = counting.seen()
    deletion_curve(model, attribution, steps=20, batch_size=32)
    assert counting.seen() == (passes + 2, count + 3 * 21)


@pytest.mark.parametrize("name", FOREIGN)
def test_every_model_has_curves_between_the_image_and_the_baseline(name: str, images: np.ndarray) -> None:
    model = build_foreign(name)
    options: dict[str, Any] = {"output": "kind"} if name == "several_heads" else {}
    attribution = saliency(model, images, 0, **options)
    empty = saliency(model, np.full_like(images, 0.25), 0, **options).logits[:, 0]
    deleted = deletion_curve(model, attribution, baseline=0.25, **options)
    inserted = insertion_curve(model, attribution, baseline=0.25, **options)
    for first, last, curve in ((attribution.logits[:, 0], empty, deleted), (empty, attribution.logits[:, 0], inserted)):
        np.testing.assert_allclose(curve.logits[:, 0], first, atol=1e-4)
        np.testing.assert_allclose(curve.logits[:, -1], last, atol=1e-4)
        assert curve.fractions[[0, -1]].tolist() == [0, 1]


@parametrised(large=False)
def test_every_registered_model_has_curves_and_can_be_checked(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = convvision.create_model(name)
    pictures = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    curve = deletion_curve(model, saliency(model, pictures), steps=4)
    assert curve.probabilities.shape == (2, 5)
    np.testing.assert_allclose(curve.logits[:, 0], saliency(model, pictures).logits.max(axis=1), atol=1e-5)
    # Another set of random weights explains little of the first, though both nets are built alike.
    assert abs(sanity_check(model, pictures, cascade=False).means[0]) < 0.4


def test_neither_the_model_nor_the_attribution_is_changed(images: np.ndarray) -> None:
    model = build_foreign("branches")
    attribution = saliency(model, images)
    weights, values, before = model.get_weights(), attribution.values.copy(), images.copy()
    deletion_curve(model, attribution)
    assert all(np.array_equal(old, new) for old, new in zip(weights, model.get_weights(), strict=True))
    np.testing.assert_array_equal(attribution.values, values)
    np.testing.assert_array_equal(images, before)


def test_what_cannot_be_drawn_along_is_refused(images: np.ndarray) -> None:
    model = linear_model()
    attribution = saliency(model, images, 3)
    wrong: Any = attribution.values
    with pytest.raises(InputError, match="Expected an attribution, as saliency or grad_cam"):
        deletion_curve(model, wrong)
    with pytest.raises(InputError, match=f"steps is at most {PIXELS}. Received: steps=500"):
        insertion_curve(model, attribution, steps=500)
    with pytest.raises(InputError, match="steps is a whole number"):
        deletion_curve(model, attribution, steps=0)
    with pytest.raises(ShapeError, match="baseline is a number, one image"):
        deletion_curve(model, attribution, baseline=np.zeros(3))
    with pytest.raises(LabelError, match="an attribution of class 3; is it of another model"):
        deletion_curve(build_foreign("branches"), attribution)
    with pytest.raises(ShapeError, match=r"\(N, 28, 28, 1\)"):
        deletion_curve(convvision.create_model("conv_16_16"), attribution)


def test_the_picture_has_a_panel_a_kind_and_a_line_a_method(images: np.ndarray) -> None:
    model = linear_model()
    attribution = saliency(model, images)
    deleted, inserted = deletion_curve(model, attribution), insertion_curve(model, attribution)
    display = plot_attribution_curves(deleted, inserted, deleted, labels=["one", "one", "two"])
    assert [axes.get_title() for axes in display.axes_[0]] == [
        "deletion: lower is better",
        "insertion: higher is better",
    ]
    left, right = display.axes_[0]
    np.testing.assert_allclose(left.lines[0].get_ydata(), deleted.probabilities.mean(axis=0))
    assert [text.get_text() for text in left.get_legend().get_texts()] == [
        f"{name}  {deleted.auc.mean():.2f}" for name in ("one", "two")
    ]
    # One colour a label, in both panels.
    assert left.lines[0].get_color() == right.lines[0].get_color() != left.lines[1].get_color()
    assert plot_attribution_curves(inserted).axes_.shape == (1, 1)
    with pytest.raises(InputError, match="at least one curve"):
        plot_attribution_curves()
    with pytest.raises(InputError, match="Expected 1 labels, one a curve"):
        plot_attribution_curves(deleted, labels=["a", "b"])
    assert repr(deleted).startswith("<AttributionCurve: deletion by saliency, 3 images, 57 points, mean auc=0.")
