"""Displays in the gallery: sphinx-gallery looks for pyplot's figures, and ours are none."""

from __future__ import annotations

from typing import Any

from sphinx_gallery.scrapers import figure_rst

from convvision.visualize import Display

__all__ = ["scrape_display"]

# Where sphinx-gallery keeps the value of a block's last expression.
_LAST_EXPRESSION = "___"


def scrape_display(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:  # noqa: ARG001
    """Save the display that a block of an example ends with, and return the reST that shows it."""
    found = block_vars["example_globals"]
    display = found.get(_LAST_EXPRESSION)
    if not isinstance(display, Display):
        return ""
    # Forgotten, so that the blocks behind it do not show it again.
    found[_LAST_EXPRESSION] = None
    path = next(block_vars["image_path_iterator"])
    display.save(path, dpi=120)
    return str(figure_rst([path], gallery_conf["src_dir"]))
