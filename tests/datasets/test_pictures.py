"""Single image files: every mode that Pillow knows, pixels known by hand, and files that lie."""

from __future__ import annotations

import errno
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import read_picture
from convvision.errors import CorruptDataError, DataNotFoundError, InputError

GREY = np.array([[0, 60, 120], [180, 240, 255]], np.uint8)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# Luma of ITU-R BT.601: 0.299, 0.587 and 0.114 of 255, rounded.
LUMA = {RED: 76, GREEN: 150, BLUE: 29, WHITE: 255}


def one_row(colours: list[Any], mode: str) -> Image.Image:
    image = Image.new(mode, (len(colours), 1))
    image.putdata(colours)
    return image


def read(path: Path, image: Image.Image, channels: int, **options: Any) -> list[Any]:
    """Save a picture of one row and read it in its own size; a value, or a tuple of three, a pixel."""
    image.save(path, **options)
    pixels = read_picture(path, image_shape=(1, image.width, channels))
    assert pixels.dtype == np.uint8
    return pixels[0, :, 0].tolist() if channels == 1 else [tuple(pixel) for pixel in pixels[0].tolist()]


# Formats


@pytest.mark.parametrize(
    ("ending", "options"),
    [("png", {}), ("bmp", {}), ("gif", {}), ("webp", {"lossless": True}), ("tiff", {})],
)
def test_grey_pixels_are_read_as_they_are(tmp_path: Path, ending: str, options: dict[str, Any]) -> None:
    path = tmp_path / f"grey.{ending}"
    Image.fromarray(GREY).save(path, **options)
    np.testing.assert_array_equal(read_picture(path, image_shape=(2, 3, 1)), GREY[..., None])
    np.testing.assert_array_equal(read_picture(path, image_shape=(2, 3, 3)), np.stack([GREY] * 3, axis=-1))


@pytest.mark.parametrize(("ending", "options"), [("png", {}), ("bmp", {}), ("gif", {}), ("webp", {"lossless": True})])
def test_colours_are_kept_or_become_their_luma(tmp_path: Path, ending: str, options: dict[str, Any]) -> None:
    image = one_row(list(LUMA), "RGB")
    path = tmp_path / f"colours.{ending}"
    assert read(path, image, 3, **options) == list(LUMA)
    assert read(path, image, 1, **options) == list(LUMA.values())


def test_a_photograph_is_read_within_what_jpeg_loses(tmp_path: Path) -> None:
    path = tmp_path / "photograph.jpg"
    Image.new("RGB", (16, 16), (200, 100, 50)).save(path, quality=100)
    pixels = read_picture(path, image_shape=(16, 16, 3)).astype(int)
    assert np.abs(pixels - (200, 100, 50)).max() <= 2


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert (read_picture(tmp_path / "moving.gif", image_shape=(4, 4, 1)) == 10).all()


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "really_a_png.jpg", format="PNG")
    assert (read_picture(tmp_path / "really_a_png.jpg", image_shape=(2, 3, 1))[..., 0] == GREY).all()


def test_a_path_may_be_a_string_in_any_script(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "衬衫.png")
    assert (read_picture(str(tmp_path / "衬衫.png"), image_shape=(2, 3, 1))[..., 0] == GREY).all()


# Modes


def test_black_and_white(tmp_path: Path) -> None:
    assert read(tmp_path / "bits.png", one_row([0, 1, 1, 0], "1"), 1) == [0, 255, 255, 0]


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = one_row([0, 1, 2, 3], "P")
    image.putpalette([value for colour in LUMA for value in colour])
    assert read(tmp_path / "palette.png", image, 3) == list(LUMA)
    assert read(tmp_path / "palette.png", image, 1) == list(LUMA.values())


def test_the_transparent_colour_of_a_palette_is_black(tmp_path: Path) -> None:
    image = one_row([0, 1, 2, 3], "P")
    image.putpalette([value for colour in LUMA for value in colour])
    assert read(tmp_path / "palette.png", image, 3, transparency=3) == [RED, GREEN, BLUE, (0, 0, 0)]
    assert read(tmp_path / "palette.gif", image, 3, transparency=3) == [RED, GREEN, BLUE, (0, 0, 0)]


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_laid_over_black(tmp_path: Path, channels: int) -> None:
    # 200 · 128 / 255 = 100.4
    expected = [200, 100, 0] if channels == 1 else [(200,) * 3, (100,) * 3, (0,) * 3]
    colour = one_row([(200, 200, 200, 255), (200, 200, 200, 128), (200, 200, 200, 0)], "RGBA")
    assert read(tmp_path / "alpha.png", colour, channels) == expected
    assert read(tmp_path / "alpha.webp", colour, channels, lossless=True, exact=True) == expected
    grey = one_row([(200, 255), (200, 128), (200, 0)], "LA")
    assert read(tmp_path / "alpha.png", grey, channels) == expected


def test_a_transparent_colour_without_a_palette_is_black(tmp_path: Path) -> None:
    grey, colours = one_row([40, 200], "L"), one_row([RED, GREEN], "RGB")
    assert read(tmp_path / "key.png", grey, 1, transparency=200) == [40, 0]
    assert read(tmp_path / "key.png", colours, 3, transparency=RED) == [(0, 0, 0), GREEN]


@pytest.mark.parametrize("ending", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_become_the_upper_8(tmp_path: Path, ending: str, channels: int) -> None:
    deep = Image.fromarray(np.array([[0, 255, 256, 0x8000, 0xFFFF]], np.uint16))
    expected = [0, 0, 1, 128, 255]
    read_back = read(tmp_path / f"deep.{ending}", deep, channels)
    assert read_back == (expected if channels == 1 else [(value,) * 3 for value in expected])


def test_the_transparent_level_of_16_bits_is_black(tmp_path: Path) -> None:
    deep = Image.fromarray(np.array([[0, 256, 0x8000, 0xFFFF]], np.uint16))
    assert read(tmp_path / "deep.png", deep, 1, transparency=0xFFFF) == [0, 1, 128, 0]


def test_cmyk_is_what_is_left_of_white(tmp_path: Path) -> None:
    inks = one_row([(0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0)], "CMYK")
    expected = [WHITE, (0, 0, 0), (0, 255, 255), (255, 0, 255), (255, 255, 0)]
    assert read(tmp_path / "inks.tiff", inks, 3) == expected


def test_cmyk_as_jpeg_is_not_inverted(tmp_path: Path) -> None:
    paper = Image.new("CMYK", (8, 1), (0, 0, 0, 0))
    assert read(tmp_path / "paper.jpg", paper, 1, quality=100) == [255] * 8


# Turned by the camera


@pytest.mark.parametrize("ending", ["png", "webp"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, lambda stored: stored[:, ::-1]),
        (3, lambda stored: stored[::-1, ::-1]),
        (4, lambda stored: stored[::-1]),
        (5, lambda stored: stored.T),
        (6, lambda stored: stored[::-1].T),
        (7, lambda stored: stored[::-1, ::-1].T),
        (8, lambda stored: stored.T[::-1]),
    ],
)
def test_a_picture_is_turned_as_its_exif_data_say(
    tmp_path: Path, orientation: int, upright: Callable[[np.ndarray], np.ndarray], ending: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{ending}"
    Image.fromarray(GREY).save(path, exif=exif, lossless=True)
    expected = upright(GREY)
    pixels = read_picture(path, image_shape=(*expected.shape, 1))
    np.testing.assert_array_equal(pixels[..., 0], expected)


def test_a_photograph_taken_upright_stands_upright(tmp_path: Path) -> None:
    """Orientation 6, as a telephone writes it: the right side of what is stored is the bottom."""
    stored = np.zeros((16, 32), np.uint8)
    stored[:, 16:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "telephone.jpg", exif=exif, quality=100)
    pixels = read_picture(tmp_path / "telephone.jpg", image_shape=(32, 16, 1))
    assert (pixels[:16] < 5).all()
    assert (pixels[16:] > 250).all()


# Resizing


@pytest.mark.parametrize(("size", "shape"), [(280, (28, 28, 1)), (280, (28, 14, 3)), (56, (28, 28, 1))])
def test_a_fine_checkerboard_becomes_mid_grey(tmp_path: Path, size: int, shape: tuple[int, int, int]) -> None:
    """Without antialiasing it would stay black and white, or show stripes that are not there."""
    board = (np.indices((size, size)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "board.png")
    pixels = read_picture(tmp_path / "board.png", image_shape=shape)
    assert pixels.shape == shape
    assert np.abs(pixels.astype(float) - 127.5).max() < 5


def test_height_comes_before_width(tmp_path: Path) -> None:
    picture = np.zeros((20, 50), np.uint8)
    picture[:, 25:] = 200
    Image.fromarray(picture).save(tmp_path / "wide.png")
    pixels = read_picture(tmp_path / "wide.png", image_shape=(7, 10, 1))
    assert pixels.shape == (7, 10, 1)
    assert (pixels[:, :4] < 10).all()
    assert (pixels[:, 6:] > 190).all()


def test_halves_stay_where_they_are(tmp_path: Path) -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:20], picture[20:] = RED, BLUE
    Image.fromarray(picture).save(tmp_path / "halves.png")
    pixels = read_picture(tmp_path / "halves.png", image_shape=(8, 8, 3))
    assert np.abs(pixels[:2].astype(int) - RED).max() <= 1
    assert np.abs(pixels[-2:].astype(int) - BLUE).max() <= 1


def test_a_small_picture_is_enlarged(tmp_path: Path) -> None:
    Image.new("L", (1, 1), 33).save(tmp_path / "dot.png")
    assert (read_picture(tmp_path / "dot.png", image_shape=(28, 28, 1)) == 33).all()


# Aspect


def stripes(path: Path, *, size: tuple[int, int]) -> Path:
    """Save red, green and blue stripes side by side, a third of the width each."""
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    for third, colour in enumerate((RED, GREEN, BLUE)):
        picture[:, third * width // 3 : (third + 1) * width // 3] = colour
    Image.fromarray(picture).save(path)
    return path


def test_stretched_stripes_fill_the_image(tmp_path: Path) -> None:
    pixels = read_picture(stripes(tmp_path / "wide.png", size=(90, 30)), image_shape=(30, 30, 3))
    assert [tuple(pixels[0, column]) for column in (4, 14, 24)] == [RED, GREEN, BLUE]


def test_padding_shows_everything_between_black_bars(tmp_path: Path) -> None:
    path = stripes(tmp_path / "wide.png", size=(90, 30))
    pixels = read_picture(path, image_shape=(30, 30, 3), aspect="pad")
    # 90 × 30 becomes 30 × 10, with 10 black rows above and below.
    assert not pixels[:10].any()
    assert not pixels[20:].any()
    assert [tuple(pixels[row, column]) for row, column in ((10, 4), (15, 14), (19, 24))] == [RED, GREEN, BLUE]


def test_cropping_keeps_the_middle(tmp_path: Path) -> None:
    path = stripes(tmp_path / "wide.png", size=(90, 30))
    assert (read_picture(path, image_shape=(30, 30, 3), aspect="crop") == GREEN).all()
    turned = tmp_path / "tall.png"
    Image.open(path).transpose(Image.Transpose.ROTATE_90).save(turned)
    assert (read_picture(turned, image_shape=(10, 10, 3), aspect="crop")[3:-3] == GREEN).all()


@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
def test_a_picture_of_the_right_shape_is_the_same_for_every_aspect(tmp_path: Path, aspect: Any) -> None:
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(
        read_picture(tmp_path / "grey.png", image_shape=(2, 3, 1), aspect=aspect)[..., 0], GREY
    )


@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("size", [(1, 1000), (1000, 1), (7, 5), (299, 301)])
def test_every_shape_is_read_with_every_aspect(tmp_path: Path, aspect: Any, size: tuple[int, int]) -> None:
    Image.new("L", size, 200).save(tmp_path / "ribbon.png")
    pixels = read_picture(tmp_path / "ribbon.png", image_shape=(28, 20, 1), aspect=aspect)
    assert pixels.shape == (28, 20, 1)
    assert pixels.max() == 200
    # A ribbon of which nothing would remain keeps a line of one pixel.
    assert (pixels == 200).sum() >= 20
    assert (pixels == 200).all() or aspect == "pad"


def test_a_large_photograph_is_decoded_small_and_looks_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photograph = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((1600, 1200))
    photograph.save(tmp_path / "photograph.jpg", quality=95)
    photograph.save(tmp_path / "photograph.png")
    small, exact = (
        read_picture(tmp_path / f"photograph.{ending}", image_shape=(24, 32, 3)).astype(int)
        for ending in ("jpg", "png")
    )
    assert np.abs(small - exact).max() <= 6


def test_another_aspect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"aspect is 'stretch', 'pad' or 'crop'\. Received: aspect='keep'"):
        read_picture(tmp_path / "any.png", image_shape=(2, 3, 1), aspect="keep")  # type: ignore[arg-type]


# Files that lie


def png_of(width: int, height: int) -> bytes:
    """Make a PNG that claims a size and holds no pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    "content",
    [b"", b"This is no picture.", b"\x89PNG\r\n\x1a\n", png_of(28, 28), png_of(60_000, 60_000), b"GIF89a", b"BM"],
    ids=["empty", "text", "signature alone", "no pixels", "a bomb", "GIF header alone", "BMP header alone"],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lies.png").write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"lies\.png cannot be read as an image: "):
        read_picture(tmp_path / "lies.png", image_shape=(28, 28, 1))


@pytest.mark.parametrize(
    ("side", "said"),
    [
        (8_193, r"it claims 8,193 × 8,193 pixels\. More than 67,108,864 are not decoded: make it smaller"),
        (50_000, r"Image size \(2500000000 pixels\) exceeds limit.*make it smaller, or leave it out\.$"),
    ],
)
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int, said: str) -> None:
    # Behind the header the pixels begin, so that there is something to decode.
    (tmp_path / "bomb.png").write_bytes(png_of(side, side) + struct.pack(">I", 8) + b"IDAT" + bytes(12))
    tracemalloc.start()
    with pytest.raises(CorruptDataError, match=said):
        read_picture(tmp_path / "bomb.png", image_shape=(28, 28, 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_text_that_is_named_png_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("Not a picture.")
    with pytest.raises(CorruptDataError, match=r"it is none of PNG, JPEG.*whatever its name says. Replace it"):
        read_picture(tmp_path / "notes.png", image_shape=(28, 28, 1))


def test_a_picture_that_may_not_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads every file, so the system's answer is played."""
    path = tmp_path / "secret.png"
    Image.fromarray(GREY).save(path)

    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(DataNotFoundError, match=r"secret\.png cannot be read: Permission denied\. Change its perm"):
        read_picture(path, image_shape=(28, 28, 1))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "bmp"])
def test_a_cut_picture_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cut.{ending}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptDataError, match=rf"cut\.{ending} cannot be read as an image: "):
        read_picture(path, image_shape=(28, 28, 1))


def test_malformed_exif_data_are_refused(tmp_path: Path) -> None:
    """The picture is turned, and its height (0x0101) is text, which Pillow cannot write back as a number."""
    height, orientation = struct.pack("<HHII", 0x0101, 2, 6, 38), struct.pack("<HHII", 0x0112, 3, 1, 6)
    exif = b"Exif\0\0" + b"II*\0" + struct.pack("<IH", 8, 2) + height + orientation + bytes(4) + b"hello\0"
    Image.fromarray(GREY).save(tmp_path / "camera.jpg", exif=exif)
    with pytest.raises(CorruptDataError, match=r"camera\.jpg cannot be read as an image: "):
        read_picture(tmp_path / "camera.jpg", image_shape=(2, 3, 1))


@pytest.mark.parametrize("name", ["nowhere.png", "."], ids=["missing", "a folder"])
def test_a_missing_picture_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataNotFoundError, match="There is no image file") as caught:
        read_picture(tmp_path / name, image_shape=(28, 28, 1))
    assert str(tmp_path / name) in str(caught.value)


def test_a_folder_is_told_from_a_missing_picture(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"It is a folder: name the files in it\.$"):
        read_picture(tmp_path, image_shape=(28, 28, 1))


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_only_grey_and_colour_are_read(tmp_path: Path, channels: int) -> None:
    with pytest.raises(InputError, match=rf"1 \(grey\) or 3 \(colour\) channels\. Received: {channels} channels"):
        read_picture(tmp_path / "any.png", image_shape=(28, 28, channels))


def test_the_file_is_closed_and_left_as_it_was(tmp_path: Path) -> None:
    """Windows refuses to delete an open file; elsewhere it is a ResourceWarning, which is an error here."""
    path = tmp_path / "kept.png"
    Image.fromarray(GREY).save(path)
    before = path.read_bytes()
    read_picture(path, image_shape=(28, 28, 1))
    assert path.read_bytes() == before
    path.unlink()
