"""Decoded pixels, kept from one loading of a folder to the next.

One file for each folder and way of reading it lies in ``pictures`` in the data home. It holds the pixels and a key, the
hash of everything that they depend on; where that has changed they are read anew, and the file is replaced. No
fault of a cache is an error: at the worst, loading takes as long as the first time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convvision._atomic import remove_abandoned, replace_file
from convvision.datasets._files import get_data_home
from convvision.datasets._picture_reader import PictureReader
from convvision.errors import OutputError

__all__ = ["PictureCache"]

# To be raised whenever read_picture makes other pixels of the same file.
_FORMAT = 1


class PictureCache:
    """The place for the pixels of some files of a folder, as they are at this moment.

    Args:
        directory: The folder.
        paths: The files.
        reader: How they are read.
    """

    def __init__(self, directory: Path, paths: Sequence[Path], reader: PictureReader) -> None:
        from PIL import __version__ as pillow  # noqa: PLC0415

        self._shape = (len(paths), *reader.image_shape)
        # Folders unpacked from archives may agree in the name, the size and the time of every file: so say which it is.
        way = json.dumps([_FORMAT, pillow, dataclasses.astuple(reader), str(directory.resolve())])
        self._path = get_data_home() / "pictures" / f"{hashlib.sha256(way.encode()).hexdigest()[:32]}.npz"
        digest = hashlib.sha256(way.encode())
        for path in paths:
            # Inside the folder: a run names it from the root, a user perhaps from where they stand.
            inside = path.relative_to(directory)
            digest.update(f"{inside}\0{_state(path)}\n".encode(errors="surrogateescape"))
        self._key = digest.hexdigest()

    def load(self) -> NDArray[np.uint8] | None:
        """Return the pixels where they are at hand and the files have not changed since."""
        # A cut zip, an array of objects, a header that asks for all memory: whatever is wrong, there is no cache.
        with suppress(Exception), self._path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if kept["key"].item() == self._key:
                images = kept["images"]
                if images.dtype == np.uint8 and images.shape == self._shape:
                    return np.asarray(images)
        return None

    def store(self, images: NDArray[np.uint8]) -> None:
        """Keep the pixels, if that is possible."""
        remove_abandoned(self._path)
        with suppress(OutputError), replace_file(self._path) as partial, partial.open("wb") as file:
            np.savez(file, key=np.array(self._key), images=images)


def _state(path: Path) -> str:
    try:
        facts = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return str(error.errno)
    # ctime too, since unpacking and copying may set a new file's mtime to that of the old one.
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
