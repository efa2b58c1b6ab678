"""What the explorer's page holds, read back from the file and computed again with NumPy; and what is refused."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import convvision
from convvision.callbacks import ActivationRecorder
from convvision.datasets import Scaling, draw_fashion
from convvision.errors import InputError, LabelError, OutputError, ShapeError, UnknownNameError, ValueRangeError
from convvision.visualize import RecordedLayer, Recording, export_explorer
from foreign_models import FOREIGN, SHAPE, build_foreign
from registered_models import parametrised

TEXTS = Path(convvision.visualize.__file__).parent / "explorer"


class Page:
    """What a page holds, read by its own means: regular expressions, JSON and base64."""

    def __init__(self, path: Path) -> None:
        self.html = path.read_text(encoding="utf-8")
        self.facts = json.loads(self.script("facts"))
        self.texts = json.loads(self.script("texts"))
        self.bytes = base64.b64decode(self.script("blocks"))
        self.steps = {step["name"]: step for step in self.facts["steps"]}

    def script(self, name: str) -> str:
        (found,) = re.findall(rf'<script type="[^"]*" id="{name}">(.*?)</script>', self.html, re.DOTALL)
        return found

    def array(self, where: dict[str, Any]) -> np.ndarray:
        count = int(np.prod(where["shape"]))
        return np.frombuffer(self.bytes, where["type"], count, where["at"]).reshape(where["shape"])

    @property
    def images(self) -> np.ndarray:
        pixels = self.facts["pixels"]
        return self.array(pixels["stored"]) * np.asarray(pixels["scale"]) + np.asarray(pixels["shift"])


@pytest.fixture
def images() -> np.ndarray:
    return draw_fashion(10).images / np.float32(255)


@pytest.fixture
def small() -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            layers.Conv2D(3, 2, activation="relu", name="conv"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(4, activation="softmax", name="classifier"),
        ],
        name="small",
    )
    for layer in (model.get_layer("conv"), model.get_layer("classifier")):
        layer.bias.assign(np.linspace(-0.2, 0.3, layer.bias.shape[0]))
    return model


def test_what_is_embedded_computes_what_the_model_does(small: Any, tmp_path: Path) -> None:
    given = np.random.default_rng(0).normal(size=(3, 6, 5, 2)).astype(np.float32)
    page = Page(export_explorer(small, given, tmp_path / "page.html"))
    image = page.images[1]
    np.testing.assert_array_equal(page.images, given)

    conv, classifier = page.steps["conv"], page.steps["classifier"]
    kernel, bias = (page.array(conv["weights"][name]) for name in ("kernel", "bias"))
    maps = np.array([[np.tensordot(image[r : r + 2, c : c + 2], kernel, 3) + bias for c in range(4)] for r in range(5)])
    pooled = np.maximum(maps, 0)[:4].reshape(2, 2, 2, 2, 3).max(axis=(1, 3))
    logits = pooled.ravel() @ page.array(classifier["weights"]["kernel"]) + page.array(classifier["weights"]["bias"])
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose(powers / powers.sum(), np.asarray(small(given))[1], atol=1e-6)


def test_the_steps_are_those_of_the_model(small: Any, tmp_path: Path) -> None:
    page = Page(export_explorer(small, np.zeros((1, 6, 5, 2)), tmp_path / "page.html"))
    found = [(step["name"], step["op"], step["shape"], step["inputs"]) for step in page.facts["steps"]]
    assert found[1:] == [
        ("conv", "conv", [5, 4, 3], [0]),
        ("pool", "max_pool", [2, 2, 3], [1]),
        ("flatten", "identity", [12], [2]),
        ("classifier", "dense", [4], [3]),
        ("classifier/softmax", "activation", [4], [4]),
    ]
    assert page.facts["outputs"] == [5]
    assert sum(step["parameters"] for step in page.facts["steps"]) == page.facts["model"]["parameters"] == 79


@pytest.mark.parametrize("name", FOREIGN)
def test_each_step_reads_earlier_ones_and_has_the_shape_of_its_layer(name: str, tmp_path: Path) -> None:
    model = build_foreign(name)
    page = Page(export_explorer(model, np.ones((1, *SHAPE), np.float32), tmp_path / "page.html"))
    for position, step in enumerate(page.facts["steps"]):
        assert all(read < position for read in step["inputs"])
        assert step["op"] != "recorded", step
    shapes = [tuple(page.facts["steps"][output]["shape"]) for output in page.facts["outputs"]]
    assert shapes == [tuple(output.shape[1:]) for output in model.outputs]


@parametrised()
def test_every_step_of_a_registered_model_is_computed_in_the_page(
    name: str, images: np.ndarray, tmp_path: Path
) -> None:
    model = convvision.create_model(name)
    if model.count_params() > 12_000_000:
        with pytest.raises(InputError, match="A page holds up to 64 MB, that is 12 million parameters"):
            export_explorer(model, images[:1], tmp_path / "page.html")
        return
    page = Page(export_explorer(model, images[:1], tmp_path / "page.html"))
    assert [step["name"] for step in page.facts["steps"] if step["op"] == "recorded"] == []
    parameters = convvision.get_model_info(name).parameters
    assert sum(step["parameters"] for step in page.facts["steps"]) == page.facts["model"]["parameters"] == parameters


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.LayerNormalization(axis=(1, 2, 3)), "unknown_layer"),
        (layers.Normalization(axis=1, mean=[1.0] * 6, variance=[2.0] * 6), "unknown_layer"),
        (layers.UpSampling2D(2, interpolation="bicubic"), "interpolation"),
        (layers.MaxPooling2D(2, data_format="channels_first"), "channels_first"),
    ],
)
def test_layers_that_are_known_in_part_are_recorded_otherwise(layer: Any, reason: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6, 6, 2)), layer])
    page = Page(export_explorer(model, np.ones((1, 6, 6, 2), np.float32), tmp_path / "page.html"))
    step = page.facts["steps"][1]
    assert (step["op"], step["reason"]) == ("recorded", reason)
    assert f"reason_{reason}" in page.texts


def test_a_layer_called_twice_is_embedded_once(tmp_path: Path) -> None:
    page = Page(export_explorer(build_foreign("one_layer_called_twice"), np.ones((1, *SHAPE)), tmp_path / "page.html"))
    first, second = (step for step in page.facts["steps"] if step["name"] == "twice")
    assert first["weights"] == second["weights"]
    assert first["inputs"] != second["inputs"]


def test_ten_images_and_the_lessons_network_stay_below_the_promised_size(images: np.ndarray, tmp_path: Path) -> None:
    path = export_explorer(convvision.create_model("conv_64_64"), images, tmp_path / "page.html")
    assert path.stat().st_size <= 1_600_000
    assert Page(path).facts["pixels"]["stored"]["type"] == "uint8"


@pytest.mark.parametrize("scaling", [Scaling("unit"), Scaling("standard", (0.3,), (0.4,)), Scaling(None)])
def test_stored_pixels_come_back_as_the_model_reads_them(scaling: Scaling, tmp_path: Path) -> None:
    stored = draw_fashion(2).images
    path = export_explorer(convvision.create_model("conv_16_16"), stored, tmp_path / "page.html", scaling=scaling)
    page = Page(path)
    np.testing.assert_array_equal(page.array(page.facts["pixels"]["stored"]), stored)
    np.testing.assert_allclose(page.images, scaling.apply(stored), atol=1e-6)
    assert page.facts["pixels"]["white"] == [pytest.approx(scaling.apply(np.uint8([[255]])).item(), rel=1e-6)]


def test_pixels_that_are_no_bytes_are_kept_as_floats(tmp_path: Path) -> None:
    given = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    page = Page(export_explorer(convvision.create_model("conv_16_16"), given, tmp_path / "page.html"))
    assert page.facts["pixels"]["stored"]["type"] == "float32"
    np.testing.assert_array_equal(page.images, given)
    assert (page.facts["pixels"]["black"], page.facts["pixels"]["white"]) == ([0], [1])


class Wobble(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return keras.ops.sin(inputs)


class OwnConvolution(layers.Conv2D):
    def call(self, inputs: Any) -> Any:
        return super().call(inputs) + 1


def test_a_layer_that_the_page_cannot_compute_is_recorded_and_says_why(tmp_path: Path) -> None:
    own = [layers.Conv2D(2, 3, activation=lambda x: x * 2, name="own_activation"), OwnConvolution(2, 3, name="own")]
    model = keras.Sequential([keras.Input((9, 9, 1)), Wobble(name="wobble"), *own])
    given = np.random.default_rng(0).random((2, 9, 9, 1), np.float32)
    page = Page(export_explorer(model, given, tmp_path / "page.html"))
    reasons = {name: step["reason"] for name, step in page.steps.items() if step["op"] == "recorded"}
    assert reasons == {"wobble": "unknown_layer", "own_activation": "activation", "own": "own_layer"}
    assert all(f"reason_{reason}" in page.texts for reason in reasons.values())
    np.testing.assert_allclose(page.array(page.steps["wobble"]["values"]), np.sin(given), atol=1e-6)
    np.testing.assert_allclose(page.array(page.steps["own"]["values"]), np.asarray(model(given)), atol=1e-6)


def test_layers_that_only_train_are_left_out_of_the_arithmetic(tmp_path: Path) -> None:
    augmenting = [
        layers.RandomBrightness(0.3, value_range=(0, 1)), layers.RandomContrast(0.3, value_range=(0, 1)),
        layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomTranslation(0.1, 0.1), layers.RandomZoom(0.1),
        layers.AlphaDropout(0.3),
    ]  # fmt: skip
    model = keras.Sequential([keras.Input((6, 6, 1)), *augmenting])
    given = np.random.default_rng(0).random((2, 6, 6, 1), np.float32)
    np.testing.assert_array_equal(model(given, training=False), given)
    page = Page(export_explorer(model, given, tmp_path / "page.html"))
    assert [step["op"] for step in page.facts["steps"]] == ["input"] + ["identity"] * len(augmenting)


def recorded(given: np.ndarray, name: str = "pool", shape: tuple[int, ...] = (2, 2, 3)) -> Recording:
    maps = np.random.default_rng(1).normal(size=(4, len(given), *shape)).astype(np.float32)
    return Recording(
        given,
        np.array([1, 2, 5, 9]),
        (RecordedLayer(name, "MaxPooling2D", maps),),
        np.zeros((4, len(given), 4), np.float32),
    )


def test_a_recording_comes_back_in_256_steps_and_adds_its_images(small: Any, tmp_path: Path) -> None:
    given = np.random.default_rng(0).random((3, 6, 5, 2), np.float32)
    recording = recorded(given[[2, 0]])
    page = Page(export_explorer(small, given[:2], tmp_path / "page.html", recording=recording))
    kept = page.facts["recording"]
    assert kept["epochs"] == [1, 2, 5, 9]
    assert kept["images"] == [2, 0]
    np.testing.assert_array_equal(page.images, given)
    (layer,) = kept["layers"]
    assert page.facts["steps"][layer["step"]]["name"] == "pool"
    maps = recording.layers[0].maps
    np.testing.assert_allclose(page.array(layer["maps"]) * layer["unit"] + layer["low"], maps, atol=np.ptp(maps) / 500)


def test_what_a_recorder_leaves_is_shown_layer_by_layer(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.SeparableConv2D(3, 3, name="separable"),
            layers.Conv2D(4, 3, activation="softmax", name="shares"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy")
    given = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    recorder = ActivationRecorder(given[:2])
    model.fit(given, np.eye(4, 3), epochs=2, callbacks=[recorder], verbose=0)
    page = Page(export_explorer(model, given[:2], tmp_path / "page.html", recording=recorder.recording))
    kept = page.facts["recording"]
    assert kept["epochs"] == [0, 1, 2]
    np.testing.assert_array_equal(page.array(kept["logits"]), recorder.recording.logits)
    # Of a layer that is two steps of the page, the maps belong to the second.
    steps = [page.facts["steps"][layer["step"]]["name"] for layer in kept["layers"]]
    assert steps == ["separable/pointwise", "shares/softmax"]
    for layer, recorded_layer in zip(kept["layers"], recorder.recording.layers, strict=True):
        shown = page.array(layer["maps"]) * layer["unit"] + layer["low"]
        maps = recorded_layer.maps.astype(np.float32)
        np.testing.assert_allclose(shown, maps, atol=(maps.max() - min(maps.min(), 0)) / 500)


@pytest.mark.parametrize("scale", [1e-5, 6e4], ids=["next to nothing", "next to the largest"])
def test_recorded_maps_in_half_precision_keep_their_256_steps(scale: float, small: Any, tmp_path: Path) -> None:
    given = np.zeros((1, 6, 5, 2), np.float32)
    maps = (scale * np.linspace(-1, 1, 4 * 12)).reshape(4, 1, 2, 2, 3).astype(np.float16)
    half = replace(recorded(given), layers=(RecordedLayer("pool", "MaxPooling2D", maps),))
    page = Page(export_explorer(small, given, tmp_path / "page.html", recording=half))
    (layer,) = page.facts["recording"]["layers"]
    shown = page.array(layer["maps"]) * layer["unit"] + layer["low"]
    np.testing.assert_allclose(shown, maps.astype(np.float64), atol=2.01 * scale / 500)


def test_a_recording_without_logits_has_none_in_the_page(small: Any, tmp_path: Path) -> None:
    given = np.zeros((1, 6, 5, 2), np.float32)
    without = replace(recorded(given), logits=None)
    page = Page(export_explorer(small, given, tmp_path / "page.html", recording=without))
    assert page.facts["recording"]["logits"] is None


def test_a_training_that_diverged_is_refused_with_its_epoch(small: Any, tmp_path: Path) -> None:
    given = np.zeros((1, 6, 5, 2), np.float32)
    diverged = recorded(given)
    diverged.layers[0].maps[2, 0, 1, 1, 0] = np.nan
    with pytest.raises(ValueRangeError, match=r"NaN or infinity in layer 'pool' after epoch 5: the training diverged"):
        export_explorer(small, given, tmp_path / "page.html", recording=diverged)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_of_another_model_is_refused(small: Any, tmp_path: Path) -> None:
    given = np.zeros((1, 6, 5, 2), np.float32)
    with pytest.raises(UnknownNameError, match=r"Unknown layer 'pol' of the model\. Did you mean 'pool'"):
        export_explorer(small, given, tmp_path / "page.html", recording=recorded(given, "pol"))
    with pytest.raises(ShapeError, match=r"\(4, 1, 2, 2, 3\) here. Received: shape \(4, 1, 2, 2, 7\)"):
        export_explorer(small, given, tmp_path / "page.html", recording=recorded(given, shape=(2, 2, 7)))
    with pytest.raises(InputError, match="Expected a Recording: the attribute recording of an ActivationRecorder"):
        export_explorer(small, given, tmp_path / "page.html", recording=ActivationRecorder(given))
    with pytest.raises(InputError, match="at least one layer"):
        export_explorer(small, given, tmp_path / "page.html", recording=replace(recorded(given), layers=()))
    assert list(tmp_path.iterdir()) == []


def test_names_cannot_break_out_of_the_page(small: Any, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    names = [evil, "<!--", "&amp;", "{{blocks}}"]
    path = export_explorer(small, np.zeros((1, 6, 5, 2)), tmp_path / "page.html", class_names=names, title=evil)
    page = Page(path)
    assert "<script>" not in page.html
    assert page.html.count("</script>") == 4
    assert page.facts["classes"] == names
    assert "&lt;/script&gt;" in re.search("<h1>(.*?)</h1>", page.html)[1]


def test_the_page_asks_for_nothing_from_elsewhere(small: Any, tmp_path: Path) -> None:
    html = Page(export_explorer(small, np.zeros((1, 6, 5, 2)), tmp_path / "page.html")).html
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|@import|url\(", html)
    assert not re.search(r"^(import|export) ", html, re.MULTILINE)


def test_both_languages_have_the_same_texts_with_the_same_names_in_them() -> None:
    english, chinese = (json.loads((TEXTS / f"{name}.json").read_text(encoding="utf-8")) for name in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", chinese[key])), key
    for word in ("卷积", "池化", "特征图", "感受野", "激活", "步幅", "填充"):
        assert any(word in text for text in chinese.values())


def test_every_script_is_in_the_page_and_every_text_is_used(small: Any, tmp_path: Path) -> None:
    html = Page(export_explorer(small, np.zeros((1, 6, 5, 2)), tmp_path / "page.html")).html
    scripts = {path.name: path.read_text(encoding="utf-8") for path in TEXTS.glob("*.js")}
    assert len(scripts) > 15
    for name, script in scripts.items():
        assert script.splitlines()[0] in html, name
        assert len(script.splitlines()) < 300, name
    everything = "".join(scripts.values())
    # Keys that are put together begin with one of these.
    made = (
        "about_", "clear", "invert", "kind_", "language", "merge_", "noscript", "reason_", "reset", "scale_",
        "upsample_",
    )  # fmt: skip
    unused = [
        key
        for key in json.loads((TEXTS / "en.json").read_text(encoding="utf-8"))
        if f'"{key}"' not in everything and not key.startswith(made)
    ]
    assert unused == []


def test_the_model_is_left_as_it_was(small: Any, tmp_path: Path) -> None:
    small.compile(loss="mse")
    before = [np.array(weight) for weight in small.weights]
    given = np.ones((1, 6, 5, 2), np.float32)
    export_explorer(small, given, tmp_path / "page.html")
    for weight, kept in zip(small.weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert small.compiled
    assert small.get_layer("classifier").activation is keras.activations.softmax
    assert (given == 1).all()


def test_a_page_that_cannot_be_written_is_an_error_in_one_line(small: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"Cannot write .*page\.html: "):
        export_explorer(small, np.zeros((1, 6, 5, 2)), tmp_path / "file" / "page.html")
    with pytest.raises(InputError, match=r"its file ends in \.html. Received: 'page\.png'"):
        export_explorer(small, np.zeros((1, 6, 5, 2)), tmp_path / "page.png")


def test_a_model_too_large_says_how_large_and_what_to_do(tmp_path: Path) -> None:
    large = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1000), layers.Dense(15_000)])
    with pytest.raises(InputError) as caught:
        export_explorer(large, np.zeros((1, 4, 4, 1)), tmp_path / "page.html")
    said = str(caught.value)
    assert said.startswith("A page holds up to 64 MB, that is 12 million parameters. Received: 80 MB for its weights")
    assert "Export a smaller model" in said
    assert list(tmp_path.iterdir()) == []


def test_images_and_maps_count_towards_the_size(small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = np.random.default_rng(0).random((40, 6, 5, 2), np.float32)
    monkeypatch.setattr("convvision.visualize._explorer._LARGEST_PAGE", 14_000)
    export_explorer(small, given, tmp_path / "page.html")
    with pytest.raises(InputError, match=r"Received: 0 MB for its weights, images and recorded maps"):
        export_explorer(small, given, tmp_path / "other.html", recording=recorded(given))
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": None}, InputError, r"its file ends in \.html\. Received: path=None"),
        ({"title": 7}, InputError, "title is a text, or None for the model's name. Received: title=7"),
        ({"class_names": 7}, InputError, "one name for each of the model's 4 classes. Received: class_names=7"),
        ({"scaling": "unit"}, InputError, "Expected a Scaling, or None. Received: scaling='unit'"),
        ({"language": "english"}, UnknownNameError, "Unknown language 'english'.*Known: 'en', 'zh'"),
        ({"class_names": ["a", "b"]}, InputError, "one name for each of the model's 4 classes. Received: 2"),
        ({"labels": [7]}, LabelError, "from 0 to 3. Received: 7"),
        ({"images": np.zeros((1, 6, 6, 2))}, ShapeError, r"\(N, 6, 5, 2\) here"),
        ({"images": np.full((1, 6, 5, 2), np.nan)}, ValueRangeError, "NaN"),
        ({"images": np.full((1, 6, 5, 2), 99.0), "scaling": Scaling("unit")}, ValueRangeError, "on the scale 'unit'"),
        ({"model": keras.Sequential([layers.Dense(3)], name="unbuilt")}, InputError, "'unbuilt' are not connected yet"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_cannot_be_used_is_refused(
    options: dict[str, Any], error: type[Exception], message: str, small: Any, tmp_path: Path
) -> None:
    arguments = {"model": small, "images": np.zeros((1, 6, 5, 2)), "path": tmp_path / "page.html"} | options
    with pytest.raises(error, match=message):
        export_explorer(**arguments)
    assert list(tmp_path.iterdir()) == []
