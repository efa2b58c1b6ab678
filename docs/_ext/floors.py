"""The drawing of the house: a floor for each part of the package, placed by what its imports stand on."""

from __future__ import annotations

import ast
import functools
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import convvision

__all__ = ["read_floors", "setup"]

_WIDTH, _ROW, _BOX_WIDTH, _BOX_HEIGHT = 680, 84, 132, 44


def read_floors(package: Path) -> dict[str, set[str]]:
    """Read which part of a package imports which, from its source; underscored modules belong to no floor.

    Args:
        package: Its folder.

    Returns:
        Name of a module or subpackage -> those that it imports.
    """
    imports: dict[str, set[str]] = {}
    for file in package.rglob("*.py"):
        part = file.relative_to(package).parts[0].removesuffix(".py")
        if not part.startswith("_"):
            imports.setdefault(part, set()).update(_imported(ast.parse(file.read_text(encoding="utf-8"))))
    return {part: (below & imports.keys()) - {part} for part, below in sorted(imports.items())}


def _imported(tree: ast.Module) -> set[str]:
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {module.split(".")[1] for module in modules if module.startswith("convvision.")}


def draw_floors(floors: dict[str, set[str]]) -> str:
    """Draw the floors as SVG, each above all that it imports, with a line to each that it stands on directly."""

    @functools.cache
    def level(part: str) -> int:
        return max((level(other) + 1 for other in floors[part]), default=0)

    @functools.cache
    def reached(part: str) -> set[str]:
        return floors[part].union(*(reached(other) for other in floors[part]))

    direct = {
        part: sorted(other for other in below if not any(other in reached(between) for between in below))
        for part, below in floors.items()
    }
    levels = max(map(level, floors)) + 1
    x: dict[str, float] = {}
    y = {part: _ROW * (levels - level(part) - 0.5) for part in floors}
    for floor in range(levels):
        parts = [part for part in floors if level(part) == floor]
        for index, part in enumerate(parts):
            x[part] = _WIDTH * (index + 0.5) / len(parts)
            # Alone on its floor it stands in the middle of what carries it.
            if len(parts) == 1 and direct[part]:
                x[part] = sum(x[other] for other in direct[part]) / len(direct[part])
    half = _BOX_HEIGHT / 2
    lines = [
        f'<line x1="{x[part]:.0f}" y1="{y[part] + half:.0f}" x2="{x[other]:.0f}" y2="{y[other] - half:.0f}"/>'
        for part, carriers in direct.items()
        for other in carriers
    ]
    boxes = [
        f'<rect x="{x[part] - _BOX_WIDTH / 2:.0f}" y="{y[part] - half:.0f}" width="{_BOX_WIDTH}" '
        f'height="{_BOX_HEIGHT}" rx="6"/><text x="{x[part]:.0f}" y="{y[part]:.0f}">{escape(part)}</text>'
        for part in floors
    ]
    title = f"<title>What stands on what, from below: {', '.join(sorted(floors, key=level))}</title>"
    box = f'viewBox="0 0 {_WIDTH} {_ROW * levels}"'
    return f'<svg class="floors" role="img" {box}>{title}{"".join(lines)}{"".join(boxes)}</svg>'


class Floors(SphinxDirective):
    """The drawing, with colours from the page's style sheet."""

    def run(self) -> list[nodes.Node]:
        """Draw convvision as it is imported here."""
        package = Path(convvision.__file__).parent
        for source in package.rglob("*.py"):
            self.env.note_dependency(source)
        return [nodes.raw("", draw_floors(read_floors(package)), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("floors", Floors)
    return {"parallel_read_safe": True}
