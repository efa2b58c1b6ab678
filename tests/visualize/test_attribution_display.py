"""The picture of attributions: what stands where, on which scale, and what it leaves alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from convvision.errors import InputError
from convvision.visualize import Attribution, AttributionDisplay, plot_attributions

IMAGES = np.random.default_rng(0).random((2, 8, 6, 3), np.float32)


def made(values: Any, method: str = "grad_cam", targets: tuple[int, int] = (1, 0), **facts: Any) -> Attribution:
    logits = np.array([[0.5, 2.25, -1], [7, 0, 1]], np.float32)
    return Attribution(method, IMAGES, np.asarray(values, np.float32), np.array(targets), logits, **facts)


@pytest.fixture
def places() -> Attribution:
    return made(np.random.default_rng(1).random((2, 4, 3)), layer="conv_2")


@pytest.fixture
def pixels() -> Attribution:
    return made(np.random.default_rng(1).normal(size=IMAGES.shape), "saliency")


def heat(axes: Any) -> Any:
    return axes.get_images()[-1]


def rendered(display: AttributionDisplay) -> np.ndarray:
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=60)
    return np.asarray(Image.open(buffer).convert("RGB"))


def test_a_row_an_image_and_a_column_an_attribution(places: Attribution, pixels: Attribution) -> None:
    display = plot_attributions(places, pixels, titles=["left", "right"], class_names=["bag", "coat", "shirt"])
    assert display.axes_.shape == (2, 3)
    assert [axes.get_title() for axes in display.axes_[0]] == ["image", "grad_cam\nconv_2", "saliency"]
    assert [axes.get_ylabel() for axes in display.axes_[:, 0]] == ["left", "right"]
    assert [axes.get_xlabel() for axes in display.axes_[:, 1]] == ["coat: 2.25", "bag: 7"]
    np.testing.assert_array_equal(heat(display.axes_[1, 1]).get_array(), places.values[1])
    np.testing.assert_allclose(heat(display.axes_[1, 2]).get_array(), pixels.values[1].sum(axis=-1), atol=1e-6)
    assert plot_attributions(pixels).axes_[0, 1].get_xlabel() == "class 1: 2.25"


def test_a_single_logit_is_that_of_class_1() -> None:
    values = np.ones((2, 4, 3), np.float32)
    one = Attribution("grad_cam", IMAGES, values, np.zeros(2, np.int64), np.array([[0.5], [-2]], np.float32))
    assert [axes.get_xlabel() for axes in plot_attributions(one).axes_[:, 1]] == ["class 1: 0.5", "class 1: -2"]
    assert plot_attributions(one, class_names=["cat", "dog"]).axes_[0, 1].get_xlabel() == "dog: 0.5"
    with pytest.raises(InputError, match=r"every class, 1 among them\. Received: 1 class_names"):
        plot_attributions(one, class_names=["dog"])


def test_a_map_of_places_is_stretched_over_the_image(places: Attribution, pixels: Attribution) -> None:
    display = plot_attributions(places, pixels)
    for axes in display.axes_[:, 1:].flat:
        assert list(heat(axes).get_extent()) == [-0.5, 5.5, 7.5, -0.5]
    under, over = display.axes_[0, 1].get_images()
    assert under.get_array().shape == (8, 6)
    assert over.get_alpha() < 1
    assert heat(display.axes_[0, 2]).get_alpha() == 1


def test_the_maps_of_an_attribution_share_a_scale_and_a_colour_bar() -> None:
    quiet_and_loud = np.stack([np.full((4, 3), 0.1), np.full((4, 3), 5)])
    signed = made(np.stack([np.full((4, 3), -3), np.full((4, 3), 2)]), "occlusion")
    display = plot_attributions(made(quiet_and_loud), signed)
    assert {heat(axes).get_clim() for axes in display.axes_[:, 1]} == {(0, 5)}
    assert {heat(axes).get_clim() for axes in display.axes_[:, 2]} == {(-3, 3)}
    assert heat(display.axes_[0, 1]).get_cmap().name == "inferno"
    assert heat(display.axes_[0, 2]).get_cmap().name == "RdBu_r"
    # Six panels, and a bar for each attribution.
    assert len(display.figure_.axes) == 6 + 2


def test_what_speaks_for_a_class_is_red_and_what_speaks_against_it_blue() -> None:
    values = np.zeros(IMAGES.shape)
    values[:, 0, 0], values[:, 1, 1] = 1, -1
    picture = heat(plot_attributions(made(values, "saliency")).axes_[0, 1])
    colours = picture.to_rgba(picture.get_array())
    assert colours[0, 0, 0] > colours[0, 0, 2]
    assert colours[1, 1, 0] < colours[1, 1, 2]
    assert colours[4, 4, :3].min() > 0.95


def test_a_map_that_is_zero_everywhere_is_marked_and_not_stretched() -> None:
    values = np.zeros((2, 4, 3))
    values[1, 2, 2] = 3
    display = plot_attributions(made(values))
    dead, alive = display.axes_[:, 1]
    assert [text.get_text() for text in dead.texts] == ["0 everywhere"]
    assert not alive.texts
    assert heat(dead).get_clim() == heat(alive).get_clim() == (0, 3)
    nothing = plot_attributions(made(np.zeros((2, 4, 3))))
    # Warnings are errors in this test run; the picture must be rendered for Matplotlib to give its own.
    assert rendered(nothing).std() > 0
    assert heat(nothing.axes_[0, 1]).get_clim() == (0, 1)


def test_drawing_again_makes_a_new_figure_and_saving_writes_it(tmp_path: Path, pixels: Attribution) -> None:
    display = AttributionDisplay([pixels])
    path = display.save(tmp_path / "attribution.png", dpi=60)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    with Image.open(path) as saved:
        assert np.asarray(saved.convert("RGB")).std() > 0


def test_nothing_global_changes_and_pyplot_knows_no_figure(places: Attribution) -> None:
    import matplotlib.pyplot as plt

    settings, before = dict(mpl.rcParams), places.values.copy()
    rendered(plot_attributions(places))
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == []
    assert np.array_equal(places.values, before)


# What is refused


def test_what_is_no_attribution_is_refused(places: Attribution) -> None:
    for none in ([], [places.values], ["grad_cam"]):
        with pytest.raises(InputError, match="at least one attribution, as saliency or grad_cam gives it"):
            AttributionDisplay(none)
    with pytest.raises(InputError, match=r"plot_attributions\(one, another\), or plot_attributions\(\*several\)\.$"):
        plot_attributions([places, places])


def test_attributions_of_other_images_are_refused(places: Attribution) -> None:
    same = Attribution("same", IMAGES.copy(), places.values, places.targets, places.logits)
    assert plot_attributions(places, same).axes_.shape == (2, 3)
    other = Attribution("other", IMAGES + 1, places.values, places.targets, places.logits)
    with pytest.raises(InputError, match=r"for the same images\. Received: Attribution\(other"):
        plot_attributions(places, other)


def test_titles_names_and_colours_that_do_not_fit_are_refused(places: Attribution) -> None:
    with pytest.raises(InputError, match="Expected 2 titles, one an image"):
        plot_attributions(places, titles=["one"])
    with pytest.raises(InputError, match=r"1 among them\. Received: 1 class_names"):
        plot_attributions(places, class_names=["bag"])
    with pytest.raises(InputError, match="cmap='infermo'"):
        plot_attributions(places, cmap="infermo")
