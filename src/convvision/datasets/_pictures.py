"""Reading one image file as a network reads it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.errors import CorruptDataError, DataNotFoundError, InputError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["read_picture"]

_MODES = {1: "L", 3: "RGB"}
# What Pillow decodes by itself: for others, such as EPS, it starts programs of other people.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")


@set_module("convvision.datasets")
def read_picture(path: str | Path, *, image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Read an image file, upright, grey or in colour, and resized with antialiasing.

    Args:
        path: A PNG, JPEG, WebP, BMP, GIF (its first frame), TIFF or PPM file.
        image_shape: (H, W, C) to return; C is 1 for grey and 3 for colour. The aspect ratio is not kept.

    Returns:
        uint8 pixels of that shape. Transparent parts are black, the background of MNIST and Fashion-MNIST.

    Raises:
        DataNotFoundError: No such file.
        CorruptDataError: Not an image, a broken one, or one of 32 bits a pixel and channel.
        InputError: Another number of channels.
    """
    # Imported here because only prediction from files and image folders need Pillow.
    from PIL import Image, ImageOps  # noqa: PLC0415

    height, width, channels = image_shape
    if channels not in _MODES:
        raise InputError(f"Image files are read as 1 (grey) or 3 (colour) channels. Received: {channels} channels")
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"There is no image file {path}.")
    try:
        with Image.open(path, formats=_FORMATS) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I;16"):
                # Pillow's own conversions clip 16-bit grey at 255 instead of scaling it.
                levels = np.asarray(image)
                levels = np.where(levels == image.info.get("transparency"), 0, levels)
                image = Image.fromarray((levels >> 8).astype(np.uint8))
            if image.has_transparency_data:
                black = Image.new("RGBA", image.size, (0, 0, 0, 255))
                image = Image.alpha_composite(black, image.convert("RGBA"))
            image = _of_eight_bits(image).convert(_MODES[channels])
            if image.size != (width, height):
                image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
            return np.asarray(image, np.uint8).reshape(image_shape)
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise CorruptDataError(f"{path} cannot be read as an image: {error}") from error


def _of_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise CorruptDataError("its pixels have 32 bits, and nothing says which value is white")
    return image
