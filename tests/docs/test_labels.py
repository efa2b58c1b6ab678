"""The names in a plot: where they stand, measured from the outside."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from site_sources import extension

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def boxes_of(texts: list[Annotation]) -> list[Any]:
    """The names as they are drawn, less half a pixel of rounding on each side."""
    return [text.get_window_extent().padded(-0.5) for text in texts]


def check_that_all_can_be_read(axes: Any, points: list[tuple[float, float]], texts: list[Annotation]) -> None:
    axes.figure.draw_without_rendering()
    boxes = boxes_of(texts)
    for (one, box), (other, another) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        assert not box.overlaps(another), (one.get_text(), other.get_text())
    for text, box in zip(texts, boxes, strict=True):
        assert not any(box.contains(x, y) for x, y in axes.transData.transform(points)), text.get_text()
        low, high = axes.transAxes.transform([(0, 0), (1, 1)])
        assert low[0] <= box.x0 < box.x1 <= high[0], text.get_text()
        assert low[1] <= box.y0 < box.y1 <= high[1], text.get_text()


def test_names_of_points_that_are_close_stand_apart() -> None:
    axes = Figure(figsize=(4, 3), layout="constrained").add_subplot(xscale="log")
    generator = np.random.default_rng(0)
    points = [(10 ** generator.uniform(0, 0.2), generator.uniform(0, 0.1)) for _ in range(12)]
    # And one in each corner.
    points += [(0.1, -1.0), (0.1, 1.0), (100.0, -1.0), (100.0, 1.0)]
    axes.scatter(*zip(*points, strict=True))
    limits = axes.get_xlim(), axes.get_ylim()
    names = [f"network {number}" for number in range(len(points))]
    texts = extension("labels").label_points(axes, points, names)
    assert [text.get_text() for text in texts] == names
    assert (axes.get_xlim(), axes.get_ylim()) == limits
    check_that_all_can_be_read(axes, points, texts)
    # A name that had to go far has a line.
    lines = [text for text in axes.texts if text.arrow_patch is not None]
    assert 0 < len(lines) < len(points)


def test_a_name_with_room_stands_beside_its_point_without_a_line() -> None:
    axes = Figure(figsize=(4, 3)).add_subplot(xlim=(0, 1), ylim=(0, 1))
    (text,) = extension("labels").label_points(axes, [(0.5, 0.5)], ["alone"])
    box, (x, y) = text.get_window_extent(), axes.transData.transform((0.5, 0.5))
    assert list(axes.texts) == [text]
    assert 0 < box.x0 - x < 8
    assert box.y0 < y < box.y1


def test_a_name_keeps_off_the_legend() -> None:
    axes = Figure(figsize=(4, 3)).add_subplot(xlim=(0, 1), ylim=(0, 1))
    axes.plot([0.99], [0.01], label="a family")
    legend = axes.legend(loc="upper right")
    axes.figure.draw_without_rendering()
    inside = legend.get_window_extent()
    left = axes.transData.inverted().transform((inside.x0 - 5, (inside.y0 + inside.y1) / 2))
    (text,) = extension("labels").label_points(axes, [tuple(left)], ["a long name"])
    assert not text.get_window_extent().overlaps(inside)


def test_the_names_of_the_zoo_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = extension("zoo")
    drawn: list[tuple[Any, Any, list[Annotation]]] = []

    def label_points(axes: Any, points: Any, names: Any) -> None:
        drawn.append((axes, points, extension("labels").label_points(axes, points, names)))

    monkeypatch.setattr(zoo, "label_points", label_points)
    rows = [row for row in zoo.zoo_rows(zoo.read_leaderboard(RESULTS / "leaderboard.json")) if row["accuracy"]]
    zoo.draw_scatter(rows)
    ((axes, points, texts),) = drawn
    assert len(texts) == len(rows) > 10
    check_that_all_can_be_read(axes, points, texts)
    names = [text.get_text() for text in texts]
    assert "conv_64_64" in names
    assert "wrn_16_2 (best)" in names
    assert "recipe fast " in axes.get_ylabel()
