"""README.zh-CN.md says what README.md says: the same sections, code, links, names in code and numbers, in Chinese."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
HAN = re.compile(r"[\u4e00-\u9fff]")


def sections(name: str) -> list[str]:
    """Split at the headings outside of code, each with its level in front."""
    text = (ROOT / name).read_text(encoding="utf-8")
    # A comment in a shell block begins as a heading does.
    hidden = FENCE.sub(lambda fence: fence[0].replace("\n#", "\n\0"), text)
    return [part.replace("\0", "#") for part in re.split(r"^(?=#+ )", hidden, flags=re.MULTILINE)[1:]]


ENGLISH, CHINESE = sections("README.md"), sections("README.zh-CN.md")


def prose(section: str) -> str:
    return FENCE.sub("", section)


def shape(section: str) -> list[str]:
    """Tell what each block is: a heading with its level, a list with its items, a table, code, or text."""
    blocks = [block for block in re.split(r"\n{2,}", FENCE.sub("```", section).strip()) if block]
    return [" ".join(re.findall(r"^(?:#+ |```|\||- )", block, flags=re.MULTILINE)) or "paragraph" for block in blocks]


def test_the_sections_are_the_same() -> None:
    assert [shape(section) for section in CHINESE] == [shape(section) for section in ENGLISH]


def test_the_code_is_the_same_byte_for_byte() -> None:
    assert [FENCE.findall(section) for section in CHINESE] == [FENCE.findall(section) for section in ENGLISH]


def test_names_numbers_and_links_are_the_same() -> None:
    for pattern in (r"`[^`]+`", r"\d+(?:[.,]\d+)*%?", r"\]\(([^)]+)\)"):
        for english, chinese in zip(ENGLISH[1:], CHINESE[1:], strict=True):
            assert Counter(re.findall(pattern, prose(chinese))) == Counter(re.findall(pattern, prose(english)))


def test_each_links_to_the_other() -> None:
    assert "[简体中文](README.zh-CN.md)" in ENGLISH[0]
    assert "[English](README.md)" in CHINESE[0]


def test_all_of_it_is_chinese() -> None:
    blocks = [block for section in CHINESE for block in re.split(r"\n{2,}|\n- ", prose(section))]
    english = [block for block in blocks if re.search(r"[a-z]{4}", block) and not HAN.search(block)]
    assert english == ["# convvision", "[English](README.md)"]
    assert not HAN.search("".join(map(prose, ENGLISH)).replace("[简体中文]", ""))
