"""The picture of a history: what stands in which panel, and where validation loss turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pytest

from convvision.errors import InputError
from convvision.training import Comparison, HistoryDisplay, Recipe, Run

HISTORY = {
    "loss": [0.9, 0.6, 0.4, 0.3, 0.2],
    "accuracy": [0.6, 0.7, 0.8, 0.85, 0.9],
    "val_loss": [0.8, 0.7, 0.6, 0.65, 0.75],
    "val_accuracy": [0.65, 0.7, 0.74, 0.73, 0.72],
}
Histories = Mapping[str, Mapping[str, Sequence[float]]]


def curves(axes) -> dict[str, np.ndarray]:
    """Label -> points, shape (epochs, 2), of the lines that have one."""
    return {
        line.get_label(): np.asarray(line.get_xydata())
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def dotted(axes) -> list[float]:
    """Where dotted lines stand from the bottom to the top."""
    return [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"]


@pytest.fixture
def display() -> HistoryDisplay:
    return HistoryDisplay({"conv": HISTORY}, title="quarters").plot()


def test_a_panel_a_metric_with_training_and_validation_from_epoch_one(display: HistoryDisplay) -> None:
    assert display.axes_.shape == (1, 2)
    for axes, metric in zip(display.axes_[0], ("loss", "accuracy"), strict=True):
        assert axes.get_ylabel() == metric
        assert axes.get_xlabel() == "epoch"
        drawn = curves(axes)
        assert set(drawn) == {"conv, training", "conv, validation"}
        for label, key in (("conv, training", metric), ("conv, validation", f"val_{metric}")):
            np.testing.assert_array_equal(drawn[label], np.column_stack([[1, 2, 3, 4, 5], HISTORY[key]]))
        assert [text.get_text() for text in axes.get_legend().get_texts()] == list(drawn)
    assert display.figure_.get_suptitle() == "quarters"


def test_a_dotted_line_stands_where_validation_loss_was_lowest(display: HistoryDisplay) -> None:
    assert display.best_validation_epoch("conv") == 3
    for axes in display.axes_[0]:
        assert dotted(axes) == [3]


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [([3, 2, 1], 3), ([1, 2, 3], 1), ([2, 1, 1], 2), ([0.5], 1)],
    ids=["last", "first", "tie", "one"],
)
def test_the_lowest_validation_loss_anywhere(losses: list[float], epoch: int) -> None:
    history = {"loss": losses, "val_loss": losses}
    assert HistoryDisplay({"conv": history}).best_validation_epoch("conv") == epoch


def test_without_validation_there_is_one_curve_and_no_dotted_line() -> None:
    display = HistoryDisplay({"conv": {"loss": [2, 1], "accuracy": [0.5, 0.6]}}).plot()
    assert display.best_validation_epoch("conv") is None
    for axes in display.axes_[0]:
        assert list(curves(axes)) == ["conv, training"]
        assert dotted(axes) == []


def test_several_trainings_share_the_panels_and_differ_in_colour() -> None:
    histories: Histories = {"conv": HISTORY, "dense": {"loss": [1.0, 0.9], "accuracy": [0.5, 0.55]}}
    display = HistoryDisplay(histories).plot()
    assert display.axes_.shape == (1, 2)
    axes = display.axes_[0, 0]
    assert list(curves(axes)) == ["conv, training", "conv, validation", "dense, training"]
    colours = {line.get_label(): line.get_color() for line in axes.get_lines()}
    assert colours["conv, training"] == colours["conv, validation"] != colours["dense, training"]
    assert dotted(axes) == [3]


def test_a_metric_that_one_of_two_trainings_lacks_leaves_its_curve_out() -> None:
    display = HistoryDisplay({"a": {"loss": [2, 1]}, "b": {"loss": [1, 0.5], "top_5": [0.9, 1.0]}}).plot()
    assert [axes.get_ylabel() for axes in display.axes_[0]] == ["loss", "top_5"]
    assert list(curves(display.axes_[0, 1])) == ["b, training"]


@pytest.mark.parametrize("epochs", [1, 2, 3, 20])
def test_epochs_are_whole_numbers(epochs: int) -> None:
    display = HistoryDisplay({"conv": {"loss": [1 / (1 + epoch) for epoch in range(epochs)]}}).plot()
    display.figure_.canvas.draw()
    axes = display.axes_[0, 0]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(float(tick).is_integer() for tick in ticks)


def test_drawing_again_makes_a_new_figure(display: HistoryDisplay) -> None:
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    assert len(first.axes) == len(display.figure_.axes) == 2


def test_nothing_global_changes() -> None:
    import matplotlib.pyplot as plt

    settings = dict(mpl.rcParams)
    HistoryDisplay({"conv": HISTORY}).plot()._repr_png_()
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == []


@pytest.mark.parametrize("histories", [{}, {"conv": {}}, {"conv": {"loss": [], "accuracy": []}}])
def test_no_finished_epoch_is_nothing_to_draw(histories: Histories) -> None:
    with pytest.raises(InputError, match="nothing to draw before the first epoch is finished"):
        HistoryDisplay(histories)


def test_a_run_draws_its_own_history(run: Run) -> None:
    display = run.plot_history()
    panels = {axes.get_ylabel(): curves(axes) for axes in display.axes_[0]}
    assert set(panels) == {"loss", "accuracy"}
    for metric, drawn in panels.items():
        np.testing.assert_array_equal(drawn["small_conv, training"][:, 1], run.history[metric])
        np.testing.assert_array_equal(drawn["small_conv, validation"][:, 1], run.history[f"val_{metric}"])
    assert display.figure_.get_suptitle() == "quarters"


def test_a_comparison_draws_the_first_seed_of_each_model(run: Run) -> None:
    comparison = Comparison("quarters", Recipe("short"), {"mine": [run, run], "never_trained": []})
    display = comparison.plot_history()
    assert list(display.histories) == ["mine"]
    assert display.figure_.get_suptitle() == "quarters"
