"""Fashion-MNIST: facts and files."""

from __future__ import annotations

from pathlib import Path

from convvision.datasets._data_file import DataFile
from convvision.datasets._files import load_idx_splits
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split

__all__ = ["fashion_mnist"]

_MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
)
_OLD = "Fashion-MNIST from before 31 August 2017 has other images: its authors replaced them on that day."

_FILES = tuple(
    DataFile(name, sha256, size, tuple(f"{mirror}{name}.gz" for mirror in _MIRRORS), _OLD)
    for name, size, sha256 in (
        ("train-images-idx3-ubyte", 47_040_016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        ("train-labels-idx1-ubyte", 60_008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        ("t10k-images-idx3-ubyte", 7_840_016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        ("t10k-labels-idx1-ubyte", 10_008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    )
)


@register_dataset(
    DatasetInfo(
        name="fashion_mnist",
        summary="Grey pictures of clothes from Zalando's shop, ten classes.",
        image_shape=(28, 28, 1),
        mirrored=True,
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        train_count=60_000,
        test_count=10_000,
        mean=(0.2860,),
        std=(0.3530,),
        licence="MIT",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        citation=(
            "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
            "Algorithms. arXiv:1708.07747, 2017."
        ),
        known_issues=(
            "Some labels are wrong, most often among T-shirt/top, Pullover, Coat and Shirt, which even people confuse.",
            # benchmarks/results/data_quality.json
            "12 test images are near-duplicates of training images, and 38 training images of earlier ones, within the "
            "distance of 0.03 of find_duplicates (49 and 162 within 0.05); no two images are the same in every pixel.",
            "Files from before 31 August 2017 hold other images; they are recognised by their hash and refused.",
        ),
        files=tuple(file.name for file in _FILES),
        download_size=30_878_645,
    )
)
def fashion_mnist(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load Fashion-MNIST as stored."""
    return load_idx_splits(_FILES, data_home / "fashion_mnist", download=download)
