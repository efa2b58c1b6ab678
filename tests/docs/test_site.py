"""The site as it was built: for search engines and programs, and for readers without a network."""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import shutil
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

import convvision
from site_sources import DOCS, PAGES

ROOT = Path(__file__).parents[2]


class _Requests(HTMLParser):
    """Collects what a page makes a browser fetch; links that a reader may follow are no such thing."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("img", "script", "iframe", "source", "video", "audio", "embed"):
            self.addresses.append(given.get("src") or "")
        if tag == "link" and given.get("rel") not in ("canonical", "alternate", "next", "prev", "search", "index"):
            self.addresses.append(given.get("href") or "")


def elsewhere(html: str) -> list[str]:
    """List what a page would fetch from another host."""
    page = _Requests()
    page.feed(html)
    return [address for address in page.addresses if re.match(r"(https?:)?//", address)]


def test_what_comes_from_elsewhere_is_noticed() -> None:
    assert elsewhere('<img src="//a.org/b.png"><script src="https://c.org/d.js"></script>') == [
        "//a.org/b.png",
        "https://c.org/d.js",
    ]
    assert elsewhere('<img src="b.png"><a href="https://c.org/"></a><link rel="canonical" href="https://c.org/">') == []


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    asked = {page: elsewhere(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    assert len(asked) > 100
    assert {page: addresses for page, addresses in asked.items() if addresses} == {}
    styles = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    assert not re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)"']*""", styles)


def test_every_page_leads_to_itself_in_the_other_language(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if not {"_downloads", "_static"} & set(page.parts)]
    assert len(pages) > 100
    for page in pages:
        path = page.relative_to(site)
        other = path.relative_to("zh") if path.parts[0] == "zh" else Path("zh", path)
        links = re.findall(r'<a class="nav-link language-switcher" href="([^"]+)"', page.read_text(encoding="utf-8"))
        assert {(page.parent / link).resolve() for link in links} == {(site / other).resolve()}
        assert (site / other).is_file()


def test_the_inventory_knows_every_public_name(site: Path) -> None:
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    known = {line.split(" ", 1)[0] for line in inventory.splitlines()}
    packages = [name for name in convvision.__all__ if isinstance(getattr(convvision, name), ModuleType)]
    public = {
        f"convvision.{package}.{name}"
        for package in packages
        for name in importlib.import_module(f"convvision.{package}").__all__
    }
    assert not (public | {f"convvision.{name}" for name in convvision.__all__}) - known


def test_pages_that_are_generated_hold_what_they_are_generated_from(site: Path) -> None:
    zoo = (site / "reference" / "zoo.html").read_text(encoding="utf-8")
    for name in convvision.list_models():
        assert f"<code>{name}</code>" in zoo
    training = (site / "reference" / "training.html").read_text(encoding="utf-8")
    for field in dataclasses.fields(convvision.Recipe):
        assert f'<span class="pre">{field.name}</span>' in training or field.name in ("name", "summary")
    assert "<math" in (site / "explanation" / "convolution.html").read_text(encoding="utf-8")


def test_programs_find_every_page(site: Path) -> None:
    first = (site / "index.html").read_text(encoding="utf-8")
    address = next(iter(re.findall(r'<link rel="canonical" href="(\S+)index\.html" />', first)), None)
    if address is None:
        pytest.skip("The site was built without an address: CONVVISION_DOCS_URL=https://example.org/docs/ make docs")
    listed = re.findall(rf"^- \[.+\]\({re.escape(address)}(\S+)\)", (site / "llms.txt").read_text(), flags=re.MULTILINE)
    assert {f"{page}.html" for page in PAGES} <= set(listed)
    assert all((site / page).is_file() for page in listed)
    assert re.findall(r"^Sitemap: (.*)$", (site / "robots.txt").read_text(), flags=re.MULTILINE) == [
        f"{address}sitemap.xml",
        f"{address}zh/sitemap.xml",
    ]
    assert not (site / "zh" / "robots.txt").exists()
    for folder in ("", "zh/"):
        assert f"<loc>{address}{folder}reference/zoo.html</loc>" in (site / folder / "sitemap.xml").read_text()
        page = (site / folder / "reference" / "zoo.html").read_text(encoding="utf-8")
        assert f'<meta property="og:image" content="{address}{folder}_static/card.png" />' in page
        assert re.findall(r'<link rel="alternate" hreflang="(\S+)" href="(\S+)" />', page) == [
            ("en", f"{address}reference/zoo.html"),
            ("zh-CN", f"{address}zh/reference/zoo.html"),
        ]
        assert (site / folder / "_static" / "card.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_site_builds_from_clean_without_a_warning_or_a_network(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install 'convvision[docs]'")
    ignored = shutil.ignore_patterns("_build", "__pycache__")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=ignored)
    for made in ("auto_examples", "reference/generated", "tutorials/course"):
        shutil.rmtree(tmp_path / "docs" / made, ignore_errors=True)
    for programs in ("examples", "course"):
        shutil.copytree(ROOT / programs, tmp_path / programs, ignore=ignored)
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    site = tmp_path / "site"
    # A proxy that is not there: whatever asks the network fails.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")

    def build(target: Path, *options: str) -> str:
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-b", "html"]
        done = subprocess.run(
            [*command, "-d", tmp_path / "doctrees" / target.name, *options, "docs", target],
            cwd=tmp_path,
            env=os.environ | nowhere,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    build(site)
    build(site / "zh", "-D", "language=zh_CN", "-D", "plot_gallery=0")
    # Nothing changed, so nothing is made anew.
    assert "0 added, 0 changed, 0 removed" in build(site)
