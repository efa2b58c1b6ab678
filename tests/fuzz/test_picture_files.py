"""Picture files that were damaged: refused in our own words, or read in the right shape and little memory."""

from __future__ import annotations

import io
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import read_picture
from convvision.errors import CorruptDataError
from fuzz.mutations import mutate

# Four bytes for each of the pixels that a picture may claim, and as many for a copy.
_MOST_MEMORY = 8 * 2**26


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _saved(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def _noise(mode: str) -> Image.Image:
    rng = np.random.default_rng(0)
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = rng.integers(0, 256, (21, 17, channels), np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels).convert(mode)


def _frames() -> dict[str, Any]:
    return {"save_all": True, "append_images": [_noise("L").rotate(90)], "transparency": 3}


# One good file of each format in each of the ways in which its decoder differs.
WHOLE = {
    "png": [
        _saved(_noise("L"), format="PNG"),
        _saved(_noise("RGBA"), format="PNG", exif=_exif()),
        _saved(_noise("RGB").quantize(16), format="PNG", transparency=3),
        _saved(Image.fromarray(np.arange(357, dtype=np.uint16).reshape(21, 17) * 183), format="PNG"),
    ],
    "jpeg": [
        _saved(_noise("L"), format="JPEG"),
        _saved(_noise("RGB"), format="JPEG", exif=_exif(), progressive=True),
        _saved(Image.new("CMYK", (17, 21), (9, 99, 0, 50)), format="JPEG"),
    ],
    "webp": [
        _saved(_noise("RGB"), format="WEBP", exif=_exif()),
        _saved(_noise("RGBA"), format="WEBP", lossless=True),
    ],
    "bmp": [
        _saved(_noise("L"), format="BMP"),
        _saved(_noise("RGB"), format="BMP"),
        _saved(_noise("L").convert("1"), format="BMP"),
    ],
    "gif": [_saved(_noise("L"), format="GIF"), _saved(_noise("L"), format="GIF", **_frames())],
}


def read_mutants(ending: str, count: int, folder: Path, *, seed: int) -> Counter[str]:
    """Read damaged files; count those that were refused and those that were read."""
    rng = np.random.default_rng([seed, *ending.encode()])
    path = folder / f"mutant.{ending}"
    outcomes: Counter[str] = Counter()
    for number in range(count):
        whole = WHOLE[ending][number % len(WHOLE[ending])]
        path.write_bytes(mutate(whole, rng))
        shape = (7, 12, 1 + 2 * (number % 2))
        aspect = ("stretch", "pad", "crop")[number % 3]
        try:
            pixels = read_picture(path, image_shape=shape, aspect=aspect)
        except CorruptDataError as error:
            outcomes["refused" if f"{path} cannot be read as an image: " in str(error) else "badly said"] += 1
        else:
            assert pixels.shape == shape, number
            assert pixels.dtype == np.uint8, number
            outcomes["read"] += 1
    return outcomes


def peak() -> int:
    """Tell the most memory that this process ever held, in bytes; Pillow's is none of Python's."""
    if sys.platform != "linux":
        pytest.skip("The peak of a process is read from /proc.")
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


# Pillow also warns of what it reads all the same, such as metadata that are cut short.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ending", list(WHOLE))
@pytest.mark.parametrize("count", [40, pytest.param(800, marks=pytest.mark.slow)])
def test_a_damaged_picture_is_refused_or_read(ending: str, count: int, tmp_path: Path) -> None:
    before = peak()
    outcomes = read_mutants(ending, count, tmp_path, seed=count)
    assert outcomes.total() == count
    assert not outcomes["badly said"]
    assert outcomes["refused"] > count / 20
    assert peak() - before < _MOST_MEMORY


@pytest.mark.parametrize("ending", list(WHOLE))
def test_what_is_damaged_was_whole(ending: str, tmp_path: Path) -> None:
    for whole in WHOLE[ending]:
        (tmp_path / f"whole.{ending}").write_bytes(whole)
        assert read_picture(tmp_path / f"whole.{ending}", image_shape=(21, 17, 3)).shape == (21, 17, 3)


@pytest.mark.parametrize("raised", [IndexError, KeyError, OverflowError, AttributeError, MemoryError, EOFError])
def test_whatever_a_decoder_raises_is_an_error_of_ours(
    raised: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*arguments: Any, **options: Any) -> None:
        raise raised("inside")

    (tmp_path / "any.png").write_bytes(WHOLE["png"][0])
    monkeypatch.setattr(Image, "open", stumble)
    with pytest.raises(CorruptDataError, match=r"any\.png cannot be read as an image: '?inside"):
        read_picture(tmp_path / "any.png", image_shape=(21, 17, 1))
