"""Images and labels out of the text of a CSV file, and where in it something is wrong."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from convvision.errors import CorruptDataError, DataNotFoundError, InputError

__all__ = ["read_csv"]

# Rows that are parsed at once: text takes three times the memory of the pixels.
_ROWS = 4096
# Characters of a row: an image of 1,024 × 1,024 in colour has not more.
_LONGEST_ROW = 2**24
_LONGEST_LABEL = 64
# gzip makes about a tenth of the text of real images. What becomes much longer was made to fill the memory.
_MOST_TEXT_A_BYTE = 100
_MOST_TEXT = 2**28


def read_csv(
    path: Path, image_shape: tuple[int, int, int] | None, label_column: str | int
) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Read one file.

    Args:
        path: The file.
        image_shape: (H, W, C) of the images; None for square grey ones.
        label_column: Name or position of the column with the labels.

    Returns:
        uint8 pixels, shape (N, H, W, C), and the labels as text, shape (N,).

    Raises:
        DataNotFoundError: No such file, or one that cannot be read.
        CorruptDataError: A row of another length, or a value that is no pixel; the message names its line.
        InputError: No column of labels, or pixels that make no image.
    """
    with _opened(path) as file:
        lines = _Lines(file, path)
        rows = iter(lines)
        first = next(rows, None)
        if first is None:
            raise CorruptDataError(f"Expected a row for each image in {path}. Received: an empty file.")
        fields = next(csv.reader([first]))
        position, has_header = _label_position(fields, label_column, path)
        shape = image_shape or _square(len(fields) - 1, path)
        if math.prod(shape) != len(fields) - 1:
            raise InputError(
                f"Images of shape {shape} have {math.prod(shape)} pixels. "
                f"Received: {len(fields) - 1} columns beside the label in {path}"
            )
        if not has_header:
            rows = itertools.chain([first], rows)
        row = np.dtype(
            [
                ("before", np.uint8, (position,)),
                ("label", f"U{_LONGEST_LABEL}"),
                ("behind", np.uint8, (len(fields) - 1 - position,)),
            ]
        )
        pixels: list[NDArray[np.uint8]] = []
        labels: list[NDArray[np.str_]] = []
        while portion := list(itertools.islice(rows, _ROWS)):
            part = _parse(portion, row, lines)
            pixels.append(np.concatenate([part["before"], part["behind"]], axis=1))
            labels.append(_stripped(part["label"], lines))
    if not pixels:
        raise CorruptDataError(f"Expected a row for each image in {path}. Received: a header and no row.")
    return np.concatenate(pixels).reshape(-1, *shape), np.concatenate(labels)


class _Lines:
    """The rows of a file, without empty ones, and where the latest of them stand."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self.path = path
        self._file = file
        self._room = max(_MOST_TEXT, _MOST_TEXT_A_BYTE * path.stat().st_size)
        self._number = 0
        self._numbers: list[int] = []

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(_LONGEST_ROW):
            self._number += 1
            self._room -= len(line)
            if len(line) == _LONGEST_ROW:
                raise CorruptDataError(f"{self.path}, line {self._number}: longer than a row of pixels can be.")
            if self._room < 0:
                raise CorruptDataError(
                    f"{self.path}, line {self._number}: more than {_MOST_TEXT_A_BYTE} times as much text as the file "
                    f"is long, which images are not. Decompress it yourself if it is yours."
                )
            if line.strip():
                self._numbers.append(self._number)
                yield line

    def number(self, row: int, *, of: int) -> int:
        """Tell the line of one of the latest rows."""
        return self._numbers[row - of]


def _parse(portion: list[str], row: np.dtype[Any], lines: _Lines) -> NDArray[Any]:
    try:
        parsed = np.loadtxt(portion, row, delimiter=",", comments=None, quotechar='"', ndmin=1)
    except ValueError as error:
        position, reason = _explain(portion, row)
        raise CorruptDataError(f"{lines.path}, line {lines.number(position, of=len(portion))}: {reason}") from error
    if len(parsed) != len(portion):
        raise CorruptDataError(
            f"{lines.path}, lines {lines.number(0, of=len(portion))} to {lines.number(-1, of=0)}: "
            f"a quotation mark is not closed."
        )
    return parsed


def _stripped(labels: NDArray[np.str_], lines: _Lines) -> NDArray[np.str_]:
    """Take the blanks from labels, which also makes the array as narrow as they are."""
    stripped = np.array([label.strip() for label in labels.tolist()])
    lengths = np.char.str_len(stripped)
    for position in np.flatnonzero((lengths == 0) | (lengths >= _LONGEST_LABEL))[:1]:
        raise CorruptDataError(
            f"{lines.path}, line {lines.number(int(position), of=len(labels))}: A label has from 1 to "
            f"{_LONGEST_LABEL - 1} characters. Received: {'none' if not lengths[position] else 'more'}"
        )
    return stripped


def _explain(portion: list[str], row: np.dtype[Any]) -> tuple[int, str]:
    """Find the first row that NumPy stumbles over, and say why."""
    columns = row["before"].shape[0] + 1 + row["behind"].shape[0]
    for position, line in enumerate(portion):
        fields = next(csv.reader([line]), [])
        if len(fields) != columns:
            return position, f"Expected {columns} columns, as in the first row. Received: {len(fields)}"
        for column, field in enumerate(fields):
            if column != row["before"].shape[0] and not _is_pixel(field):
                return position, f"A pixel is a whole number from 0 to 255. Received: {field!r} in column {column + 1}"
    return len(portion) - 1, "It does not read as CSV"


def _label_position(fields: list[str], label_column: str | int, path: Path) -> tuple[int, bool]:
    """Tell which column holds the labels, and whether the first row is a header."""
    names = [field.strip() for field in fields]
    if isinstance(label_column, str):
        if label_column in names:
            return names.index(label_column), True
        position = 0
    else:
        position = label_column if label_column >= 0 else len(fields) + label_column
        if not 0 <= position < len(fields):
            raise InputError(f"{path} has {len(fields)} columns. Received: label_column={label_column}")
    has_header = not all(_is_number(name) for index, name in enumerate(names) if index != position)
    if has_header and isinstance(label_column, str):
        raise InputError(
            f"Expected a column named {label_column!r} in {path}. Received: {', '.join(names[:3])}, …. "
            f"label_column names another; a file without labels, such as Kaggle's test.csv, can only be predicted."
        )
    return position, has_header


def _square(pixels: int, path: Path) -> tuple[int, int, int]:
    side = math.isqrt(pixels)
    if not pixels or side * side != pixels:
        labels_lack = math.isqrt(pixels + 1) ** 2 == pixels + 1
        advice = "There seems to be no label: a file such as Kaggle's test.csv can only be predicted. " * labels_lack
        raise InputError(
            f"Square grey images have 784 pixels, or another square number. Received: {pixels} columns beside the "
            f"label in {path}. {advice}Say image_shape=(height, width, channels) where images are not square or grey."
        )
    return side, side, 1


def _is_pixel(text: str) -> bool:
    return re.fullmatch(r"\s*\+?0*[0-9]{1,3}\s*", text, re.ASCII) is not None and int(text) <= 255


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text) is not None


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, compressed or not, and say plainly what goes wrong while it is read."""
    if not path.is_file():
        raise DataNotFoundError(f"There is no CSV file {path}.")
    try:
        with path.open("rb") as file:
            compressed = file.peek(2)[:2] == b"\x1f\x8b"
            binary = gzip.GzipFile(fileobj=file) if compressed else file
            # Excel writes a byte-order mark.
            with io.TextIOWrapper(binary, encoding="utf-8-sig") as text:
                yield text
    except UnicodeDecodeError as error:
        raise CorruptDataError(f"{path} is no text in UTF-8, as CSV files are: {error}") from error
    except csv.Error as error:
        raise CorruptDataError(f"{path} does not read as CSV: {error}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorruptDataError(f"{path} is a broken gzip file: {error}.") from error
    except OSError as error:
        if isinstance(error, DataNotFoundError):
            raise
        raise DataNotFoundError(f"{path} cannot be read: {error.strerror or error}.") from error
