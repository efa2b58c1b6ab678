"""The site as ``make docs`` has built it: every link between its pages leads somewhere."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit


class _Page(HTMLParser):
    """The links of a page, and the places in it that links can lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.links.add(value)
            elif value and (name == "id" or (name == "name" and tag == "a")):
                self.places.add(value)


def broken_links(folder: Path) -> list[str]:
    """Find what leads nowhere in all pages of a folder, as ``PAGE: LINK``."""
    # A downloaded page is one file, and its links are its script's.
    pages = {
        path.relative_to(folder).as_posix(): _Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
        if "_downloads" not in path.parts and "_static" not in path.parts
    }
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    broken = []
    for name, page in pages.items():
        for link in sorted(page.links):
            if urlsplit(link).scheme or urlsplit(link).netloc:
                continue
            target = urlsplit(urljoin(f"/{name}", link))
            path, place = unquote(target.path).lstrip("/"), unquote(target.fragment)
            path += "index.html" if path.endswith("/") or not path else ""
            # At the top every page has a place.
            known = pages[path].places | {"", "top"} if path in pages else {""}
            if path not in files or place not in known:
                broken.append(f"{name}: {link}")
    return broken


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "picture.png").touch()
    (tmp_path / "folder" / "b.html").write_text('<h1 id="here">B</h1><a href="../a.html#no">A</a>')
    (tmp_path / "a.html").write_text(
        '<a href="folder/b.html#here">1</a><a href="folder/b.html#there">2</a><a href="#">3</a>'
        '<a href="c.html">4</a><img src="picture.png"><img src="none.png"><a href="https://example.org/x#y">5</a>'
    )
    assert sorted(broken_links(tmp_path)) == [
        "a.html: c.html",
        "a.html: folder/b.html#there",
        "a.html: none.png",
        "folder/b.html: ../a.html#no",
    ]


def test_every_link_and_anchor_resolves(site: Path) -> None:
    assert broken_links(site) == []
