"""The course: its pages are short programs in order, what they tell is recorded, and a reader can take them home."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import convvision
from convvision.cli import command
from convvision.errors import DownloadError
from site_sources import extension

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = sorted((ROOT / "course").glob("plot_*.py"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in PAGES}
EXAMPLES = [*PAGES, *sorted((ROOT / "examples").glob("plot_*.py"))]


def prose(page: str) -> str:
    """The text of a page as reST: its docstring and its blocks of comments."""
    source = TEXTS[page]
    comments = re.findall(r"^#(?: (.*))?$", source, flags=re.MULTILINE)
    return "\n".join([ast.get_docstring(ast.parse(source)) or "", *comments])


# -- The pages -------------------------------------------------------------------------------------------------------


def test_there_are_ten_pages_in_order() -> None:
    numbers = [int(re.match(r'"""(\d+)\. ', text)[1]) for text in TEXTS.values()]  # type: ignore[index]
    assert numbers == list(range(1, 11))
    assert [int(page.split("_")[1]) for page in TEXTS] == numbers


@pytest.mark.parametrize("page", TEXTS)
def test_a_page_says_what_it_is_for_and_leaves_a_question(page: str) -> None:
    text = prose(page)
    for part in ("**You will learn**", "**You need**", "A question to try\n---", ".. dropdown:: Answer"):
        assert part in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_program_stays_short(path: Path) -> None:
    _, _, code = path.read_text(encoding="utf-8").split('"""', 2)
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= 40


@pytest.mark.parametrize("page", TEXTS)
def test_every_figure_that_a_page_tells_is_recorded(page: str) -> None:
    results = extension("results")
    text = prose(page)
    figures = [" ".join(figure.split()) for figure in re.findall(r":result:`([^`]+)`", text)]
    charts = re.findall(r"\.\. results-(?:chart|table):: (.+)\n((?:(?:   .*)?\n)+)", text)
    for rows, body in charts:
        columns = [line.split("=", 1)[1].strip() for line in body.splitlines() if re.match(r"   \w[\w ]* = ", line)]
        assert columns
        figures += [column.replace("*", row) for row in rows.split() for column in columns]
    assert len(charts) == len(re.findall(r"results-(?:chart|table)::", text))
    for figure in figures:
        assert results.figure_text(RESULTS, figure)


@pytest.mark.parametrize("line", sorted({*re.findall(r"\$ (convvision .*)", "\n".join(map(prose, TEXTS)))}))
def test_every_command_is_one_that_we_have(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("line", sorted({*re.findall(r"python (benchmarks/.*?)``", "\n".join(map(prose, TEXTS)))}))
def test_every_benchmark_that_is_named_is_there(line: str) -> None:
    script, *arguments = line.split()
    source = (ROOT / script).read_text(encoding="utf-8")
    for argument in arguments:
        assert argument in source


def test_the_plugin_of_the_ninth_page_is_one() -> None:
    text = prose("plot_09_your_own_model")
    blocks = dict(re.findall(r"\.\. code-block:: (python|toml)\n\n((?:(?:   .*)?\n)+)", text))
    module, project = (re.sub(r"^   ", "", blocks[kind], flags=re.MULTILINE) for kind in ("python", "toml"))
    names: dict[str, Any] = {}
    exec(compile(module, "my_nets", "exec"), names)  # noqa: S102
    points = tomllib.loads(project)["project"]["entry-points"]["convvision.models"]
    assert points == {"wide_first": "my_nets:wide_first"}
    assert names["wide_first"](num_classes=3).output.shape == (None, 3)


def test_the_question_of_the_first_page_can_be_tried() -> None:
    text = prose("plot_01_dense_baseline")
    (block,) = re.findall(r"\.\. code-block:: python\n\n((?:(?:   .*)?\n)+)", text)
    drawn = convvision.load_dataset("drawn_fashion")
    few = dataclasses.replace(drawn, train=drawn.train.take(slice(64)), test=drawn.test.take(slice(64)))
    # What the page has imported, and made, by then.
    names: dict[str, Any] = {"convvision": convvision, "dataclasses": dataclasses, "few": few}
    exec(compile(re.sub(r"^   ", "", block, flags=re.MULTILINE), "plot_01", "exec"), names)  # noqa: S102
    shuffled = names["other"].test
    assert not np.array_equal(shuffled.images, few.test.images)
    np.testing.assert_array_equal(shuffled.images[5].ravel(), few.test.images[5].ravel()[names["order"]])


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_page_runs_as_a_script(path: Path, tmp_path: Path, real_data_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, path],
        cwd=tmp_path,
        env=os.environ | {"CONVVISION_DATA_HOME": str(real_data_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # An example may show a picture alone.
    assert done.stdout or path not in PAGES
    assert not list(tmp_path.iterdir())


# -- What the site makes of them -------------------------------------------------------------------------------------


def let_prepare(gallery: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the extension replace what scripts call, until the test is over."""
    for owner, name in ((convvision, "load_dataset"), (convvision.visualize, "export_explorer")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    gallery.prepare({}, None)


def test_where_there_are_no_data_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = extension("gallery")
    asked = []

    def load(name: str, **options: Any) -> str:
        asked.append((name, options))
        if name == "fashion_mnist":
            raise DownloadError("no network")
        return name

    monkeypatch.setattr(gallery, "_load_dataset", load)
    let_prepare(gallery, monkeypatch)
    gallery._is_here.cache_clear()
    assert convvision.load_dataset("fashion_mnist", validation_split=0.1) == "drawn_fashion"
    assert convvision.load_dataset("fashion_mnist") == "drawn_fashion"
    assert convvision.load_dataset("mnist") == "mnist"
    # The network is asked once.
    assert [name for name, _ in asked].count("fashion_mnist") == 1
    assert ("drawn_fashion", {"validation_split": 0.1}) in asked
    gallery._is_here.cache_clear()


def test_an_explorer_is_kept_in_both_languages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gallery = extension("gallery")
    let_prepare(gallery, monkeypatch)
    model = convvision.create_model("conv_16_16")
    page = convvision.visualize.export_explorer(model, np.zeros((1, 28, 28, 1), np.float32), tmp_path / "look.html")
    block = {"example_globals": {"___": page}, "target_file": str(tmp_path / "course" / "plot_look.py")}
    (tmp_path / "course").mkdir()
    shown = gallery.scrape_page(None, block, {"src_dir": str(tmp_path)})
    address = "course/images/plot_look_look.html"
    assert shown.strip() == f".. exhibit:: /{address}"
    for language, name in (("en", address), ("zh", address.replace(".html", "_zh.html"))):
        assert f'<html lang="{language}' in (tmp_path / name).read_text(encoding="utf-8")


def test_a_notebook_needs_no_sphinx() -> None:
    write_out = extension("notebooks").write_out
    text = "\n".join(
        [
            "It is :result:`lesson_stopping:threshold |",
            "percent`, as in :doc:`the lesson </tutorials/lesson>`, by :func:`~convvision.train` and ``fit``.",
            "",
            ".. code-block:: console",
            "",
            "   $ convvision models",
            "",
            ".. results-chart:: conv_32",
            "   :caption: Two convolutions",
            "",
            "   test accuracy = lesson_exercises:rows[*].test_accuracy | spread",
            "",
            ".. dropdown:: Answer",
            "",
            "   It is :result:`lesson_stopping:threshold | percent`.",
            "",
            "   It is not.",
            "",
            "Behind it.",
        ]
    )
    told = write_out(text, RESULTS)
    assert "It is 99.50%, as in the lesson, by `train` and `fit`." in told
    assert "<details><summary>Answer</summary>\n\nIt is 99.50%.\n\nIt is not.\n\n</details>" in told
    assert "|  | test accuracy |\n| --- | --- |\n| conv_32 | 89.93%\xa0±\xa00.30% |\n\n*Two convolutions*" in told
    assert told.endswith("Behind it.")
    assert not re.search(r"::|:\w+:`|``", told)
    assert write_out(told, RESULTS) == told


def test_a_chart_shows_each_value_where_it_belongs() -> None:
    draw = extension("charts").draw
    columns = [
        ("test accuracy", "lesson_exercises:rows[*].test_accuracy | spread"),
        ("seconds an epoch", "lesson_seconds:rows[*].seconds_per_epoch | number"),
    ]
    accuracy, seconds = draw(RESULTS, ["conv_16_16", "conv_64_64"], columns).axes
    assert [label.get_text() for label in accuracy.get_yticklabels()] == ["conv_16_16", "conv_64_64"]
    assert [text.get_text() for text in accuracy.texts] == ["88.79%", "90.44%"]
    measured = json.loads((RESULTS / "lesson_seconds.json").read_text(encoding="utf-8"))["rows"]
    taken = {row["model"]: f"{row['seconds_per_epoch']:.1f}" for row in measured}
    assert [text.get_text() for text in seconds.texts] == [taken["conv_16_16"], taken["conv_64_64"]]
    assert seconds.get_xlim()[0] == 0
    # The bar spans a standard deviation to each side.
    (bar,) = accuracy.containers[0].lines[2]
    ((left, _), (right, _)) = bar.get_segments()[0]
    assert (left, right) == pytest.approx((0.8879 - 0.00326, 0.8879 + 0.00326), abs=1e-5)
