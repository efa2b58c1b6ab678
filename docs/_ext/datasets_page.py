"""The facts about each registered data set, as its card in the registry has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

import convvision
from convvision.datasets import DATASETS, DatasetInfo

__all__ = ["setup"]

_HEADER = ("data set", "images", "classes", "shape", "download", "licence")


def _ours() -> list[DatasetInfo]:
    """Leave out plugins that happen to be installed."""
    names = convvision.list_datasets()
    return [convvision.get_dataset_info(name) for name in names if DATASETS.pending_plugin(name) is None]


class DatasetsTable(SphinxDirective):
    """A row for each data set."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        _note_sources(self)
        group = nodes.tgroup(cols=len(_HEADER))
        group += [nodes.colspec(colwidth=1) for _name in _HEADER]
        group += nodes.thead("", _row(tuple(map(_, _HEADER))))
        group += nodes.tbody("", *(_row(_facts(info)) for info in _ours()))
        return [nodes.table("", group)]


class DatasetsCards(SphinxDirective):
    """Summary, known issues and citation of each data set."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        _note_sources(self)
        cards = nodes.definition_list()
        for info in _ours():
            body = nodes.definition("", nodes.paragraph("", info.summary))
            if info.known_issues:
                body += nodes.bullet_list("", *(_bullet(issue) for issue in info.known_issues))
            if info.citation:
                body += nodes.paragraph("", info.citation)
            if info.homepage:
                link = nodes.reference("", info.homepage, refuri=info.homepage)
                body += nodes.paragraph("", "", link)
            cards += nodes.definition_list_item("", nodes.term("", "", nodes.literal("", info.name)), body)
        return [cards]


def _facts(info: DatasetInfo) -> tuple[str, ...]:
    return (
        info.name,
        f"{info.train_count:,} + {info.test_count:,}",
        str(info.num_classes),
        " × ".join(map(str, info.image_shape)),
        f"{info.download_size / 1e6:.0f} MB" if info.download_size else _("none"),
        info.licence,
    )


def _row(cells: tuple[str, ...]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))


def _bullet(text: str) -> nodes.list_item:
    return nodes.list_item("", nodes.paragraph("", text))


def _note_sources(directive: SphinxDirective) -> None:
    """Have the page built anew when a card changes."""
    for source in Path(convvision.datasets.__file__).parent.glob("*.py"):
        directive.env.note_dependency(source)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("datasets-table", DatasetsTable)
    app.add_directive("datasets-cards", DatasetsCards)
    return {"parallel_read_safe": True}
