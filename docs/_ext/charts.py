"""Charts of recorded results: ``results-chart`` draws a panel a line of its content, ``HEADER = FIGURE | FORMAT``.

Each of its arguments is a row. As in ``results-table``, ``*`` in a figure stands for the row's argument; the format
"spread" draws the standard deviation, too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from results import directory_of, figure_text, look_up
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["draw", "setup"]

# Below docs/, where a page can show it; git and Sphinx pass this folder by.
_PICTURES = "_build/pictures"


def draw(directory: Path, rows: list[str], columns: list[tuple[str, str]]) -> Figure:
    """Draw a dot for each row in each column, with a bar of one standard deviation where there is one.

    Args:
        directory: Of the results.
        rows: Their names, from above.
        columns: Header and figure of each, with ``*`` for the row's name.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(0.8 + 3.6 * len(columns), 0.9 + 0.38 * len(rows)), layout="constrained")
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for number, (axes, (header, column)) in enumerate(zip(panels, columns, strict=True)):
        expression, _, form = (part.strip() for part in column.partition("|"))
        for place, row in enumerate(rows):
            way = expression.replace("*", row)
            value = look_up(directory, way)
            spread = look_up(directory, f"{way}_sd") if form == "spread" else None
            axes.errorbar(value, place, xerr=spread, fmt="o", color=f"C{number}", capsize=3)
            text = figure_text(directory, f"{way} | {'percent' if form == 'spread' else form}")
            axes.annotate(text, (value, place), (0, 6), textcoords="offset points", ha="center", fontsize=8)
        if form in ("spread", "percent"):
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
            axes.margins(x=0.2)
        else:
            axes.set_xlim(0, 1.2 * axes.dataLim.x1)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set(xlabel=header, yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.7))
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticklabels(rows)
    return figure


class ResultsChart(SphinxDirective):
    """The chart as a figure with a caption."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"alt": directives.unchanged_required, "caption": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Draw it beside the other pictures that the build makes."""
        rows = self.arguments[0].split()
        columns = [(line.split("=", 1)[0].strip(), line.split("=", 1)[1].strip()) for line in self.content if line]
        directory = directory_of(self.env, " ".join(column for _, column in columns))
        key = hashlib.sha256(repr((rows, columns)).encode()).hexdigest()[:12]
        picture = Path(self.env.app.srcdir, _PICTURES, f"chart_{key}.svg")
        picture.parent.mkdir(parents=True, exist_ok=True)
        draw(directory, rows, columns).savefig(picture)
        image = nodes.image(uri=f"/{_PICTURES}/{picture.name}", alt=self.options.get("alt", ""))
        # A figure's image is looked for from the page.
        here = Path(self.env.doc2path(self.env.current_document.docname, base=False)).parent
        image["uri"] = "/".join([*[".."] * len(here.parts), _PICTURES, picture.name])
        figure = nodes.figure("", image)
        if caption := self.options.get("caption"):
            parsed, messages = self.parse_inline(caption)
            figure += [nodes.caption(caption, "", *parsed), *messages]
            self.set_source_info(figure[-1])
        return [figure]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("results-chart", ResultsChart)
    return {"parallel_read_safe": True}
