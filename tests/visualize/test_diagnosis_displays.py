"""The pictures of the diagnosis: what stands where, and on which scale."""

from __future__ import annotations

import io
import warnings
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from convvision.errors import InputError, UnknownNameError
from convvision.visualize import (
    ClassMeanActivations,
    ClassMeanActivationsDisplay,
    Confusion,
    Display,
    FilterReport,
    LayerFilterReport,
    SanityCheck,
    TopPatches,
    plot_class_mean_activations,
    plot_confusion,
    plot_filter_report,
    plot_most_confused,
    plot_sanity_check,
    plot_top_patches,
)
from convvision.visualize._class_means import LayerClassMeanActivations

RANDOM = np.random.default_rng(0)


def report(*active: list[float]) -> FilterReport:
    layers = []
    for index, each in enumerate(active, start=1):
        fractions = np.array(each)
        same = np.ones((len(each),) * 2)
        facts = {"active_images": (fractions > 0) * 1.0, "mean": fractions, "maximum": fractions}
        layers.append(
            LayerFilterReport(
                f"conv_{index}",
                f"conv_{index}",
                fractions,
                **facts,
                at_bound=None,
                correlation=same,
                kernel_similarity=None,
            )
        )
    return FilterReport("mine", 1500, tuple(layers))


def class_means() -> ClassMeanActivations:
    maps = RANDOM.random((3, 4, 5, 6)).astype(np.float32)
    maps[..., 2] = 0
    maps[1, ..., 4] += 5
    maps[2] = np.nan
    images = RANDOM.random((3, 8, 8, 1)).astype(np.float32)
    return ClassMeanActivations(
        ("bag", "coat", "boot"), np.array([4, 2, 0]), images, (LayerClassMeanActivations("conv_1", maps),)
    )


def patches(channels: int = 1) -> TopPatches:
    values = np.array([[3.25, 1, 0.5], [0, 0, 0]], np.float32)
    pixels = RANDOM.random((2, 3, 4, 4, channels)).astype(np.float32)
    pixels[0, 0, 0] = np.nan
    return TopPatches("conv_2", (5, 9), np.zeros((2, 3), int), np.zeros((2, 3, 2), int), values, pixels)


def confused() -> Confusion:
    # Six bags are right, two are coats with 60 % and 90 %, one coat is a bag.
    probabilities = np.array([[1, 0, 0]] * 6 + [[0.4, 0.6, 0], [0.1, 0.9, 0], [0.7, 0.3, 0]])
    images = np.arange(9, dtype=np.float32).reshape(9, 1, 1, 1) * np.ones((1, 4, 4, 1), np.float32)
    images[:, 0] = 0
    return Confusion(np.array([0] * 8 + [1]), probabilities, ["bag", "coat", "boot"], images)


def checked() -> SanityCheck:
    maps = RANDOM.normal(size=(3, 6, 4, 4)).astype(np.float32)
    maps[2, 1] = 0
    correlations = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [-0.25, np.nan, 0, 0, 0, 0]])
    return SanityCheck("saliency", ("dense", "conv"), correlations, RANDOM.random((6, 8, 8, 1)), maps)


DISPLAYS = {
    "filter_report": lambda: plot_filter_report(report([0.5, 0, 1], [0.25, 0.75])),
    "class_means": lambda: plot_class_mean_activations(class_means()),
    "top_patches": lambda: plot_top_patches(patches()),
    "top_patches_in_colour": lambda: plot_top_patches(patches(3)),
    "confusion": lambda: plot_confusion(confused()),
    "most_confused": lambda: plot_most_confused(confused()),
    "sanity_check": lambda: plot_sanity_check(checked()),
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_it_is_drawn_without_a_warning_and_leaves_the_settings_alone(name: str) -> None:
    before = dict(mpl.rcParams)
    display = DISPLAYS[name]()
    assert isinstance(display, Display)
    with warnings.catch_warnings():
        # Such as a layout that does not fit.
        warnings.simplefilter("error")
        display.figure_.savefig(io.BytesIO(), format="png", dpi=50)
    assert dict(mpl.rcParams) == before
    assert display.plot() is display


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_bars_fall_and_have_the_colour_of_what_is_wrong() -> None:
    display = plot_filter_report(report([0.5, 0, 1], [0.25, 0.75]))
    assert display.axes_.shape == (2, 2)
    bars = display.axes_[0, 0].patches
    assert [bar.get_height() for bar in bars] == [1, 0.5, 0]
    colours = [mpl.colors.to_hex(bar.get_facecolor()) for bar in bars]
    assert colours == [mpl.colors.to_hex(name) for name in ("tab:orange", "tab:blue", "tab:red")]
    assert display.axes_[0, 0].get_title(loc="left") == "conv_1: 1 of 3 dead, 1 saturated"
    assert display.axes_[0, 1].get_title() == "correlation; near-duplicates: 3"
    assert display.axes_[1, 1].get_images()[0].get_clim() == (-1, 1)


def test_classes_of_one_channel_share_its_colours_and_empty_classes_are_left_out() -> None:
    means = class_means()
    display = plot_class_mean_activations(means, "conv_1", [4, 2])
    assert display.axes_.shape == (2, 3)
    assert [axes.get_ylabel() for axes in display.axes_[:, 0]] == ["bag", "coat"]
    maps = means["conv_1"].maps[:2, ..., 4]
    for row, axes in enumerate(display.axes_[:, 1]):
        np.testing.assert_array_equal(axes.get_images()[0].get_array(), maps[row])
        assert axes.get_images()[0].get_clim() == pytest.approx((maps.min(), maps.max()))
    # What is zero in every class is marked, and not stretched to colours.
    assert texts(display.axes_[0, 2]) == ["0"]
    assert display.axes_[0, 2].get_title() == "channel 2\n0.00"
    framed = [[axes.spines["top"].get_linewidth() > 2 for axes in row[1:]] for row in display.axes_]
    assert framed == [[False, False], [True, False]]
    # By default, the most selective first: only channel 4 prefers a class by much.
    assert plot_class_mean_activations(means).channels[0] == 4


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "conv_3"}, UnknownNameError, "Unknown layer 'conv_3'. Did you mean 'conv_1'"),
        ({"layer": "conv_1", "channels": [6]}, InputError, "has the channels 0 to 5. Received: channel=6"),
        ({"layer": "conv_1", "cmap": "infernal"}, InputError, "cmap is Matplotlib's name"),
    ],
)
def test_what_class_means_do_not_have_is_refused(options: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        ClassMeanActivationsDisplay(class_means(), **options)


@pytest.mark.parametrize("channels", [1, 3])
def test_patches_share_one_scale_and_dead_channels_are_marked(channels: int) -> None:
    found = patches(channels)
    display = plot_top_patches(found)
    assert display.axes_.shape == (2, 3)
    assert [axes.get_xlabel() for axes in display.axes_[0]] == ["3.25", "1", "0.5"]
    assert display.axes_[0, 0].get_title(loc="left") == ""
    assert display.axes_[1, 0].get_title(loc="left") == "never above zero"
    low, high = np.nanmin(found.patches), np.nanmax(found.patches)
    shown = display.axes_[1, 1].get_images()[0].get_array()
    scaled = (found.patches[1, 1] - low) / (high - low)
    np.testing.assert_allclose(shown[..., :channels] if channels == 3 else shown[..., None], scaled, atol=1e-6)
    outside = display.axes_[0, 0].get_images()[0].get_array()
    # Beyond the border the stripes behind are seen.
    if channels == 3:
        assert (outside[0, :, 3] == 0).all()
        assert (outside[1:, :, 3] == 1).all()
    else:
        assert np.ma.getmaskarray(outside)[0].all()
        assert not np.ma.getmaskarray(outside)[1:].any()


def test_the_matrix_shows_what_is_right_and_mistakes_on_scales_of_their_own() -> None:
    axes = plot_confusion(confused()).axes_[0, 0]
    assert texts(axes) == ["6", "2", "1"]
    right, wrong = axes.get_images()
    np.testing.assert_allclose(right.get_array().compressed(), [6 / 8, 0, 0])
    np.testing.assert_allclose(wrong.get_array().compressed(), [2 / 8, 1])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bag", "coat", "boot"]
    assert axes.get_title() == "66.7% of 9 images are right"


def test_the_surest_mistakes_of_the_worst_pair_come_first() -> None:
    display = plot_most_confused(confused(), pairs=5, per_pair=2)
    assert display.axes_.shape == (2, 2)
    assert [row[0].get_ylabel() for row in display.axes_] == [
        "bag\ntaken for\ncoat\n(2 of 8)",
        "coat\ntaken for\nbag\n(1 of 1)",
    ]
    assert [axes.get_xlabel() for axes in display.axes_[0]] == ["90%", "60%"]
    assert not display.axes_[1, 1].axison
    assert plot_most_confused(confused(), pairs=1, per_pair=1).axes_.shape == (1, 1)
    perfect = Confusion(np.array([0, 1]), np.eye(2), None, np.ones((2, 4, 4, 1)))
    with pytest.raises(InputError, match="No image was taken for one of another class"):
        plot_most_confused(perfect)
    with pytest.raises(InputError, match="A gallery needs the images"):
        plot_most_confused(Confusion(np.array([0, 1]), np.eye(2)))


def test_each_step_stands_under_its_layer_with_its_correlation() -> None:
    found = checked()
    display = plot_sanity_check(found)
    # Four of the six images.
    assert display.axes_.shape == (4, 4)
    assert [axes.get_title() for axes in display.axes_[0]] == ["image", "trained", "dense", "+ conv"]
    assert [axes.get_xlabel() for axes in display.axes_[0]] == ["", "", "0.90", "−0.25"]
    assert texts(display.axes_[1, 3]) == ["0 everywhere"]
    values = found.maps[1, 2]
    picture = display.axes_[2, 2].get_images()[0]
    assert picture.get_clim() == pytest.approx((-abs(values).max(), abs(values).max()))
    assert list(picture.get_extent()) == [-0.5, 7.5, 7.5, -0.5]
