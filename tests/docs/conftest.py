"""The pages that were built."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    folder = Path(__file__).parents[2] / "docs" / "_build" / "html"
    for page in ("index.html", "zh/index.html"):
        if not (folder / page).is_file():
            pytest.skip(f"The site was not built in both languages: make docs (no docs/_build/html/{page}).")
    return folder
