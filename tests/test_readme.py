"""The README: its Python runs, its commands exist, its figures are those of benchmarks/results/."""

from __future__ import annotations

import dataclasses
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest

import convvision
from convvision.cli import command

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = re.findall(r"^\$ (.*)$", README, flags=re.MULTILINE)


def test_there_are_blocks_to_test() -> None:
    assert len(PYTHON_BLOCKS) == 3
    assert len(COMMANDS) >= 8


def test_the_ten_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON_BLOCKS[0], "README.md", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert re.match(r"\d\d\.\d% of the test images are right", printed)
    assert {path.name for path in tmp_path.iterdir()} == {"history.png", "activations.png", "my_run"}
    assert convvision.load_run("my_run").model.name == "conv_32_32"


def test_the_recipe_that_is_varied_trains_on_the_real_digits(
    real_data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(real_data_home))
    found: dict[str, Any] = {}
    exec(compile(PYTHON_BLOCKS[1], "README.md", "exec"), found)  # noqa: S102
    assert found["run"].recipe == found["recipe"]
    assert found["run"].metrics["test_accuracy"] > 0.99
    # As the sentence above says: its last images were the hardest.
    assert found["run"].metrics["train_accuracy"] < found["run"].metrics["test_accuracy"]


def test_the_model_of_ones_own_runs(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        exec(compile(PYTHON_BLOCKS[2], "README.md", "exec"), {})  # noqa: S102
    finally:
        convvision.models.MODELS.unregister("wide_first")
    assert "24 × 24 × 64" in capsys.readouterr().out


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("convvision ")])
def test_every_command_is_one_that_we_have(line: str) -> None:
    _, name, *arguments = shlex.split(line, comments=True)
    # Parsing, without running: unknown options and missing arguments end it with click's usage error.
    command.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("make ")])
def test_every_make_target_exists(line: str) -> None:
    target = shlex.split(line, comments=True)[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_weights_that_are_named_are_those_of_the_last_row() -> None:
    (last,) = re.findall(r"^\| (\w+), recipe best, Fashion-MNIST \| ([\d.]+)%", README, flags=re.MULTILINE)
    card = convvision.get_model_info(last[0]).weights["fashion_mnist"]
    assert f'`convvision.create_model("{card.model}", weights="{card.dataset}")` is the network of the table' in README
    assert f"({card.test_accuracy:.2%} in single precision)" in README
    assert card.recipe == dataclasses.asdict(convvision.get_recipe("best"))
    # The row is of six views in half precision, the card of one in single precision.
    assert card.test_accuracy == pytest.approx(float(last[1]) / 100, abs=0.001)


def test_the_figures_are_those_of_the_results() -> None:
    tables = runpy.run_path(str(ROOT / "benchmarks" / "readme_table.py"))
    assert tables["table"]() in README
    assert tables["sooner_table"]() in README
