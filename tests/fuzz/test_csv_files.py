"""CSV files that were damaged: refused in our own words, or read for what they say."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from convvision.datasets import from_csv
from convvision.errors import ConvvisionError
from fuzz.mutations import mutate

_MOST_MEMORY = 32 << 20

LABELS = np.arange(24) % 3
IMAGES = np.random.default_rng(0).integers(0, 256, (24, 16))
ROWS = "\n".join(",".join(map(str, [label, *image])) for label, image in zip(LABELS, IMAGES, strict=True)) + "\n"
HEADER = ",".join(["label", *(f"pixel{number}" for number in range(16))]) + "\n"
# As it is, with a header, with names that stand in quotation marks; and compressed after the damage or before it.
WHOLE = [ROWS, HEADER + ROWS, "".join(f'"class {row[0]}"{row[1:]}\n' for row in ROWS.splitlines())]


def parsed_by_hand(content: bytes) -> list[tuple[str, bytes]]:
    """Read what was accepted with the csv module and int; a row at a time, sorted."""
    text = content.decode("utf-8-sig")
    rows = [row for line in io.StringIO(text, newline=None) if line.strip() for row in csv.reader([line])]
    if rows[0][0].strip() == "label" or not all(field.strip().lstrip("+").isdecimal() for field in rows[0][1:]):
        rows = rows[1:]
    return sorted((row[0].strip(), bytes(int(field) for field in row[1:])) for row in rows)


def edit(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace some characters by others that a CSV file is made of: most of what is left is still text."""
    edited = bytearray(content)
    for position in rng.integers(len(edited), size=rng.integers(1, 4)):
        edited[position] = b'0123456789,\n\r" +-.'[rng.integers(18)]
    return bytes(edited)


def read_mutants(count: int, folder: Path, *, seed: int) -> Counter[str]:
    """Read damaged files; count those that were refused and those that were read."""
    rng = np.random.default_rng(seed)
    path = folder / "mutant.csv"
    outcomes: Counter[str] = Counter()
    for number in range(count):
        damage = mutate if number % 2 else edit
        content = damage(WHOLE[number % 3].encode(), rng)
        stored = (content, gzip.compress(content), mutate(gzip.compress(content), rng))[number // 3 % 3]
        path.write_bytes(stored)
        try:
            data = from_csv(path, scale=None)
        except ConvvisionError as error:
            outcomes["refused" if "Received: " in str(error) or str(path) in str(error) else "badly said"] += 1
            continue
        outcomes["read"] += 1
        said = gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored
        names = data.info.class_names
        found = [
            (names[label], image.tobytes())
            for split in (data.train, data.test)
            for image, label in zip(split.images, split.labels, strict=True)
        ]
        by_hand = parsed_by_hand(said)
        # A label that is a number is that number, however many zeros stand before it.
        if all(name.isdecimal() for name in names):
            by_hand = sorted((str(int(name)), pixels) for name, pixels in by_hand)
        assert sorted(found) == by_hand, number
    return outcomes


@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_damaged_file_is_refused_or_read_for_what_it_says(count: int, tmp_path: Path) -> None:
    tracemalloc.start()
    outcomes = read_mutants(count, tmp_path, seed=count)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcomes.total() == count
    assert outcomes["refused"] > count / 4
    assert outcomes["read"] > count / 20
    assert not outcomes["badly said"]
    assert most < _MOST_MEMORY
