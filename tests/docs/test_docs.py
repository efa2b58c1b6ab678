"""The site: what its pages show runs, every public name has its entry, every figure its source, and all of it builds.

:mod:`page_blocks` says which blocks of a page are run, and how.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import pytest

import convvision
from convvision.cli import command
from convvision.datasets import Dataset
from convvision.training import Predictor
from convvision.training._graph_loop import GraphLoop
from page_blocks import MARK, fences, run_blocks
from site_sources import DOCS, PAGES, extension

ROOT = Path(__file__).parents[2]
PACKAGES = [name for name in convvision.__all__ if isinstance(getattr(convvision, name), ModuleType)]


# -- What the pages show runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        "explanation/architecture",
        "explanation/attribution",
        "explanation/convolution",
        "index",
        "installation",
        "reference/cheat-sheet",
        "reference/zoo",
    ],
)
def test_the_python_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_blocks(page, PAGES[page])


@pytest.mark.slow
def test_the_first_page_runs_with_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_blocks("index", PAGES["index"], with_commands=True)


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("how-to/") and page != "how-to/index"])
def test_the_blocks_of_a_guide_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = [convvision.list_datasets(), convvision.list_models(), convvision.list_recipes()]
    assert run_blocks(page, PAGES[page], with_commands=True)
    assert [convvision.list_datasets(), convvision.list_models(), convvision.list_recipes()] == before


@pytest.mark.slow
def test_two_workers_train_as_one(tmp_path: Path) -> None:
    (program,) = (fence["body"] for fence in fences(PAGES["how-to/several-machines"]) if fence["language"] == "python")
    (tmp_path / "worker.py").write_text(program, encoding="utf-8")
    # Held open until both have an address, so that they are different ones.
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in (one, other)]
    workers = [
        subprocess.Popen(
            [sys.executable, "worker.py"],
            cwd=tmp_path,
            env=os.environ
            | {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    try:
        said = [worker.communicate(timeout=300) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert said[0][0] == said[1][0]
    accuracy = float(said[0][0].split()[-1])
    assert accuracy > 0.6
    # What the page says of the model that the first has saved.
    model = keras.models.load_model(tmp_path / "shared.keras")
    images, labels = convvision.load_dataset("drawn_fashion").test
    found = Predictor(model)(images).argmax(axis=1) == labels
    assert found.mean() == pytest.approx(accuracy, abs=0.001)


def test_few_blocks_cannot_be_run() -> None:
    marked = {page: MARK.findall(text) for page, text in PAGES.items()}
    assert sum(map(len, marked.values())) <= 5, marked


@pytest.mark.realdata
def test_the_python_of_the_lesson_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data_home: Path) -> None:
    # An hour of training becomes a minute: every fit, and every test, sees the first images only. What the page prints
    # does not depend on how well a network was trained.
    fit, load_dataset = keras.Model.fit, convvision.load_dataset
    few = slice(0, 320)

    def short_fit(self: Any, x: Any, y: Any, *, validation_data: Any = None, **options: Any) -> Any:
        validation = None if validation_data is None else tuple(part[few] for part in validation_data)
        return fit(self, x[few], y[few], validation_data=validation, **options)

    begin = GraphLoop.__init__

    def begin_with_few(self: Any, model: Any, data: Dataset, *arguments: Any, **options: Any) -> None:
        parts = {name: split.take(few) for name, split in data.parts.items()}
        begin(self, model, dataclasses.replace(data, **parts), *arguments, **options)

    def load_few(name: str, **options: Any) -> Dataset:
        data = load_dataset(name, **options)
        return dataclasses.replace(data, test=data.test.take(few))

    monkeypatch.setattr(keras.Model, "fit", short_fit)
    monkeypatch.setattr(GraphLoop, "__init__", begin_with_few)
    monkeypatch.setattr(convvision, "load_dataset", load_few)
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(real_data_home))
    monkeypatch.chdir(tmp_path)
    assert run_blocks("tutorials/lesson", PAGES["tutorials/lesson"])


def test_no_page_with_python_is_forgotten() -> None:
    with_python = {
        page for page, text in PAGES.items() if any(f["language"] in ("pycon", "python") for f in fences(text))
    }
    # Those of the how-to guides are found by their folder.
    others = {page for page in with_python if not page.startswith("how-to/")}
    assert others == {
        "explanation/architecture",
        "explanation/attribution",
        "explanation/convolution",
        "index",
        "installation",
        "reference/cheat-sheet",
        "reference/zoo",
        "tutorials/lesson",
    }
    # Python under another label, or none, would not be run.
    assert not any(re.search(r"code-block|sourcecode|```(py|python3|ipython)\b", text) for text in PAGES.values())
    literal = re.compile(r"^(?!\s*\.\. ).*\S::\n\n[ \t]+\S", re.MULTILINE)
    assert [name for name, text in PAGES.items() if literal.search(text)] == []


def test_a_block_that_fails_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"Expected:\n +3\n *Got:\n +2"):
        run_blocks("page", "::::{tab}\n```pycon\n>>> one = 1\n>>> one + one\n3\n```\n::::\n")
    with pytest.raises(AssertionError, match=r"Expected:\n +0\.95\n *Got:\n +0\.92"):
        run_blocks("page", "```pycon\n>>> 0.92  # doctest: +NUMBER\n0.95\n```\n")
    with pytest.raises(AssertionError, match=r"dense_129: exit status 1\. Error: Unknown model"):
        run_blocks("page", "```console\n$ convvision models dense_129\n```\n", with_commands=True)
    with pytest.raises(AssertionError, match="convvision models dense_128 printed:"):
        run_blocks("page", "```console\n$ convvision models dense_128\nNothing.\n```\n", with_commands=True)
    table = "```pycon\n>>> print('a  -0.5\\nb 12.25')  # doctest: +TRAINED\na  0.7\n{}  1.0\n```\n"
    assert run_blocks("page", table.format("b")) == 1
    with pytest.raises(AssertionError, match=r"Expected:\n +a  0\.7\n +c  1\.0"):
        run_blocks("page", table.format("c"))
    other = "```pycon\n>>> print('conv_16 1')  # doctest: +TRAINED\nconv_32 2\n```\n"
    with pytest.raises(AssertionError, match=r"Expected:\n +conv_32 2\n"):
        run_blocks("page", other)
    assert run_blocks("page", "% not run: it fails\n```python\n1 / 0\n```\n") == 0
    assert run_blocks("page", "% needs: no_such_package\n```python\n1 / 0\n```\n") == 0
    assert run_blocks("page", "```pycon\n>>> 0.93  # doctest: +NUMBER\n0.95\n```\n```python\nx = 1\n```\n") == 2


COMMANDS = [
    line
    for text in PAGES.values()
    for line in re.findall(r"^\$ (convvision .*)$", text.replace("\\\n", ""), flags=re.MULTILINE)
]


def test_there_are_commands_on_the_pages() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_every_command_is_one_that_we_have(line: str) -> None:
    _, name, *arguments = shlex.split(line, comments=True)
    # Parsing, without running: unknown options and missing arguments end it with click's usage error.
    command.commands[name].make_context(name, arguments)


def test_the_plugin_of_the_architecture_page_works(tmp_path: Path) -> None:
    import tomllib

    blocks = {fence["language"]: fence["body"] for fence in fences(PAGES["explanation/architecture"])}
    project = tomllib.loads(blocks["toml"])
    # What pip leaves of these two files: the module, and a folder with its name and its entry points.
    (tmp_path / "my_nets.py").write_text(blocks["python"], encoding="utf-8")
    facts = tmp_path / "my_nets-0.1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['project']['name']}\nVersion: 0.1.0\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["project"]["entry-points"].items()
    ]
    (facts / "entry_points.txt").write_text("".join(lines))
    program = "import convvision; print(*convvision.list_models('wide_*'), convvision.create_model('wide_first').name)"
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.split() == ["wide_first", "wide_first"]


# -- Every public name has its entry, every page its place -----------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package: str) -> None:
    page = PAGES[f"reference/{package}"]
    names = importlib.import_module(f"convvision.{package}").__all__
    missing = [
        name for name in names if not re.search(rf"^(   |\.\. (auto\w+|py:data):: ){name}$", page, flags=re.MULTILINE)
    ]
    assert not missing


def test_every_short_name_is_in_the_reference() -> None:
    missing = [name for name in convvision.__all__ if f"``convvision.{name}``" not in PAGES["reference/convvision"]]
    assert not missing


def test_every_page_can_be_reached() -> None:
    reached, waiting = set[str](), ["index"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        if page not in PAGES:
            continue
        listed = [fence["body"] for fence in fences(PAGES[page]) if fence["language"] == "{toctree}"]
        entries = [line for body in listed for line in body.splitlines() if line and not line.startswith(":")]
        waiting += [os.path.normpath(Path(page).parent / entry) for entry in entries]
    assert reached == {*PAGES, "auto_examples/index", "tutorials/course/index"}


# -- Every figure has its source -------------------------------------------------------------------------------------


def test_every_figure_on_a_page_is_in_the_results() -> None:
    results = extension("results")
    roles = [figure for text in PAGES.values() for figure in re.findall(r"\{result\}`([^`]+)`", text)]
    tables = [
        column.split("=", 1)[1].replace("*", model)
        for text in PAGES.values()
        for models, body in re.findall(r"```\{results-table\} (.*)\n((?:.+\n)+?)```", text)
        for model in models.split()
        for column in body.splitlines()
    ]
    assert len(roles) > 10
    assert len(tables) > 20
    for figure in roles + tables:
        assert results.figure_text(ROOT / "benchmarks" / "results", figure.strip())


def test_figures_are_looked_up_and_written_out(tmp_path: Path) -> None:
    figure_text = extension("results").figure_text
    rows = [{"model": "a", "accuracy": 0.5, "accuracy_sd": 0.0125}, {"model": "b", "accuracy": 0.75, "count": 1234}]
    # Another training of the same model: the first is meant.
    rows.append({"model": "a", "accuracy": 0.25, "accuracy_sd": 0.5})
    (tmp_path / "lesson.json").write_text(json.dumps({"rows": rows, "losses": [3, 1, 2], "stopped": [7, 6, 7]}))
    written = {
        "lesson:rows[a].accuracy | percent": "50.00%",
        "lesson:rows[a].accuracy | spread": "50.00%\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1.25%",
        "lesson:rows[b].accuracy - lesson:rows[a].accuracy | points": "25.0",
        "lesson:rows[b].accuracy / lesson:rows[a].accuracy | number": "1.5",
        "lesson:rows[b].count | count": "1,234",
        "lesson:losses[min] | loss": "1.000",
        "lesson:losses[-1] | number": "2.0",
        "lesson:stopped | list": "7, 6 and 7",
        "lesson:rows[0].model | text": "a",
    }
    assert {figure: figure_text(tmp_path, figure) for figure in written} == written


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("other:rows[a].accuracy | percent", "there is no .*other.json. Run the benchmark"),
        ("lesson:rows[c].accuracy | percent", "lesson.json has no 'c' there"),
        ("lesson:rows[a].speed | percent", "lesson.json has no 'speed' there"),
        ("lesson:rows[a].accuracy | share", "format is one of correlation, count, .* Received: 'lesson:rows"),
    ],
)
def test_a_figure_without_a_source_ends_the_build(figure: str, message: str, tmp_path: Path) -> None:
    errors = pytest.importorskip("sphinx.errors", reason="Sphinx is not installed: pip install 'convvision[docs]'")
    (tmp_path / "lesson.json").write_text(json.dumps({"rows": [{"model": "a", "accuracy": 0.5}]}))
    with pytest.raises(errors.ExtensionError, match=message):
        extension("results").figure_text(tmp_path, figure)


def test_every_picture_on_a_page_was_made_by_a_script() -> None:
    made = json.loads((ROOT / "benchmarks" / "results" / "lesson_pictures.json").read_text())["sha256"]
    kept = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (DOCS / "_static").rglob("*.png")}
    assert kept == made
