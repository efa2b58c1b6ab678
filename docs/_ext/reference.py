"""What the API reference needs beyond autodoc and sphinx-click: short names, constants, and types as we write them."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
from sphinx.addnodes import desc_signature
from sphinx.application import Sphinx
from sphinx.domains.python import PyProperty
from sphinx.environment import BuildEnvironment

import convvision

__all__ = ["setup", "short_names"]

# autodoc evaluates annotations, and these do not come back as they were written.
_DTYPE = r"~?numpy\.dtype\[([~\w.]+(\[[^]]*\])?)\]"
_SPELLINGS = (
    (re.compile(rf"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], {_DTYPE}\]"), r"NDArray[\1]"),
    (re.compile(r"[~\w.]*TypeAliasForwardRef\('(\w+)'\)"), r"\1"),
    (re.compile(r"~keras\.src\.models\.model\.Model"), "keras.Model"),
    (re.compile(r"~keras\.src\.callbacks\.callback\.Callback"), "keras.callbacks.Callback"),
)
# Before napoleon and before autodoc merges types into the text, both of priority 500.
_EARLY = 100


def short_names() -> dict[str, str]:
    """Map each top-level name, as in ``convvision.train``, to the one under which it is described."""
    found = {name: getattr(convvision, name) for name in convvision.__all__}
    return {
        f"convvision.{name}": f"{value.__module__}.{value.__qualname__}"
        for name, value in found.items()
        if not isinstance(value, ModuleType | str)
    }


def _add_short_names(app: Sphinx, env: BuildEnvironment) -> None:  # noqa: ARG001
    """Let references, the index and other projects' inventories find short names too."""
    objects = env.domains.python_domain.objects
    for short, full in short_names().items():
        # The catalogues of the translations are drawn from the other pages alone.
        if full in objects:
            objects[short] = objects[full]._replace(aliased=True)


def _describe_value(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Keep the docstring of a constant or a property as it stands, and show an array's numbers below it."""
    if what not in ("attribute", "data", "property"):
        return
    # Napoleon takes what stands before a colon in the first line for a type: an empty comment keeps it off.
    lines[:0] = ["..", ""]
    if isinstance(obj, np.ndarray):
        lines += ["", "::", "", *(f"   {row}" for row in str(obj).splitlines()), ""]


def _as_written(annotation: str) -> str:
    for evaluated, written in _SPELLINGS:
        annotation = evaluated.sub(written, annotation)
    return annotation


def _respell_types(app: Sphinx, domain: str, objtype: str, content: Any) -> None:  # noqa: ARG001
    for types in app.env.current_document.autodoc_annotations.values():
        types.update({name: _as_written(annotation) for name, annotation in types.items()})


class _Property(PyProperty):
    def handle_signature(self, sig: str, signode: desc_signature) -> tuple[str, str]:
        if "type" in self.options:
            self.options["type"] = _as_written(self.options["type"])
        return super().handle_signature(sig, signode)


def _show_paths(app: Sphinx, context: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Show a default path of the command line as it would be typed."""
    lines[:] = [re.sub(r"\w+Path\(('[^']*')\)", r"\1", line) for line in lines]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to what Sphinx and autodoc announce."""
    app.connect("autodoc-process-docstring", _describe_value, priority=_EARLY)
    app.connect("object-description-transform", _respell_types, priority=_EARLY)
    app.add_directive_to_domain("py", "property", _Property, override=True)
    app.connect("sphinx-click-process-options", _show_paths)
    app.connect("env-updated", _add_short_names)
    return {"parallel_read_safe": True}
