"""What a run says about images: from arrays on any scale it knows, and from files."""

from __future__ import annotations

import dataclasses
import gc
import json
import logging
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from convvision.datasets import Dataset, Scaling, find_label_issues
from convvision.errors import CorruptDataError, DataNotFoundError, InputError, ShapeError, ValueRangeError
from convvision.training import Prediction, Predictions, Predictor, Recipe, Run, load_run, train
from convvision.training._views import Views

CLASS_NAMES = ("top left", "top right", "bottom left", "bottom right")


@pytest.fixture(scope="module")
def standard_run(make_data: Callable[..., Dataset], make_dense: Callable[..., keras.Model]) -> Run:
    return train(make_dense(), make_data(scale="standard"), Recipe("one", epochs=1), verbose=0)


@pytest.fixture(scope="module")
def logits_run(data: Dataset, make_dense: Callable[..., keras.Model]) -> Run:
    return train(make_dense(classifier_activation=None), data, Recipe("one", epochs=1), verbose=0)


@pytest.fixture
def pixels(raw_data: Dataset) -> np.ndarray:
    return raw_data.test.images


@pytest.fixture
def files(pixels: np.ndarray, tmp_path: Path) -> list[Path]:
    """Three of the test images as PNG files."""
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, image in zip(paths, pixels, strict=False):
        Image.fromarray(image[..., 0]).save(path)
    return paths


def by_hand(run: Run, scaled: np.ndarray) -> np.ndarray:
    """Probabilities in float64, from the model called as Keras calls it."""
    outputs = np.asarray(run.model(scaled), np.float64)
    if np.allclose(outputs.sum(axis=1), 1, atol=1e-4):
        return outputs
    raised = np.exp(outputs)
    return raised / raised.sum(axis=1, keepdims=True)


# Arrays


def test_raw_pixels_and_scaled_floats_give_the_same(run: Run, pixels: np.ndarray) -> None:
    of_pixels = run.predict(pixels).probabilities
    of_floats = run.predict(pixels.astype(np.float32) / np.float32(255)).probabilities
    np.testing.assert_array_equal(of_pixels, of_floats)
    np.testing.assert_allclose(of_pixels, by_hand(run, pixels / 255), atol=1e-6)


def test_a_run_of_standardised_images_scales_with_the_training_images_figures(
    standard_run: Run, raw_data: Dataset, pixels: np.ndarray
) -> None:
    training = raw_data.train.images / 255
    scaled = ((pixels / 255 - training.mean()) / training.std()).astype(np.float32)
    of_pixels = standard_run.predict(pixels).probabilities
    np.testing.assert_allclose(of_pixels, standard_run.predict(scaled).probabilities, atol=1e-6)
    np.testing.assert_allclose(of_pixels, by_hand(standard_run, scaled), atol=1e-5)
    # Scaled to [0, 1] alone they would be others.
    assert not np.allclose(of_pixels, by_hand(standard_run, pixels / 255), atol=1e-2)


def test_logits_become_probabilities(logits_run: Run, pixels: np.ndarray) -> None:
    probabilities = logits_run.predict(pixels).probabilities
    np.testing.assert_allclose(probabilities, by_hand(logits_run, pixels / 255), atol=1e-6)


def test_logits_of_any_size_become_probabilities(logits_run: Run, pixels: np.ndarray) -> None:
    model = keras.models.clone_model(logits_run.model)
    model.get_layer("classifier").set_weights([np.zeros((8, 4)), np.array([1e4, 1e4, -1e4, 0])])
    found = Run(model, *[getattr(logits_run, name) for name in ("recipe", "data", "seed")], {}, [], {}).predict(pixels)
    np.testing.assert_array_equal(found.probabilities[0], [0.5, 0.5, 0, 0])


@pytest.mark.parametrize("which", ["run", "standard_run", "logits_run"])
def test_probabilities_are_float32_and_sum_to_one(
    which: str, pixels: np.ndarray, request: pytest.FixtureRequest
) -> None:
    probabilities = request.getfixturevalue(which).predict(pixels).probabilities
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (60, 4)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_one_image_is_predicted_as_among_others(run: Run, pixels: np.ndarray) -> None:
    all_at_once = run.predict(pixels).probabilities
    one_by_one = np.concatenate([run.predict(pixels[i : i + 1]).probabilities for i in range(len(pixels))])
    np.testing.assert_allclose(one_by_one, all_at_once, atol=1e-6)


def test_ten_thousand_images_are_more_than_one_batch_and_keras_traces_no_graph_of_its_own(
    run: Run, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trace(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a graph is traced")

    for name in ("make_predict_function", "predict"):
        monkeypatch.setattr(keras.Model, name, trace)
    said: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = said.append  # type: ignore[method-assign]
    logging.getLogger("tensorflow").addHandler(handler)
    try:
        many = np.tile(pixels, (167, 1, 1, 1))[:10_000]
        found = run.predict(many)
        run.predict(pixels[:1])
    finally:
        logging.getLogger("tensorflow").removeHandler(handler)
    assert len(found) == 10_000
    np.testing.assert_allclose(found.probabilities[9960:], found.probabilities[:40], atol=1e-6)
    assert said == []


def test_images_are_not_changed(run: Run, standard_run: Run, pixels: np.ndarray) -> None:
    floats = pixels.astype(np.float32) / 255
    before = pixels.copy(), floats.copy()
    for one in (run, standard_run):
        one.predict(pixels)
        one.predict(floats)
    np.testing.assert_array_equal(pixels, before[0])
    np.testing.assert_array_equal(floats, before[1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pixels_as_floats_are_refused_with_the_way_out(dtype: type, run: Run, pixels: np.ndarray) -> None:
    with pytest.raises(
        ValueRangeError, match=r"on the scale 'unit'.* Received: values from .*images\.astype\('uint8'\)"
    ):
        run.predict(pixels.astype(dtype))


def test_pixels_as_floats_are_refused_by_a_run_of_standardised_images(standard_run: Run, pixels: np.ndarray) -> None:
    with pytest.raises(ValueRangeError, match=r"on the scale 'standard'.*images\.astype\('uint8'\)"):
        standard_run.predict(pixels.astype(np.float32))


def test_other_integers_are_refused(run: Run, pixels: np.ndarray) -> None:
    with pytest.raises(ValueRangeError, match=r"Received: dtype int64\. Use images\.astype\('uint8'\)"):
        run.predict(pixels.astype(np.int64))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused_with_the_image_that_holds_it(value: float, run: Run, pixels: np.ndarray) -> None:
    images = pixels / 255
    images[7, 3, 3, 0] = value
    with pytest.raises(ValueRangeError, match=r"1 pixels that are NaN or infinite, the first in image 7\..*nan_to_num"):
        run.predict(images)


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((5, 12, 12), r"Received: shape \(5, 12, 12\)\. Add the channel axis to grey images, images\[\.\.\., None\]"),
        ((12, 12, 1), r"or the first to a single image, image\[None\]"),
        ((12, 12), r"Add both axes to a single grey image: image\[None, \.\.\., None\]"),
        ((5, 28, 28, 1), r"the shape \(N, 12, 12, 1\) here\. Received: shape \(5, 28, 28, 1\)"),
        ((5, 12, 12, 3), r"the shape \(N, 12, 12, 1\) here\. Received: shape \(5, 12, 12, 3\)"),
        ((0, 12, 12, 1), r"at least one image"),
    ],
)
def test_another_shape_is_refused_with_advice(shape: tuple[int, ...], advice: str, run: Run) -> None:
    with pytest.raises(ShapeError, match=advice):
        run.predict(np.zeros(shape, np.uint8))


def test_no_images_at_all(run: Run) -> None:
    with pytest.raises(ShapeError, match=r"Received: shape \(0,\)"):
        run.predict([])


# Files


def test_files_are_read_as_the_arrays_they_hold(run: Run, files: list[Path], pixels: np.ndarray) -> None:
    expected = run.predict(pixels[:3]).probabilities
    for paths in (files, tuple(files), [str(path) for path in files]):
        np.testing.assert_array_equal(run.predict(paths).probabilities, expected)


def test_one_file_is_one_image(run: Run, files: list[Path], pixels: np.ndarray) -> None:
    expected = run.predict(pixels[1:2]).probabilities
    for path in (files[1], str(files[1])):
        np.testing.assert_array_equal(run.predict(path).probabilities, expected)


def test_a_large_colour_picture_is_made_to_fit(run: Run, pixels: np.ndarray, tmp_path: Path) -> None:
    large = Image.fromarray(pixels[2, ..., 0]).resize((120, 120), Image.Resampling.NEAREST).convert("RGB")
    large.save(tmp_path / "large.png")
    found = run.predict(tmp_path / "large.png").probabilities
    np.testing.assert_allclose(found, run.predict(pixels[2:3]).probabilities, atol=0.05)


def test_files_for_a_run_of_standardised_images(standard_run: Run, files: list[Path], pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(
        standard_run.predict(files).probabilities, standard_run.predict(pixels[:3]).probabilities
    )


def test_a_file_that_is_not_there_is_named(run: Run, files: list[Path]) -> None:
    with pytest.raises(DataNotFoundError, match=r"no image file .*missing\.png"):
        run.predict([files[0], files[0].with_name("missing.png")])


def test_a_file_that_is_no_image_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear reader")
    with pytest.raises(CorruptDataError, match=r"letter\.png cannot be read as an image"):
        run.predict(tmp_path / "letter.png")


# Views, and a model that does not stay as it was


@pytest.fixture
def viewed(run: Run) -> Run:
    """The same model under a recipe of several views."""
    return dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, views="flip_shift"))


def test_views_are_those_of_the_recipe_unless_others_are_asked_for(run: Run, viewed: Run, pixels: np.ndarray) -> None:
    scaled = (pixels / 255).astype(np.float32)
    both = np.log(by_hand(run, scaled)) + np.log(by_hand(run, scaled[:, :, ::-1]))
    mean = np.exp(both / 2) / np.exp(both / 2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(run.predict(pixels, views="flip").probabilities, mean, atol=1e-6)
    np.testing.assert_allclose(viewed.predict(pixels, views="flip").probabilities, mean, atol=1e-6)
    expected = Predictor(run.model, views="flip_shift")(scaled)
    np.testing.assert_array_equal(viewed.predict(pixels).probabilities, expected)
    assert not np.allclose(run.predict(pixels).probabilities, expected, atol=1e-3)
    np.testing.assert_array_equal(viewed.predict(pixels, views="one").probabilities, run.predict(pixels).probabilities)


@pytest.mark.parametrize(("asked", "shown"), [("flip", "one"), ("flip_shift", "shift")])
def test_digits_are_never_mirrored(asked: Views, shown: Views, run: Run, viewed: Run, pixels: np.ndarray) -> None:
    digits = dataclasses.replace(run, data=dataclasses.replace(run.data, mirrored=False))
    expected = run.predict(pixels, views=shown).probabilities
    np.testing.assert_array_equal(digits.predict(pixels, views=asked).probabilities, expected)
    recipe = dataclasses.replace(run.recipe, views=asked)
    by_recipe = dataclasses.replace(digits, recipe=recipe).predict(pixels).probabilities
    np.testing.assert_array_equal(by_recipe, expected)


def test_all_that_a_run_measures_uses_the_views_of_its_recipe(run: Run, viewed: Run, data: Dataset) -> None:
    labels = data.test.labels
    probabilities = viewed.predict(data.test.images).probabilities
    measured = viewed.evaluate(data)
    assert measured["test_accuracy"] == pytest.approx((probabilities.argmax(axis=1) == labels).mean())
    loss = -np.log(probabilities[np.arange(len(labels)), labels].astype(np.float64)).mean()
    assert measured["test_loss"] == pytest.approx(loss, rel=1e-5)
    assert measured["test_loss"] != run.evaluate(data)["test_loss"]
    np.testing.assert_array_equal(viewed.confusion(data).probabilities, probabilities)
    issues = find_label_issues(labels, probabilities)
    np.testing.assert_array_equal(viewed.label_issues(data).joint, issues.joint)


def test_a_training_is_tested_with_the_views_of_its_recipe(data: Dataset, make_dense: Callable[..., Any]) -> None:
    run = train(make_dense(), data, Recipe("viewed", epochs=1, views="shift"), verbose=0)
    assert {name: run.metrics[name] for name in ("test_accuracy", "test_loss")} == run.evaluate(data)
    assert run.evaluate(data) != dataclasses.replace(run, recipe=Recipe("one")).evaluate(data)


def test_a_saved_run_keeps_its_views_and_whether_it_may_mirror(viewed: Run, tmp_path: Path, pixels: np.ndarray) -> None:
    digits = dataclasses.replace(viewed, data=dataclasses.replace(viewed.data, mirrored=False))
    loaded = load_run(digits.save(tmp_path / "run"))
    assert loaded.recipe.views == "flip_shift"
    assert loaded.data.mirrored is False
    np.testing.assert_array_equal(loaded.predict(pixels).probabilities, digits.predict(pixels).probabilities)


def test_a_run_that_was_saved_before_there_were_views_has_one(saved: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(saved, tmp_path / "older"))
    facts = json.loads((older / "run.json").read_text())
    del facts["recipe"]["views"], facts["data"]["mirrored"]
    (older / "run.json").write_text(json.dumps(facts))
    loaded = load_run(older)
    assert (loaded.recipe.views, loaded.data.mirrored) == ("one", None)


def test_views_of_another_name_are_refused(run: Run, pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"views is 'one' or .* Received: views='both'"):
        run.predict(pixels, views="both")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"views is 'one' or .* Received: views='both'"):
        Recipe("bad", views="both")  # type: ignore[arg-type]


def test_a_model_that_is_trained_on_predicts_as_it_is_now(
    data: Dataset, make_conv: Callable[..., keras.Model], pixels: np.ndarray
) -> None:
    run = train(make_conv(), data, epochs=1, verbose=0)
    before = run.predict(pixels).probabilities
    run.model.fit(*data.train, epochs=1, verbose=0)
    after = run.predict(pixels).probabilities
    assert not np.allclose(before, after, atol=1e-3)
    np.testing.assert_allclose(after, by_hand(run, pixels / 255), atol=1e-6)
    run.model = make_conv()
    np.testing.assert_allclose(run.predict(pixels).probabilities, by_hand(run, pixels / 255), atol=1e-6)


def test_a_run_is_copied_and_forgotten_as_if_it_had_not_predicted(run: Run, pixels: np.ndarray) -> None:
    other = dataclasses.replace(run)
    other.predict(pixels)
    assert vars(other).keys() == vars(run).keys()
    forgotten = weakref.ref(other)
    del other
    gc.collect()
    assert forgotten() is None


# Names and probabilities


@pytest.fixture
def predictions() -> Predictions:
    probabilities = np.array([[0.1, 0.2, 0.6, 0.1], [0.7, 0.0, 0.05, 0.25]], np.float32)
    return Predictions(probabilities, CLASS_NAMES)


def test_the_likeliest_class_of_each_image(predictions: Predictions) -> None:
    assert [prediction.class_name for prediction in predictions] == ["bottom left", "top left"]
    assert [prediction.probability for prediction in predictions] == pytest.approx([0.6, 0.7])
    assert predictions.labels.tolist() == [2, 0]
    assert len(predictions) == 2


def test_they_are_shown_on_one_line(predictions: Predictions) -> None:
    assert repr(predictions) == "<Predictions of 2 images: bottom left (60.0%), top left (70.0%)>"
    assert repr(Predictions(predictions.probabilities[:0], CLASS_NAMES)) == "<Predictions of 0 images>"
    many = Predictions(np.repeat(predictions.probabilities, 600, axis=0), CLASS_NAMES)
    assert repr(many) == f"<Predictions of 1,200 images: {', '.join(['bottom left (60.0%)'] * 3)}, …>"


@pytest.mark.parametrize("index", [1, -1])
def test_one_of_them(index: int, predictions: Predictions) -> None:
    assert predictions[index].class_name == "top left"
    assert str(predictions[index]) == "top left (70.0%)"


def test_top_is_in_descending_order_and_never_more_than_classes(predictions: Predictions) -> None:
    first, second = predictions.top(3)
    assert [one.class_name for one in first] == ["bottom left", "top right", "top left"]
    assert [one.class_name for one in second] == ["top left", "bottom right", "bottom left"]
    assert [one.probability for one in second] == pytest.approx([0.7, 0.25, 0.05])
    assert [len(row) for row in predictions.top(10)] == [4, 4]
    assert isinstance(first[0], Prediction)
    assert type(first[0].probability) is float


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_top_needs_a_count(count: Any, predictions: Predictions) -> None:
    with pytest.raises(InputError, match=rf"count is a whole number of at least 1\. Received: count={count}"):
        predictions.top(count)


def test_names_are_those_of_the_data(run: Run, pixels: np.ndarray) -> None:
    found = run.predict(pixels)
    assert found.class_names == CLASS_NAMES
    best = by_hand(run, pixels / 255).argmax(axis=1)
    assert [prediction.class_name for prediction in found] == [CLASS_NAMES[label] for label in best]


def test_a_scaling_without_a_scale_leaves_pixels_as_they_are(
    raw_data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    run = train(make_dense(), raw_data, Recipe("one", learning_rate=1e-5, epochs=1), verbose=0)
    assert run.data.scaling.scale is None
    pixels = raw_data.test.images
    np.testing.assert_allclose(run.predict(pixels).probabilities, by_hand(run, pixels.astype(np.float32)), atol=1e-6)
    assert Scaling().apply(pixels) is pixels
