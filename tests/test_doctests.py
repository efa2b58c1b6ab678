"""The examples in docstrings do what they show."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

import convvision

PACKAGE = Path(convvision.__file__).parent


def read_examples(source: str, module: str, filename: str) -> Iterator[doctest.DocTest]:
    """Find docstrings with examples in a module's source.

    The source is parsed and not imported: doctest's own finder passes classes by that say they live in their package,
    and importing everything would load TensorFlow whenever tests are collected.
    """
    yield from _examples_below(ast.parse(source), module, filename)


def _examples_below(
    node: ast.Module | ast.ClassDef | ast.FunctionDef, name: str, filename: str
) -> Iterator[doctest.DocTest]:
    docstring = ast.get_docstring(node, clean=False)
    if docstring and ">>>" in docstring:
        # Nothing is at hand that the example does not import, as in the shell of somebody who types it.
        yield doctest.DocTestParser().get_doctest(docstring, {}, name, filename, node.body[0].lineno - 1)
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield from _examples_below(child, f"{name}.{child.name}", filename)


def read_all_examples() -> Iterator[doctest.DocTest]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = [PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts]
        yield from read_examples(path.read_text(encoding="utf-8"), ".".join(parts), str(path))


def complaints(example: doctest.DocTest) -> str:
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    return "".join(said)


def registered() -> list[list[str]]:
    return [convvision.list_datasets(), convvision.list_models(), convvision.list_recipes()]


EXAMPLES = list(read_all_examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_example_prints_what_it_shows(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Files that an example writes by a relative path are written here.
    monkeypatch.chdir(tmp_path)
    before = registered()
    assert complaints(example) == ""
    assert registered() == before, "the example leaves a name behind"


def test_examples_are_found_in_modules_classes_and_functions() -> None:
    names = {example.name for example in EXAMPLES}
    assert {
        "convvision.kernels.apply",
        "convvision.registry.unknown_name",
        "convvision.datasets._scaling.Scaling",
        "convvision.models._registry.create_model",
    } <= names
    source = "\n".join(
        [
            "'>>> 1'",
            "class Box:",
            "    '>>> 2'",
            "    def open(self):",
            "        '>>> 3'",
            "def plain():",
            "    'No example.'",
        ]
    )
    assert [example.name for example in read_examples(source, "m", "m.py")] == ["m", "m.Box", "m.Box.open"]


def test_an_example_that_shows_something_else_is_noticed() -> None:
    (example,) = read_examples('def double(x):\n    """Double.\n\n    >>> 2 * 2\n    5\n    """', "lie", "lie.py")
    told = complaints(example)
    assert 'File "lie.py", line 4, in lie.double' in told
    assert "Expected:\n    5\nGot:\n    4\n" in told
