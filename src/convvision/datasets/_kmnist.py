"""Kuzushiji-MNIST: facts and files."""

from __future__ import annotations

from pathlib import Path

from convvision.datasets._data_file import DataFile
from convvision.datasets._files import load_idx_splits
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split

__all__ = ["kmnist"]

_MIRROR = "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"

# SHA-256 and sizes as TensorFlow Datasets publishes them (url_checksums/kmnist.txt), of the compressed files.
_FILES = tuple(
    DataFile(name, sha256, size, (f"{_MIRROR}{name}",), as_served=True)
    for name, size, sha256 in (
        ("train-images-idx3-ubyte.gz", 18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        ("train-labels-idx1-ubyte.gz", 29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        ("t10k-images-idx3-ubyte.gz", 3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        ("t10k-labels-idx1-ubyte.gz", 5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    )
)


@register_dataset(
    DatasetInfo(
        name="kmnist",
        summary="Grey pictures of cursive Japanese characters, ten classes.",
        image_shape=(28, 28, 1),
        mirrored=False,
        # お き す つ な は ま や れ を, in letters that every font has.
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        train_count=60_000,
        test_count=10_000,
        # As they are in common use for the training images; not computed by us, who do not hold the data.
        mean=(0.1918,),
        std=(0.3483,),
        licence="CC BY-SA 4.0",
        homepage="https://codh.rois.ac.jp/kmnist/",
        citation=(
            "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha: Deep Learning for Classical "
            "Japanese Literature. arXiv:1812.01718, 2018."
        ),
        known_issues=(
            "A class holds characters that look nothing alike: one sound could be written in several ways.",
            "The file known is the compressed one, as it was published; one that was compressed again is refused.",
        ),
        files=tuple(file.name for file in _FILES),
        download_size=sum(file.size for file in _FILES),
    )
)
def kmnist(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load Kuzushiji-MNIST as stored."""
    return load_idx_splits(_FILES, data_home / "kmnist", download=download)
