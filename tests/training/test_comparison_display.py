"""The picture of a comparison: a point a model."""

from __future__ import annotations

import math
from typing import Any

import matplotlib as mpl
import pytest

from convvision.errors import InputError
from convvision.training import ComparisonRow
from convvision.training._comparison_display import ComparisonDisplay


def row(name: str, seconds: float, accuracy: float, sd: float) -> ComparisonRow:
    return ComparisonRow(
        name, 1234, 3, train_accuracy=0.9, train_accuracy_sd=0.1, test_accuracy=accuracy, test_accuracy_sd=sd,
        seconds_per_epoch=seconds,
    )  # fmt: skip


ROWS = [row("dense", 2.0, 0.875, 0.01), row("conv", 20.0, 0.91, 0.004), row("one_seed", 5.0, 0.8, math.nan)]


@pytest.fixture
def display() -> ComparisonDisplay:
    return ComparisonDisplay(ROWS, title="quarters, 5 epochs").plot()


def points(axes: Any) -> dict[str, tuple[float, float]]:
    return {container.get_label(): tuple(container[0].get_xydata()[0]) for container in axes.containers}


def test_a_point_stands_at_seconds_and_per_cent(display: ComparisonDisplay) -> None:
    axes = display.axes_[0, 0]
    assert points(axes) == {
        "dense (1,234)": (2.0, pytest.approx(87.5)),
        "conv (1,234)": (20.0, pytest.approx(91.0)),
        "one_seed (1,234)": (5.0, pytest.approx(80.0)),
    }
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(points(axes))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds an epoch", "test accuracy (%)")
    assert axes.get_title() == "quarters, 5 epochs"
    assert axes.get_xlim()[0] == 0


def test_a_bar_is_one_standard_deviation_up_and_down_where_there_is_one(display: ComparisonDisplay) -> None:
    spreads = {}
    for container in display.axes_[0, 0].containers:
        (bars,) = container[2] or (None,)
        ends = None if bars is None else bars.get_segments()[0][:, 1]
        spreads[container.get_label().split()[0]] = None if ends is None else tuple(ends)
    assert spreads == {
        "dense": pytest.approx((86.5, 88.5)),
        "conv": pytest.approx((90.6, 91.4)),
        "one_seed": None,
    }


def test_models_differ_in_colour(display: ComparisonDisplay) -> None:
    colours = [container[0].get_color() for container in display.axes_[0, 0].containers]
    assert len(set(colours)) == 3


def test_eleven_models_still_draw() -> None:
    display = ComparisonDisplay([row(f"model_{index}", index, 0.5, 0.1) for index in range(1, 12)]).plot()
    assert len(display.axes_[0, 0].containers) == 11


def test_nothing_global_changes(display: ComparisonDisplay) -> None:
    import matplotlib.pyplot as plt

    settings = dict(mpl.rcParams)
    assert display.plot()._repr_png_().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == []


def test_no_rows_are_nothing_to_draw() -> None:
    with pytest.raises(InputError, match="nothing to draw before the first model is trained"):
        ComparisonDisplay([])
