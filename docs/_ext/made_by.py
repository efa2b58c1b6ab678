"""Where an object comes from: below each class of the reference, the functions that return it and what it is part of.

Nobody makes a ``Comparison`` by hand. Who reads its entry finds the call that makes one, and the example there.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

import convvision

__all__ = ["containers", "has_example", "makers", "public_names", "setup"]


@functools.cache
def public_names() -> dict[str, Any]:
    """Map the full name of each public function and class, as in ``convvision.training.train``, to the thing."""
    packages = [name for name in convvision.__all__ if isinstance(getattr(convvision, name), ModuleType)]
    modules = [importlib.import_module(f"convvision.{name}") for name in packages]
    found = {f"{module.__name__}.{name}": getattr(module, name) for module in modules for name in module.__all__}
    return {name: thing for name, thing in found.items() if inspect.isclass(thing) or inspect.isfunction(thing)}


def makers(class_name: str) -> list[tuple[str, Any]]:
    """List the public functions and methods that return a class: a role and the function.

    Args:
        class_name: Its full name.
    """
    wanted = _mentions(class_name)
    return [(role, thing) for role, thing in _callables() if wanted(_annotations(thing).get("return", ""))]


def containers(class_name: str) -> list[str]:
    """List the full names of public classes that have an attribute or a property of a class.

    Args:
        class_name: Its full name.
    """
    wanted = _mentions(class_name)
    return [
        name
        for name, thing in public_names().items()
        if name != class_name and inspect.isclass(thing) and any(map(wanted, _attributes(thing)))
    ]


def has_example(name: str) -> bool:
    """Tell whether the entry of a function or class shows it in use: itself, or where it leads to.

    Args:
        name: Its full name.
    """
    return _has_example(name, frozenset())


def _has_example(name: str, seen: frozenset[str]) -> bool:
    thing = public_names()[name]
    if ">>>" in (thing.__doc__ or ""):
        return True
    if not inspect.isclass(thing) or name in seen:
        return False
    if any(">>>" in (maker.__doc__ or "") for _, maker in makers(name)):
        return True
    return any(_has_example(container, seen | {name}) for container in containers(name))


def _callables() -> Iterator[tuple[str, Any]]:
    for name, thing in public_names().items():
        if inspect.isfunction(thing):
            yield f":func:`{name}`", thing
        elif not issubclass(thing, BaseException):
            for method, member in vars(thing).items():
                if method[0] != "_" and inspect.isfunction(member):
                    yield f":meth:`{name}.{method}`", member


def _annotations(thing: Any) -> dict[str, str]:
    return {name: str(annotation) for name, annotation in getattr(thing, "__annotations__", {}).items()}


def _attributes(thing: type) -> list[str]:
    properties = [getattr(member, "fget", getattr(member, "func", None)) for member in vars(thing).values()]
    returned = [_annotations(one).get("return", "") for one in properties if one is not None]
    return [*_annotations(thing).values(), *returned]


def _mentions(class_name: str) -> Any:
    return re.compile(rf"\b{class_name.rpartition('.')[2]}\b").search


def _add_origin(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    if what != "class" or name not in public_names():
        return
    found = [role for role, maker in makers(name) if not maker.__qualname__.startswith(f"{obj.__name__}.")]
    parts = [f":class:`{container}`" for container in containers(name)]
    if found:
        lines += ["", f"Returned by {', '.join(found)}.", ""]
    elif parts:
        lines += ["", f"Part of {', '.join(parts)}.", ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to autodoc, after napoleon."""
    app.connect("autodoc-process-docstring", _add_origin, priority=900)
    return {"parallel_read_safe": True}
