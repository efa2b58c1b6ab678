"""The search of the Chinese site: it knows the terms of the glossary, in the index and in what is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glossary import chinese_words, read_terms
from sphinx.application import Sphinx
from sphinx.config import Config

__all__ = ["setup", "write_dictionary"]

# A query is cut as the index is: at our terms, the longest first, and elsewhere by the browser's own dictionary. Sphinx
# would look for a run of characters as one word.
_SPLITTER = """
var splitQuery = (() => {
  const terms = new RegExp(`(${TERMS.join("|")})`);
  const known = new Set(TERMS);
  const segmenter = typeof Intl.Segmenter === "function" ? new Intl.Segmenter("zh", { granularity: "word" }) : null;
  const words = (text) => (segmenter ? [...segmenter.segment(text)].map((part) => part.segment) : [text]);
  const cut = (run) => {
    const parts = run.split(terms).flatMap((part) => (known.has(part) ? [part] : words(part)));
    const indexed = parts.filter((part) => part.length > 1);
    return indexed.length ? indexed : [run];
  };
  return (query) =>
    query
      .split(/[^\\p{Letter}\\p{Number}_\\p{Emoji_Presentation}]+/gu)
      .flatMap((part) => part.split(/(\\p{Script=Han}+)/u))
      .filter((part) => part)
      .flatMap((part) => (/\\p{Script=Han}/u.test(part) ? cut(part) : [part]));
})();
"""


def write_dictionary(path: Path) -> Path:
    """Write what jieba, which cuts Chinese into words for the index, has to know of our field.

    Without it, 过拟合, 特征图 and 感受野 are cut into pieces, and a search for them finds nothing.

    Args:
        path: The file to write, a word a line.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{word}\n" for word in chinese_words(read_terms())), encoding="utf-8")
    return path


def _add(app: Sphinx, config: Config) -> None:
    if not config.language.startswith("zh"):
        return
    # It brings jieba, which the English site does without.
    from sphinx.search.zh import SearchChinese  # noqa: PLC0415

    terms = sorted(chinese_words(read_terms()), key=len, reverse=True)

    class Chinese(SearchChinese):
        # Sphinx 9.0 asks for a stemmer of the language's name, and the one for Chinese is the English one, for what is
        # English on the page: https://github.com/sphinx-doc/sphinx/issues/14229.
        language_name = "English"
        js_splitter_code = f"const TERMS = {json.dumps(terms, ensure_ascii=False)};{_SPLITTER}"

    app.add_search_language(Chinese)
    config.html_search_options = {"dict": str(write_dictionary(Path(app.doctreedir, "search_terms.txt")))}


def setup(app: Sphinx) -> dict[str, Any]:
    """Take the place of Sphinx's own search of Chinese."""
    app.connect("config-inited", _add)
    return {"parallel_read_safe": True}
