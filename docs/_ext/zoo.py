"""The page of all models: a table and a plot, from the registry and, where it was measured, from the leaderboard."""

from __future__ import annotations

import json
import math
import statistics
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from labels import label_points
from matplotlib.figure import Figure as Drawing
from sphinx.application import Sphinx
from sphinx.directives.patches import Figure
from sphinx.util.docutils import SphinxDirective

import convvision
from convvision.models import MODELS

__all__ = ["read_leaderboard", "setup", "zoo_rows"]

_LEADERBOARD = "../benchmarks/results/leaderboard.json"
_PICTURE = "_build/pictures/zoo.svg"
_DATA = "fashion_mnist"
_MEASURED = ("recipe", "epochs", "test accuracy", "seconds to train", "seconds for 10,000 images")
# A cell that comes last, however the table is sorted.
_NONE = '<td data-value="">–</td>'
_COLUMNS = (
    "model", "test accuracy", "recipe", "epochs", "seconds to train", "parameters", "multiply-adds", "sees",
    "seconds for 10,000 images", "from",
)  # fmt: skip


def read_leaderboard(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read what was measured on the lesson's data.

    Args:
        path: Of the result that ``benchmarks/leaderboard.py`` writes; it may be missing.

    Returns:
        Name of a model -> its rows, one for each recipe that it was trained by.
    """
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["data"] == _DATA:
            found.setdefault(row["model"], []).append(row)
    return found


def zoo_rows(measured: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Gather the facts of each registered model, for images of 28 × 28 × 1 and ten classes.

    Args:
        measured: As :func:`read_leaderboard` gives it.

    Returns:
        A row for each model and recipe, by number of multiply-adds; for a model that was not measured, a row without
        figures. What others registered, an installed plugin or a page that ran before, is left out.
    """
    rows = []
    for name in convvision.list_models():
        if MODELS.pending_plugin(name) is not None or not _is_ours(MODELS.get(name).builder):
            continue
        info = convvision.get_model_info(name)
        summary = convvision.summary(convvision.create_model(name))
        maps = [layer.receptive_field for layer in summary.layers if len(layer.output_shape) == 3]
        facts = {
            "name": name,
            "family": info.family,
            "from": info.reference or info.summary,
            "parameters": summary.parameters,
            "multiply_adds": summary.multiply_adds or 0,
            # Of a network without convolutions, the only map is the image.
            "receptive_field": maps[-1] if len(maps) > 1 else None,
        }
        rows += [facts | _figures(row) for row in measured.get(name, [None])]
    return sorted(rows, key=lambda row: row["multiply_adds"])


def _is_ours(builder: Any) -> bool:
    # Most are one builder with its arguments.
    return bool(getattr(builder, "func", builder).__module__.partition(".")[0] == "convvision")


def _figures(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"recipe": "", "epochs": None, "accuracy": [], "train_seconds": None, "predict_seconds": None}
    return {
        "recipe": row["recipe"]["name"],
        "epochs": row["epochs"],
        "accuracy": row["test_accuracies"],
        **{of: statistics.median(row[of]) for of in ("train_seconds", "predict_seconds")},
    }


class ZooTable(SphinxDirective):
    """The table; a script of ours sorts it, and without a script it stands as it is."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows = _rows_of(self)
        measured = any(row["accuracy"] for row in rows)
        columns = [name for name in _COLUMNS if measured or name not in _MEASURED]
        head = "".join(f'<th scope="col">{name}</th>' for name in columns)
        body = "".join(f"<tr>{''.join(_cells(row)[name] for name in columns)}</tr>" for row in rows)
        table = f'<table class="table zoo sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        frame = '<div class="pst-scrollable-table-container" tabindex="0" role="region" aria-label="All models">'
        return [nodes.raw("", f"{frame}{table}</div>", format="html")]


def _cells(row: dict[str, Any]) -> dict[str, str]:
    accuracy, field = row["accuracy"], row["receptive_field"]
    mean = statistics.mean(accuracy) if accuracy else None
    spread = (f" ± {statistics.stdev(accuracy):.2%}" if len(accuracy) > 1 else "") + f" ({len(accuracy)})"
    # As JavaScript writes it.
    size = None if field is None else "Infinity" if math.isinf(field.height) else field.height
    return {
        "model": f'<th scope="row"><code>{escape(row["name"])}</code></th>',
        "parameters": _number(row["parameters"], f"{row['parameters']:,}"),
        "multiply-adds": _number(row["multiply_adds"], f"{row['multiply_adds']:,}"),
        "sees": _number(size, escape(str(field))),
        "recipe": f"<td>{escape(row['recipe'])}</td>" if row["recipe"] else _NONE,
        "epochs": _number(row["epochs"], str(row["epochs"])),
        "test accuracy": _number(mean, f"{mean:.2%}{spread}" if accuracy else ""),
        "seconds to train": _number(row["train_seconds"], f"{row['train_seconds'] or 0:,.0f}"),
        "seconds for 10,000 images": _number(row["predict_seconds"], f"{row['predict_seconds'] or 0:,.2f}"),
        "from": f"<td>{escape(row['from'])}</td>",
    }


def _number(value: Any, text: str) -> str:
    return _NONE if value is None else f'<td data-value="{value}">{text}</td>'


class ZooScatter(SphinxDirective, Figure):
    """Accuracy against multiply-adds; nothing where nothing was measured; the content is the caption."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        """Draw the plot, then show it as any figure."""
        rows = [row for row in _rows_of(self) if row["accuracy"]]
        if not rows:
            return []
        picture = Path(self.env.app.srcdir, _PICTURE)
        picture.parent.mkdir(parents=True, exist_ok=True)
        draw_scatter(rows).savefig(picture)
        self.arguments = [f"/{_PICTURE}"]
        self.options.setdefault("alt", "A point for each model and recipe.")
        return super().run()


def draw_scatter(rows: list[dict[str, Any]]) -> Drawing:
    """Draw the models that were measured.

    Args:
        rows: Of :func:`zoo_rows`, with accuracies.

    Returns:
        The figure.
    """
    figure = Drawing(figsize=(8, 6), layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="multiply-adds for one image")
    for index, family in enumerate(dict.fromkeys(row["family"] for row in rows)):
        of_family = [row for row in rows if row["family"] == family]
        means = [statistics.mean(row["accuracy"]) for row in of_family]
        spreads = [statistics.stdev(row["accuracy"]) if len(row["accuracy"]) > 1 else 0 for row in of_family]
        costs = [row["multiply_adds"] for row in of_family]
        marker = "osD^vP*X<>hp"[index % 12]
        axes.errorbar(costs, means, spreads, fmt=marker, capsize=3, label=family, color=f"C{index % 10}")
    # Room for the names of the cheapest and the costliest.
    every = [row["multiply_adds"] for row in rows]
    axes.set_xlim(min(every) / 2, 3 * max(every))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    # Most were trained by one recipe; only others stand behind the name.
    usual = statistics.mode(row["recipe"] for row in rows)
    axes.set_ylabel(f"test accuracy, by the recipe {usual} or the one in brackets")
    names = [row["name"] if row["recipe"] == usual else f"{row['name']} ({row['recipe']})" for row in rows]
    label_points(axes, [(row["multiply_adds"], statistics.mean(row["accuracy"])) for row in rows], names)
    return figure


def _rows_of(directive: SphinxDirective) -> list[dict[str, Any]]:
    """Gather the rows once a build, and have the page built anew when what it shows changes."""
    env = directive.env
    leaderboard = Path(env.app.confdir, _LEADERBOARD)
    env.note_dependency(leaderboard)
    for source in Path(convvision.models.__file__).parent.glob("*.py"):
        env.note_dependency(source)
    if not hasattr(env.app, "zoo_rows"):
        env.app.zoo_rows = zoo_rows(read_leaderboard(leaderboard))  # type: ignore[attr-defined]
    found: list[dict[str, Any]] = env.app.zoo_rows  # type: ignore[attr-defined]
    return found


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("zoo-table", ZooTable)
    app.add_directive("zoo-scatter", ZooScatter)
    return {"parallel_read_safe": True}
