"""Text tables: what stands below what."""

from __future__ import annotations

import unicodedata

import pytest

from convvision._tables import number_of, text_table


def places(text: str) -> int:
    """Count the places of a terminal's line by Unicode's own table of wide characters."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@pytest.mark.parametrize("names", [("cat", "horse"), ("方块", "circle"), ("猫", "ネコ")], ids=str)
def test_columns_stand_below_each_other(names: tuple[str, str]) -> None:
    _, rule, *rows = text_table(("class", "images"), [(name, "48") for name in names], numbers=[1]).splitlines()
    assert [places(row) for row in rows] == [len(rule)] * 2


def test_the_last_row_may_be_a_sum() -> None:
    lines = text_table(("class", "n"), [("方", "1"), ("", "1")], numbers=[1], total=True).splitlines()
    assert lines == ["class  n", "────────", "方     1", "────────", "       1"]


def test_one_thing_is_not_several() -> None:
    assert [number_of(count, "epoch") for count in (0, 1, 2, 1200)] == [
        "0 epochs",
        "1 epoch",
        "2 epochs",
        "1,200 epochs",
    ]
    assert [number_of(count, "class", "classes") for count in (1, 2)] == ["1 class", "2 classes"]
