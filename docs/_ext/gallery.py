"""Examples and the course, which sphinx-gallery runs: displays, data where there are none, and live pages."""

from __future__ import annotations

import functools
import posixpath
import shutil
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TypeVar

from docutils import nodes
from sphinx.addnodes import download_reference
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_gallery.scrapers import figure_rst
from translations import LANGUAGE

import convvision
from convvision.errors import DownloadError
from convvision.visualize import Display

__all__ = ["prepare", "scrape_display", "scrape_page", "setup"]

logger = logging.getLogger(__name__)

PathT = TypeVar("PathT", bound=PurePath)

# Where sphinx-gallery keeps the value of a block's last expression.
_LAST_EXPRESSION = "___"

_load_dataset = convvision.load_dataset
_export_explorer = convvision.visualize.export_explorer


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


def scrape_page(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:  # noqa: ARG001
    """Keep the HTML file whose path a block of an example ends with, and return the reST that shows it at work."""
    found = block_vars["example_globals"]
    page = found.get(_LAST_EXPRESSION)
    if not isinstance(page, Path) or page.suffix != ".html":
        return ""
    found[_LAST_EXPRESSION] = None
    target = Path(block_vars["target_file"])
    kept = target.parent / "images" / f"{target.stem}_{page.name}"
    kept.parent.mkdir(exist_ok=True)
    for own, copy in ((page, kept), (_in_chinese(page), _in_chinese(kept))):
        shutil.copyfile(own, copy)
    return f"\n.. exhibit:: /{kept.relative_to(gallery_conf['src_dir']).as_posix()}\n\n"


@functools.cache
def _is_here(name: str) -> bool:
    try:
        _load_dataset(name)
    except DownloadError as error:
        logger.info("%s is not here and cannot be downloaded; the course is built on drawn data. %s", name, error)
        return False
    return True


@functools.wraps(_load_dataset)
def _load_or_draw(name: str, *arguments: Any, **options: Any) -> Any:
    here = name not in ("fashion_mnist", "mnist") or _is_here(name)
    return _load_dataset(name if here else "drawn_fashion", *arguments, **options)


@functools.wraps(_export_explorer)
def _export_both(model: Any, images: Any, path: str | Path, **options: Any) -> Path:
    _export_explorer(model, images, _in_chinese(Path(path)), **{**options, "language": "zh"})
    return _export_explorer(model, images, path, **options)


def _in_chinese(page: PathT) -> PathT:
    """Name the same page in the other language."""
    return page.with_name(f"{page.stem}_zh{page.suffix}")


def prepare(gallery_conf: dict[str, Any], fname: str | None) -> None:  # noqa: ARG001
    """Let what a script calls do more than it says, so that it runs everywhere and its pages have two languages.

    Where there is neither Fashion-MNIST or MNIST nor a network, it runs on drawn data; what it prints tells the name.
    """
    convvision.load_dataset = _load_or_draw
    convvision.visualize.export_explorer = _export_both


class exhibit(download_reference):  # noqa: N801
    """An HTML file in a frame; as a download, so that Sphinx copies it into the site."""


class Exhibit(SphinxDirective):
    """An HTML file of the source folder, shown at work in the page; the argument is its path."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the frame, and a link that opens the file alone."""
        path = self.arguments[0]
        if self.config.language == LANGUAGE:
            path = str(_in_chinese(PurePosixPath(path)))
        text = nodes.inline(text=_("Download it: one file, which opens from disk"))
        link = download_reference("", "", text, reftarget=path, refdoc="")
        frame = exhibit("", reftarget=path)
        for node in (frame, link):
            node["refdoc"] = self.env.current_document.docname
        # Its text is translated where it is written, above.
        return [frame, nodes.paragraph("", "", link, translatable=False)]


def _visit_exhibit(translator: Any, node: exhibit) -> None:
    address = posixpath.join(translator.builder.dlpath, node["filename"])
    translator.body.append(
        f'<iframe class="exhibit" src="{address}" title="{_("The explorer at work")}" loading="lazy"></iframe>\n'
    )
    raise nodes.SkipNode


def _skip(translator: Any, node: exhibit) -> None:  # noqa: ARG001
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(exhibit, html=(_visit_exhibit, None), latex=(_skip, None), text=(_skip, None))
    app.add_directive("exhibit", Exhibit)
    return {"parallel_read_safe": True}
