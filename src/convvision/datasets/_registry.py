"""The names of data sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from convvision._public import set_module
from convvision.datasets._types import DatasetInfo, Split
from convvision.errors import InputError
from convvision.registry import Registry

__all__ = ["DATASETS", "DatasetLoader", "get_dataset_info", "list_datasets", "register_dataset"]


@set_module("convvision.datasets")
class DatasetLoader(Protocol):
    """What a registered data set is: a function that fetches the images as they are stored.

    Example:
        >>> from pathlib import Path
        >>> from convvision.datasets import DatasetLoader, Split, draw_fashion
        >>> def few_clothes(*, data_home, download, seed):
        ...     images, labels = draw_fashion(20, seed=seed)
        ...     return Split(images[:10], labels[:10]), Split(images[10:], labels[10:])
        >>> loader: DatasetLoader = few_clothes
        >>> len(loader(data_home=Path(), download=False, seed=0)[0])
        10
    """

    def __call__(self, *, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:
        """Return the training and the test split.

        Args:
            data_home: Folder of all data sets; files of one belong in a folder of its name.
            download: Whether the network may be used for what is missing.
            seed: For sets that are generated; the others ignore it.

        Returns:
            uint8 images (N, H, W, C) and integer labels (N,), for training and for testing.
        """


@dataclass(frozen=True)
class DatasetEntry:
    """A registered data set: its facts and its loader."""

    info: DatasetInfo
    loader: DatasetLoader


LoaderT = TypeVar("LoaderT", bound=DatasetLoader)


def _from_plugin(name: str, loaded: object) -> DatasetEntry:
    raise InputError(
        f"An entry point of a data set names a loader that is decorated with "
        f"@convvision.register_dataset(DatasetInfo(name={name!r}, ...)). Received: {loaded!r}"
    )


DATASETS: Registry[DatasetEntry] = Registry(
    "data set",
    group="convvision.datasets",
    builtins=(
        "convvision.datasets._cifar10",
        "convvision.datasets._cifar100",
        "convvision.datasets._drawn_fashion",
        "convvision.datasets._emnist",
        "convvision.datasets._fashion_mnist",
        "convvision.datasets._kmnist",
        "convvision.datasets._mnist",
    ),
    adapt=_from_plugin,
)


@set_module("convvision.datasets")
def register_dataset(info: DatasetInfo, *, overwrite: bool = False) -> Callable[[LoaderT], LoaderT]:
    """Register a loader under the name in its facts; used as a decorator.

    Args:
        info: The facts, known without loading.
        overwrite: Replace a data set of the same name instead of refusing.

    Returns:
        The decorator; it returns the loader unchanged.

    Raises:
        DuplicateNameError: The name is taken.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.datasets import DatasetInfo, Split, register_dataset
        >>> @register_dataset(DatasetInfo(
        ...     name="grey_cards", summary="Dark and light cards.", image_shape=(8, 8, 1),
        ...     class_names=("dark", "light"), train_count=20, test_count=10, mean=(0.5,), std=(0.4,),
        ... ))
        ... def grey_cards(*, data_home, download, seed):
        ...     def draw(count):
        ...         labels = np.arange(count) % 2
        ...         shade = (20 + 200 * labels).astype(np.uint8)
        ...         return Split(shade.repeat(64).reshape(count, 8, 8, 1), labels)
        ...     return draw(20), draw(10)
        >>> convvision.load_dataset("grey_cards").train
        Split(images=float32(20, 8, 8, 1), labels=int64(20,))
        >>> convvision.datasets.DATASETS.unregister("grey_cards")
    """

    def decorate(loader: LoaderT) -> LoaderT:
        DATASETS.register(info.name, DatasetEntry(info, loader), overwrite=overwrite)
        return loader

    return decorate


@set_module("convvision.datasets")
def list_datasets(pattern: str | Sequence[str] = "*") -> list[str]:
    """List the names of data sets, in alphabetical order.

    Args:
        pattern: One shell-style pattern, or several of which any may match.

    Raises:
        UnknownNameError: A pattern matches nothing.

    Example:
        >>> import convvision
        >>> convvision.list_datasets("*fashion*")
        ['drawn_fashion', 'fashion_mnist']
    """
    return DATASETS.names(pattern)


@set_module("convvision.datasets")
def get_dataset_info(name: str) -> DatasetInfo:
    """Look up the facts about a data set, without loading it.

    Raises:
        UnknownNameError: No data set has this name.

    Example:
        >>> import convvision
        >>> convvision.get_dataset_info("fashion_mnist").class_names[9]
        'Ankle boot'
    """
    return DATASETS.get(name).info
