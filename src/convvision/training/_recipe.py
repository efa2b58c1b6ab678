"""How a model is trained, as plain data with a name."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from convvision._checks import check_fraction, check_positive_int, is_number
from convvision._public import set_module
from convvision.errors import InputError
from convvision.registry import Registry
from convvision.training._precision import Precision
from convvision.training._schedule import Schedule
from convvision.training._views import Views

__all__ = ["RECIPES", "Recipe", "get_recipe", "list_recipes", "register_recipe", "resolve_recipe"]


@set_module("convvision.training")
@dataclass(frozen=True)
class Recipe:
    """How a model is trained; vary one with ``dataclasses.replace(recipe, epochs=20)``.

    Attributes:
        name: What to call it.
        summary: One line.
        optimizer: Name of a Keras optimiser, as in "adam" or "sgd"; or "muon" for :class:`Muon`.
        learning_rate: Its step size, positive.
        schedule: How the step size moves: "constant", or "linear" or "cosine" down to 0 at the end.
        warmup: Part of the training in which the step size first rises from 0, in [0, 1).
        weight_decay: Part of the weight matrices that a step at learning rate 1 takes away, at least 0 (decoupled,
            Loshchilov & Hutter 2019). With Muon, of the matrices that it leaves to Adam.
        batch_size: Images a step.
        epochs: Passes over the training images.
        hard_fraction: Part of the training images that the last epoch is made of, in (0, 1]: those whose loss was
            largest in the epoch before, times their weight where :func:`train` is given weights. Needs two epochs at
            least.
        averaging: Part of the training, at its end, in [0, 1), over whose steps the trainable weights are averaged
            (Polyak & Juditsky 1992, Izmailov et al. 2018); 0 for none. The mean takes the place of the weights when the
            last epoch is over, before its validation, and one more pass over the training images gives the
            statistics of batch normalisation. Until then callbacks and validation see the weights as they are trained.
            A training that is interrupted keeps those too.
        label_smoothing: Part of each label that is spread over all classes, in [0, 1) (Szegedy et al. 2016); in the
            history, ``loss`` and ``val_loss`` are on such labels.
        flip: Whether images are mirrored left to right in every other epoch, a random half of them in the first
            ("alternating flip", Jordan 2024). A data set whose images mean something else when mirrored, such as
            digits, is never flipped (:attr:`convvision.datasets.DatasetInfo.mirrored`).
        shift: Most pixels by which a training image is moved, each way; at random.
        cutout: Side in pixels of a square that is blanked in each training image, at random (DeVries & Taylor 2017); 0
            for none.
        mixup: α of the distribution Beta(α, α) from which each batch draws how to mix two of its images, and the losses
            on their two labels (Zhang et al. 2018); 0 for none. The training's accuracy counts the label of which there
            is more.
        precision: "bfloat16" computes in half precision, with float32 weights, where the processor has it; for models
            that are created by name. "float32" everywhere.
        views: What is shown of each image when the trained model is asked: "one", the image alone; "flip", "shift" or
            "flip_shift", also the image mirrored, moved by a pixel, or both, in two, three or six times the seconds;
            :class:`Predictor` says how they are averaged. It holds for the accuracy on the test images too, but not for
            the validation while training. A data set that is never flipped is not mirrored here either.

    Raises:
        InputError: A number that cannot be, or a name that is none.
    """

    name: str
    summary: str = ""
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: Schedule = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    batch_size: int = 32
    epochs: int = 5
    hard_fraction: float = 1.0
    averaging: float = 0.0
    label_smoothing: float = 0.0
    flip: bool = False
    shift: int = 0
    cutout: int = 0
    mixup: float = 0.0
    precision: Precision = "float32"
    views: Views = "one"

    def __post_init__(self) -> None:
        for name in ("name", "summary", "optimizer"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"A recipe's {name} is a string. Received: {name}={getattr(self, name)!r}")
        check_positive_int(self.batch_size, "batch_size")
        check_positive_int(self.epochs, "epochs")
        if not is_number(self.learning_rate) or not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate is positive and finite. Received: learning_rate={self.learning_rate!r}")
        for name in ("weight_decay", "mixup"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value < math.inf:
                raise InputError(f"{name} is at least 0 and finite. Received: {name}={value!r}")
        for name in ("warmup", "label_smoothing", "averaging"):
            check_fraction(getattr(self, name), name)
        if not is_number(self.hard_fraction) or not 0 < self.hard_fraction <= 1:
            raise InputError(f"hard_fraction is in (0, 1]. Received: hard_fraction={self.hard_fraction!r}")
        if self.hard_fraction < 1 and self.epochs < 2:
            raise InputError(
                f"hard_fraction chooses by the losses of the epoch before the last, so there are two at least. "
                f"Received: epochs={self.epochs} with hard_fraction={self.hard_fraction!r}. Use hard_fraction=1.0."
            )
        for name in ("shift", "cutout"):
            pixels = getattr(self, name)
            if isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 0:
                raise InputError(f"{name} is a whole number of pixels, 0 for none. Received: {name}={pixels!r}")
        self._check_choices()

    def _check_choices(self) -> None:
        if not isinstance(self.flip, bool):
            raise InputError(f"flip is True or False. Received: flip={self.flip!r}")
        for name, kind in (("schedule", Schedule), ("precision", Precision), ("views", Views)):
            if getattr(self, name) not in get_args(kind):
                known = " or ".join(map(repr, get_args(kind)))
                raise InputError(f"{name} is {known}. Received: {name}={getattr(self, name)!r}")

    @property
    def beyond_fit(self) -> tuple[str, ...]:
        """The fields that ask for more than Keras's ``fit`` can do, in the order above."""
        names = ("hard_fraction", "averaging", "mixup")
        return tuple(name for name in names if getattr(self, name) != getattr(Recipe, name))


def _from_plugin(name: str, loaded: object) -> Recipe:
    if not isinstance(loaded, Recipe) or loaded.name != name:
        raise InputError(f"An entry point of a recipe names a Recipe(name={name!r}, ...). Received: {loaded!r}")
    return loaded


RECIPES: Registry[Recipe] = Registry(
    "recipe", group="convvision.recipes", builtins=("convvision.training._recipe",), adapt=_from_plugin
)


@set_module("convvision.training")
def register_recipe(recipe: Recipe, *, overwrite: bool = False) -> Recipe:
    """Register a recipe under its name.

    Args:
        recipe: The recipe.
        overwrite: Replace a recipe of the same name instead of refusing.

    Returns:
        The same recipe.

    Raises:
        DuplicateNameError: The name is taken.

    Example:
        >>> import dataclasses
        >>> import convvision
        >>> lesson = convvision.get_recipe("lesson")
        >>> longer = convvision.register_recipe(dataclasses.replace(lesson, name="longer", epochs=20))
        >>> convvision.list_recipes("long*")
        ['longer']
        >>> convvision.training.RECIPES.unregister("longer")
    """
    RECIPES.register(recipe.name, recipe, overwrite=overwrite)
    return recipe


def resolve_recipe(recipe: Recipe | str, epochs: int | None) -> Recipe:
    """Turn the name of a recipe, or one with another number of epochs, into a recipe.

    Raises:
        UnknownNameError: No recipe has this name.
        InputError: Something else, or no number of epochs.
    """
    if isinstance(recipe, str):
        recipe = get_recipe(recipe)
    if not isinstance(recipe, Recipe):
        raise InputError(f"recipe is a Recipe or the name of one, as in 'lesson'. Received: recipe={recipe!r}")
    return recipe if epochs is None else dataclasses.replace(recipe, epochs=epochs)


@set_module("convvision.training")
def list_recipes(pattern: str | Sequence[str] = "*") -> list[str]:
    """List the names of recipes, in alphabetical order.

    Args:
        pattern: One shell-style pattern, or several of which any may match.

    Raises:
        UnknownNameError: A pattern matches nothing.

    Example:
        >>> import convvision
        >>> "lesson" in convvision.list_recipes()
        True
    """
    return RECIPES.names(pattern)


@set_module("convvision.training")
def get_recipe(name: str) -> Recipe:
    """Look up a recipe.

    Raises:
        UnknownNameError: No recipe has this name.

    Example:
        >>> import convvision
        >>> convvision.get_recipe("lesson").batch_size
        32
    """
    return RECIPES.get(name)


register_recipe(Recipe("lesson", summary="The lesson's: Adam with Keras's defaults, batches of 32, 5 epochs."))

register_recipe(
    Recipe(
        "fast",
        summary="Muon, half precision, one epoch and the harder part of another: the lesson's accuracy in seconds.",
        optimizer="muon",
        learning_rate=0.04,
        schedule="linear",
        warmup=0.1,
        weight_decay=0.02,
        batch_size=96,
        epochs=2,
        hard_fraction=0.4,
        label_smoothing=0.1,
        precision="bfloat16",
    )
)

register_recipe(
    Recipe(
        "strong",
        summary="Muon, half precision, flips, four epochs and the harder half of another: for vgg_small.",
        optimizer="muon",
        learning_rate=0.05,
        schedule="linear",
        warmup=0.1,
        weight_decay=0.02,
        batch_size=128,
        epochs=5,
        hard_fraction=0.5,
        label_smoothing=0.1,
        flip=True,
        precision="bfloat16",
        views="flip",
    )
)

register_recipe(
    Recipe(
        "best",
        summary="Muon, half precision, flips, shifts and cutout, 50 epochs: for wrn_16_2.",
        optimizer="muon",
        learning_rate=0.06,
        schedule="linear",
        warmup=0.05,
        weight_decay=0.02,
        batch_size=256,
        epochs=50,
        label_smoothing=0.1,
        flip=True,
        shift=2,
        cutout=8,
        precision="bfloat16",
        views="flip_shift",
    )
)
