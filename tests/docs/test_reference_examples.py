"""Every entry of the reference shows its name in use, or leads to where it is shown."""

from __future__ import annotations

import importlib.util
import inspect
import json
from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"


def extension(name: str) -> ModuleType:
    """Import one of the site's own Sphinx extensions."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install 'convvision[docs]'")
    spec = importlib.util.spec_from_file_location(name, EXTENSIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_function_and_class_has_an_example() -> None:
    made_by = extension("made_by")
    # Errors have theirs in the entries that raise them.
    names = [
        name
        for name, thing in made_by.public_names().items()
        if not (inspect.isclass(thing) and issubclass(thing, BaseException))
    ]
    assert len(names) > 100
    assert [name for name in names if not made_by.has_example(name)] == []


def test_every_summary_is_a_sentence_on_one_line() -> None:
    summaries = {name: inspect.getdoc(thing) or "" for name, thing in extension("made_by").public_names().items()}
    assert [name for name, text in summaries.items() if not text.partition("\n")[0].endswith((".", "::", "?"))] == []


def test_what_makes_a_class_is_found() -> None:
    made_by = extension("made_by")
    roles = [role for role, _ in made_by.makers("convvision.training.Run")]
    assert ":func:`convvision.training.train`" in roles
    assert ":func:`convvision.training.load_run`" in roles
    assert made_by.containers("convvision.visualize.LayerActivation") == ["convvision.visualize.Activations"]
    assert made_by.containers("convvision.training.ComparisonRow") == ["convvision.training.Comparison"]


def test_the_cheat_sheet_stays_inside_its_boxes() -> None:
    sheet = extension("cheat_sheet")
    found = sheet.panels((EXTENSIONS.parent / "reference" / "cheat-sheet.md").read_text(encoding="utf-8"))
    assert len(found) >= 9
    figure = sheet.draw_sheet(found)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [artist.get_window_extent(renderer) for artist in (*figure.artists, *figure.patches)][-len(found) :]
    assert len(boxes) == len(found)
    lines = [text for text in figure.texts if text.get_text().strip()][2:]
    for line in lines:
        extent = line.get_window_extent(renderer)
        assert any(
            box.x0 < extent.x0 and extent.x1 < box.x1 and box.y0 < extent.y0 and extent.y1 < box.y1 for box in boxes
        ), line.get_text()
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in boxes)


def test_an_inventory_that_cannot_be_had_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "objects.inv").write_bytes(b"# Sphinx inventory version 2\n")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "objects.inv").write_bytes(b"<!doctype html>")
    here = f"{tmp_path.as_uri()}/"
    sites = {"here": here, "gone": f"{here}gone/", "page": f"{here}page/"}
    assert extension("inventories").reachable(sites) == {"here": (here, None)}


@pytest.mark.parametrize("accuracy", [None, [0.91, 0.92, 0.93]])
def test_the_zoo_is_drawn_with_and_without_figures(accuracy: list[float] | None, tmp_path: Path) -> None:
    zoo = extension("zoo")
    row = {
        "name": "conv_64_64",
        "family": "conv",
        "from": "The lesson's <network>.",
        "parameters": 243_786,
        "multiply_adds": 5_056_000,
        "receptive_field": None,
        "recipe": "fast",
        "epochs": 2,
        "accuracy": accuracy or [],
        "train_seconds": None,
        "predict_seconds": 1.25,
    }
    cells = zoo._cells(row)
    assert cells["parameters"] == '<td data-value="243786">243,786</td>'
    assert cells["from"] == "<td>The lesson&#x27;s &lt;network&gt;.</td>"
    assert ("92.00% ± 1.00% (3)" in cells["test accuracy"]) == (accuracy is not None)
    assert cells["training"] == '<td data-value="0">–</td>'
    assert cells["10,000 images"] == '<td data-value="1.25">1.25 s</td>'
    if accuracy:
        costly = {**row, "name": "costly", "multiply_adds": 100 * row["multiply_adds"]}
        (axes,) = zoo.draw_scatter([row, costly]).axes
        # On a logarithmic axis a hundredfold is most of the width.
        to_axes = axes.transData + axes.transAxes.inverted()
        first, second = (to_axes.transform((one["multiply_adds"], 0.92))[0] for one in (row, costly))
        assert 0 < first < 0.3
        assert 0.7 < second < 1


def test_what_was_measured_is_read_where_there_is_any(tmp_path: Path) -> None:
    read = extension("zoo").read_leaderboard
    assert read(tmp_path / "leaderboard.json") == {}
    row = {"model": "conv_8", "data": "fashion_mnist", "recipe": {"name": "fast"}, "test_accuracies": [0.5, 0.6]}
    rows = [row, {**row, "data": "mnist"}]
    (tmp_path / "leaderboard.json").write_text(json.dumps({"rows": rows}))
    assert read(tmp_path / "leaderboard.json") == {"conv_8": [row]}
