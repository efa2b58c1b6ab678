"""How a model is trained, as plain data with a name."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from convvision._checks import check_positive_int, is_number
from convvision._public import set_module
from convvision.errors import InputError
from convvision.registry import Registry

__all__ = ["RECIPES", "Recipe", "get_recipe", "list_recipes", "register_recipe", "resolve_recipe"]


@set_module("convvision.training")
@dataclass(frozen=True)
class Recipe:
    """How a model is trained; vary one with ``dataclasses.replace(recipe, epochs=20)``.

    Attributes:
        name: What to call it.
        summary: One line.
        optimizer: Name of a Keras optimiser, as in "adam" or "sgd".
        learning_rate: Its step size, positive.
        batch_size: Images a step.
        epochs: Passes over the training images.

    Raises:
        InputError: A number that is not positive, or a name that is none.
    """

    name: str
    summary: str = ""
    optimizer: str = "adam"
    learning_rate: float = 0.001
    batch_size: int = 32
    epochs: int = 5

    def __post_init__(self) -> None:
        for name in ("name", "summary", "optimizer"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"A recipe's {name} is a string. Received: {name}={getattr(self, name)!r}")
        check_positive_int(self.batch_size, "batch_size")
        check_positive_int(self.epochs, "epochs")
        if not is_number(self.learning_rate) or not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate is positive and finite. Received: learning_rate={self.learning_rate!r}")


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
