"""Models by name: built, listed, looked up, registered, and not one import of TensorFlow before the first is built."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import keras
import pytest

import convvision
from convvision.errors import DuplicateNameError, InputError, UnknownNameError
from convvision.models import MODELS, ModelInfo, conv


@pytest.fixture
def registered() -> Iterator[list[Any]]:
    """A model named ``tiny``; the list holds what its builder was called with."""
    calls: list[Any] = []

    @convvision.register_model("tiny", family="mine", summary="A tiny model.", parameters=42, min_size=3)
    def tiny(**given: Any) -> keras.Model:
        calls.append(given)
        return conv(2, hidden_units=(), **given)

    yield calls
    MODELS.unregister("tiny")


def test_an_unknown_model_says_what_was_meant() -> None:
    with pytest.raises(UnknownNameError) as caught:
        convvision.create_model("conv_6464")
    assert str(caught.value).startswith("Unknown model 'conv_6464'. Did you mean 'conv_64_64'")
    assert "Known: 'conv_16_16', " in str(caught.value)


@pytest.mark.parametrize("name", [None, 64, ("conv_64_64",)])
def test_what_is_no_name_is_unknown(name: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"^Unknown model "):
        convvision.create_model(name)


def test_defaults_are_grey_images_of_28_pixels_and_ten_classes() -> None:
    model = convvision.create_model("dense_128")
    assert model.input_shape == (None, 28, 28, 1)
    assert model.output_shape == (None, 10)


def test_options_reach_the_builder() -> None:
    model = convvision.create_model("conv_32", (20, 24, 3), 5, kernel_size=5, dropout=0.5)
    assert model.get_layer("conv_1").kernel.shape == (5, 5, 3, 32)
    assert model.get_layer("dropout_1").rate == 0.5
    assert model.output_shape == (None, 5)


def test_a_users_builder_is_found_by_its_name(registered: list[Any]) -> None:
    assert "tiny" in convvision.list_models()
    assert convvision.get_model_info("tiny") == ModelInfo("tiny", "mine", "A tiny model.", 42, 3, "")
    model = convvision.create_model("tiny", [12, 12, 1], 4, dropout=0.25)
    assert model.output_shape == (None, 4)
    assert registered == [{"input_shape": (12, 12, 1), "num_classes": 4, "dropout": 0.25}]


def test_an_option_that_the_builder_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"option 'kernel' of 'conv_32'\. Did you mean 'kernel_size'\? Known: "):
        convvision.create_model("conv_32", kernel=5)
    with pytest.raises(UnknownNameError, match=r"Did you mean 'num_classes'\? Known: .*'input_shape', .*'num_classes'"):
        convvision.create_model("conv_32", num_class=3)
    # Given by the registration.
    with pytest.raises(UnknownNameError, match="option 'filters' of 'conv_32'"):
        convvision.create_model("conv_32", filters=(8,))


def test_a_shape_is_checked_before_a_users_builder_sees_it(registered: list[Any]) -> None:
    with pytest.raises(InputError, match="without the batch"):
        convvision.create_model("tiny", (12, 12))
    with pytest.raises(InputError, match="at least 2 classes"):
        convvision.create_model("tiny", num_classes=1)
    assert registered == []


def test_unregistered_it_is_unknown(registered: list[Any]) -> None:
    entry = MODELS.get("tiny")
    MODELS.unregister("tiny")
    with pytest.raises(UnknownNameError, match=r"^Unknown model 'tiny'"):
        convvision.create_model("tiny")
    with pytest.raises(UnknownNameError, match=r"^Unknown model 'tiny'"):
        convvision.get_model_info("tiny")
    MODELS.register("tiny", entry)


def test_the_decorator_returns_the_builder() -> None:
    def builder(**given: Any) -> keras.Model:
        raise AssertionError("registering builds nothing")

    try:
        assert convvision.register_model("returned", family="mine", summary="Returned.")(builder) is builder
    finally:
        MODELS.unregister("returned")


def test_a_taken_name_is_refused_unless_it_shall_be_replaced(registered: list[Any]) -> None:
    def other(**given: Any) -> keras.Model:
        return convvision.models.dense(3, **given)

    with pytest.raises(DuplicateNameError, match="A model named 'tiny' is registered already"):
        convvision.register_model("tiny", family="mine", summary="Another.")(other)
    assert convvision.get_model_info("tiny").summary == "A tiny model."
    convvision.register_model("tiny", family="mine", summary="Another.", overwrite=True)(other)
    assert convvision.get_model_info("tiny").summary == "Another."
    assert convvision.create_model("tiny").name == "dense_3"
    assert registered == []


def test_listing_is_in_order_and_by_pattern() -> None:
    everything = convvision.list_models()
    assert everything == sorted(everything)
    assert convvision.list_models("dense_*") == ["dense_128", "dense_512"]
    assert convvision.list_models(["conv_3?", "dense_5*"]) == ["conv_32", "dense_512"]


def test_a_string_is_one_pattern_and_not_its_letters() -> None:
    with pytest.raises(UnknownNameError, match=r"^Unknown model 'dense'. Did you mean"):
        convvision.list_models("dense")


def test_facts_are_read_only() -> None:
    info = convvision.get_model_info("conv_64_64")
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.parameters = 1  # type: ignore[misc]


def modules_after(statements: str) -> set[str]:
    """Name the packages that a fresh interpreter has imported after some statements."""
    code = f"import json, sys, convvision\n{statements}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_listing_and_facts_load_neither_tensorflow_nor_keras() -> None:
    loaded = modules_after("convvision.list_models(); convvision.get_model_info('conv_32_32').weights['mnist']")
    assert "convvision" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib"}


def test_that_check_sees_an_import() -> None:
    assert {"tensorflow", "keras"} <= modules_after("convvision.create_model('dense_128')")
