"""Saving and showing any picture of the library."""

from __future__ import annotations

import io
import re
import stat
import sys
from pathlib import Path
from typing import Self

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from typing_extensions import override

from convvision.errors import InputError, OutputError
from convvision.visualize import Display
from convvision.visualize._display import new_figure


class Diagonal(Display):
    """A picture that counts how often it is drawn."""

    def __init__(self) -> None:
        self.times = 0

    @override
    def plot(self) -> Self:
        self.times += 1
        self.figure_, self.axes_ = new_figure(1, 1, panel=(2, 1))
        self.axes_[0, 0].plot([0, 1])
        return self


@pytest.fixture
def display() -> Diagonal:
    return Diagonal()


def test_at_the_prompt_it_says_how_to_see_it(display: Diagonal) -> None:
    assert repr(display) == "<Diagonal; .save(path) writes the picture>"
    assert display.times == 0


# Formats


@pytest.mark.parametrize(
    ("ending", "beginning"),
    [("png", b"\x89PNG\r\n"), ("PNG", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF-"), ("jpg", b"\xff\xd8\xff")],
)
def test_the_ending_chooses_the_format(ending: str, beginning: bytes, display: Diagonal, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{ending}"
    assert display.save(path) == path
    assert path.read_bytes().startswith(beginning)
    assert list(tmp_path.iterdir()) == [path]


def test_dpi_is_pixels_an_inch(display: Diagonal, tmp_path: Path) -> None:
    with Image.open(display.save(tmp_path / "coarse.png", dpi=50)) as picture:
        assert picture.size == (100, 50)
    with Image.open(display.save(tmp_path / "fine.png", dpi=200)) as picture:
        assert picture.size == (400, 200)


def test_folders_are_made_and_strings_are_paths(display: Diagonal, tmp_path: Path) -> None:
    path = display.save(str(tmp_path / "not" / "yet" / "picture.png"))
    assert path == tmp_path / "not" / "yet" / "picture.png"
    assert path.is_file()


@pytest.mark.parametrize("name", ["picture.gif2", "picture", "picture.", ".png", "picture.png.txt"])
def test_an_unknown_ending_lists_the_known_and_writes_nothing(name: str, display: Diagonal, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"ending is one of .*\.pdf, .*\.png, .*\.svg.*Received: '{re.escape(name)}'"):
        display.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# Whole or not at all


def test_an_old_file_is_replaced(display: Diagonal, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    display.save(path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("error", "raised"), [(OSError(28, "No space left on device"), OutputError), (RuntimeError("font"), RuntimeError)]
)
def test_a_picture_that_fails_half_way_leaves_the_old_file(
    error: Exception, raised: type[Exception], display: Diagonal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Figure, path: Path, **options: object) -> None:
        Path(path).write_bytes(b"half")
        raise error

    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(raised, match=r"No space left on device|font"):
        display.save(path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("picture.png", b"old")]


@pytest.mark.parametrize("below", ["picture.png", "deeper/picture.png"])
def test_a_file_where_a_folder_should_be(below: str, display: Diagonal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"Cannot write .*picture\.png: .*\. Nothing was left behind\."):
        display.save(tmp_path / "file" / below)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_the_file_should_be(display: Diagonal, tmp_path: Path) -> None:
    (tmp_path / "picture.png").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write .*picture\.png"):
        display.save(tmp_path / "picture.png")
    assert [path.name for path in tmp_path.rglob("*")] == ["picture.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_the_file_is_as_readable_as_any_other(display: Diagonal, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (display.save(tmp_path / "a.png"), tmp_path / "other")]
    assert modes[0] == modes[1]


# Drawn when it is needed


def test_it_is_drawn_once_however_often_it_is_saved_or_shown(display: Diagonal, tmp_path: Path) -> None:
    assert display.times == 0
    display.save(tmp_path / "one.png")
    display.save(tmp_path / "two.svg")
    display._repr_png_()
    assert display.times == 1


def test_what_the_user_adds_to_the_figure_is_saved(display: Diagonal, tmp_path: Path) -> None:
    display.plot().axes_[0, 0].set_title("Mine own title")
    text = display.save(tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert "Mine own title" in text
    assert display.times == 1


def test_a_notebook_gets_a_png(display: Diagonal) -> None:
    with Image.open(io.BytesIO(display._repr_png_())) as picture:
        assert picture.format == "PNG"
        assert np.asarray(picture.convert("L")).std() > 0


def test_nothing_global_changes(display: Diagonal, tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    settings, backend = dict(mpl.rcParams), mpl.get_backend()
    for ending in ("png", "svg", "pdf"):
        display.save(tmp_path / f"picture.{ending}")
    display._repr_png_()
    assert dict(mpl.rcParams) == settings
    assert mpl.get_backend() == backend
    assert plt.get_fignums() == []


def test_a_display_must_say_how_it_is_drawn() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Display()  # type: ignore[abstract]


# Figures of panels


def test_panels_are_a_grid_of_the_size_that_is_asked_for() -> None:
    figure, axes = new_figure(2, 3, panel=(1.5, 2))
    assert axes.shape == (2, 3)
    assert tuple(figure.get_size_inches()) == (4.5, 4)
    assert new_figure(1, 1, panel=(1, 1))[1].shape == (1, 1)
