"""CIFAR-100, with its fine labels: facts and files."""

from __future__ import annotations

from pathlib import Path

from convvision.datasets._cifar import load_cifar
from convvision.datasets._data_file import DataFile
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split

__all__ = ["cifar100"]

# SHA-256 and size as TensorFlow Datasets publishes them (url_checksums/cifar100.txt); its authors give the MD5
# 03b5dce01913d631647c71ecec9e9cb8.
_FILE = DataFile(
    "cifar-100-binary.tar.gz",
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    168_513_733,
    (
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-100-binary.tar.gz",
    ),
    as_served=True,
)

_CLASS_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""

_INFO = DatasetInfo(
    name="cifar100",
    summary="Colour photographs of animals, plants, people and things, a hundred classes.",
    image_shape=(32, 32, 3),
    mirrored=True,
    class_names=tuple(_CLASS_NAMES.split()),
    train_count=50_000,
    test_count=10_000,
    # As they are in common use for the training images; not computed by us, who do not hold the data.
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    citation="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images. University of Toronto, 2009.",
    known_issues=(
        "Its authors state no licence; the pictures were collected from the web.",
        "10 % of the test images have a near-duplicate among the training images (B. Barz, J. Denzler: Do We Train on "
        "Test Data? Purging CIFAR of Near-Duplicates. Journal of Imaging 6(6), 2020).",
        "About 6 % of the test labels are wrong (C. Northcutt, A. Athalye, J. Mueller: Pervasive Label Errors in "
        "Test Sets Destabilize Machine Learning Benchmarks. NeurIPS Datasets and Benchmarks, 2021).",
    ),
    files=(_FILE.name,),
    download_size=_FILE.size,
)


@register_dataset(_INFO)
def cifar100(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    """Load CIFAR-100 as stored, with the fine labels."""
    return load_cifar(
        _FILE,
        data_home / "cifar100",
        _INFO,
        train=["cifar-100-binary/train.bin"],
        test="cifar-100-binary/test.bin",
        label_count=2,
        download=download,
    )
