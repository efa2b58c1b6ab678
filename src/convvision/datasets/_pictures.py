"""Reading one image file as a network reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.errors import CorruptDataError, DataNotFoundError, InputError

if TYPE_CHECKING:
    from PIL import Image

Aspect: TypeAlias = Literal["stretch", "pad", "crop"]

__all__ = ["Aspect", "check_aspect", "check_is_file", "read_picture"]

_MODES = {1: "L", 3: "RGB"}
# What Pillow decodes by itself: for others, such as EPS, it starts programs of other people.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
# What a file claims is believed up to here, about 8,000 × 8,000: a few bytes can claim gigabytes of one colour.
_MOST_PIXELS = 2**26
_TOO_LARGE = f"More than {_MOST_PIXELS:,} are not decoded: make it smaller, or leave it out"


@set_module("convvision.datasets")
def read_picture(
    path: str | Path, *, image_shape: tuple[int, int, int], aspect: Aspect = "stretch"
) -> NDArray[np.uint8]:
    """Read an image file, upright, grey or in colour, and resized with antialiasing.

    Args:
        path: A PNG, JPEG, WebP, BMP, GIF (its first frame), TIFF or PPM file.
        image_shape: (H, W, C) to return; C is 1 for grey and 3 for colour.
        aspect: What becomes of a picture of another shape than H × W. "stretch" distorts it; "pad" shows all of it,
            undistorted, between black bars; "crop" fills the image with its middle, undistorted.

    Returns:
        uint8 pixels of that shape. Transparent parts are black, the background of MNIST and Fashion-MNIST.

    Raises:
        DataNotFoundError: No such file, or one that may not be read.
        CorruptDataError: Not an image, a broken one, one of 32 bits a pixel and channel, or of more than 2²⁶ pixels.
        InputError: Another number of channels, or another aspect.

    Example:
        >>> from PIL import Image
        >>> from convvision.datasets import read_picture
        >>> Image.new("RGB", (40, 20), "white").save("card.png")
        >>> pixels = read_picture("card.png", image_shape=(8, 8, 1), aspect="pad")
        >>> pixels[..., 0].max(axis=1).tolist()
        [0, 0, 255, 255, 255, 255, 0, 0]
    """
    # Imported here because only prediction from files and image folders need Pillow.
    from PIL import Image, ImageOps  # noqa: PLC0415

    height, width, channels = image_shape
    if channels not in _MODES:
        raise InputError(f"Image files are read as 1 (grey) or 3 (colour) channels. Received: {channels} channels")
    check_aspect(aspect)
    path = Path(path)
    check_is_file(path)
    try:
        with Image.open(path, formats=_FORMATS) as opened:
            _check_size(opened)
            # A JPEG of many pixels is decoded at a half, a quarter or an eighth, where enough of them remain.
            opened.draft(None, (3 * max(width, height),) * 2)
            ImageOps.exif_transpose(opened, in_place=True)
            image: Image.Image = opened
            if image.mode.startswith("I;16"):
                # Pillow's own conversions clip 16-bit grey at 255 instead of scaling it.
                levels = np.asarray(image)
                levels = np.where(levels == image.info.get("transparency"), 0, levels)
                image = Image.fromarray((levels >> 8).astype(np.uint8))
            if image.has_transparency_data:
                black = Image.new("RGBA", image.size, (0, 0, 0, 255))
                image = Image.alpha_composite(black, image.convert("RGBA"))
            image = _of_eight_bits(image).convert(_MODES[channels])
            return np.asarray(_resized(image, (width, height), aspect), np.uint8).reshape(image_shape)
    except CorruptDataError as error:
        raise CorruptDataError(f"{path} cannot be read as an image: {error}.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise DataNotFoundError(
                f"{path} cannot be read: {error.strerror}. Change its permissions, or leave it out."
            ) from error
        # Pillow's decoders raise whatever a malformed file leads them to, IndexError and AttributeError included.
        raise CorruptDataError(f"{path} cannot be read as an image: {_reason(error)}.") from error


def check_is_file(path: Path) -> None:
    """Refuse what is no file, without opening it.

    Raises:
        DataNotFoundError: There is no such file.
    """
    if not path.is_file():
        hint = " It is a folder: name the files in it." if path.is_dir() else ""
        raise DataNotFoundError(f"There is no image file {path}.{hint}")


def check_aspect(aspect: str) -> None:
    """Refuse what is no way to treat the aspect ratio.

    Raises:
        InputError: Anything else than "stretch", "pad" and "crop".
    """
    if aspect not in get_args(Aspect):
        raise InputError(f"aspect is 'stretch', 'pad' or 'crop'. Received: aspect={aspect!r}")


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > _MOST_PIXELS:
        raise CorruptDataError(f"it claims {image.width:,} × {image.height:,} pixels. {_TOO_LARGE}")


def _of_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise CorruptDataError("its pixels have 32 bits, and nothing says which value is white")
    return image


def _resized(image: Image.Image, size: tuple[int, int], aspect: Aspect) -> Image.Image:
    from PIL import Image  # noqa: PLC0415

    if image.size == size:
        return image
    across, down = size[0] / image.width, size[1] / image.height
    box = (0.0, 0.0, float(image.width), float(image.height))
    inner = size
    if aspect == "crop":
        keep = (size[0] / max(across, down), size[1] / max(across, down))
        left, top = ((have - part) / 2 for have, part in zip(image.size, keep, strict=True))
        # Rounding must not lead outside of the picture.
        box = (max(0.0, left), max(0.0, top), min(box[2], left + keep[0]), min(box[3], top + keep[1]))
    elif aspect == "pad":
        # A line of one pixel remains of the longest ribbon.
        inner = (
            max(1, round(image.width * min(across, down))),
            max(1, round(image.height * min(across, down))),
        )
    resized = image.resize(inner, Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    if inner == size:
        return resized
    padded = Image.new(image.mode, size)
    padded.paste(resized, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return padded


def _reason(error: Exception) -> str:
    """Say what Pillow said, without the name of the file, which the message begins with."""
    kind = type(error).__name__
    if kind.startswith("DecompressionBomb"):
        return f"{str(error).partition(',')[0]}. {_TOO_LARGE}"
    if kind == "UnidentifiedImageError":
        return f"it is none of {', '.join(_FORMATS)}, whatever its name says. Replace it, or leave it out"
    return str(error).rstrip(".") or kind
