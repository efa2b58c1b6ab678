"""A data set from image files, a folder a class."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision.datasets._class_folders import LabelledFiles, find_class_folders
from convvision.datasets._custom import check_options, from_splits
from convvision.datasets._picture_cache import PictureCache
from convvision.datasets._picture_reader import ColorMode, PictureReader
from convvision.datasets._pictures import Aspect
from convvision.datasets._scaling import Scale
from convvision.datasets._types import Dataset, Split
from convvision.errors import CorruptDataError, DataError, DataWarning, InputError

__all__ = ["from_folder"]


@set_module("convvision.datasets")
def from_folder(
    directory: str | os.PathLike[str],
    *,
    image_size: tuple[int, int] = (28, 28),
    color_mode: ColorMode = "grayscale",
    aspect: Aspect = "stretch",
    test_split: float = 0.2,
    validation_split: float = 0.0,
    scale: Scale | None = "unit",
    seed: int = 0,
    on_error: Literal["raise", "skip"] = "raise",
    cache: bool = True,
) -> Dataset:
    """Make a data set from a folder that holds a folder for each class.

    ``FOLDER/cat/1.png`` is an image of the class "cat"; folders inside a class folder are searched too. Where the
    folders are just ``train`` and ``test``, each of them holds the class folders. Hidden files and files of other
    endings than .png, .jpg, .jpeg, .webp, .bmp and .gif are passed over; so are links to folders inside a class folder.

    Args:
        directory: The folder.
        image_size: Height and width to resize to, with antialiasing.
        color_mode: "grayscale" for one channel, "rgb" for three.
        aspect: What becomes of a picture of another shape: "stretch" distorts it, "pad" puts it between black bars,
            "crop" cuts its middle out; as in :func:`read_picture`.
        test_split: Part of each class that becomes the test images where there is no ``test`` folder, in (0, 1).
        validation_split: Part of each class of the training images that becomes ``validation``, in [0, 1).
        scale: As in :func:`load_dataset`.
        seed: Of the two splits.
        on_error: "raise" ends at the first file that cannot be read; "skip" leaves such files out and warns of them.
        cache: Keep the decoded pixels in :func:`get_data_home`, so that the next loading takes seconds. They are read
            anew once a file has come, gone or changed.

    Returns:
        The data set, named as the folder; its class names are the names of the class folders, in alphabetical order.
        :attr:`Split.paths` tells the file of each image, as of one that a model gets wrong.

    Raises:
        DataNotFoundError: No such folder, or a file that may not be read.
        InputError: No class folders, fewer than two, an empty one, classes that one of ``train`` and ``test`` lacks, or
            a ``val`` folder beside them.
        CorruptDataError: A file that is no image; with "skip", no file that is one.

    Warns:
        DataWarning: Files were skipped; the message counts and lists them.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from convvision.datasets import from_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in range(10):
        ...         for name, colour in (("sea", "navy"), ("sand", "khaki")):
        ...             Path(folder, name).mkdir(exist_ok=True)
        ...             Image.new("RGB", (40, 30), colour).save(Path(folder, name, f"{number}.png"))
        ...     data = from_folder(folder, image_size=(32, 32), color_mode="rgb", aspect="pad", cache=False)
        >>> data.info.class_names, data.train.images.shape
        (('sand', 'sea'), (16, 32, 32, 3))
        >>> data.info.class_names[data.test.labels[0]], data.test.paths[0].parent.name
        ('sand', 'sand')
    """
    directory = Path(directory)
    if on_error not in ("raise", "skip"):
        raise InputError(f"on_error is 'raise' or 'skip'. Received: on_error={on_error!r}")
    check_options(scale, test_split, validation_split)
    reader = PictureReader.of(image_size, color_mode, aspect)
    found = find_class_folders(directory)
    parts = [found.train] if found.test is None else [found.train, found.test]
    paths = [path for part in parts for path in part.paths]

    kept = PictureCache(directory, paths, reader) if cache else None
    images = kept.load() if kept else None
    read = np.ones(len(paths), bool)
    if images is None:
        try:
            images, read, skipped = reader.read(paths, skip_errors=on_error == "skip")
        except DataError as error:
            raise type(error)(
                f"{error} from_folder(..., on_error='skip') leaves such files out, as does "
                f"convvision train --skip-unreadable."
            ) from error
        if len(skipped) == len(paths):
            raise CorruptDataError(f"None of the {len(paths)} files in {directory} can be read:{_first_ten(skipped)}")
        if skipped:
            files = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
            said = f"{files} skipped in {directory}:{_first_ten(skipped)}"
            warnings.warn(said, DataWarning, stacklevel=2)
        elif kept:
            kept.store(images)
    train, *others = _splits(parts, images, read)
    data = from_splits(
        train,
        others[0] if others else None,
        class_names=found.class_names,
        name=directory.resolve().name,
        source="image files",
        scale=scale,
        test_split=test_split,
        validation_split=validation_split,
        seed=seed,
    )
    options = {"test_split": test_split, "seed": seed, "on_error": on_error}
    return dataclasses.replace(data, location=str(directory.resolve()), aspect=aspect, options=options)


def _splits(parts: Sequence[LabelledFiles], images: NDArray[np.uint8], read: NDArray[np.bool_]) -> Iterator[Split]:
    """Give each part its images, without those that were not read."""
    start = 0
    for part in parts:
        of_part = slice(start, start + len(part.paths))
        whole = Split(images[of_part], part.labels, part.paths)
        # A part that was read whole is a view, and takes no memory of its own.
        yield whole if read[of_part].all() else whole.take(read[of_part])
        start = of_part.stop


def _first_ten(skipped: Sequence[str]) -> str:
    listed = "".join(f"\n  {reason}" for reason in skipped[:10])
    more = f"\n  and {len(skipped) - 10} more" if len(skipped) > 10 else ""
    return f"{listed}{more}"
