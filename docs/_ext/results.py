"""Figures on the pages, read from ``benchmarks/results/`` while the site is built; one that is missing ends the build.

A figure is an expression: the name of a result, the way to the value, and how to write it::

    {result}`lesson_accuracy:rows[conv_64_64].test_accuracy | spread`
    {result}`lesson_accuracy:rows[conv_64_64].test_accuracy - lesson_accuracy:rows[dense_128].test_accuracy | points`

A row of a table is found by its model, the first where it has several; a number of a list by its position, or as the
"min" or "max" of them; and what has a name that holds a point by that name in brackets. ``-`` and ``/``, between
blanks, stand for what they are.

Two directives show more: ``results-table`` a row for each model, ``results-history`` the plot of a training.
"""

from __future__ import annotations

import functools
import json
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives.patches import Figure
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective, SphinxRole

__all__ = ["directory_of", "figure_text", "look_up", "setup"]

# Below docs/, where a page can show it; git and Sphinx pass this folder by.
_PICTURES = "_build/pictures"
_OPERATION = re.compile(r"\s([-/])\s")
_STEP = re.compile(r"\.?(\w+)|\[([^\]]+)\]")
_FORMATS: dict[str, Callable[[Any], str]] = {
    "correlation": "{:.2f}".format,
    "count": "{:,}".format,
    "list": lambda values: _(" and ").join(", ".join(map(str, values)).rsplit(", ", 1)),
    "loss": "{:.3f}".format,
    "number": "{:.1f}".format,
    "percent": "{:.2%}".format,
    "points": lambda value: f"{value * 100:.1f}",
    "text": str,
}


def look_up(directory: Path, expression: str) -> Any:
    """Find the value of ``NAME:way.to[the].value``.

    Args:
        directory: Of the results.
        expression: Without a format.

    Returns:
        The value.

    Raises:
        ExtensionError: No such result, or no such value in it.
    """
    name, _, way = expression.partition(":")
    path = directory / f"{name}.json"
    if not path.is_file():
        raise ExtensionError(f"A page shows {expression!r}, but there is no {path}. Run the benchmark that writes it.")
    value = _load(path, path.stat().st_mtime_ns)
    for key, index in _STEP.findall(way):
        try:
            value = _item(value, index) if index else value[key]
        except (KeyError, IndexError, TypeError) as error:
            raise ExtensionError(f"A page shows {expression!r}, but {path} has no {key or index!r} there.") from error
    return value


def figure_text(directory: Path, figure: str) -> str:
    """Write out ``EXPRESSION | FORMAT``; the format "spread" adds the standard deviation that stands beside a mean.

    Args:
        directory: Of the results.
        figure: The expression and its format.

    Returns:
        What stands on the page.

    Raises:
        ExtensionError: No such value, or no such format.
    """
    expression, _, form = (part.strip() for part in figure.partition("|"))
    if form == "spread":
        mean, sd = (look_up(directory, one) for one in (expression, f"{expression}_sd"))
        return f"{mean:.2%}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{sd:.2%}"
    if form not in _FORMATS:
        raise ExtensionError(f"A figure's format is one of {', '.join(_FORMATS)} or spread. Received: {figure!r}")
    first, *others = _OPERATION.split(expression)
    value = look_up(directory, first)
    for sign, other in zip(others[::2], others[1::2], strict=True):
        value = (operator.sub if sign == "-" else operator.truediv)(value, look_up(directory, other))
    return _FORMATS[form](value)


@functools.cache
def _load(path: Path, _changed: int) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _item(items: Any, index: str) -> Any:
    if isinstance(items, dict):
        return items[index]
    if index.lstrip("-").isdecimal():
        return items[int(index)]
    if index in ("min", "max"):
        return min(items) if index == "min" else max(items)
    return {row["model"]: row for row in reversed(items)}[index]


def directory_of(env: Any, figure: str) -> Path:
    """Find the results, and have the page built anew when the one it shows changes."""
    directory = Path(env.app.confdir, env.config.results_directory)
    for name in re.findall(r"(\w+):", figure):
        env.note_dependency(directory / f"{name}.json")
    return directory


class ResultRole(SphinxRole):
    """One figure in running text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the figure."""
        return [nodes.inline(text=figure_text(directory_of(self.env, self.text), self.text), classes=["result"])], []


class ResultsTable(SphinxDirective):
    """A table with a row for each of the arguments; each line of the content is a column, ``HEADER = FIGURE``.

    ``*`` in a figure stands for the row's argument.
    """

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        columns = [tuple(part.strip() for part in line.split("=", 1)) for line in self.content if line.strip()]
        rows = [[header for header, _ in columns]]
        for argument in self.arguments[0].split():
            figures = [figure.replace("*", argument) for _, figure in columns]
            rows.append([figure_text(directory_of(self.env, figure), figure) for figure in figures])
        group = nodes.tgroup(cols=len(columns))
        group += [nodes.colspec(colwidth=1) for _ in columns]
        group += nodes.thead("", nodes.row("", *map(self._header, rows[0])))
        group += nodes.tbody("", *map(_table_row, rows[1:]))
        return [nodes.table("", group, classes=["results"])]

    def _header(self, text: str) -> nodes.entry:
        # With its source, which is what makes it a string to translate.
        paragraph = nodes.paragraph(text, text)
        self.set_source_info(paragraph)
        return nodes.entry("", paragraph)


class ResultsHistory(SphinxDirective, Figure):
    """Loss and accuracy by epoch of a result that holds a history; the content is the caption."""

    def run(self) -> list[nodes.Node]:
        """Draw the plot, then show it as any figure."""
        from convvision.training import HistoryDisplay  # noqa: PLC0415

        name = self.arguments[0]
        directory = directory_of(self.env, f"{name}:")
        histories = {look_up(directory, f"{name}:model"): look_up(directory, f"{name}:history")}
        picture = Path(self.env.app.srcdir, _PICTURES, f"{name}.svg")
        picture.parent.mkdir(parents=True, exist_ok=True)
        HistoryDisplay(histories, title=look_up(directory, f"{name}:data")).plot().save(picture)
        self.arguments[0] = f"/{_PICTURES}/{picture.name}"
        return super().run()


def _table_row(cells: list[str]) -> nodes.row:
    return nodes.row(
        "", *(nodes.entry("", nodes.paragraph("", "", nodes.inline(text=cell, classes=["result"]))) for cell in cells)
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role and the directives."""
    app.add_config_value("results_directory", "../benchmarks/results", "env")
    app.add_role("result", ResultRole())
    app.add_directive("results-table", ResultsTable)
    app.add_directive("results-history", ResultsHistory)
    return {"parallel_read_safe": True}
