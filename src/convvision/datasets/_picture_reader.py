"""Reading many image files into one array."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int
from convvision.datasets._pictures import Aspect, check_aspect, read_picture
from convvision.errors import DataError, InputError

__all__ = ["ColorMode", "PictureReader"]

ColorMode = Literal["grayscale", "rgb"]

_CHANNELS = {"grayscale": 1, "rgb": 3}
# Pillow lets other threads run while it decodes. Below this many bytes a file it hardly decodes, and threads that
# wait for each other take longer than one alone.
_WORTH_A_THREAD = 4096
# Files that a thread reads before it asks for more.
_PORTION = 32


@dataclass(frozen=True)
class PictureReader:
    """How image files become pixels.

    Attributes:
        image_shape: (H, W, C) of every image.
        aspect: As in :func:`read_picture`.
    """

    image_shape: tuple[int, int, int]
    aspect: Aspect

    @classmethod
    def of(cls, image_size: tuple[int, int], color_mode: ColorMode, aspect: Aspect) -> PictureReader:
        """Make one from what users say.

        Raises:
            InputError: An option that cannot be.
        """
        if color_mode not in _CHANNELS:
            raise InputError(f"color_mode is 'grayscale' or 'rgb'. Received: color_mode={color_mode!r}")
        if not isinstance(image_size, Sequence) or len(image_size) != 2:
            raise InputError(f"image_size is (height, width). Received: image_size={image_size!r}")
        height, width = (check_positive_int(size, "Each size of image_size") for size in image_size)
        check_aspect(aspect)
        return cls((height, width, _CHANNELS[color_mode]), aspect)

    def read(
        self, paths: Sequence[Path], *, skip_errors: bool = False
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], list[str]]:
        """Read files, on all cores where that is faster.

        Args:
            paths: The files.
            skip_errors: Whether to go on at a file that cannot be read.

        Returns:
            The images, (N, H, W, C), in the order of ``paths``; which of them were read; and why the others were not.

        Raises:
            DataError: A file cannot be read.
        """
        images: NDArray[np.uint8] = np.empty((len(paths), *self.image_shape), np.uint8)
        read = np.ones(len(paths), bool)
        reasons: list[str] = []

        def read_portion(start: int) -> None:
            for position in range(start, min(start + _PORTION, len(paths))):
                try:
                    images[position] = read_picture(paths[position], image_shape=self.image_shape, aspect=self.aspect)
                except DataError as error:
                    if not skip_errors:
                        raise
                    read[position] = False
                    reasons.append(str(error))

        _each(read_portion, range(0, len(paths), _PORTION), in_threads=_are_large(paths))
        return images, read, sorted(reasons)


def _each(work: Any, starts: range, *, in_threads: bool) -> None:
    if not in_threads:
        for start in starts:
            work(start)
        return
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            # Consuming the results raises what a thread raised.
            for _ in pool.map(work, starts):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _are_large(paths: Sequence[Path]) -> bool:
    """Judge by some files; one that is missing will be refused when it is read."""
    some = paths[:: max(1, len(paths) // 16)]
    sizes = [path.stat().st_size for path in some if path.exists()]
    return sum(sizes) > _WORTH_A_THREAD * len(sizes)
