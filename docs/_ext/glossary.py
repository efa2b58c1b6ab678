"""The glossary, English and Chinese, from ``reference/glossary.csv``: to read, and for the search to know."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["Term", "chinese_words", "read_terms", "setup"]

TERMS = Path(__file__).parents[1] / "reference" / "glossary.csv"
# docutils writes a class of this form as the attribute lang.
_CHINESE = "language-zh-CN"
_HAN = re.compile(r"[\u4e00-\u9fff]{2,}")


class Term(NamedTuple):
    """A term in both languages; the pinyin is what it is sorted by in Chinese."""

    en: str
    zh: str
    pinyin: str
    meaning_en: str
    meaning_zh: str

    @property
    def anchor(self) -> str:
        """Where its entry stands on the page."""
        return f"term-{self.en.replace(' ', '-')}"


def read_terms(path: Path = TERMS) -> list[Term]:
    """Read the terms, in the order of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Term(**row) for row in csv.DictReader(file)]


def chinese_words(terms: list[Term]) -> list[str]:
    """Find the Chinese words of the terms, each once."""
    return sorted({word for term in terms for word in _HAN.findall(term.zh)})


class Glossary(SphinxDirective):
    """Every term with its meaning, in the order of English."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        items = []
        for term in sorted(read_terms(), key=lambda term: term.en):
            head = nodes.term("", "", nodes.Text(f"{term.en} · "), _chinese(term.zh), ids=[term.anchor])
            meanings = [nodes.paragraph("", term.meaning_en), nodes.paragraph("", "", _chinese(term.meaning_zh))]
            items.append(nodes.definition_list_item("", head, nodes.definition("", *meanings)))
        return [nodes.definition_list("", *items, classes=["glossary-terms"])]


class GlossaryIndex(SphinxDirective):
    """Chinese to English, in the order of pinyin, each with a link to its entry."""

    def run(self) -> list[nodes.Node]:
        """Make the list."""
        items = [
            nodes.list_item(
                "",
                nodes.paragraph(
                    "", "", _chinese(term.zh), nodes.Text(" · "), nodes.reference("", term.en, refid=term.anchor)
                ),
            )
            for term in sorted(read_terms(), key=lambda term: term.pinyin)
        ]
        return [nodes.bullet_list("", *items, classes=["glossary-index"])]


def _chinese(text: str) -> nodes.inline:
    return nodes.inline("", text, classes=[_CHINESE])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("bilingual-glossary", Glossary)
    app.add_directive("bilingual-glossary-index", GlossaryIndex)
    return {"parallel_read_safe": True}
