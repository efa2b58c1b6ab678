"""Grids of images: what stands where, on one scale, with nothing over anything else."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from convvision.datasets import Dataset, find_duplicates, find_label_issues, from_arrays, stream_folder
from convvision.errors import InputError, LabelError, ShapeError, UnknownNameError
from convvision.visualize import (
    GalleryDisplay,
    plot_class_counts,
    plot_class_means,
    plot_duplicates,
    plot_label_issues,
    plot_samples,
)

NAMES = ("bag", "coat", "shirt")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(20, 230, (24, 8, 6), np.uint8)
LABELS = np.array([0] * 12 + [1] * 10 + [2] * 2)


@pytest.fixture
def data() -> Dataset:
    """Every test image repeats a training image, the second with another label."""
    test = PIXELS[[0, 13, 23]] + np.array([0, 0, 3], np.uint8)[:, None, None]
    return from_arrays(PIXELS, LABELS, test, [0, 2, 2], class_names=NAMES, scale="standard")


def drawn(axes: Any) -> np.ndarray | None:
    images = axes.get_images()
    return np.asarray(images[0].get_array()) if images else None


def texts_overlap(display: GalleryDisplay) -> bool:
    """Draw, and tell whether the boxes of any two texts meet, or one leaves the figure."""
    figure = display.figure_
    # The canvas of a bare figure draws nothing.
    FigureCanvasAgg(figure).draw()
    texts = [figure._suptitle] if display.heading else []
    for axes in display.axes_.flat:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    outside = any(box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1 for box in boxes)
    return outside or any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_row_a_class_of_its_own_images(data: Dataset) -> None:
    display = plot_samples(data, per_class=4)
    assert display.axes_.shape == (3, 4)
    assert [axes.get_ylabel() for axes in display.axes_[:, 0]] == list(NAMES)
    # There are but two shirts, and nothing is drawn twice.
    assert [sum(drawn(axes) is not None for axes in row) for row in display.axes_] == [4, 4, 2]
    known = [pixels.astype(np.float32) / 255 for pixels in PIXELS]
    seen = []
    for label, row in enumerate(display.axes_):
        for axes in row:
            if (image := drawn(axes)) is not None:
                position = next(i for i, pixels in enumerate(known) if np.allclose(pixels, image, atol=1e-6))
                assert LABELS[position] == label
                seen.append(position)
    assert len(set(seen)) == len(seen) == 10


def test_the_seed_chooses(data: Dataset) -> None:
    def chosen(seed: int) -> list[np.ndarray]:
        return [one for one in plot_samples(data, per_class=3, seed=seed).images if one is not None]

    assert all(np.array_equal(one, other) for one, other in zip(chosen(1), chosen(1), strict=True))
    assert not all(np.array_equal(one, other) for one, other in zip(chosen(1), chosen(2), strict=True))


def test_a_split_and_arrays_and_images_without_labels(data: Dataset) -> None:
    names = [axes.get_ylabel() for axes in plot_samples(data.test).axes_[:, 0]]
    assert names == ["class 0", "class 2"]
    named = plot_samples(data.test.images, data.test.labels, class_names=NAMES)
    assert named.axes_.shape == (3, 2)
    assert [sum(drawn(axes) is not None for axes in row) for row in named.axes_] == [1, 0, 2]
    plain = plot_samples(PIXELS[..., None], count=10)
    assert plain.axes_.shape == (2, 8)
    assert sum(drawn(axes) is not None for axes in plain.axes_.flat) == 10
    assert plot_samples(PIXELS[:3, ..., None]).axes_.shape == (1, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_images_share_one_scale_of_grey_or_colour(channels: int) -> None:
    images = np.zeros((2, 4, 4, channels), np.float32) - 1
    images[0, 0, 0], images[1, 0, 0] = 3, 1
    first, second = plot_samples(images).axes_[0]
    assert drawn(first).shape == ((4, 4) if channels == 1 else (4, 4, 3))
    np.testing.assert_allclose(drawn(first)[0, 0], 1)
    np.testing.assert_allclose(drawn(second)[0, 0], 0.5)
    np.testing.assert_allclose(drawn(second)[1, 1], 0)


def test_raw_pixels_are_drawn_as_they_are() -> None:
    np.testing.assert_allclose(drawn(plot_samples(np.full((1, 4, 4, 1), 51, np.uint8)).axes_[0, 0]), 0.2)


def test_means_of_classes(data: Dataset) -> None:
    display = plot_class_means(data)
    assert [axes.get_title() for axes in display.axes_.flat] == list(NAMES)
    mean = PIXELS[LABELS == 1].mean(axis=0)
    shown = drawn(display.axes_[0, 1])
    assert np.corrcoef(shown.ravel(), mean.ravel())[0, 1] == pytest.approx(1)
    empty = plot_class_means(from_arrays(PIXELS, LABELS % 2 * 2, PIXELS, LABELS, class_names=NAMES))
    assert empty.axes_[0, 1].get_images() == []


def test_bars_of_classes(data: Dataset) -> None:
    display = plot_class_counts(data)
    axes = display.axes_[0, 0]
    assert [[bar.get_width() for bar in bars] for bars in axes.containers] == [[12, 10, 2], [1, 0, 2]]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(NAMES)
    assert axes.get_title() == "'bag' has 6.0 times as many training images as 'shirt'."
    assert [text.get_text() for text in display.figure_.legends[0].get_texts()] == ["train", "test"]


def test_duplicates_one_below_the_other_and_contradictions_first(data: Dataset) -> None:
    display = plot_duplicates(data, find_duplicates(data))
    above, below = display.axes_
    assert [axes.get_title() for axes in above] == ["coat", "bag", "shirt"]
    assert [axes.get_title() for axes in below] == ["shirt", "bag", "shirt"]
    assert [axes.get_xlabel() for axes in above] == ["train 13", "train 0", "train 23"]
    assert [axes.get_xlabel() for axes in below] == [
        "test 1\nsame pixels", "test 0\nsame pixels", "test 2\n0.012 apart",
    ]  # fmt: skip
    assert [axes.spines["left"].get_visible() for axes in above] == [True, False, False]
    np.testing.assert_array_equal(drawn(above[0]), drawn(below[0]))
    np.testing.assert_allclose(drawn(below[2]) - drawn(above[2]), 3 / 255, atol=1e-6)
    assert display.heading == "3 of test like one of train, 1 with another label"


def test_duplicates_in_several_rows(data: Dataset) -> None:
    repeated = PIXELS[np.arange(16) % 8]
    many = from_arrays(repeated, np.arange(16) % 2, PIXELS[8:10], [0, 1], class_names=NAMES)
    display = plot_duplicates(many, find_duplicates(many, near=0), parts=("train", "train"))
    assert display.axes_.shape == (4, 6)
    assert [axes.get_title() != "" for axes in display.axes_[2]] == [True, True, False, False, False, False]
    assert plot_duplicates(many, find_duplicates(many, near=0), parts=("train", "train"), count=2).axes_.shape == (2, 2)


def test_suspicious_labels_the_most_suspicious_first() -> None:
    probabilities = np.full((24, 3), 0.05)
    probabilities[np.arange(24), LABELS] = 0.9
    probabilities[3], probabilities[15] = (0.1, 0.9, 0), (0.02, 0.0, 0.98)
    issues = find_label_issues(LABELS, probabilities)
    display = plot_label_issues(PIXELS[..., None], issues, class_names=NAMES)
    assert display.titles == ["coat\n→ shirt?", "bag\n→ coat?"]
    assert display.captions == ["15: 0.0%", "3: 10.0%"]
    np.testing.assert_allclose(drawn(display.axes_[0, 0]), PIXELS[15] / 255, atol=1e-6)
    assert plot_label_issues(PIXELS[..., None], issues).titles[0] == "class 1\n→ class 2?"


def test_no_text_runs_into_another(data: Dataset, tmp_path: Path) -> None:
    long = ("Ankle boot, left", "T-shirt/top", "a very long name indeed")
    named = from_arrays(PIXELS, LABELS, PIXELS, LABELS, class_names=long)
    found = find_duplicates(named)
    issues = find_label_issues(LABELS, np.eye(3)[np.roll(LABELS, 1)] * 0.97 + 0.01)
    displays = [
        plot_samples(named),
        plot_class_means(named),
        plot_duplicates(named, found),
        plot_label_issues(PIXELS[..., None], issues, class_names=long),
        plot_duplicates(data, find_duplicates(data)),
    ]
    for index, display in enumerate(displays):
        assert not texts_overlap(display), index
    with Image.open(displays[0].save(tmp_path / "samples.png", dpi=50)) as picture:
        assert picture.format == "PNG"


def test_texts_that_overlap_are_noticed() -> None:
    display = GalleryDisplay([PIXELS[0, ..., None]] * 4, columns=4, titles=["a"] * 4).plot()
    for axes in display.axes_.flat:
        axes.set_title("far too long for its place")
    assert texts_overlap(display)


def test_what_cannot_be_drawn(data: Dataset) -> None:
    images = PIXELS[..., None]
    with pytest.raises(InputError, match=r"labels go with images alone; a Dataset has its own\. Received: both"):
        plot_samples(data, LABELS)
    with pytest.raises(LabelError, match="from 0 to 1"):
        plot_samples(images, LABELS, class_names=NAMES[:2])
    with pytest.raises(ShapeError, match="Add the channel axis"):
        plot_samples(PIXELS)
    with pytest.raises(InputError, match=r"per_class is a whole number of at least 1\. Received: per_class=0"):
        plot_samples(data, per_class=0)
    with pytest.raises(InputError, match="count is a whole number"):
        plot_samples(images, count=0)
    found = find_duplicates(data)
    with pytest.raises(InputError, match=r"Nothing in test repeats an image in test\. Received: DuplicatePairs"):
        plot_duplicates(data, found, parts=("test", "test"))
    with pytest.raises(UnknownNameError, match="Received: 'train' and 'val'"):
        plot_duplicates(data, found, parts=("train", "val"))
    with pytest.raises(InputError, match="Give the data in which the duplicates were found"):
        plot_duplicates(from_arrays(PIXELS[:9], LABELS[:9], PIXELS[:2], LABELS[:2], class_names=NAMES), found)
    sound = find_label_issues(LABELS, np.eye(3)[LABELS])
    with pytest.raises(InputError, match=r"no suspicious label to draw\. Received: LabelIssues\(0 of 24 labels"):
        plot_label_issues(images, sound)
    with pytest.raises(InputError, match=r"Expected the 24 images of the labels that were looked at\. Received: 5"):
        plot_label_issues(images[:5], sound)
    with pytest.raises(InputError, match="Expected a name for every class, 2 among them"):
        plot_label_issues(images, find_label_issues(LABELS, np.eye(3)[np.roll(LABELS, 1)]), class_names=NAMES[:2])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"titles": ["one"]}, r"Expected 2 titles, one an image\. Received: 1"),
        ({"captions": []}, r"Expected 2 captions"),
        ({"marked": [True] * 3}, r"Expected 2 marked"),
        ({"row_names": ["a", "b"]}, r"Expected 1 row_names, one a row\. Received: \['a', 'b'\]"),
        ({"columns": 0}, "columns is a whole number"),
    ],
)
def test_a_gallery_that_does_not_fit(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        GalleryDisplay([PIXELS[0, ..., None]] * 2, **{"columns": 2, **options})
    with pytest.raises(InputError, match="There is no image to draw"):
        GalleryDisplay([None], columns=1)


def test_samples_of_a_stream_are_read_first(tmp_path: Path) -> None:
    for name in ("bag", "boot"):
        (tmp_path / name).mkdir()
        for index in range(5):
            Image.fromarray(np.full((8, 8), 20 * index, np.uint8)).save(tmp_path / name / f"{index}.png")
    stream = stream_folder(tmp_path)
    with pytest.raises(InputError, match=r"images in memory\. Received: StreamedDataset\. Read some"):
        plot_samples(stream)
    assert plot_samples(stream.train.read(range(4))).axes_.size >= 4
