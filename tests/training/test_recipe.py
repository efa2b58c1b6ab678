"""Recipes as plain data with a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import pytest

import convvision
from convvision.errors import DuplicateNameError, InputError, UnknownNameError
from convvision.training import RECIPES, Recipe, get_recipe, list_recipes, register_recipe


@pytest.fixture
def mine() -> Iterator[Recipe]:
    recipe = register_recipe(Recipe("mine", summary="Short.", epochs=1))
    yield recipe
    RECIPES.unregister("mine")


def test_the_lessons_recipe_is_keras_with_its_defaults() -> None:
    lesson = get_recipe("lesson")
    adam = keras.optimizers.get("adam")
    assert lesson.optimizer == "adam"
    assert lesson.learning_rate == pytest.approx(float(adam.learning_rate))
    # 60,000 images in the lesson's 1875 steps.
    assert lesson.batch_size == 60_000 / 1875
    assert lesson.epochs == 5


def test_ours_from_seconds_to_hours() -> None:
    assert {"lesson", "fast", "strong", "best"} <= set(list_recipes())
    epochs = [get_recipe(name).epochs for name in ("fast", "strong", "best")]
    assert epochs == sorted(epochs)
    # Measured with these numbers: others need another measurement.
    best = get_recipe("best")
    assert (best.optimizer, best.learning_rate, best.schedule, best.warmup) == ("muon", 0.06, "linear", 0.05)
    assert (best.weight_decay, best.batch_size, best.epochs, best.label_smoothing) == (0.02, 256, 50, 0.1)
    assert (best.flip, best.shift, best.cutout, best.precision) == (True, 2, 8, "bfloat16")


def test_a_recipe_is_registered_listed_and_found(mine: Recipe) -> None:
    assert get_recipe("mine") is mine is convvision.get_recipe("mine")
    assert list_recipes() == sorted([*RECIPES])
    assert {"lesson", "mine"} <= set(list_recipes())
    assert list_recipes("mi*") == ["mine"]
    assert list_recipes(["mi*", "less?n"]) == ["lesson", "mine"]


def test_a_name_is_taken_once(mine: Recipe) -> None:
    with pytest.raises(DuplicateNameError, match=r"A recipe named 'mine' is registered already"):
        register_recipe(Recipe("mine"))
    longer = register_recipe(dataclasses.replace(mine, epochs=3), overwrite=True)
    assert get_recipe("mine") is longer


def test_an_unknown_recipe_says_what_was_meant() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown recipe 'Lessons'\. Did you mean 'lesson'\?"):
        get_recipe("Lessons")


def test_a_recipe_does_not_change_under_ones_hands() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_recipe("lesson").epochs = 20  # type: ignore[misc]


@pytest.mark.parametrize("field", ["batch_size", "epochs"])
@pytest.mark.parametrize("value", [0, -3, 2.5, "32", True])
def test_counts_are_positive_whole_numbers(field: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"{field} is a whole number of at least 1\. Received: {field}={value!r}"):
        Recipe("bad", **{field: value})


@pytest.mark.parametrize("value", [0, -0.1, float("nan"), float("inf")])
def test_a_learning_rate_is_positive_and_finite(value: float) -> None:
    with pytest.raises(InputError, match=rf"learning_rate is positive and finite\. Received: learning_rate={value!r}"):
        Recipe("bad", learning_rate=value)


def test_an_entry_point_that_is_no_recipe_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"names a Recipe\(name='theirs', \.\.\.\)\. Received: 'no recipe'"):
        RECIPES._adapt("theirs", "no recipe")
    with pytest.raises(InputError, match=r"name='theirs'"):
        RECIPES._adapt("theirs", Recipe("another name"))
    recipe = Recipe("theirs")
    assert RECIPES._adapt("theirs", recipe) is recipe


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"schedule": "step"}, r"schedule is 'constant' or 'linear' or 'cosine'\. Received: schedule='step'"),
        ({"precision": "float16"}, r"precision is 'float32' or 'bfloat16'\. Received: precision='float16'"),
        ({"weight_decay": -1}, r"weight_decay is at least 0 and finite\. Received: weight_decay=-1"),
        ({"weight_decay": float("nan")}, r"Received: weight_decay=nan"),
        ({"warmup": 1.0}, r"warmup.*Received: warmup=1\.0"),
        ({"averaging": 1.0}, r"averaging is a fraction: at least 0 and below 1\. Received: averaging=1\.0"),
        ({"mixup": -0.2}, r"mixup is at least 0 and finite\. Received: mixup=-0\.2"),
        ({"mixup": True}, r"Received: mixup=True"),
        ({"flip": "yes"}, r"flip is True or False\. Received: flip='yes'"),
        ({"label_smoothing": -0.1}, r"label_smoothing.*Received: label_smoothing=-0\.1"),
        ({"hard_fraction": 0}, r"hard_fraction is in \(0, 1\]\. Received: hard_fraction=0"),
        ({"hard_fraction": 0.5, "epochs": 1}, r"there are two at least\. Received: epochs=1.*Use hard_fraction=1\.0"),
        ({"shift": -1}, r"shift is a whole number of pixels, 0 for none\. Received: shift=-1"),
        ({"cutout": 2.5}, r"cutout is a whole number of pixels, 0 for none\. Received: cutout=2\.5"),
    ],
)
def test_what_a_recipe_cannot_be(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Recipe("bad", **options)


def test_a_recipe_names_what_fit_cannot_do() -> None:
    assert get_recipe("lesson").beyond_fit == ()
    assert get_recipe("best").beyond_fit == ()
    assert get_recipe("fast").beyond_fit == ("hard_fraction",)
    assert Recipe("r", mixup=0.2, averaging=0.5, hard_fraction=0.5).beyond_fit == (
        "hard_fraction",
        "averaging",
        "mixup",
    )
