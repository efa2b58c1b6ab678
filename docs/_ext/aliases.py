"""The short names: ``convvision.train`` leads to the entry of ``convvision.training.train``.

Each public name is described once, where it lives. This lets references, the index and other projects' inventories find
it under the name that users type as well.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import convvision

__all__ = ["setup", "short_names"]


def short_names() -> dict[str, str]:
    """Map each top-level name to the one under which it is described."""
    found = {name: getattr(convvision, name) for name in convvision.__all__}
    return {
        f"convvision.{name}": f"{value.__module__}.{value.__qualname__}"
        for name, value in found.items()
        if not isinstance(value, ModuleType | str)
    }


def _add_aliases(app: Sphinx, env: BuildEnvironment) -> None:  # noqa: ARG001
    objects = env.domains.python_domain.objects
    for short, full in short_names().items():
        objects[short] = objects[full]._replace(aliased=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the aliases once all pages are read."""
    app.connect("env-updated", _add_aliases)
    return {"parallel_read_safe": True}
