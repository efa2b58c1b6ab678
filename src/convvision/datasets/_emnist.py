"""EMNIST, two of its splits: facts and files."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np

from convvision.datasets._archives import read_zip_members
from convvision.datasets._data_file import DataFile
from convvision.datasets._files import delete_and_load_again, fetch
from convvision.datasets._idx import parse_idx
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split

__all__ = ["emnist_balanced", "emnist_letters"]

# SHA-256 and size as TensorFlow Datasets publishes them (url_checksums/emnist.txt); torchvision has the MD5
# 58c8d27c78d21e728a6bc7b3cc06412e. It holds all six splits.
_FILE = DataFile(
    "gzip.zip",
    "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    561_753_746,
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
    as_served=True,
)
_FOLDER = "emnist"

_HOMEPAGE = "https://www.nist.gov/itl/products-and-services/emnist-dataset"
_CITATION = (
    "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: an extension of MNIST to handwritten letters. "
    "arXiv:1702.05373, 2017."
)
_TRANSPOSED = "The files hold every image transposed; here they stand upright, and other loaders may not turn them."
_SIZE = f"One archive of {_FILE.size / 1e6:,.0f} MB holds all splits of EMNIST; it is downloaded once and read in part."
_LICENCE = "No licence is stated; made from NIST Special Database 19, a work of the United States government."

_LETTERS = DatasetInfo(
    name="emnist_letters",
    summary="Grey pictures of handwritten letters, upper and lower case in one, 26 classes.",
    image_shape=(28, 28, 1),
    mirrored=False,
    class_names=tuple(string.ascii_uppercase),
    train_count=124_800,
    test_count=20_800,
    # As they are in common use for the training images; not computed by us, who do not hold the data.
    mean=(0.1722,),
    std=(0.3309,),
    licence=_LICENCE,
    homepage=_HOMEPAGE,
    citation=_CITATION,
    known_issues=(
        "The paper's table speaks of 88,800 training and 14,800 test images; the files hold 124,800 and 20,800.",
        "The files number the classes from 1 to 26; here they go from 0 to 25.",
        "A lower-case l and an upper-case I look the same, and so do some g and q.",
        _TRANSPOSED,
        _SIZE,
    ),
    files=(_FILE.name,),
    folder=_FOLDER,
    download_size=_FILE.size,
)

_BALANCED = DatasetInfo(
    name="emnist_balanced",
    summary="Grey pictures of handwritten digits and letters, 47 classes in balance.",
    image_shape=(28, 28, 1),
    mirrored=False,
    # The lower-case letters that look like their upper case are in one class with it.
    class_names=(*string.digits, *string.ascii_uppercase, *"abdefghnqrt"),
    train_count=112_800,
    test_count=18_800,
    # As they are in common use for the training images; not computed by us, who do not hold the data.
    mean=(0.1751,),
    std=(0.3332,),
    licence=_LICENCE,
    homepage=_HOMEPAGE,
    citation=_CITATION,
    known_issues=(
        "0 and O, 1, I and L, 9 and q cannot always be told apart, even by people.",
        _TRANSPOSED,
        _SIZE,
    ),
    files=(_FILE.name,),
    folder=_FOLDER,
    download_size=_FILE.size,
)


@register_dataset(_LETTERS)
def emnist_letters(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load the letters of EMNIST, upright, with labels from 0."""
    return _load("letters", _LETTERS, data_home / _FOLDER, download=download, first_label=1)


@register_dataset(_BALANCED)
def emnist_balanced(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load the balanced split of EMNIST, upright."""
    return _load("balanced", _BALANCED, data_home / _FOLDER, download=download, first_label=0)


def _load(split: str, info: DatasetInfo, folder: Path, *, download: bool, first_label: int) -> tuple[Split, Split]:
    limits = {}
    for part, count in (("train", info.train_count), ("test", info.test_count)):
        limits[f"gzip/emnist-{split}-{part}-images-idx3-ubyte.gz"] = 16 + count * 28 * 28
        limits[f"gzip/emnist-{split}-{part}-labels-idx1-ubyte.gz"] = 8 + count
    (path,) = fetch([_FILE], folder, download=download)
    with delete_and_load_again(), _FILE.open(path) as archive:
        payloads = read_zip_members(archive, limits, source=str(path))
        train_images, train_labels, test_images, test_labels = (
            parse_idx(payloads[name], source=f"{name} in {path}") for name in limits
        )
    return (
        Split(_upright(train_images), train_labels.astype(np.int64) - first_label),
        Split(_upright(test_images), test_labels.astype(np.int64) - first_label),
    )


def _upright(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.swapaxes(1, 2))[..., np.newaxis]
