"""The explorer in a browser: what it computes against Keras, and what one can do in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import convvision
from convvision.datasets import draw_fashion
from convvision.visualize import (
    RecordedLayer,
    Recording,
    explain_unit,
    export_explorer,
    extract_activations,
    receptive_field,
)
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import parametrised, settled

pytestmark = pytest.mark.browser

CLASSES = [f"class {index}" for index in range(10)]


@pytest.fixture(scope="module")
def images(request: pytest.FixtureRequest) -> np.ndarray:
    """Ten images of Fashion-MNIST where it is on this machine, else ten that the library draws."""
    try:
        home = request.getfixturevalue("real_data_home")
    except pytest.skip.Exception:
        return draw_fashion(10).images / np.float32(255)
    return convvision.load_dataset("fashion_mnist", data_home=home, download=False).test.images[:10]


def spread(model: Any, seed: int = 0) -> Any:
    """Give a model weights of the size that a training leaves, none of them zero."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) > 1:
            weight.assign(random.normal(0, 1.4 * np.prod(weight.shape[:-1]) ** -0.5, weight.shape))
        else:
            weight.assign(random.uniform(0.05, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def lesson(images: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A network such as the lesson's, smaller, and its page."""
    model = spread(convvision.create_model("conv_16_16"))
    path = tmp_path_factory.mktemp("explorer") / "page.html"
    return model, export_explorer(model, images, path, class_names=CLASSES, labels=np.arange(10))


def layer_values(page: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(page.evaluate("name => convvision.values(name)", name)).reshape(shape)


def until(page: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way to wait evaluates text, which the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"It never came about that {condition}")


@pytest.mark.parametrize("name", convvision.list_models(["conv*", "dense*"]))
def test_logits_are_those_of_keras(name: str, images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    model = spread(convvision.create_model(name))
    with_logits = convvision.create_model(name, classifier_activation=None)
    with_logits.set_weights(model.get_weights())
    expected = np.asarray(with_logits(images))
    assert np.ptp(expected) > 1
    with open_page(export_explorer(model, images, tmp_path / "page.html")) as page:
        found = page.evaluate("Array.from({ length: 10 }, (_, index) => convvision.logits(index))")
    np.testing.assert_allclose(found, expected, atol=1e-3)


def normalized_and_strided() -> Any:
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(12, 3, strides=2)(x)
    x = layers.Activation("gelu")(layers.BatchNormalization(scale=False)(x))
    return keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def depthwise_grouped_dilated_and_residual() -> Any:
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 4, strides=3, padding="same", activation="silu")(layers.ZeroPadding2D((1, 2))(image))
    x = layers.LeakyReLU(0.3)(layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x))
    y = layers.Conv2D(16, 3, groups=4, dilation_rate=2, padding="same", activation="tanh")(x)
    y = layers.SeparableConv2D(16, 3, padding="same", activation="elu")(y)
    x = layers.AveragePooling2D(3, strides=2, padding="same")(layers.Add()([x, y]))
    x = layers.Concatenate()([layers.MaxPooling2D(2, strides=1, padding="same")(x), keras.ops.relu(-1 * x + x), x])
    return keras.Model(image, layers.Dense(10, activation="softmax")(layers.GlobalMaxPooling2D()(x)))


def enlarged_and_normalized() -> Any:
    image = keras.Input((28, 28, 1))
    x = layers.Normalization(mean=0.3, variance=0.1)(image)
    x = layers.Conv2D(6, 3, strides=2, padding="same")(x)
    x = layers.LayerNormalization(name="norm")(layers.PReLU(shared_axes=[1, 2])(x))
    # Of columns and channels, as Keras takes them for rows and columns.
    x = layers.ZeroPadding2D(((2, 1), (3, 1)), data_format="channels_first", name="pad")(x)
    x = layers.Cropping2D(((1, 0), (1, 2)), data_format="channels_first")(x)
    x = layers.UpSampling2D((2, 3), name="nearest")(layers.PReLU()(x))
    x = layers.AveragePooling2D(3)(x)
    x = layers.UpSampling2D((3, 2), interpolation="bilinear", name="bilinear")(x)
    x = layers.LayerNormalization(center=False, scale=False, epsilon=0.1)(layers.Conv2D(4, 3)(x))
    x = layers.LayerNormalization(name="last_norm")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


@pytest.mark.parametrize(
    "build", [normalized_and_strided, depthwise_grouped_dilated_and_residual, enlarged_and_normalized]
)
def test_every_map_is_that_of_keras(build: Any, images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    model = spread(build())
    with open_page(export_explorer(model, images[:1], tmp_path / "page.html")) as page:
        every_map_is_that_of_keras(page, model, images[:1])
        logits = np.array(page.evaluate("convvision.logits(0)"))
    expected = np.asarray(model(images[:1]))[0]
    if build is not normalized_and_strided:
        logits = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(logits, expected, atol=1e-3)


def every_map_is_that_of_keras(page: Any, model: Any, image: np.ndarray) -> None:
    for layer in extract_activations(model, image).layers:
        found = layer_values(page, last_step(page, layer.name), layer.maps[0].shape)
        # Single precision loses as many digits of large numbers as of small ones.
        tolerance = 1e-4 * max(1, np.abs(layer.maps).max())
        np.testing.assert_allclose(found, layer.maps[0], atol=tolerance, err_msg=layer.name)


@parametrised()
def test_every_map_of_a_registered_model_is_that_of_keras(
    name: str, images: np.ndarray, tmp_path: Path, open_page: Any
) -> None:
    model = settled(spread(convvision.create_model(name)))
    if model.count_params() > 12_000_000:
        pytest.skip("A page has no room for so many parameters.")
    with open_page(export_explorer(model, images[:1], tmp_path / "page.html")) as page:
        if not name.startswith("dense_"):
            every_map_is_that_of_keras(page, model, images[:1])
        shown = layer_values(page, "classifier/softmax", (10,))
        np.testing.assert_allclose(shown, np.asarray(model(images[:1]))[0], atol=1e-3)
        assert page.get_by_role("button", name="Clear").is_enabled()


def last_step(page: Any, layer: str) -> str:
    """Name the step that gives what a layer makes: the layer itself, or the last part of one that is several steps."""
    names = page.evaluate("convvision.steps.map((step) => step.name)")
    found = [name for name in names if name == layer or name.startswith(f"{layer}/")]
    assert found, layer
    return str(found[-1])


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_models_are_computed_as_keras_does(name: str, tmp_path: Path, open_page: Any) -> None:
    model = build_foreign(name)
    given = np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)
    if name == "half_precision":
        given = np.round(given * 255)
    with open_page(export_explorer(model, given, tmp_path / "page.html")) as page:
        steps = page.evaluate("convvision.steps.map((step) => step.name)")
        outputs = keras.tree.flatten(model(given, training=False))
        # A name that a shared layer has twice means its first call.
        first_calls = {layer.name: layer for layer in reversed(extract_activations(model, given).layers)}
        for layer in first_calls.values():
            found = layer_values(page, last_step(page, layer.name), layer.maps[0].shape)
            np.testing.assert_allclose(found, layer.maps[0], atol=0.02 if name == "half_precision" else 1e-4)
        if len(outputs) == 1:
            found = layer_values(page, steps[-1], outputs[0][0].shape)
            np.testing.assert_allclose(
                found, np.asarray(outputs[0][0]), atol=0.02 if name == "half_precision" else 1e-4
            )


def test_a_layer_of_ones_own_is_shown_as_recorded_and_drawing_is_off(
    images: np.ndarray, tmp_path: Path, open_page: Any
) -> None:
    class Wobble(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return keras.ops.sin(3 * inputs)

    model = spread(
        keras.Sequential([keras.Input((28, 28, 1)), Wobble(name="wobble"), layers.Flatten(), layers.Dense(3)])
    )
    with open_page(export_explorer(model, images, tmp_path / "page.html")) as page:
        logits = [page.evaluate("index => convvision.logits(index)", index) for index in range(10)]
        np.testing.assert_allclose(logits, np.asarray(model(images)), atol=1e-3)
        assert page.get_by_role("button", name="Clear").is_disabled()
        assert "Drawing is off: wobble" in page.inner_text("#drawing")
        page.evaluate("convvision.choose('wobble')")
        page.evaluate("convvision.settled()")
        assert "were recorded when the page was written" in page.inner_text("#channels")


def probabilities(page: Any) -> list[str]:
    page.evaluate("convvision.settled()")
    return page.locator("#prediction .share").all_inner_texts()


def test_a_stroke_changes_everything_and_reset_gives_it_back(lesson: Any, open_page: Any) -> None:
    model, path = lesson
    with open_page(path) as page:
        before, logits = probabilities(page), page.evaluate("convvision.logits(0)")
        thumbnail = "document.querySelector('#step-3 canvas').toDataURL()"
        picture = page.evaluate(thumbnail)
        box = page.locator(".paper").bounding_box()
        page.mouse.move(box["x"] + 30, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + 250, box["y"] + 60, steps=5)
        page.mouse.move(box["x"] + 60, box["y"] + 250, steps=5)
        page.mouse.up()
        assert probabilities(page) != before
        assert page.evaluate(thumbnail) != picture
        # What is shown is what Keras gives for the image that was drawn.
        drawn = layer_values(page, "image", (1, 28, 28, 1)).astype(np.float32)
        assert np.ptp(drawn) == 1
        shown = layer_values(page, "classifier/softmax", (10,))
        np.testing.assert_allclose(shown, np.asarray(model(drawn))[0], atol=1e-4)
        page.get_by_role("button", name="Reset").click()
        assert probabilities(page) == before
        np.testing.assert_allclose(page.evaluate("convvision.logits(0)"), logits, atol=1e-12)


def test_tools_erase_clear_and_invert(lesson: Any, images: np.ndarray, open_page: Any) -> None:
    with open_page(lesson[1]) as page:
        page.get_by_role("button", name="Invert").click()
        np.testing.assert_allclose(layer_values(page, "image", (28, 28)), 1 - images[0, ..., 0], atol=1e-6)
        page.get_by_role("button", name="Erase").click()
        page.evaluate("convvision.stroke({ x: 0, y: 5 }, { x: 28, y: 5 })")
        assert layer_values(page, "image", (28, 28))[4:6].max() == pytest.approx(0, abs=1e-6)
        page.get_by_role("button", name="Clear").click()
        assert layer_values(page, "image", (28, 28)).max() == 0


def test_a_picture_file_is_resized_and_made_grey(lesson: Any, tmp_path: Path, open_page: Any) -> None:
    Image.new("RGB", (300, 200), (200, 100, 50)).save(tmp_path / "orange.png")
    grey = Image.open(tmp_path / "orange.png").convert("L").getpixel((0, 0)) / 255
    (tmp_path / "no.png").write_text("nothing of a picture")
    with open_page(lesson[1]) as page:
        page.set_input_files("input[type=file]", tmp_path / "orange.png")
        until(page, "convvision.values('image')[0] > 0")
        np.testing.assert_allclose(layer_values(page, "image", (28, 28)), grey, atol=1 / 255)
        page.set_input_files("input[type=file]", tmp_path / "no.png")
        until(page, "document.getElementById('said').textContent")
        assert "no.png is no picture" in page.inner_text("#said")


def test_the_keyboard_moves_between_layers_channels_and_units(lesson: Any, open_page: Any) -> None:
    with open_page(lesson[1]) as page:
        page.focus("#step-1")
        page.keyboard.press("ArrowRight")
        page.evaluate("convvision.settled()")
        assert page.locator('[role=tab][aria-selected="true"]').get_attribute("id") == "step-2"
        assert page.evaluate("document.activeElement.id") == "step-2"
        assert page.inner_text("#layer-name") == "pool_1"
        page.keyboard.press("ArrowLeft")
        page.evaluate("convvision.settled()")
        page.focus('.channels [aria-checked="true"]')
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.evaluate("convvision.settled()")
        assert page.evaluate("convvision.state.channel") == 1
        page.focus('canvas[role="application"]')
        start = page.evaluate("[convvision.state.row, convvision.state.column]")
        for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
            page.keyboard.press(key)
        page.evaluate("convvision.settled()")
        assert page.evaluate("[convvision.state.row, convvision.state.column]") == [
            max(start[0] - 2, 0),
            max(start[1] - 1, 0),
        ]
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def choose_unit(page: Any, layer: str, channel: int, row: int, column: int) -> None:
    page.evaluate("name => convvision.choose(name)", layer)
    page.evaluate("convvision.settled()")
    page.locator(f'.channels [data-index="{channel}"]').click()
    map_ = page.locator('canvas[role="application"]')
    height, width = page.evaluate("name => convvision.steps.find((step) => step.name === name).shape", layer)[:2]
    box = map_.bounding_box()
    map_.hover(position={"x": box["width"] * (column + 0.5) / width, "y": box["height"] * (row + 0.5) / height})
    page.evaluate("convvision.settled()")


def test_the_receptive_field_is_drawn_where_it_is(lesson: Any, open_page: Any) -> None:
    model, path = lesson
    with open_page(path) as page:
        for layer, row, column in [("conv_1", 3, 20), ("pool_1", 0, 12), ("conv_2", 10, 4), ("pool_2", 4, 2)]:
            choose_unit(page, layer, 2, row, column)
            box = receptive_field(model, layer).box(row, column)
            frame = page.locator(".stage figure").first.locator(".frame")
            style = {side: frame.evaluate(f"each => parseFloat(each.style.{side})") for side in ("top", "left")}
            size = {side: frame.evaluate(f"each => parseFloat(each.style.{side})") for side in ("height", "width")}
            found = [style["top"], style["left"], style["top"] + size["height"], style["left"] + size["width"]]
            expected = [100 * side / 28 for side in (box.top, box.left, box.bottom, box.right)]
            assert found == pytest.approx(expected, abs=0.01), layer


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text.replace("−", "-"))]


def test_the_arithmetic_is_that_of_the_unit(lesson: Any, images: np.ndarray, open_page: Any) -> None:
    model, path = lesson
    with open_page(path) as page:
        for layer in ("conv_1", "conv_2"):
            choose_unit(page, layer, 3, 6, 5)
            unit = explain_unit(model, images[0], layer, 3, (6, 5))
            (value,) = numbers(page.inner_text(".unit-value"))
            assert value == pytest.approx(unit.activation, rel=0.02, abs=1e-3)
            terms = [numbers(term)[0] for term in page.locator(".parts > :last-child .term b").all_inner_texts()]
            expected = [unit.sum - unit.bias, unit.bias, unit.sum, unit.activation]
            assert terms == pytest.approx(expected, rel=0.02, abs=1e-3)
            shares = unit.products.sum(axis=(0, 1))
            chosen = int(np.abs(shares).argmax())
            patch, kernel, products = (
                [numbers(cell)[0] for cell in matrix.locator(".cells > span").all_inner_texts()]
                for matrix in page.locator(".matrix").all()
            )
            for found, wanted in ((patch, unit.patch), (kernel, unit.kernel), (products, unit.products)):
                assert found == pytest.approx(wanted[..., chosen].ravel(), rel=0.02, abs=1e-3)
        assert page.locator(".columns button").count() == 16


def test_a_layer_normalisation_is_worked_out_step_by_step(images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    model = spread(enlarged_and_normalized())
    with open_page(export_explorer(model, images, tmp_path / "page.html")) as page:
        choose_unit(page, "norm", 2, 6, 5)
        norm = model.get_layer("norm")
        below, above = (extract_activations(model, images[:1], name).layers[0].maps[0] for name in (3, "norm"))
        x = below[6, 5].astype(np.float64)
        deviation = np.sqrt(x.var() + 1e-3)
        scale, shift = (float(np.asarray(each)[2]) for each in (norm.gamma, norm.beta))
        normalized = (x[2] - x.mean()) / deviation
        terms = [numbers(term)[0] for term in page.locator(".parts .term b").all_inner_texts()]
        expected = [x[2], x.mean(), deviation, normalized, normalized, scale, shift, above[6, 5, 2]]
        assert terms == pytest.approx(expected, rel=0.02, abs=1e-3)


def test_a_channel_of_padding_has_nothing_below(images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    model = spread(enlarged_and_normalized())
    with open_page(export_explorer(model, images, tmp_path / "page.html")) as page:
        for channel, said in ((2, "padding"), (3, "the same number"), (9, "padding")):
            choose_unit(page, "pad", channel, 6, 5)
            assert said in page.inner_text("#unit .parts"), channel


@pytest.mark.parametrize("build", [None, enlarged_and_normalized])
def test_every_layer_can_be_looked_at(
    build: Any, lesson: Any, images: np.ndarray, tmp_path: Path, open_page: Any
) -> None:
    path = lesson[1] if build is None else export_explorer(spread(build()), images, tmp_path / "page.html")
    with open_page(path) as page:
        for name in page.evaluate("convvision.steps.map((step) => step.name)"):
            page.evaluate("name => convvision.choose(name)", name)
            page.evaluate("convvision.settled()")
            assert page.inner_text("#layer-name") == name
            assert page.locator("#unit .part").count() >= 1
            assert "undefined" not in page.inner_text("main")
            assert "NaN" not in page.inner_text("main")


def test_the_window_slides_over_the_map_by_itself(lesson: Any, open_page: Any) -> None:
    with open_page(lesson[1]) as page:
        page.get_by_role("button", name="Slide the window").click()
        until(page, "convvision.state.row > 0")
        page.get_by_role("button", name="Stop").click()
        page.evaluate("convvision.settled()")
        assert page.evaluate("convvision.state.sliding") is False


def test_images_are_compared_side_by_side(lesson: Any, images: np.ndarray, open_page: Any) -> None:
    model, path = lesson
    with open_page(path) as page:
        until(page, "[...document.querySelectorAll('.verdict')].every((each) => each.textContent)")
        verdicts = page.locator(".verdict").all_inner_texts()
        for index, guess in enumerate(np.asarray(model(images)).argmax(axis=1)):
            assert verdicts[index].startswith(f"{'✓' if guess == index else '✕'} class {guess} ")
        page.locator(".card").nth(4).click()
        page.evaluate("convvision.settled()")
        assert page.evaluate("convvision.state.image") == 4


def test_the_slider_shows_what_was_recorded(images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    random = np.random.default_rng(0)
    maps = np.maximum(random.normal(size=(3, 2, 11, 11, 16)), 0).astype(np.float32)
    logits = np.zeros((3, 2, 10), np.float32)
    logits[range(3), :, [7, 8, 9]] = 20
    model = spread(convvision.create_model("conv_16_16"))
    recording = Recording(images[:2], np.arange(3), (RecordedLayer("conv_2", "Conv2D", maps),), logits)
    path = export_explorer(model, images, tmp_path / "page.html", class_names=CLASSES, recording=recording)
    with open_page(path) as page:
        live = page.evaluate("convvision.values('conv_2')")
        slider = page.get_by_role("slider", name="While it learned")
        slider.focus()
        page.keyboard.press("Home")
        for epoch in range(3):
            page.evaluate("convvision.settled()")
            shown = layer_values(page, "conv_2", (11, 11, 16))
            np.testing.assert_allclose(shown, maps[epoch, 0], atol=maps.max() / 500)
            assert page.inner_text("#epochs output") == (f"After epoch {epoch}" if epoch else "Before training")
            assert page.inner_text("#prediction .best .class") == f"class {7 + epoch}"
            assert page.evaluate("convvision.values('conv_1')") == []
            assert page.get_by_role("button", name="Clear").is_disabled()
            verdicts = page.locator("#compare .verdict").all_inner_texts()
            # Of the images that were not recorded, nothing is known at that time.
            assert verdicts == [f"→ class {7 + epoch} 100 %"] * 2 + [""] * 8
            page.keyboard.press("ArrowRight")
        page.evaluate("convvision.settled()")
        assert page.evaluate("convvision.values('conv_2')") == live
        assert page.get_by_role("button", name="Clear").is_enabled()


@pytest.mark.parametrize("with_logits", [True, False])
def test_recorded_logits_of_a_sigmoid_head_become_probabilities(
    with_logits: bool, images: np.ndarray, tmp_path: Path, open_page: Any
) -> None:
    image = keras.Input((28, 28, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, name="conv")(image))
    model = spread(keras.Model(image, layers.Dense(2, activation="sigmoid")(x)))
    conv = RecordedLayer("conv", "Conv2D", np.ones((1, 1, 26, 26, 3), np.float16))
    # The logistic function of log 3 is 3 / 4.
    logits = np.log(np.array([[[3, 1 / 3]]], np.float32)) if with_logits else None
    recording = Recording(images[:1], np.array([4]), (conv,), logits)
    with open_page(export_explorer(model, images[:1], tmp_path / "page.html", recording=recording)) as page:
        page.get_by_role("slider", name="While it learned").focus()
        page.keyboard.press("Home")
        page.evaluate("convvision.settled()")
        assert page.locator("#prediction.missing").count() == (0 if with_logits else 1)
        if with_logits:
            assert page.locator("#prediction .share").all_inner_texts() == ["75 %", "25 %"]


@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_a_single_output_tells_class_1_from_class_0(
    activation: str | None, images: np.ndarray, tmp_path: Path, open_page: Any
) -> None:
    head = [layers.GlobalMaxPooling2D(), layers.Dense(1, activation=activation, name="head")]
    model = spread(keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(3, 3, name="conv"), *head]))
    # Between the images, so that some are of either class.
    logits = extract_activations(model, images, "conv").logits[:, 0]
    head[1].bias.assign(np.asarray(head[1].bias) - np.median(logits))
    shares = 1 / (1 + np.exp(np.median(logits) - logits))
    names, labels = ["cat", "dog"], (shares > 0.5).astype(int)
    assert 0 < labels.sum() < 10
    path = export_explorer(model, images, tmp_path / "page.html", class_names=names, labels=labels)
    with open_page(path) as page:
        for index, share in enumerate(shares):
            page.locator(".card").nth(index).click()
            page.evaluate("convvision.settled()")
            assert page.locator("#prediction .class").all_inner_texts() == names
            shown = [numbers(text)[0] / 100 for text in page.locator("#prediction .share").all_inner_texts()]
            assert shown == pytest.approx([1 - share, share], abs=0.006)
        until(page, "[...document.querySelectorAll('.verdict')].every((each) => each.textContent)")
        verdicts = page.locator(".verdict").all_inner_texts()
        assert [verdict.split()[:2] for verdict in verdicts] == [["✓", names[label]] for label in labels]
        page.evaluate("convvision.choose('head')")
        page.evaluate("convvision.settled()")
        assert page.inner_text(".answers .row-name") == "dog"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_phone_has_no_sideways_scrolling(language: str, images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    model = spread(convvision.create_model("conv_16_16"))
    path = export_explorer(model, images, tmp_path / "page.html", class_names=CLASSES, language=language)
    with open_page(path, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        assert page.get_attribute("html", "lang") == {"en": "en", "zh": "zh-CN"}[language]
        for name in page.evaluate("convvision.steps.map((step) => step.name)"):
            page.evaluate("name => convvision.choose(name)", name)
            page.evaluate("convvision.settled()")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert {"en": "Prediction", "zh": "预测"}[language] in page.inner_text("main")
        # While one draws, the bars are in sight.
        bars = page.locator("#prediction .bars").bounding_box()
        assert bars["y"] + bars["height"] < 844


def test_light_and_dark_follow_the_system_and_the_button(lesson: Any, open_page: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with open_page(lesson[1], color_scheme="dark") as page:
        dark = page.evaluate(paper)
        page.get_by_role("button", name="Light").click()
        assert page.evaluate(paper) != dark
        page.get_by_role("button", name="Dark").click()
        assert page.evaluate(paper) == dark


def test_a_hostile_class_name_is_only_text(images: np.ndarray, tmp_path: Path, open_page: Any) -> None:
    evil = "</script><script>document.title = 'broken'</script><img src=x onerror=alert(1)>"
    model = convvision.create_model("conv_16_16")
    names = [f"{evil}{index}" for index in range(10)]
    with open_page(export_explorer(model, images, tmp_path / "page.html", class_names=names, title=evil)) as page:
        assert page.title() == evil
        assert page.inner_text("#prediction li >> nth=3 >> .class") == names[3]
        assert page.locator("img").count() == 0
