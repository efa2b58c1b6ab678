"""What is wrong with a data set, or odd, before anything is trained on it."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._public import set_module
from convvision._tables import number_of
from convvision.datasets._classes import ClassCounts, class_counts
from convvision.datasets._duplicates import Duplicates, find_duplicates
from convvision.datasets._open import open_data
from convvision.datasets._types import Dataset, check_in_memory
from convvision.errors import DataWarning

__all__ = ["DatasetReport", "check_dataset"]

# Of the scale [0, 255]. Training and test images that differ by more were hardly taken alike: one of them is inverted.
_FAR_APART = 40
_DARK = 64
_MOST_NAMED = 5


@set_module("convvision.datasets")
@dataclass(frozen=True, eq=False)
class DatasetReport:
    """What :func:`check_dataset` found; ``print`` shows all of it.

    Attributes:
        name: Of the data set.
        image_shape: (H, W, C) of its images, as they were read.
        counts: Images of each class in each part.
        pixels: Name of a part -> smallest, mean and largest stored pixel, in [0, 255].
        constant: Name of a part -> positions of the images that are the same everywhere, int64, shape (how many,).
        duplicates: Exact and near duplicates.
        warnings: What was said while the data were read, as of files that were skipped.
        paths: Name of a part -> the file of each image, as :attr:`Split.paths`; the report names images by them.
    """

    name: str
    image_shape: tuple[int, int, int]
    counts: ClassCounts
    pixels: dict[str, tuple[int, float, int]]
    constant: dict[str, NDArray[np.int64]]
    duplicates: Duplicates
    warnings: tuple[str, ...] = ()
    paths: dict[str, Sequence[Path]] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is broken: files that could not be read, classes that a part lacks, parts that show nothing."""
        return (*self.warnings, *self._missing_classes(), *self._empty_parts())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What can be trained on but is worth a look: imbalance, blank images, duplicates, odd pixels."""
        # A class without training images is a problem, and said there.
        imbalance = self.counts.remark if np.isfinite(self.counts.imbalance) else ""
        return tuple(filter(None, (imbalance, *self._blank_images(), *self._repetitions(), *self._odd_pixels())))

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.problems:
            return f"Something is broken: {number_of(len(self.problems), 'problem')}."
        if self.remarks:
            return f"Nothing is broken; {number_of(len(self.remarks), 'thing')} to look at."
        return "Nothing is broken, and nothing is odd."

    def __str__(self) -> str:
        height, width, channels = self.image_shape
        parts = ", ".join(f"{counts.sum():,} in {name}" for name, counts in self.counts.counts.items())
        pixels = ", ".join(f"{low} to {high} in {name}" for name, (low, _, high) in self.pixels.items())
        table = str(self.counts).partition("\n\n")[0]
        blocks = [
            f"{self.name}: images of {height} × {width} × {channels}: {parts}\npixels from {pixels}",
            table,
            str(self.duplicates),
            *("\n".join(f"{word}: {line}" for line in lines)
              for word, lines in (("Problem", self.problems), ("Look at", self.remarks)) if lines),
            self.verdict,
        ]  # fmt: skip
        return "\n\n".join(blocks)

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain data, for JSON."""
        return {
            "name": self.name,
            "image_shape": self.image_shape,
            "class_names": self.counts.class_names,
            "counts": {part: counts.tolist() for part, counts in self.counts.counts.items()},
            "imbalance": self.counts.imbalance,
            "pixels": {
                part: {"min": low, "mean": mean, "max": high} for part, (low, mean, high) in self.pixels.items()
            },
            "constant": {part: positions.tolist() for part, positions in self.constant.items()},
            "constant_paths": {
                part: [str(paths[position]) for position in self.constant[part]] for part, paths in self.paths.items()
            },
            "near": self.duplicates.near,
            "duplicates": [
                {
                    "parts": pairs.parts,
                    "exact": int(pairs.exact.sum()),
                    "near": int((~pairs.exact).sum()),
                    "conflicting": int(pairs.conflicting.sum()),
                    "pairs": [
                        {"positions": positions, "distance": distance, "labels": labels}
                        | self._paths_of(pairs.parts, positions)
                        for positions, distance, labels in zip(
                            pairs.positions.tolist(), pairs.distances.tolist(), pairs.labels.tolist(), strict=True
                        )
                    ],
                }
                for pairs in self.duplicates.pairs
            ],
            "problems": self.problems,
            "remarks": self.remarks,
            "verdict": self.verdict,
        }

    def _missing_classes(self) -> Iterator[str]:
        for part, counts in self.counts.counts.items():
            missing = [repr(self.counts.class_names[label]) for label in np.flatnonzero(counts == 0)]
            if missing:
                yield f"There are no images of {', '.join(missing)} in {part}."

    def _empty_parts(self) -> Iterator[str]:
        for part, counts in self.counts.counts.items():
            if len(self.constant[part]) == counts.sum():
                yield f"Every image in {part} is blank."

    def _blank_images(self) -> Iterator[str]:
        for part, positions in self.constant.items():
            if len(positions):
                are = number_of(len(positions), "image is", "images are")
                named = [self._named(part, position) for position in positions[:_MOST_NAMED]]
                yield f"{are} blank in {part}, one pixel value everywhere: {_some(named, len(positions))}."

    def _repetitions(self) -> Iterator[str]:
        for pairs in self.duplicates.pairs:
            first, second = pairs.parts
            other = "an earlier one" if first == second else f"one in {first}"
            for chosen, verb in (
                (pairs.exact, "repeat{} exactly"),
                (~pairs.exact, "repeat{} nearly"),
                (pairs.conflicting, "contradict{} the label of"),
            ):
                if chosen.any():
                    count = int(chosen.sum())
                    what = f"{number_of(count, 'image')} in {second} {verb.format('s' if count == 1 else '')} {other}"
                    named = [
                        f"{self._named(second, repeated)} (as {self._named(first, original)})"
                        for original, repeated in pairs.positions[chosen][:_MOST_NAMED]
                    ]
                    yield f"{what}: {_some(named, count)}."

    def _paths_of(self, parts: tuple[str, str], positions: list[int]) -> dict[str, list[str]]:
        # Whoever puts a data set together may have files of one part alone.
        if not self.paths.keys() >= set(parts):
            return {}
        return {"paths": [str(self.paths[part][position]) for part, position in zip(parts, positions, strict=True)]}

    def _named(self, part: str, position: int) -> str:
        paths = self.paths.get(part)
        return str(paths[position] if paths else position)

    def _odd_pixels(self) -> Iterator[str]:
        for part, (_, _, high) in self.pixels.items():
            if high <= 1:
                yield f"The pixels in {part} are 0 and 1 at most: they may have been scaled before they were stored."
            elif high < _DARK:
                yield f"The pixels in {part} reach {high} of 255: the images are nearly black."
        means = {part: mean for part, (_, mean, _) in self.pixels.items()}
        for part, mean in means.items():
            if abs(mean - means["train"]) > _FAR_APART:
                both = f"{means['train']:.0f} in train and {mean:.0f} in {part}"
                yield f"The mean pixel is {both}: is one of them inverted?"


@set_module("convvision.datasets")
def check_dataset(data: Dataset | str | os.PathLike[str], *, near: float = 0.03) -> DatasetReport:
    r"""Look for what is broken or odd in a data set.

    Args:
        data: A data set, the name of one, or a folder. The image files of a folder are read as a training reads them,
            those that cannot be read are listed.
        near: The largest distance of near duplicates, as in :func:`find_duplicates`; 0 looks for exact ones only.

    Returns:
        The report.

    Raises:
        InputError: A stream, whose images are not in memory.
        ConvvisionError: The data cannot be loaded at all.

    Example:
        >>> import numpy as np
        >>> from convvision.datasets import check_dataset, from_arrays
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> pixels[7] = 0
        >>> report = check_dataset(from_arrays(pixels[:30], np.arange(30) % 2, pixels[20:], np.arange(20) % 2))
        >>> print("\n".join([*report.remarks, report.verdict]))
        1 image is blank in train, one pixel value everywhere: 7.
        10 images in test repeat exactly one in train: 0 (as 20), 1 (as 21), 2 (as 22), 3 (as 23), 4 (as 24) and 5 more.
        Nothing is broken; 2 things to look at.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        opened = open_data(data, scale=None, on_error="skip")
    check_in_memory(opened)
    said = [str(one.message) for one in caught if issubclass(one.category, DataWarning)]
    raw = {
        name: dataclasses.replace(split, images=opened.scaling.restore(split.images))
        for name, split in opened.parts.items()
    }
    pixels, constant = {}, {}
    for name, split in raw.items():
        flat = split.images.reshape(len(split), -1)
        low, high = flat.min(axis=1), flat.max(axis=1)
        pixels[name] = int(low.min()), float(flat.mean(dtype=np.float64)), int(high.max())
        constant[name] = np.flatnonzero(low == high).astype(np.int64)
    return DatasetReport(
        name=opened.info.name,
        image_shape=opened.info.image_shape,
        counts=class_counts(opened),
        pixels=pixels,
        constant=constant,
        duplicates=find_duplicates(opened, near=near),
        warnings=tuple(said),
        paths={name: split.paths for name, split in raw.items() if split.paths},
    )


def _some(named: Sequence[str], count: int) -> str:
    more = f" and {count - len(named):,} more" if count > len(named) else ""
    return ", ".join(named) + more
