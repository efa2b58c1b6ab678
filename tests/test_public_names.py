"""Every public name: it is there, it is documented, and it says where users import it from."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import itertools
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import convvision

HOMES = [
    "convvision",
    *(f"convvision.{found.name}" for found in pkgutil.iter_modules(convvision.__path__) if found.name[0] != "_"),
]
NAMES = [(home, name) for home in HOMES for name in importlib.import_module(home).__all__]


def stub_of(home: str) -> Path:
    return Path(importlib.import_module(home).__file__ or "").with_suffix(".pyi")


LAZY_HOMES = [home for home in HOMES if stub_of(home).exists()]


def exports(stub: str) -> list[tuple[str, str]]:
    """Read a stub's lines ``from .module import name as name``: module and name, in order."""
    return [
        ("." * node.level + (node.module or ""), alias.name)
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def in_order(lines: list[tuple[str, str]]) -> bool:
    """Tell whether lines are in the order of ruff: by module; and CONSTANTS, Classes, functions of one module."""

    def key(line: tuple[str, str]) -> tuple[str, int, str]:
        module, name = line
        kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
        return module, kind, name

    return all(key(first) < key(second) for first, second in itertools.pairwise(lines))


def test_the_public_modules_are_found() -> None:
    expected = {"callbacks", "cli", "datasets", "errors", "kernels", "models", "registry", "training", "visualize"}
    assert {f"convvision.{name}" for name in expected} <= set(HOMES)


@pytest.mark.parametrize("home", HOMES)
def test_every_module_says_what_it_is_for(home: str) -> None:
    assert (importlib.import_module(home).__doc__ or "").partition("\n")[0].endswith(".")


@pytest.mark.parametrize(("home", "name"), NAMES)
def test_every_name_is_there_and_documented(home: str, name: str) -> None:
    assert undocumented(getattr(importlib.import_module(home), name)) == []


def undocumented(thing: Any) -> list[str]:
    """Name what lacks a docstring: a function or a class itself, and the public methods and properties of a class."""
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return []
    # Dataclasses without a docstring are given their signature for one.
    lacking = [] if thing.__doc__ and not thing.__doc__.startswith(f"{thing.__name__}(") else [thing.__name__]
    for name, member in vars(thing).items():
        described = isinstance(member, property | cached_property | classmethod | staticmethod)
        # What overrides a documented method of a base class inherits its docstring.
        if name[0] != "_" and (described or inspect.isfunction(member)) and not inspect.getdoc(getattr(thing, name)):
            lacking.append(f"{thing.__name__}.{name}")
    return lacking


def test_what_lacks_a_docstring_is_noticed() -> None:
    class Documented:
        """A class."""

        def method(self) -> None:
            pass

        @property
        def width(self) -> int:
            return 1

        @classmethod
        def make(cls) -> None:
            """Make it."""

        def _private(self) -> None:
            pass

    @dataclass
    class Bare:
        width: int

    assert undocumented(Documented) == ["Documented.method", "Documented.width"]
    assert undocumented(Bare) == ["Bare"]
    assert undocumented(lambda: None) == ["<lambda>"]
    assert undocumented(undocumented) == []


def home_of(home: str, name: str) -> str:
    """Tell which module a name should say that it is from: at the top, the package that it comes from."""
    if home != "convvision":
        return home
    start = next(module for module, exported in exports(stub_of(home).read_text(encoding="utf-8")) if exported == name)
    return f"{home}{start}"


def says_where_it_lives(thing: Any, home: str, name: str) -> bool:
    return (thing.__module__, thing.__qualname__) == (home, name)


@pytest.mark.parametrize(("home", "name"), NAMES)
def test_classes_and_functions_say_where_they_are_imported_from(home: str, name: str) -> None:
    thing = getattr(importlib.import_module(home), name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert says_where_it_lives(thing, home_of(home, name), name)


def test_a_name_that_says_another_place_is_noticed() -> None:
    assert not says_where_it_lives(convvision.load_dataset, "convvision.datasets._load", "load_dataset")
    assert not says_where_it_lives(Path, "pathlib", "PosixPath")


@pytest.mark.parametrize("home", HOMES)
def test_no_name_is_given_twice(home: str) -> None:
    names = importlib.import_module(home).__all__
    assert len(names) == len(set(names))


@pytest.mark.parametrize("home", HOMES)
def test_an_unknown_attribute_is_an_attribute_error(home: str) -> None:
    module = importlib.import_module(home)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


@pytest.mark.parametrize("home", LAZY_HOMES)
def test_the_stub_lists_what_the_module_gives_in_order(home: str) -> None:
    lines = exports(stub_of(home).read_text(encoding="utf-8"))
    module = importlib.import_module(home)
    assert {name for _, name in lines} == set(module.__all__) - {"__version__"}
    assert set(module.__all__) <= set(dir(module))
    assert in_order(lines)


def test_an_order_that_is_wrong_is_noticed() -> None:
    lines = exports("from ._b import Run as Run\nfrom ._b import load as load\nfrom ._c import Big as Big\n")
    assert lines == [("._b", "Run"), ("._b", "load"), ("._c", "Big")]
    assert in_order(lines)
    for wrong in itertools.permutations(lines):
        assert in_order(list(wrong)) == (list(wrong) == lines)


@pytest.mark.parametrize("home", LAZY_HOMES)
def test_a_lazy_name_is_no_module_of_its_package(home: str) -> None:
    # ``from convvision.models import conv`` would give the module or the builder, whichever was imported first.
    package = importlib.import_module(home)
    inside = {found.name for found in pkgutil.iter_modules(package.__path__)}
    modules = {name for name in package.__all__ if isinstance(getattr(package, name), ModuleType)}
    assert inside & set(package.__all__) == modules


def test_the_top_gives_what_its_packages_give() -> None:
    for start, name in exports(stub_of("convvision").read_text(encoding="utf-8")):
        if start != ".":
            assert getattr(convvision, name) is getattr(importlib.import_module(f"convvision{start}"), name)


def test_the_version_is_the_one_that_is_installed() -> None:
    assert convvision.__version__ == importlib.metadata.version("convvision")


def test_star_imports_what_is_public() -> None:
    namespace: dict[str, Any] = {}
    exec("from convvision import *", namespace)  # noqa: S102
    assert set(convvision.__all__) <= namespace.keys()
