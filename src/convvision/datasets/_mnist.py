"""MNIST: facts and files."""

from __future__ import annotations

from pathlib import Path

from convvision.datasets._data_file import DataFile
from convvision.datasets._files import load_idx_splits
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split

__all__ = ["mnist"]

_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)

_FILES = tuple(
    DataFile(name, sha256, size, tuple(f"{mirror}{name}.gz" for mirror in _MIRRORS))
    for name, size, sha256 in (
        ("train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ("t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    )
)


@register_dataset(
    DatasetInfo(
        name="mnist",
        summary="Grey pictures of handwritten digits, ten classes.",
        image_shape=(28, 28, 1),
        mirrored=False,
        class_names=tuple("0123456789"),
        train_count=60_000,
        test_count=10_000,
        mean=(0.1307,),
        std=(0.3081,),
        licence="CC BY-SA 3.0",
        homepage="https://yann.lecun.com/exdb/mnist/",
        citation=(
            "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. "
            "Proceedings of the IEEE 86(11), 1998."
        ),
        known_issues=(
            "A few labels are wrong or cannot be told even by people, so no model reaches 100 % on the test images.",
            "The classes are not in balance: 5,421 training images show a 5, the rarest digit, and 6,742 a 1.",
        ),
        files=tuple(file.name for file in _FILES),
        download_size=11_594_722,
    )
)
def mnist(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load MNIST as stored."""
    return load_idx_splits(_FILES, data_home / "mnist", download=download)
