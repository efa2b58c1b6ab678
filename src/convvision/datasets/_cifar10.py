"""CIFAR-10: facts and files."""

from __future__ import annotations

from pathlib import Path

from convvision.datasets._cifar import load_cifar
from convvision.datasets._data_file import DataFile
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split

__all__ = ["cifar10"]

# SHA-256 and size as TensorFlow Datasets publishes them (url_checksums/cifar10.txt); its authors give the MD5
# c32a1d4ab5d03f1284b67883e8d87530. Their server is slow, so TensorFlow's copy comes first.
_FILE = DataFile(
    "cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    170_052_171,
    (
        "https://storage.googleapis.com/mirror.tensorflow.org/www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
    ),
    as_served=True,
)

_INFO = DatasetInfo(
    name="cifar10",
    summary="Colour photographs of animals and vehicles, ten classes.",
    image_shape=(32, 32, 3),
    mirrored=True,
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    train_count=50_000,
    test_count=10_000,
    # As they are in common use for the training images; not computed by us, who do not hold the data.
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    citation="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images. University of Toronto, 2009.",
    known_issues=(
        "Its authors state no licence; the pictures were collected from the web.",
        "3.3 % of the test images have a near-duplicate among the training images (B. Barz, J. Denzler: Do We Train on "
        "Test Data? Purging CIFAR of Near-Duplicates. Journal of Imaging 6(6), 2020).",
        "About 0.5 % of the test labels are wrong (C. Northcutt, A. Athalye, J. Mueller: Pervasive Label Errors in "
        "Test Sets Destabilize Machine Learning Benchmarks. NeurIPS Datasets and Benchmarks, 2021).",
    ),
    files=(_FILE.name,),
    download_size=_FILE.size,
)


@register_dataset(_INFO)
def cifar10(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load CIFAR-10 as stored."""
    return load_cifar(
        _FILE,
        data_home / "cifar10",
        _INFO,
        train=[f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)],
        test="cifar-10-batches-bin/test_batch.bin",
        label_count=1,
        download=download,
    )
