"""The Chinese site: nothing of the course is left in English, catalogues follow the pages, the search finds words."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from site_sources import extension

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CATALOGUES = DOCS / "locale" / "zh_CN" / "LC_MESSAGES"
PAGES = sorted(path.relative_to(CATALOGUES).with_suffix("").as_posix() for path in CATALOGUES.rglob("*.po"))
# The theme's strings are no page.
PAGES.remove("sphinx")
SEARCHED = ["卷积", "激活", "过拟合", "特征图", "感受野"]
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def translations() -> ModuleType:
    return extension("translations")


@pytest.fixture(scope="module")
def glossary() -> ModuleType:
    return extension("glossary")


def messages(translations: ModuleType, page: str) -> list[Any]:
    return [
        message for message in translations.read_catalogue(CATALOGUES / f"{page}.po") if message.id and message.string
    ]


# -- The catalogues --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_string_is_translated(page: str, translations: ModuleType) -> None:
    catalogue = translations.read_catalogue(CATALOGUES / f"{page}.po")
    assert not translations.untranslated([message.id for message in catalogue if message.id], catalogue)


def test_an_untranslated_or_fuzzy_string_is_found(translations: ModuleType) -> None:
    from babel.messages.catalog import Catalog

    catalogue = Catalog()
    catalogue.add("kernel", "卷积核")
    catalogue.add("stride", "")
    catalogue.add("padding", "步幅", flags={"fuzzy"})
    strings = ["kernel", "stride", "padding", "pooling"]
    assert translations.untranslated(strings, catalogue) == ["stride", "padding", "pooling"]


SPAN = re.compile(r"([:{][\w:]+[:}])?(`+)(.+?)\2")


def kept(text: str) -> Counter[str]:
    """Find what a translation leaves as it is: code and roles, of which a title before <…> is text, links, numbers."""
    spans = [role + re.sub(r"^.*(?=<[^<>]+>$)", "", content) for role, _, content in SPAN.findall(text)]
    numbers = re.findall(r"(?<![A-Za-z])\d+(?:[.,]\d+)*(?: ?%)?", SPAN.sub("", text))
    return Counter([*spans, *numbers, *re.findall(r"\]\([^)]+\)", text)])


@pytest.mark.parametrize("page", PAGES)
def test_a_translation_keeps_code_roles_links_and_numbers(page: str, translations: ModuleType) -> None:
    for message in messages(translations, page):
        assert kept(message.string) == kept(message.id), message.id


def test_every_page_of_the_course_has_a_catalogue(translations: ModuleType) -> None:
    written = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    galleries = {"examples": "auto_examples", "course": "tutorials/course"}
    run = {f"{page}/{path.stem}" for folder, page in galleries.items() for path in (ROOT / folder).glob("plot_*.py")}
    pages = {page for page in written | run if translations.is_translated(page)}
    assert pages <= set(PAGES)
    assert {"index", "installation"} <= pages


@pytest.mark.slow
def test_the_catalogues_hold_what_the_pages_say_now(translations: ModuleType, tmp_path: Path) -> None:
    # In a copy: an extraction leaves examples there that have not been run.
    ignored = shutil.ignore_patterns("_build", "__pycache__")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=ignored)
    for made in ("auto_examples", "tutorials/course"):
        shutil.rmtree(tmp_path / "docs" / made, ignore_errors=True)
    for folder in ("examples", "course", "benchmarks/results"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    translations.extract(tmp_path / "docs", tmp_path / "templates")
    templates = {path.relative_to(tmp_path / "templates"): path for path in (tmp_path / "templates").rglob("*.pot")}
    assert {path.with_suffix("").as_posix() for path in templates} == set(PAGES)
    for name, template in templates.items():
        strings = [message.id for message in translations.read_catalogue(template) if message.id]
        assert not translations.untranslated(strings, translations.read_catalogue(CATALOGUES / name.with_suffix(".po")))


def test_the_overview_of_examples_is_translated() -> None:
    thumbnail = (
        '<div class="sphx-glr-thumbcontainer" tooltip="Stop does &quot;that&quot;.">\n'
        '<div class="sphx-glr-thumbnail-title">A kernel</div><div class="sphx-glr-thumbnail-title">New</div>'
    )
    strings = {':class:`~convvision.callbacks.Stop` does "that".': "``Stop`` 做“这件事”。", "A kernel": "卷积核"}
    assert extension("thumbnails").translate(thumbnail, strings) == (
        '<div class="sphx-glr-thumbcontainer" tooltip="Stop 做“这件事”。">\n'
        '<div class="sphx-glr-thumbnail-title">卷积核</div><div class="sphx-glr-thumbnail-title">New</div>'
    )


# -- The glossary and the search -------------------------------------------------------------------------------------


def test_the_glossary_has_each_term_once_and_in_both_languages(glossary: ModuleType) -> None:
    terms = glossary.read_terms()
    assert len(terms) >= 60
    for side in ("en", "zh"):
        assert [name for name, count in Counter(getattr(term, side) for term in terms).items() if count > 1] == []
    for term in terms:
        assert all(term), term.en
        assert HAN.search(term.zh), term.en
        assert HAN.search(term.meaning_zh), term.en
        assert not HAN.search(term.en), term.en
    assert set(SEARCHED) <= set(glossary.chinese_words(terms))


def test_the_explorer_and_the_glossary_use_the_same_words(glossary: ModuleType) -> None:
    import json

    explorer = json.loads((ROOT / "src/convvision/visualize/explorer/zh.json").read_text(encoding="utf-8"))
    known = {term.en: term.zh for term in glossary.read_terms()}
    for key, term in {
        "kernel": "kernel",
        "bias": "bias",
        "probability": "probability",
        "prediction": "prediction",
        "kind_Conv2D": "convolution",
        "kind_DepthwiseConv2D": "depthwise convolution",
        "kind_MaxPooling2D": "max pooling",
        "kind_AveragePooling2D": "average pooling",
        "kind_GlobalAveragePooling2D": "global average pooling",
        "kind_Flatten": "flatten",
        "kind_BatchNormalization": "batch normalization",
    }.items():
        assert explorer[key] == known[term]


# What one types and what Sphinx's index holds have to be the same words; jieba alone cuts 过拟合 into 过 and 拟合.
SPLIT = """
import sys, warnings
warnings.simplefilter("ignore")
from sphinx.search.zh import SearchChinese
words = SearchChinese({"dict": sys.argv[1]}).split("第二个卷积层的特征图与感受野；激活之后出现过拟合。")
print(*words, file=open(sys.argv[2], "w", encoding="utf-8"))
"""


def test_the_search_cuts_chinese_into_the_terms_of_the_field(tmp_path: Path) -> None:
    pytest.importorskip("jieba", reason="jieba is not installed: pip install 'convvision[docs]'")
    found = {}
    for name, dictionary in {
        "ours": extension("chinese_search").write_dictionary(tmp_path / "terms.txt"),
        "none": tmp_path,
    }.items():
        written = tmp_path / name
        # In a process of its own: jieba keeps what it has learnt.
        subprocess.run([sys.executable, "-c", SPLIT, dictionary, written], check=True, capture_output=True)
        found[name] = set(written.read_text(encoding="utf-8").split())
    assert set(SEARCHED) <= found["ours"]
    assert not set(SEARCHED) <= found["none"]


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Chinese site of two pages with the theme and the search of ours, served on this machine."""
    pytest.importorskip("jieba", reason="jieba is not installed: pip install 'convvision[docs]'")
    folder = tmp_path_factory.mktemp("small_site")
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\nlanguage = 'zh_CN'\n"
        "extensions = ['myst_parser', 'chinese_search']\nhtml_theme = 'pydata_sphinx_theme'\n"
    )
    (folder / "index.md").write_text("# 首页\n\n```{toctree}\npage\n```\n", encoding="utf-8")
    text = "第二个卷积层的特征图与感受野；激活之后出现过拟合。 One layer."
    (folder / "page.md").write_text(f"# 一页\n\n{text}\n", encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "html", folder, folder / "site"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    handler = partial(_Silent, directory=str(folder / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.mark.browser
def test_the_search_finds_chinese_in_a_browser(small_site: str, chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Words that stand on the page, words joined as they do not stand there, and words of both languages.
    for query in [*SEARCHED, "感受野特征图", "卷积层 过拟合", "layers的激活"]:
        page.goto(f"{small_site}/search.html?q={query}")
        page.wait_for_selector("#search-results ul.search li", timeout=10_000)
        assert page.locator("#search-results ul.search li a").first.get_attribute("href").startswith("page.html")
    page.goto(f"{small_site}/search.html?q=池化")
    page.wait_for_selector("#search-results p.search-summary:has-text('没有')", timeout=10_000)
    assert page.locator("#search-results ul.search li").count() == 0
    assert errors == []
    context.close()
