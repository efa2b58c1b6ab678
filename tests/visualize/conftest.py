"""Pages opened in a browser, where this machine has one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

OpenPage = Callable[..., contextlib.AbstractContextManager[Any]]


@pytest.fixture
def open_page(chromium: Any) -> OpenPage:
    """Open a file in a new window; once it is done with, nothing may have been asked for and nothing complained."""

    @contextlib.contextmanager
    def opened(path: Path, **options: Any) -> Iterator[Any]:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        page = context.new_page()
        requests: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", timeout=20_000)
        page.evaluate("convvision.settled()")
        yield page
        asked = [url for url in requests if not url.startswith(("data:", "blob:"))]
        context.close()
        assert asked == [path.as_uri()]
        assert complaints == []

    return opened
