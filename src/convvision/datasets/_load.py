"""From a name to a data set that a network can read."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from convvision._checks import check_fraction
from convvision._public import set_module
from convvision.datasets._files import get_data_home
from convvision.datasets._registry import DATASETS
from convvision.datasets._scaling import Scale, Scaling
from convvision.datasets._splits import stratified_split
from convvision.datasets._types import Dataset, DatasetInfo, Split
from convvision.registry import unknown_name

__all__ = ["assemble", "load_dataset"]


@set_module("convvision.datasets")
def load_dataset(
    name: str,
    *,
    scale: Scale | None = "unit",
    validation_split: float = 0.0,
    seed: int = 0,
    data_home: str | Path | None = None,
    download: bool = True,
) -> Dataset:
    """Load a registered data set: reshaped, scaled and split.

    Args:
        name: One of :func:`list_datasets`.
        scale: "unit" gives float32 in [0, 1]; "standard" gives float32 of mean 0 and standard deviation 1 over the
            training pixels of each channel; None keeps the stored uint8.
        validation_split: Part of each class of the training images that becomes ``validation``, in [0, 1).
        seed: Of the choice of validation images, and of the drawing where a data set is drawn.
        data_home: Folder of the data files. By default the environment variable ``CONVVISION_DATA_HOME``, else the
            user's cache folder. A file is used raw or gzip-compressed, and its payload is verified.
        download: Fetch what is missing; otherwise say which file goes where.

    Returns:
        The data set; its images have the shape (N, H, W, C).

    Raises:
        UnknownNameError: No data set has this name.
        InputError: Another scale, or a ``validation_split`` outside [0, 1).
        DataNotFoundError: A file is missing and ``download`` is false.
        DownloadError: A file is missing and no mirror delivered it.
        CorruptDataError: A file does not hold what was published.

    Example:
        >>> import convvision
        >>> data = convvision.load_dataset("drawn_fashion", validation_split=0.1)
        >>> images, labels = data.train
        >>> images.shape[1:], str(images.dtype)
        ((28, 28, 1), 'float32')
        >>> data.info.class_names[labels[0]] in data.info.class_names
        True
    """
    # Not Path.exists, which raises where a name is too long for a file.
    if isinstance(name, str | os.PathLike) and name not in DATASETS and os.path.exists(name):  # noqa: PTH110
        hint = "from_folder, from_idx and from_csv read data of your own."
        raise unknown_name("data set", name, DATASETS.names(), hint=hint)
    entry = DATASETS.get(name)
    scaling = Scaling(scale, entry.info.mean, entry.info.std)
    check_fraction(validation_split, "validation_split")
    train, test = entry.loader(data_home=get_data_home(data_home), download=download, seed=seed)
    return assemble(entry.info, train, test, scaling=scaling, validation_split=validation_split, seed=seed)


def assemble(
    info: DatasetInfo, train: Split, test: Split, *, scaling: Scaling, validation_split: float, seed: int
) -> Dataset:
    """Split off the validation images, then scale; in this order, since uint8 is four times smaller to copy."""
    validation = None
    if validation_split:
        remain, chosen = stratified_split(train.labels, validation_split, seed=seed)
        train, validation = train.take(remain), train.take(chosen)
        validation = _scaled(validation, scaling)
    return Dataset(info, _scaled(train, scaling), _scaled(test, scaling), validation, scaling)


def _scaled(split: Split, scaling: Scaling) -> Split:
    return dataclasses.replace(split, images=scaling.apply(split.images))
