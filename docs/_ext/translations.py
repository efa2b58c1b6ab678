"""The site in two languages: which pages are translated, and a warning for each of their strings that is not.

The catalogues lie in ``locale/LANGUAGE/LC_MESSAGES``, one for each page. ``make translations`` runs this file, which
brings them in step with the pages.
"""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.locale import _
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import extract_messages

__all__ = ["FOLDER", "LANGUAGE", "extract", "is_translated", "read_catalogue", "setup", "untranslated", "update"]

LANGUAGE = "zh_CN"
# Where its site lies, inside of the English one.
FOLDER = "zh/"
DOCS = Path(__file__).parents[1]
CATALOGUES = DOCS / "locale" / LANGUAGE / "LC_MESSAGES"
# The strings of Sphinx and of the theme that their own catalogues lack, and no page.
OF_THE_THEME = "sphinx"
# The API is described in the language of its docstrings.
_REFERENCE = ("reference/index", "reference/glossary")
_TRANSLATED = ("index", "installation", "tutorials/*", "how-to/*", "auto_examples/*", "explanation/*", *_REFERENCE)

_logger = logging.getLogger(__name__)


def is_translated(page: str) -> bool:
    """Tell whether a page, by the name that Sphinx has for it, is one of those that exist in both languages."""
    return any(fnmatch.fnmatch(page, pattern) for pattern in _TRANSLATED)


def read_catalogue(path: Path) -> Catalog:
    """Read a catalogue; one that is not there has no strings."""
    if not path.is_file():
        return Catalog()
    with path.open("rb") as file:
        return read_po(file)


def untranslated(strings: list[str], catalogue: Catalog) -> list[str]:
    """Find the strings that a catalogue lacks, leaves empty, or marks as fuzzy: to be looked at again."""
    found = ((string, catalogue.get(string)) for string in strings)
    return [string for string, message in found if message is None or not message.string or message.fuzzy]


def extract(docs: Path, templates: Path) -> None:
    """Write a template, the strings of a page without their translation, for each translated page; no example is run.

    Args:
        docs: The folder with the pages.
        templates: The folder to write ``PAGE.pot`` into.
    """
    # Without the API: its pages take a minute to make. What refers to them is left alone here, and `make docs` knows
    # whether it is there.
    settings = {
        "autosummary_generate": "0",
        "exclude_patterns": "_build,reference/generated,reference/*.rst,reference/zoo.md,reference/cheat-sheet.md",
        "nitpicky": "0",
        "plot_gallery": "0",
        "suppress_warnings": "image,myst,ref,toc",
    }
    options = [part for name, value in settings.items() for part in ("-D", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as doctrees:
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "gettext", "-d", doctrees, *options, docs, templates]
        subprocess.run(command, check=True)  # noqa: S603
    for template in templates.rglob("*.pot"):
        if not is_translated(template.relative_to(templates).with_suffix("").as_posix()):
            template.unlink()


def update() -> None:
    """Bring the catalogues in step: new strings come in empty, changed ones fuzzy, those of pages that went go too."""
    with tempfile.TemporaryDirectory() as folder:
        templates = Path(folder)
        extract(DOCS, templates)
        pages = {path.relative_to(templates).with_suffix("") for path in templates.rglob("*.pot")}
        command = [sys.executable, "-m", "sphinx_intl", "update", "-p", templates, "-d", CATALOGUES.parents[1]]
        subprocess.run([*command, "-l", LANGUAGE, "-w", "116"], check=True)  # noqa: S603
    for path in CATALOGUES.rglob("*.po"):
        page = path.relative_to(CATALOGUES).with_suffix("")
        if page not in pages and page.as_posix() != OF_THE_THEME:
            path.unlink()


class _Check(SphinxTransform):
    """Warn of each string of a translated page that would be shown in English."""

    # Before Sphinx puts the translations in, at 20.
    default_priority = 19

    def apply(self, **kwargs: Any) -> None:  # noqa: ARG002
        page = self.env.current_document.docname
        if self.config.language != LANGUAGE or not is_translated(page):
            return
        messages = list(extract_messages(self.document))
        missing = set(untranslated([string for _, string in messages], read_catalogue(CATALOGUES / f"{page}.po")))
        for node, string in messages:
            if string in missing:
                _logger.warning("Not translated: %r. Run `make translations`.", string, location=node)


class _KeepAnchors(SphinxTransform):
    """Let links find a page's headings by their English anchors, as before the translation.

    MyST parses each translated heading as a page of its own, which then passes for the page's only heading.
    """

    # Behind Sphinx's translation.
    default_priority = 21

    def apply(self, **kwargs: Any) -> None:  # noqa: ARG002
        anchors = getattr(self.document, "myst_slugs", None)
        if anchors is not None:
            self.env.metadata[self.env.current_document.docname]["myst_slugs"] = anchors


def _settle(app: Sphinx, config: Config) -> None:  # noqa: ARG001
    """Say where this site lies, inside of the English one, and what the theme does not hand to its translators."""
    if config.language != LANGUAGE:
        return
    if config.html_baseurl:
        config.html_baseurl += FOLDER
    config.html_theme_options["search_bar_text"] = _("Search the docs ...")


def setup(app: Sphinx) -> dict[str, Any]:
    """Check the pages as they are read, and keep their anchors."""
    app.connect("config-inited", _settle)
    app.add_transform(_Check)
    app.add_transform(_KeepAnchors)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    update()
