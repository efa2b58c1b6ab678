"""Notebooks of the course, which a reader downloads: what only Sphinx understands is written out.

sphinx-gallery turns the headings, notes and links of a script's text into Markdown. Left are our figures, references to
other pages and names, answers that are folded, and directives that show recorded results.
"""

from __future__ import annotations

import json
import re
import textwrap
import zipfile
from pathlib import Path
from typing import Any

from results import figure_text
from sphinx.application import Sphinx

__all__ = ["setup", "write_out"]

_RESULT = re.compile(r":result:`([^`]+)`")
_TITLED = re.compile(r":[\w:]+:`([^`<]+?)\s*<[^`>]*>`")
_NAMED = re.compile(r":(?!result:)[\w:]+:`~?([^`]+)`")
_DIRECTIVE = re.compile(r"^\.\. ([\w-]+)::([^\n]*)((?:\n(?:[ \t]+[^\n]*)?(?=\n|\Z))*)", re.MULTILINE)


def write_out(text: str, results: Path) -> str:
    """Write a cell in Markdown alone.

    Args:
        text: The cell, as sphinx-gallery leaves it.
        results: The folder of the recorded results.

    Returns:
        The cell without roles and directives.
    """
    text = _DIRECTIVE.sub(lambda match: _as_markdown(match, results), text)
    text = _RESULT.sub(lambda match: figure_text(results, " ".join(match[1].split())), text)
    text = _TITLED.sub(r"\1", text)
    text = _NAMED.sub(lambda match: f"`{match[1].removeprefix('/').rsplit('.', 1)[-1]}`", text)
    return re.sub(r"``([^`\n]+)``", r"`\1`", text)


def _as_markdown(match: re.Match[str], results: Path) -> str:
    name, argument, body = match[1], match[2].strip(), textwrap.dedent(match[3]).strip()
    if name == "dropdown":
        return f"<details><summary>{argument}</summary>\n\n{body}\n\n</details>\n"
    if name in ("results-chart", "results-table"):
        return _table(argument.split(), body, results)
    if name.startswith("results-"):
        return "*The page of the course shows the recorded run here.*\n"
    return f"{body}\n"


def _table(rows: list[str], body: str, results: Path) -> str:
    columns = dict(re.findall(r"^(\w[\w ]*) = (.+)$", body, re.MULTILINE))
    cells = [[row, *(figure_text(results, figure.replace("*", row)) for figure in columns.values())] for row in rows]
    lines = [["", *columns], ["---"] * (1 + len(columns)), *cells]
    caption = re.search(r"^:caption: (.+)$", body, re.MULTILINE)
    told = f"\n*{caption[1]}*\n" if caption else ""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n{told}"


def _rewrite(app: Sphinx) -> None:
    results = Path(app.confdir, app.config.results_directory)
    for gallery in app.config.sphinx_gallery_conf["gallery_dirs"]:
        for path in sorted(Path(app.srcdir, gallery).glob("*.ipynb")):
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                if cell["cell_type"] == "markdown":
                    cell["source"] = [write_out("".join(cell["source"]), results)]
            path.write_text(json.dumps(notebook, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            # The archive that is offered beside it holds the script and the notebook.
            with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
                for file in (path.with_suffix(".py"), path):
                    archive.write(file, file.name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Come behind sphinx-gallery, which writes the notebooks at the default priority of 500."""
    app.connect("builder-inited", _rewrite, priority=900)
    return {"parallel_read_safe": True}
