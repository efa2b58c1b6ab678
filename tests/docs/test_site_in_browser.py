"""The site as ``make docs`` has built it, in a browser: quiet pages, phones, languages, search, explorer, barriers."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from browser import absent

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
COURSE = "tutorials/course"
EXPLORER = f"{COURSE}/plot_04_activation_grid.html"
PAGES = [
    "index.html",
    "installation.html",
    f"{COURSE}/plot_01_dense_baseline.html",
    EXPLORER,
    "how-to/own-images.html",
    "explanation/convolution.html",
    "reference/zoo.html",
    "reference/generated/convvision.training.train.html",
    "reference/glossary.html",
    f"zh/{COURSE}/plot_02_kernels.html",
]
# What one looks for, and a page that has to be among what is found.
SEARCHED = {
    "convolution": "explanation/convolution.html",
    "overfitting": f"{COURSE}/plot_06_overfitting.html",
    "pooling": f"{COURSE}/plot_03_shapes.html",
    "imbalance": "how-to/class-imbalance.html",
    "tensorboard": "how-to/tensorboard.html",
    "classroom": "how-to/offline-classroom.html",
    "kernel": f"{COURSE}/plot_02_kernels.html",
    "saliency": "explanation/attribution.html",
    "plugin": "how-to/add-a-model.html",
    "grad_cam": "reference/generated/convvision.visualize.grad_cam.html",
    "卷积": "zh/explanation/convolution.html",
    "激活": f"zh/{COURSE}/plot_04_activation_grid.html",
    "过拟合": f"zh/{COURSE}/plot_06_overfitting.html",
    "特征图": f"zh/{COURSE}/plot_04_activation_grid.html",
    "感受野": f"zh/{COURSE}/plot_03_shapes.html",
    "池化": f"zh/{COURSE}/plot_03_shapes.html",
    "卷积核": f"zh/{COURSE}/plot_02_kernels.html",
    "归因": "zh/explanation/attribution.html",
    "类别不平衡": "zh/how-to/class-imbalance.html",
    "准确率": f"zh/{COURSE}/plot_01_dense_baseline.html",
}


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def context(chromium: Any) -> Iterator[Any]:
    """A browser whose requests to any other machine end at a proxy that is not there."""
    # With Playwright's own way to stop a request, nothing would be cached.
    proxy = {"server": "http://127.0.0.1:9", "bypass": "127.0.0.1"}
    opened = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", proxy=proxy)
    yield opened
    opened.close()


@pytest.fixture
def page(address: str, context: Any) -> Iterator[Any]:
    """A window, in which afterwards nothing may have been complained of and no other host been asked."""
    window = context.new_page()
    elsewhere, complaints = watch(window, address)
    yield window
    window.close()
    assert elsewhere == []
    assert complaints == []


def watch(window: Any, address: str) -> tuple[list[str], list[str]]:
    """Collect from now on what a window asks of other hosts, and what its console complains of."""
    elsewhere: list[str] = []
    complaints: list[str] = []

    def ask(request: Any) -> None:
        if not request.url.startswith((f"{address}/", "data:", "blob:")):
            elsewhere.append(request.url)

    def say(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    window.on("request", ask)
    window.on("console", say)
    window.on("pageerror", lambda error: complaints.append(str(error)))
    return elsewhere, complaints


def too_wide(window: Any) -> list[str]:
    """Say what scrolls sideways in a window as wide as a phone, and what in it is to blame."""
    window.set_viewport_size({"width": 390, "height": 844})
    # The theme lets the article scroll where its text is too wide; code and tables have bars of their own.
    found = window.evaluate(
        """() => [document.documentElement, document.querySelector(".bd-article-container")]
            .filter((each) => each && each.scrollWidth > each.clientWidth)
            .map((each) => `${each.tagName}: ${each.scrollWidth} pixels of ${each.clientWidth}: ` +
                [...each.querySelectorAll("*")]
                    .filter((part) => part.getBoundingClientRect().right > innerWidth)
                    .map((part) => `${part.tagName}.${part.className}`).slice(-10).join(", "))"""
    )
    return list(found)


def test_what_is_wrong_with_a_page_is_noticed(address: str, context: Any) -> None:
    window = context.new_page()
    elsewhere, complaints = watch(window, address)
    window.goto(f"{address}/index.html")
    assert (elsewhere, complaints, too_wide(window)) == ([], [], [])
    with window.expect_request("http://example.org/a.png"), window.expect_console_message():
        window.evaluate(
            """() => {
                console.error("so it is");
                document.querySelector("article").insertAdjacentHTML("beforeend", `
                    <img src="http://example.org/a.png"><div class="planted" style="width: 600px">wide</div>
                    <p style="color: #ccc; background: #fff">pale</p>`);
            }"""
        )
    assert elsewhere == ["http://example.org/a.png"]
    assert "so it is" in complaints
    assert any("DIV.planted" in each for each in too_wide(window))
    found = violations_in_both_themes(window)
    assert any(rule.startswith("color-contrast") for rule in found["light"])
    assert any(rule.startswith("image-alt") for rule in found["light"])
    window.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_fits_a_phone_and_has_its_other_language(name: str, address: str, page: Any) -> None:
    page.goto(f"{address}/{name}")
    other = name.removeprefix("zh/") if name.startswith("zh/") else f"zh/{name}"
    for expected in (other, name):
        page.locator("a.language-switcher:visible").first.click()
        page.wait_for_url(f"{address}/{expected}")
        assert page.get_attribute("html", "lang") == ("zh-CN" if expected.startswith("zh/") else "en")
    assert too_wide(page) == []


@pytest.mark.parametrize("folder", ["", "zh/"])
def test_every_page_is_quiet_and_fits_a_phone(folder: str, site: Path, address: str, page: Any) -> None:
    pages = [path.relative_to(site / folder).as_posix() for path in (site / folder).rglob("*.html")]
    # The entries of the reference are made by one template, of which one is among the pages above.
    passed_by = ("reference/generated/", "_downloads/", "_static/", "_images/", "zh/")
    pages = [path for path in sorted(pages) if not path.startswith(passed_by)]
    assert len(pages) > 50
    wide = {}
    for path in pages:
        page.goto(f"{address}/{folder}{path}")
        wide[path] = too_wide(page)
    assert {path: found for path, found in wide.items() if found} == {}


def test_the_zoo_is_sorted_by_a_click(address: str, page: Any) -> None:
    page.goto(f"{address}/reference/zoo.html")
    headings = page.locator("table.zoo thead th").all_inner_texts()

    def order(of: str) -> list[str]:
        column = page.locator(f"table.zoo tbody tr > :nth-child({headings.index(of) + 1})")
        return list(column.evaluate_all("(cells) => cells.map((cell) => cell.dataset.value ?? cell.textContent)"))

    for of in ("multiply-adds", "test accuracy", "sees"):
        heading = page.get_by_role("button", name=of)
        heading.click()
        rising = order(of)
        known = [value for value in rising if value]
        assert len(known) > 10
        assert known == sorted(known, key=float)
        heading.click()
        falling = order(of)
        assert [float(value) for value in falling if value] == [float(value) for value in known[::-1]]
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        # What is missing, as the receptive field of a dense network, stands below either way.
        assert rising[len(known) :] == falling[len(known) :] == [""] * (len(rising) - len(known))
    assert "" in rising
    page.get_by_role("button", name="recipe").click()
    assert order("recipe") == sorted(order("recipe"), key=lambda name: (name == "", name))


@pytest.mark.parametrize("folder", ["", "zh/"])
def test_the_search_finds_ten_words(folder: str, address: str, page: Any) -> None:
    words = {
        word: expected.removeprefix("zh/")
        for word, expected in SEARCHED.items()
        if expected.startswith("zh/") == bool(folder)
    }
    assert len(words) == 10
    first = next(iter(words))
    page.goto(f"{address}/{folder}search.html?q={first}")
    page.wait_for_selector(f"#search-results ul.search li > a[href^='{words[first]}']", timeout=20_000)
    # The others by the same script, without drawing the results, for which it would load each page that it found.
    found = page.evaluate(
        """words => words.map((word) => Search._performSearch(...Search._parseQuery(word)).map((each) => each[0]))""",
        list(words),
    )
    missing = {
        word: pages for word, pages in zip(words, found, strict=True) if words[word][: -len(".html")] not in pages
    }
    assert missing == {}
    page.wait_for_load_state("networkidle")


def explorer_on(page: Any, url: str) -> Any:
    """Open a page of the course, and wait for the explorer in its frame."""
    page.goto(url)
    exhibit = page.locator("iframe.exhibit")
    # It is loaded once it comes into sight.
    exhibit.scroll_into_view_if_needed()
    frame = exhibit.element_handle().content_frame()
    frame.wait_for_selector("html[data-ready]", timeout=20_000)
    return frame


def test_a_stroke_in_the_explorer_on_its_page_changes_the_prediction(address: str, page: Any) -> None:
    frame = explorer_on(page, f"{address}/{EXPLORER}")

    def shares() -> list[str]:
        frame.evaluate("convvision.settled()")
        return list(frame.locator("#prediction .share").all_inner_texts())

    before = shares()
    assert len(before) == 10
    paper = frame.locator(".paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.3 * box["height"], steps=5)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.9 * box["height"], steps=5)
    page.mouse.up()
    assert shares() != before
    frame.get_by_role("button", name="Reset").click()
    assert shares() == before


def test_the_explorer_on_the_chinese_page_speaks_chinese(address: str, page: Any) -> None:
    frame = explorer_on(page, f"{address}/zh/{EXPLORER}")
    assert frame.evaluate("document.documentElement.lang").startswith("zh")
    assert "卷积" in frame.locator("body").inner_text()


def violations(window: Any) -> list[str]:
    """Say what axe-core holds for a serious or critical barrier: the rule, and the elements."""
    found = window.evaluate(
        """async () => {
            await Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null)));
            const found = await axe.run(document, { resultTypes: ["violations"], iframes: false });
            return found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
                .map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).slice(0, 5).join(", ")}`);
        }"""
    )
    return list(found)


def violations_in_both_themes(window: Any) -> dict[str, list[str]]:
    if not AXE.is_file():
        absent("axe-core is not installed: npm install --no-save --prefix . axe-core")
    window.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = {}
    for theme in ("light", "dark"):
        window.emulate_media(color_scheme=theme)
        found[theme] = violations(window)
    return {theme: rules for theme, rules in found.items() if rules}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_barrier_in_light_or_dark(name: str, address: str, page: Any) -> None:
    page.goto(f"{address}/{name}")
    assert violations_in_both_themes(page) == {}
    assert page.get_attribute("html", "data-theme") == "dark"


def test_axe_finds_no_serious_barrier_in_the_explorer(site: Path, address: str, page: Any) -> None:
    (explorer,) = (site / "_downloads").glob("*/plot_04_activation_grid_explorer.html")
    page.goto(f"{address}/{explorer.relative_to(site).as_posix()}")
    page.wait_for_selector("html[data-ready]", timeout=20_000)
    assert violations_in_both_themes(page) == {}
