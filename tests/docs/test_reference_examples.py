"""Every entry of the reference shows its name in use, or leads to where it is shown."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

import convvision
from site_sources import EXTENSIONS, extension

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


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


def arrays_without_a_shape(name: str, thing: Any) -> list[str]:
    """List what a function or a class takes or gives as an array without saying of which shape."""
    said = inspect.getdoc(thing) or ""
    known = re.compile(r"shape|×|\([A-Z],|\d-D\b|\b[Aa]s (in )?:")

    def says(field: str) -> bool:
        entry = re.search(rf"^ *{field}: (.*?)(?=^ *\w+: |^ *\w+:$|\Z)", said, re.MULTILINE | re.DOTALL)
        return entry is not None and known.search(entry[1]) is not None

    if inspect.isclass(thing):
        found = []
        # In one sentence for all of them, or for each.
        if dataclasses.is_dataclass(thing) and not known.search(said.partition("\n")[0]):
            fields = [field.name for field in dataclasses.fields(thing) if "NDArray" in str(field.type)]
            found = [f"{name}.{field}" for field in fields if not says(field)]
        for member, of_class in vars(thing).items():
            if not member.startswith("_") and (inspect.isfunction(of_class) or isinstance(of_class, property)):
                found += arrays_without_a_shape(f"{name}.{member}", of_class)
        return found
    signature = inspect.signature(thing.fget if isinstance(thing, property) else thing)
    arrays = [one.name for one in signature.parameters.values() if re.search("NDArray|ArrayLike", str(one.annotation))]
    found = [f"{name}({parameter})" for parameter in arrays if not says(parameter)]
    # Of a property, all of it is about what it gives.
    given = said if isinstance(thing, property) else re.split("Returns:|Yields:", said)[-1].partition("\n\n")[0]
    return found + [f"{name}()"] * ("NDArray" in str(signature.return_annotation) and not known.search(given))


def test_every_array_in_the_reference_has_a_shape() -> None:
    names = extension("made_by").public_names()
    assert [each for name, thing in names.items() for each in arrays_without_a_shape(name, thing)] == []


def test_an_array_without_a_shape_is_noticed() -> None:
    def blur(image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Blur an image.

        Args:
            image: The image.
        """
        return image

    assert arrays_without_a_shape("blur", blur) == ["blur(image)", "blur()"]
    blur.__doc__ = "Blur an image.\n\nArgs:\n    image: Of shape (H, W)."
    assert arrays_without_a_shape("blur", blur) == ["blur()"]
    blur.__doc__ += "\n\nReturns:\n    float32, shape (H, W)."
    assert arrays_without_a_shape("blur", blur) == []


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
    assert cells["seconds to train"] == '<td data-value="">–</td>'
    assert cells["seconds for 10,000 images"] == '<td data-value="1.25">1.25</td>'
    if accuracy:
        costly = {**row, "name": "costly", "multiply_adds": 100 * row["multiply_adds"]}
        (axes,) = zoo.draw_scatter([row, costly]).axes
        # On a logarithmic axis a hundredfold is most of the width.
        to_axes = axes.transData + axes.transAxes.inverted()
        first, second = (to_axes.transform((one["multiply_adds"], 0.92))[0] for one in (row, costly))
        assert 0 < first < 0.3
        assert 0.7 < second < 1


def test_the_zoo_shows_the_models_that_are_ours() -> None:
    def of_a_page(**options: Any) -> keras.Model:
        return convvision.models.conv((4,), **options)

    ours = convvision.list_models()
    convvision.register_model("of_a_page", family="conv", summary="Registered by a page that ran before.")(of_a_page)
    try:
        rows = extension("zoo").zoo_rows({})
    finally:
        convvision.models.MODELS.unregister("of_a_page")
    assert sorted(row["name"] for row in rows) == ours


def test_the_seconds_of_the_zoo_are_of_one_machine() -> None:
    rows = json.loads((RESULTS / "leaderboard.json").read_text(encoding="utf-8"))["rows"]
    # The page names how many cores it had.
    (cores,) = {row["machine"]["cores"] for row in rows if row["data"] == "fashion_mnist"}
    assert cores == json.loads((RESULTS / "leaderboard.json").read_text(encoding="utf-8"))["circumstances"]["cores"]
    assert len({row["machine"]["cpu"] for row in rows}) == 1


def test_what_was_measured_is_read_where_there_is_any(tmp_path: Path) -> None:
    read = extension("zoo").read_leaderboard
    assert read(tmp_path / "leaderboard.json") == {}
    row = {"model": "conv_8", "data": "fashion_mnist", "recipe": {"name": "fast"}, "test_accuracies": [0.5, 0.6]}
    rows = [row, {**row, "data": "mnist"}]
    (tmp_path / "leaderboard.json").write_text(json.dumps({"rows": rows}))
    assert read(tmp_path / "leaderboard.json") == {"conv_8": [row]}
