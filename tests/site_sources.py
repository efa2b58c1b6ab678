"""What the site is made from: its pages as they were written, and its own Sphinx extensions."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

__all__ = ["DOCS", "EXTENSIONS", "PAGES", "extension"]

DOCS = Path(__file__).parents[1] / "docs"
EXTENSIONS = DOCS / "_ext"
_MADE_BY_THE_BUILD = ("_build", "auto_examples", "reference/generated", "tutorials/course")
# Name -> text.
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")])
    if not path.relative_to(DOCS).as_posix().startswith((*_MADE_BY_THE_BUILD, "_templates"))
}


def extension(name: str) -> ModuleType:
    """Import an extension as its neighbours do: by its name alone."""
    pytest.importorskip("sphinx_gallery", reason="The site's tools are not installed: pip install 'convvision[docs]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXTENSIONS)
        return importlib.import_module(name)
