"""Where a public name says that it lives."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

__all__ = ["set_module"]


def set_module(module: str) -> Callable[[T], T]:
    """Let a public class or function report the package that exports it.

    Files inside a package are underscored; tracebacks, ``repr`` and the API reference should show the path that users
    import (``convvision.datasets.Dataset``), not the file that happens to hold it.
    """

    def decorate(public_object: T) -> T:
        public_object.__module__ = module
        return public_object

    return decorate
