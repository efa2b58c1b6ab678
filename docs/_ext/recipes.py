"""The recipes side by side, as their dataclasses have them."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import convvision
from convvision.training import RECIPES

__all__ = ["setup"]


class RecipesTable(SphinxDirective):
    """A column for each recipe, a row for each field; what is not the default is set in bold."""

    def run(self) -> list[nodes.Node]:
        """Make the table; plugins that happen to be installed are left out."""
        self.env.note_dependency(importlib.import_module("convvision.training._recipe").__file__)
        names = [name for name in convvision.list_recipes() if RECIPES.pending_plugin(name) is None]
        recipes = [convvision.get_recipe(name) for name in names]
        told = ("name", "summary")
        fields = [field for field in dataclasses.fields(convvision.Recipe) if field.name not in told]
        rows = [
            _row(nodes.literal(text=field.name), *(_value(getattr(recipe, field.name), field) for recipe in recipes))
            for field in fields
        ]
        group = nodes.tgroup(cols=len(recipes) + 1)
        group += [nodes.colspec(colwidth=1) for _ in range(len(recipes) + 1)]
        group += nodes.thead("", _row(nodes.Text("field"), *(nodes.literal(text=name) for name in names)))
        group += nodes.tbody("", *rows)
        summaries = [
            nodes.paragraph("", "", nodes.literal(text=recipe.name), nodes.Text(f": {recipe.summary}"))
            for recipe in recipes
        ]
        items = [nodes.list_item("", summary) for summary in summaries]
        return [nodes.bullet_list("", *items), nodes.table("", group)]


def _value(value: Any, field: dataclasses.Field[Any]) -> nodes.Node:
    return nodes.Text(str(value)) if value == field.default else nodes.strong(text=str(value))


def _row(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("recipes-table", RecipesTable)
    return {"parallel_read_safe": True}
