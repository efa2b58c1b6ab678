"""Constants in the reference: their docstring as it stands, and an array's numbers below it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sphinx.application import Sphinx

__all__ = ["setup"]

# Before napoleon, whose priority is 500.
_FIRST = 100


def _describe(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    if what != "data":
        return
    # Napoleon takes what stands before a colon in the first line for the type.
    lines.insert(0, "")
    if isinstance(obj, np.ndarray):
        lines += ["", "::", "", *(f"   {row}" for row in str(obj).splitlines()), ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Describe constants."""
    app.connect("autodoc-process-docstring", _describe, priority=_FIRST)
    return {"parallel_read_safe": True}
