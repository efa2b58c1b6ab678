"""The sheet of paper with the whole API: drawn from the blocks of ``reference/cheat-sheet.md``, whose Python is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.application import Sphinx

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_sheet", "panels", "setup"]

_SOURCE, _TARGET = "reference/cheat-sheet.md", "_build/pictures/cheat_sheet"
_PANEL = re.compile(r"^## (?P<title>.+?)\n.*?^```(?:python|console)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_WIDTH, _HEIGHT, _COLUMNS, _MARGIN, _GAP = 11.69, 8.27, 3, 0.3, 0.16
_INK, _PAPER, _EDGE, _COMMENT = "#1d1027", "#faf6fb", "#7a1b6d", "#6b5a70"
# Width of a letter of DejaVu Sans Mono and its hinting, and least and largest height of a line, over its size.
_LETTER, _LINE, _WIDEST_LINE = 0.63, 1.42, 2.1


def panels(text: str) -> list[tuple[str, list[str]]]:
    """Find the panels of the sheet.

    Args:
        text: The page.

    Returns:
        The heading and the lines of each.
    """
    # Two blank lines, as a formatter of code wants them around a function, are one too many on paper.
    blocks = [(found["title"], found["code"].rstrip().replace("\n\n\n", "\n\n")) for found in _PANEL.finditer(text)]
    return [(title, code.splitlines()) for title, code in blocks]


def draw_sheet(found: list[tuple[str, list[str]]]) -> Figure:
    """Lay out the panels in columns on a sheet of A4, in the largest letters with which all of them fit.

    Args:
        found: As :func:`panels` gives them.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415

    width = (_WIDTH - 2 * _MARGIN - (_COLUMNS - 1) * _GAP) / _COLUMNS
    longest = max(len(line) for _, lines in found for line in lines)
    size = min(9.0, (width - 0.2) * 72 / (longest * _LETTER))
    room = _HEIGHT - 0.55 - _MARGIN
    while len(_columns(found, size * _LINE / 72, room)) > _COLUMNS:
        size -= 0.1
    # What is left of the height goes between the lines, and then the columns become about equally long.
    pitch = size * _LINE / 72
    while pitch < size * _WIDEST_LINE / 72 and len(_columns(found, pitch * 1.01, room)) <= _COLUMNS:
        pitch *= 1.01
    while len(_columns(found, pitch, room - 0.05)) <= _COLUMNS:
        room -= 0.05
    figure = Figure(figsize=(_WIDTH, _HEIGHT), facecolor="white")
    figure.text(_MARGIN / _WIDTH, 1 - 0.3 / _HEIGHT, "convvision", size=18, weight="bold", color=_EDGE, va="center")
    figure.text(
        1 - _MARGIN / _WIDTH, 1 - 0.3 / _HEIGHT, "import convvision", size=11, family="monospace", color=_INK,
        va="center", ha="right",
    )  # fmt: skip
    for index, column in enumerate(_columns(found, pitch, room)):
        left, top = _MARGIN + index * (width + _GAP), _HEIGHT - 0.55
        for title, lines in column:
            height = _panel_height(lines, pitch)
            box = FancyBboxPatch(
                (left / _WIDTH, (top - height) / _HEIGHT), width / _WIDTH, height / _HEIGHT, boxstyle="square,pad=0",
                transform=figure.transFigure, facecolor=_PAPER, edgecolor=_EDGE, linewidth=0.8,
            )  # fmt: skip
            figure.add_artist(box)
            figure.text(
                (left + 0.1) / _WIDTH, (top - 0.17) / _HEIGHT, title, size=size + 2.5, weight="bold", color=_EDGE,
                va="center",
            )  # fmt: skip
            for number, line in enumerate(lines):
                colour = _COMMENT if line.lstrip().startswith("#") else _INK
                y = top - 0.34 - (number + 0.5) * pitch
                figure.text(
                    (left + 0.1) / _WIDTH, y / _HEIGHT, line, size=size, family="monospace", color=colour, va="center",
                    parse_math=False,
                )  # fmt: skip
            top -= height + _GAP
    return figure


def _panel_height(lines: list[str], pitch: float) -> float:
    return 0.34 + len(lines) * pitch + 0.08


def _columns(found: list[tuple[str, list[str]]], pitch: float, room: float) -> list[list[tuple[str, list[str]]]]:
    columns: list[list[tuple[str, list[str]]]] = []
    left = 0.0
    for title, lines in found:
        height = _panel_height(lines, pitch) + _GAP
        if not columns or height > left:
            columns.append([])
            left = room + _GAP
        columns[-1].append((title, lines))
        left -= height
    return columns


def _draw(app: Sphinx) -> None:
    target = Path(app.srcdir, _TARGET)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure = draw_sheet(panels(Path(app.srcdir, _SOURCE).read_text(encoding="utf-8")))
    figure.savefig(target.with_suffix(".png"), dpi=150)
    # Without a date, so that the same page gives the same file.
    figure.savefig(target.with_suffix(".pdf"), metadata={"CreationDate": None})


def setup(app: Sphinx) -> dict[str, Any]:
    """Draw before the pages are read, since one shows the sheet."""
    app.connect("builder-inited", _draw)
    return {"parallel_read_safe": True}
