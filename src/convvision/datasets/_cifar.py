"""The binary version of CIFAR (A. Krizhevsky, 2009): records of labels and pixels, in a tar archive.

A record is one byte for each label (CIFAR-10 has one; CIFAR-100 has the coarse and then the fine one), then 1,024 bytes
of red, as many of green and as many of blue, each row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision.datasets._archives import read_tar_members
from convvision.datasets._data_file import DataFile
from convvision.datasets._files import delete_and_load_again, fetch
from convvision.datasets._types import DatasetInfo, Split
from convvision.errors import CorruptDataError

__all__ = ["load_cifar", "parse_cifar"]

_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


def parse_cifar(payload: bytes, *, label_count: int, num_classes: int, source: str) -> Split:
    """Turn the bytes of a file of records into images and labels.

    Args:
        payload: The bytes.
        label_count: Labels in each record; the last one counts.
        num_classes: Labels are below this.
        source: What to call the file in messages.

    Returns:
        uint8 images (N, 32, 32, 3) and int64 labels (N,).

    Raises:
        CorruptDataError: No whole number of records, none at all, or a label that is none.
    """
    record = label_count + _PIXELS
    if not payload or len(payload) % record:
        raise CorruptDataError(
            f"{source} is no file of CIFAR records: they have {record} bytes each. Received: {len(payload)} bytes."
        )
    records: NDArray[Any] = np.frombuffer(payload, np.uint8).reshape(-1, record)
    labels = records[:, label_count - 1].astype(np.int64)
    if labels.max() >= num_classes:
        first = int((labels >= num_classes).argmax())
        raise CorruptDataError(
            f"{source} holds a label that is none: they are below {num_classes}. "
            f"Received: {labels[first]} in record {first}."
        )
    planes = records[:, label_count:].reshape(-1, *_SHAPE)
    return Split(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)


def load_cifar(
    file: DataFile,
    folder: Path,
    info: DatasetInfo,
    *,
    train: Sequence[str],
    test: str,
    label_count: int,
    download: bool,
) -> tuple[Split, Split]:
    """Load the training and the test images from the members of an archive.

    Args:
        file: The archive.
        folder: Where it lies, or is downloaded to.
        info: How many images there are, and of how many classes.
        train: Names of the members with training images, in order; equally many in each.
        test: Name of the member with the test images.
        label_count: As in :func:`parse_cifar`.
        download: As in :func:`fetch`.

    Raises:
        DataError: As :func:`fetch`, :meth:`DataFile.open`, :func:`read_tar_members` and :func:`parse_cifar`.
    """
    record = label_count + _PIXELS
    limits = dict.fromkeys(train, info.train_count // len(train) * record) | {test: info.test_count * record}
    (path,) = fetch([file], folder, download=download)
    with delete_and_load_again(), file.open(path) as archive:
        payloads = read_tar_members(archive, limits, source=str(path))
        *parts, last = (
            # Popped, so that each is let go when it has been read.
            parse_cifar(
                payloads.pop(name), label_count=label_count, num_classes=info.num_classes, source=f"{name} in {path}"
            )
            for name in (*train, test)
        )
    if len(parts) == 1:
        return parts[0], last
    images, labels = zip(*parts, strict=True)
    return Split(np.concatenate(images), np.concatenate(labels)), last
