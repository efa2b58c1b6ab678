"""Overviews of examples in the other language: sphinx-gallery writes titles as HTML, which Sphinx leaves alone."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from translations import CATALOGUES, LANGUAGE, read_catalogue

__all__ = ["setup", "translate"]

_TITLE = re.compile(r'(?<=<div class="sphx-glr-thumbnail-title">)[^<]*')
_TOOLTIP = re.compile(r'(?<=tooltip=")[^"]*')
# What sphinx-gallery leaves of roles and literals in a tooltip: their text.
_MARKUP = re.compile(r"(?::[\w:]+:)?`+~?(?:[\w.]*\.)?([^`]+)`+")


def translate(text: str, strings: dict[str, str]) -> str:
    """Translate title and tooltip of a thumbnail.

    Args:
        text: Its HTML.
        strings: The titles and first paragraphs of the examples, with their translations.

    Returns:
        The HTML, in which what has no translation is left.
    """
    plain = {_plain(string): _plain(translation) for string, translation in strings.items() if translation}

    def translated(match: re.Match[str]) -> str:
        return html.escape(plain.get(_plain(html.unescape(match[0])), html.unescape(match[0])))

    return _TOOLTIP.sub(translated, _TITLE.sub(translated, text))


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\1", text).strip()


class _Thumbnails(SphinxTransform):
    # Behind Sphinx's translation.
    default_priority = 21

    def apply(self, **kwargs: Any) -> None:  # noqa: ARG002
        thumbnails = [node for node in self.document.findall(nodes.raw) if "sphx-glr-thumb" in node.astext()]
        if self.config.language != LANGUAGE or not thumbnails:
            return
        strings: dict[str, str] = {}
        for path in sorted((CATALOGUES / self.env.current_document.docname).parent.glob("*.po")):
            self.env.note_dependency(str(path))
            strings |= {message.id: message.string for message in read_catalogue(path) if message.id}
        for node in thumbnails:
            node.rawsource = translate(node.astext(), strings)
            node[:] = [nodes.Text(node.rawsource)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Come behind the translation of the page."""
    app.add_transform(_Thumbnails)
    return {"parallel_read_safe": True}
