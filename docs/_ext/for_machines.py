"""What programs read of the site: ``llms.txt``, ``robots.txt``, ``sitemap.xml``, and what stands in a page's head.

A sitemap, a picture and links between the languages need absolute addresses, so they are left out where
``html_baseurl`` is not known.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from translations import FOLDER, LANGUAGE

__all__ = ["setup"]

_PICTURE = "_static/card.png"
_DESCRIPTION = "Small-image classification with convolutions on Keras 3."
# The parts of the site, in the order in which someone who knows nothing of it should read.
_PARTS = {
    "": "Start",
    "tutorials": "Tutorials",
    "how-to": "How-to guides",
    "explanation": "Explanation",
    "reference": "Reference",
    "auto_examples": "Examples",
}


def _add_tags(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:  # noqa: ARG001
    """Say what a link to the page shows where it is shared (ogp.me), and where it stands in the other language."""
    tags = {
        "og:site_name": "convvision",
        "og:type": "website",
        "og:title": str(context.get("title", "convvision")),
        "og:description": (first_sentence(doctree) if doctree is not None else "") or _DESCRIPTION,
    }
    base = app.config.html_baseurl
    if base:
        tags |= {"og:url": f"{base}{page}.html", "og:image": f"{base}{_PICTURE}"}
        tags |= {"og:image:alt": "A drawn coat, and what six kernels make of it."}
    lines = [f'<meta property="{name}" content="{escape(text)}" />' for name, text in tags.items()]
    if base:
        root = base.removesuffix(FOLDER) if app.config.language == LANGUAGE else base
        lines += [
            f'<link rel="alternate" hreflang="{language}" href="{root}{folder}{page}.html" />'
            for language, folder in (("en", ""), ("zh-CN", FOLDER))
        ]
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def first_sentence(doctree: nodes.document) -> str:
    """Find the sentence with which a page begins.

    Args:
        doctree: The page.

    Returns:
        The sentence; empty where the page has no paragraph below its title.
    """
    section = next(iter(doctree.findall(nodes.section)), None)
    paragraphs = [child for child in section.children if isinstance(child, nodes.paragraph)] if section else []
    if not paragraphs:
        return ""
    text = " ".join(paragraphs[0].astext().split())
    sentence = re.split(r"(?<=[.?!])\s", text)[0]
    return f"{sentence.rstrip(':')}." if sentence.endswith(":") else sentence


def _write_files(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    site, base = Path(app.outdir), app.config.html_baseurl
    pages = sorted(app.env.found_docs)
    (site / "llms.txt").write_text(_llms(app, pages, base), encoding="utf-8")
    robots = "User-agent: *\nAllow: /\n"
    if base:
        addresses = "".join(f"<url><loc>{escape(base)}{page}.html</loc></url>\n" for page in pages)
        start = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        (site / "sitemap.xml").write_text(f"{start}{addresses}</urlset>\n", encoding="utf-8")
        robots += "".join(f"Sitemap: {base}{folder}sitemap.xml\n" for folder in ("", FOLDER))
        draw_card(site / _PICTURE)
    # It is read above all pages alone: that of the English site serves both.
    if app.config.language != LANGUAGE:
        (site / "robots.txt").write_text(robots, encoding="utf-8")


def _llms(app: Sphinx, pages: list[str], base: str) -> str:
    """List the pages with a sentence each, in the form of llmstxt.org."""
    lines = [f"# convvision\n\n> {_DESCRIPTION} Everything that its pages show is run by its tests.\n"]
    for part, heading in _PARTS.items():
        listed = [page for page in pages if (page.partition("/")[0] if "/" in page else "") == part]
        # The entry of a name is found by its address: the reference would be longer than all else.
        listed = [page for page in listed if not page.startswith("reference/generated/")]
        lines.append(f"## {heading}\n")
        for page in listed:
            said = first_sentence(app.env.get_doctree(page))
            lines.append(f"- [{app.env.titles[page].astext()}]({base}{page}.html){': ' if said else ''}{said}")
        lines.append("")
    lines.append(f"Each public name has a page, as {base}reference/generated/convvision.training.train.html.\n")
    return "\n".join(lines)


def draw_card(path: Path) -> None:
    """Draw the picture that stands beside a shared link, 1200 × 630 pixels.

    Args:
        path: The PNG to write.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    from convvision import kernels  # noqa: PLC0415
    from convvision.datasets import draw_fashion  # noqa: PLC0415

    images, labels = draw_fashion(40, image_size=112)
    coat = images[labels == 4][1, ..., 0]
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#160b27")
    figure.text(0.06, 0.8, "convvision", color="white", size=64, weight="bold", va="center")
    said = "Small-image classification with convolutions on Keras 3"
    figure.text(0.06, 0.66, said, color="#fbb061", size=24, va="center")
    for index, kernel in enumerate(("identity", "gaussian_blur", "sharpen", "sobel_x", "sobel_y", "edge")):
        axes = figure.add_axes((0.06 + index * 0.149, 0.12, 0.139, 0.4))
        axes.imshow(abs(kernels.apply(coat, kernel)), cmap="inferno")
        axes.set_axis_off()
        axes.set_title(kernel, color="white", size=15)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor=figure.get_facecolor())


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to what Sphinx announces."""
    app.connect("html-page-context", _add_tags)
    app.connect("build-finished", _write_files)
    return {"parallel_read_safe": True}
