"""``convvision recipes``."""

from __future__ import annotations

import dataclasses

import click

from convvision._tables import text_table
from convvision.cli._options import as_json
from convvision.cli._output import print_json
from convvision.training import RECIPES, get_recipe, list_recipes

__all__ = ["recipes"]


@click.command()
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@as_json
def recipes(patterns: tuple[str, ...], as_json: bool) -> None:
    """List the recipes of training, all or those whose name matches a PATTERN such as "f*".

    `convvision train MODEL --data NAME --recipe RECIPE` trains by one of them; with --json, all that they set is shown.
    """
    # A plugin that is not loaded yet is listed by its name alone.
    found = {name: None if RECIPES.pending_plugin(name) else get_recipe(name) for name in list_recipes(patterns or "*")}
    if as_json:
        print_json({name: recipe and dataclasses.asdict(recipe) for name, recipe in found.items()})
        return
    rows = [
        (name, "", "", "", f"plugin of {RECIPES.pending_plugin(name)}")
        if recipe is None
        else (name, str(recipe.epochs), str(recipe.batch_size), recipe.precision, recipe.summary)
        for name, recipe in found.items()
    ]
    click.echo(text_table(("recipe", "epochs", "batch", "precision", "summary"), rows, numbers={1, 2}))
