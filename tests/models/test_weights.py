"""Weights in the box: their cards tell the truth, they fit or say why not, and a damaged file is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import convvision
from convvision.errors import CorruptDataError, InputError, ShapeError, UnknownNameError
from convvision.models import WeightsCard, _weights
from convvision.models._weights import WEIGHTS_FOLDER, find_cards, named_variables
from convvision.training import Recipe

CARDS = find_cards()
IDS = [Path(card.file).stem for card in CARDS]
LARGE = 200_000
every_card = pytest.mark.parametrize("card", CARDS, ids=IDS)


def arrays_of(card: WeightsCard) -> dict[str, np.ndarray]:
    with np.load(WEIGHTS_FOLDER / card.file, allow_pickle=False) as archive:
        return dict(archive)


def values_of(model: keras.Model) -> dict[str, np.ndarray]:
    return {key: keras.ops.convert_to_numpy(variable) for key, variable in named_variables(model).items()}


def noise(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).random((count, 28, 28, 1), np.float32)


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder that may be damaged."""
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS_FOLDER, folder)
    monkeypatch.setattr(_weights, "WEIGHTS_FOLDER", folder)
    return folder


@pytest.fixture
def put(box: Path) -> Callable[..., None]:
    """Put arrays in the place of conv_32_32's for MNIST, with a card that names them."""

    def replace(**arrays: Any) -> None:
        np.savez(box / "conv_32_32-mnist.npz", **arrays)
        content = (box / "conv_32_32-mnist.npz").read_bytes()
        path = box / "conv_32_32-mnist.json"
        card = json.loads(path.read_text(encoding="utf-8"))
        card |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        path.write_text(json.dumps(card), encoding="utf-8")

    return replace


# What is there -------------------------------------------------------------------------------------------------------


def test_every_file_has_a_card_and_every_card_a_file() -> None:
    assert {path.name for path in WEIGHTS_FOLDER.iterdir()} == {
        name for stem in IDS for name in (f"{stem}.npz", f"{stem}.json")
    }


def test_the_facts_about_a_model_list_its_weights() -> None:
    found = {name: convvision.get_model_info(name).weights for name in convvision.list_models(["conv_*", "vgg_*"])}
    assert {name for name, weights in found.items() if weights} == {
        card.model for card in CARDS if card.model.startswith("conv_")
    }
    card = found["conv_32_32"]["mnist"]
    assert (card.model, card.dataset) == ("conv_32_32", "mnist")
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.seed = 1  # type: ignore[misc]


@every_card
def test_a_card_tells_of_its_file(card: WeightsCard) -> None:
    content = (WEIGHTS_FOLDER / card.file).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (card.sha256, card.bytes)
    info, data = convvision.get_model_info(card.model), convvision.get_dataset_info(card.dataset)
    assert (card.class_names, card.input_shape) == (data.class_names, data.image_shape)
    assert card.scale == "unit"
    assert data.licence in card.licence
    assert any(name in card.known_failings[0] for name in card.class_names)
    assert Recipe(**card.recipe).epochs == card.recipe["epochs"]
    arrays = arrays_of(card)
    assert sum(array.size for array in arrays.values()) == info.parameters
    assert all(array.dtype == (np.float16 if array.ndim > 1 else np.float32) for array in arrays.values())


@every_card
def test_storing_moves_the_accuracy_by_an_image_or_two(card: WeightsCard) -> None:
    # As the architecture page says: by no more than an image or two of the ten thousand.
    assert card.test_accuracy == pytest.approx(card.trained_test_accuracy, abs=0.00021)


def test_the_results_are_those_of_the_cards() -> None:
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "weights.json"
    rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
    found = {(row["model"], row["data"]): (row["test_accuracy"], row["bytes"]) for row in rows}
    assert found == {(card.model, card.dataset): (card.test_accuracy, card.bytes) for card in CARDS}


def test_a_card_is_printed() -> None:
    card = convvision.get_model_info("conv_32_32").weights["mnist"]
    lines = str(card).splitlines()
    assert lines[0] == "conv_32_32, weights='mnist'"
    assert lines[2] == "images         28 × 28 × 1, pixels on the scale 'unit', [0, 1]"
    assert lines[4].startswith("failing 1")
    assert lines[-1] == f"SHA-256        {card.sha256}"


# What they do --------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize(
    "card",
    [
        pytest.param(
            card,
            id=name,
            marks=pytest.mark.slow if (convvision.get_model_info(card.model).parameters or 0) > LARGE else (),
        )
        for name, card in zip(IDS, CARDS, strict=True)
    ],
)
def test_the_accuracy_is_that_of_the_card(card: WeightsCard, real_data_home: Path) -> None:
    test = convvision.load_dataset(card.dataset, data_home=real_data_home).test
    model = convvision.create_model(card.model, weights=card.dataset)
    chosen = model.predict(test.images, batch_size=500, verbose=0).argmax(axis=1)
    assert (chosen == test.labels).mean() == pytest.approx(card.test_accuracy, abs=1e-4)


@pytest.mark.realdata
@pytest.mark.parametrize("card", [card for card in CARDS if card.model == "dense_128"], ids=lambda card: card.dataset)
def test_a_dense_network_by_hand_has_the_accuracy_of_the_card(card: WeightsCard, real_data_home: Path) -> None:
    images, labels = convvision.load_dataset(card.dataset, scale=None, data_home=real_data_home).test
    arrays = {key: array.astype(np.float64) for key, array in arrays_of(card).items()}
    hidden = (images.reshape(-1, 784) / 255) @ arrays["dense_1/kernel"] + arrays["dense_1/bias"]
    logits = np.maximum(hidden, 0) @ arrays["classifier/kernel"] + arrays["classifier/bias"]
    assert (logits.argmax(axis=1) == labels).mean() == pytest.approx(card.test_accuracy, abs=1e-4)


@every_card
def test_the_weights_are_those_of_the_file(card: WeightsCard) -> None:
    found, stored = values_of(convvision.create_model(card.model, weights=card.dataset)), arrays_of(card)
    assert found.keys() == stored.keys()
    assert all(np.array_equal(found[key], stored[key].astype(np.float32)) for key in stored)


def test_without_the_argument_weights_are_random() -> None:
    one, two = convvision.create_model("conv_32_32"), convvision.create_model("conv_32_32", weights="mnist")
    assert not np.allclose(one.get_layer("conv_1").kernel, two.get_layer("conv_1").kernel)


@pytest.mark.parametrize("classes", [2, 11])
def test_another_number_of_classes_replaces_the_classifier_alone(classes: int) -> None:
    stored = arrays_of(convvision.get_model_info("conv_32_32").weights["mnist"])
    keras.utils.set_random_seed(1)
    found = values_of(convvision.create_model("conv_32_32", num_classes=classes, weights="mnist"))
    keras.utils.set_random_seed(1)
    fresh = values_of(convvision.create_model("conv_32_32", num_classes=classes))
    head = {"classifier/kernel", "classifier/bias"}
    assert found.keys() == stored.keys() >= head
    for key in found:
        expected = fresh[key] if key in head else stored[key].astype(np.float32)
        np.testing.assert_array_equal(found[key], expected)
    assert found["classifier/kernel"].shape == (128, classes)


def test_logits_and_dropout_have_the_same_weights() -> None:
    model = convvision.create_model("conv_32_32", weights="mnist")
    logits = outputs(
        convvision.create_model("conv_32_32", weights="mnist", classifier_activation=None, dropout=0.5), noise()
    )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), outputs(model, noise()), atol=1e-5)


def test_in_half_precision_the_weights_stay_float32() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = convvision.create_model("conv_32_32", weights="mnist")
    finally:
        keras.config.set_dtype_policy(before)
    stored = arrays_of(convvision.get_model_info("conv_32_32").weights["mnist"])
    assert {str(variable.dtype) for variable in model.weights} == {"float32"}
    np.testing.assert_array_equal(model.get_layer("conv_2").kernel, stored["conv_2/kernel"].astype(np.float32))


def test_saved_and_loaded_with_keras_alone_it_computes_the_same(tmp_path: Path) -> None:
    model = convvision.create_model("conv_32_32", weights="mnist")
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(
        outputs(keras.models.load_model(tmp_path / "model.keras"), noise()), outputs(model, noise()), rtol=1e-5
    )


def test_arrays_that_are_stored_come_back(put: Callable[..., None]) -> None:
    model = convvision.create_model("conv_32_32")
    model.get_layer("dense_1").bias.assign(np.linspace(-1e6, 1e6, 128))
    put(**{key: value.astype(np.float16) if value.ndim > 1 else value for key, value in values_of(model).items()})
    again = convvision.create_model("conv_32_32", weights="mnist")
    np.testing.assert_array_equal(again.get_layer("dense_1").bias, model.get_layer("dense_1").bias)
    np.testing.assert_allclose(again.get_layer("conv_1").kernel, model.get_layer("conv_1").kernel, rtol=1e-3, atol=1e-7)


# What is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("conv_32_32", "mnsit", "Unknown weights of 'conv_32_32': 'mnsit'. Did you mean 'mnist'"),
        ("conv_32_32", True, "Unknown weights of 'conv_32_32': True. "),
        ("conv_32_32", "cifar10", "weights=None gives a model to be trained."),
        ("vgg_small", "mnist", "Unknown weights of 'vgg_small': 'mnist'. Models with weights: conv_32_32"),
    ],
)
def test_unknown_weights_say_what_there_is(name: str, weights: Any, message: str) -> None:
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        convvision.create_model(name, weights=weights)


def test_images_of_another_shape_are_refused_with_shape_and_scale() -> None:
    message = (
        "The weights 'mnist' of 'conv_32_32' are for images of shape (28, 28, 1), with pixels on the scale 'unit'. "
        "Received: input_shape=(32, 32, 3). Bring the images to that size, or build the model with weights=None"
    )
    with pytest.raises(ShapeError, match=re.escape(message)):
        convvision.create_model("conv_32_32", (32, 32, 3), weights="mnist")


@pytest.mark.parametrize(
    ("options", "key", "expected", "received"),
    [
        ({"kernel_size": 5}, "conv_1/kernel", "(3, 3, 1, 32)", "(5, 5, 1, 32)"),
        ({"hidden_units": ()}, "dense_1/kernel", "(800, 128)", "None"),
        ({"hidden_units": (128, 9)}, "classifier/kernel", "(128, 10)", "(9, 10)"),
    ],
)
def test_options_that_the_weights_do_not_fit_are_refused(
    options: dict[str, Any], key: str, expected: str, received: str
) -> None:
    message = (
        f"The weights 'mnist' of 'conv_32_32' are for the model as it is registered, in which the shape of {key} is "
        f"{expected}. Received: options that make it {received}. Leave them out, or build the model with weights=None"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        convvision.create_model("conv_32_32", weights="mnist", **options)


def test_a_layer_more_behind_another_head_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape of dense_2/kernel is None. Received: options that make it \(128, 9\)"):
        convvision.create_model("conv_32_32", num_classes=3, weights="mnist", hidden_units=(128, 9))


def test_a_damaged_file_is_refused_before_it_is_read(box: Path) -> None:
    path = box / "conv_32_32-mnist.npz"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    card = convvision.get_model_info("conv_32_32").weights["mnist"]
    message = (
        f"{path} is not the file that came with convvision. Expected: SHA-256 {card.sha256}. "
        f"Received: {hashlib.sha256(content).hexdigest()}, {card.bytes:,} bytes instead of {card.bytes:,}. "
        f"Install convvision again: pip install --force-reinstall --no-deps convvision"
    )
    with pytest.raises(CorruptDataError, match=re.escape(message)):
        convvision.create_model("conv_32_32", weights="mnist")


def test_a_missing_file_is_refused(box: Path) -> None:
    (box / "conv_32_32-mnist.npz").unlink()
    with pytest.raises(CorruptDataError, match=r"cannot be read: No such file or directory. Install convvision again"):
        convvision.create_model("conv_32_32", weights="mnist")


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "conv_32_32"}'])
def test_a_damaged_card_is_refused(text: str, box: Path) -> None:
    (box / "conv_32_32-mnist.json").write_text(text)
    with pytest.raises(
        CorruptDataError, match=r"conv_32_32-mnist.json is not the card that .* Install convvision again"
    ):
        convvision.create_model("conv_32_32", weights="mnist")


def test_nothing_is_unpickled(put: Callable[..., None]) -> None:
    opened = []

    class Bomb:
        def __reduce__(self) -> Any:
            return opened.append, (1,)

    put(bomb=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        convvision.create_model("conv_32_32", weights="mnist")
    assert not opened
