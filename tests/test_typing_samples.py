"""What a type checker says about code that uses convvision: nothing where it is right, the mistake where it is not."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "typing_samples"
RIGHT = ["lesson.py", "own_names.py"]
WRONG = ["mistakes.py"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mypy") is None, reason="mypy is not installed; it is in the extra `dev`"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int, str]]:
    """File, line and kind of every error in the samples, in a project of a user's, with no settings of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *RIGHT, *WRONG],
        cwd=SAMPLES,
        env={**os.environ, "MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors = re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    return {(name, int(line), kind) for name, line, kind in errors}


@pytest.mark.parametrize("sample", RIGHT)
def test_right_code_passes(found: set[tuple[str, int, str]], sample: str) -> None:
    assert [error for error in found if error[0] == sample] == []


@pytest.mark.parametrize("sample", WRONG)
def test_each_mistake_is_found_and_nothing_else(found: set[tuple[str, int, str]], sample: str) -> None:
    lines = (SAMPLES / sample).read_text(encoding="utf-8").splitlines()
    expected = {
        (sample, number, marked[1])
        for number, line in enumerate(lines, start=1)
        if (marked := re.search(r"# error: ([\w-]+)$", line))
    }
    assert len(expected) >= 8
    assert {error for error in found if error[0] == sample} == expected


def test_nothing_is_found_elsewhere(found: set[tuple[str, int, str]]) -> None:
    assert {name for name, _, _ in found} == set(WRONG)
