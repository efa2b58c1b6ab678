"""EMNIST and Kuzushiji-MNIST: IDX bytes put together by hand, in files of the true layout."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import convvision
from convvision.datasets import _emnist, _kmnist
from convvision.errors import CorruptDataError

PARTS = ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")


@pytest.fixture
def arrays() -> tuple[np.ndarray, ...]:
    """Give upright images with 26 labels from 0, for training and for the test."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (52, 28, 28), np.uint8)
    labels = rng.permutation(np.arange(52) % 26).astype(np.uint8)
    return images[:40], labels[:40], images[40:], labels[40:]


def publish_emnist(members: dict[str, bytes], home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"gzip/emnist-digits-mapping.txt": b"0 48\n", **members}.items():
            archive.writestr(name, content)
    whole = file.getvalue()
    facts = {"sha256": hashlib.sha256(whole).hexdigest(), "size": len(whole)}
    monkeypatch.setattr(_emnist, "_FILE", dataclasses.replace(_emnist._FILE, **facts))
    path = home / "emnist" / "gzip.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize(
    ("name", "split", "first_label"), [("emnist_letters", "letters", 1), ("emnist_balanced", "balanced", 0)]
)
def test_emnist_stands_upright_and_counts_from_0(
    arrays: tuple[np.ndarray, ...],
    idx_bytes: Callable[[np.ndarray], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    split: str,
    first_label: int,
) -> None:
    stored = [
        # As the files have them: column by column, and letters from 1.
        np.stack([image.T for image in array]) if array.ndim == 3 else array + np.uint8(first_label)
        for array in arrays
    ]
    members = {
        f"gzip/emnist-{split}-{part}-ubyte.gz": gzip.compress(idx_bytes(array))
        for part, array in zip(PARTS, stored, strict=True)
    }
    publish_emnist(members, tmp_path, monkeypatch)
    data = convvision.load_dataset(name, scale=None, data_home=tmp_path, download=False)
    train_images, train_labels, test_images, test_labels = arrays
    np.testing.assert_array_equal(data.train.images, train_images[..., np.newaxis])
    np.testing.assert_array_equal(data.train.labels, train_labels)
    np.testing.assert_array_equal(data.test.images, test_images[..., np.newaxis])
    np.testing.assert_array_equal(data.test.labels, test_labels)
    assert data.train.images.flags.c_contiguous
    assert data.train.labels.dtype == np.int64


def test_an_archive_that_lacks_a_member_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_emnist({}, tmp_path, monkeypatch)
    with pytest.raises(CorruptDataError, match=r"gzip\.zip lacks gzip/emnist-letters-train-images-idx3-ubyte\.gz, "):
        convvision.load_dataset("emnist_letters", data_home=tmp_path, download=False)


def test_emnist_classes_are_those_of_the_mapping_that_is_published() -> None:
    """emnist-balanced-mapping.txt maps 0 to 9, 10 to 35 and 36 to 46 to these characters."""
    names = convvision.get_dataset_info("emnist_balanced").class_names
    assert "".join(names) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
    assert "".join(convvision.get_dataset_info("emnist_letters").class_names) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def publish_kmnist(
    arrays: tuple[np.ndarray, ...],
    idx_bytes: Callable[[np.ndarray], bytes],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Path]:
    files, paths = [], []
    for file, array in zip(_kmnist._FILES, arrays, strict=True):
        content = gzip.compress(idx_bytes(array))
        files.append(dataclasses.replace(file, sha256=hashlib.sha256(content).hexdigest(), size=len(content)))
        paths.append(home / "kmnist" / file.name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(content)
    monkeypatch.setattr(_kmnist, "_FILES", tuple(files))
    return paths


def test_kmnist_is_read_as_it_is_served(
    arrays: tuple[np.ndarray, ...],
    idx_bytes: Callable[[np.ndarray], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train_images, train_labels, test_images, test_labels = arrays
    labels = train_labels % 10, test_labels % 10
    publish_kmnist((train_images, labels[0], test_images, labels[1]), idx_bytes, tmp_path, monkeypatch)
    data = convvision.load_dataset("kmnist", scale=None, data_home=tmp_path, download=False)
    np.testing.assert_array_equal(data.train.images[..., 0], train_images)
    np.testing.assert_array_equal(data.train.labels, labels[0])
    np.testing.assert_array_equal(data.test.images[..., 0], test_images)
    np.testing.assert_array_equal(data.test.labels, labels[1])


def test_a_kmnist_file_that_was_compressed_again_is_another_file(
    arrays: tuple[np.ndarray, ...],
    idx_bytes: Callable[[np.ndarray], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = publish_kmnist(arrays, idx_bytes, tmp_path, monkeypatch)[0]
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    with pytest.raises(CorruptDataError, match=r"train-images-idx3-ubyte\.gz as published: it (has|is cut)"):
        convvision.load_dataset("kmnist", data_home=tmp_path, download=False)


def test_a_page_in_place_of_a_file_that_lies_there_is_called_one(tmp_path: Path) -> None:
    for name in convvision.get_dataset_info("kmnist").files:
        path = tmp_path / "kmnist" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("<!DOCTYPE html>\n<html><title>Sign in</title>" + 100_000 * " ")
    with pytest.raises(CorruptDataError, match="is a web page that came instead of the file train-images") as caught:
        convvision.load_dataset("kmnist", data_home=tmp_path, download=False)
    assert str(caught.value).endswith("Delete it and load again.")
