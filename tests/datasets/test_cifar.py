"""CIFAR-10 and CIFAR-100: records put together by hand, in archives of the true layout."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import hypothesis.extra.numpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convvision
from convvision.datasets import _cifar10, _cifar100
from convvision.datasets._cifar import parse_cifar
from convvision.errors import CorruptDataError, DataNotFoundError


def records_of(images: np.ndarray, *labels: np.ndarray) -> bytes:
    """Put records together one byte after the other, by loops that know nothing of transposing."""
    out = bytearray()
    for number, image in enumerate(images):
        out.extend(int(column[number]) for column in labels)
        for channel in range(3):
            for row in image:
                out.extend(int(pixel[channel]) for pixel in row)
    return bytes(out)


def some_images(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)


def test_a_known_record_is_read() -> None:
    """A red first pixel, a green one to its right, a blue one below it."""
    payload = bytearray(1 + 3072)
    payload[0] = 7
    payload[1 + 0] = payload[1 + 1024 + 1] = payload[1 + 2048 + 32] = 255
    images, labels = parse_cifar(bytes(payload), label_count=1, num_classes=10, source="it")
    assert labels.tolist() == [7]
    assert images.shape == (1, 32, 32, 3)
    assert images[0, 0, 0].tolist() == [255, 0, 0]
    assert images[0, 0, 1].tolist() == [0, 255, 0]
    assert images[0, 1, 0].tolist() == [0, 0, 255]
    assert images.sum() == 3 * 255
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert images.flags.c_contiguous


@given(
    images=hypothesis.extra.numpy.arrays(np.uint8, st.tuples(st.integers(1, 3), *map(st.just, (32, 32, 3)))),
    label_count=st.integers(1, 2),
    data=st.data(),
)
@hypothesis.settings(max_examples=25)
def test_what_is_written_is_read(images: np.ndarray, label_count: int, data: st.DataObject) -> None:
    labels = data.draw(hypothesis.extra.numpy.arrays(np.uint8, (label_count, len(images)), elements=st.integers(0, 99)))
    read = parse_cifar(records_of(images, *labels), label_count=label_count, num_classes=100, source="it")
    np.testing.assert_array_equal(read.images, images)
    np.testing.assert_array_equal(read.labels, labels[-1])


@pytest.mark.parametrize("size", [0, 1, 3072, 3074, 2 * 3073 - 1])
def test_bytes_that_are_no_whole_records_are_refused(size: int) -> None:
    with pytest.raises(CorruptDataError, match=f"^it is no file of CIFAR records: .* 3073 bytes.* Received: {size} b"):
        parse_cifar(bytes(size), label_count=1, num_classes=10, source="it")


def test_a_label_that_is_none_is_refused_with_its_place() -> None:
    payload = records_of(some_images(3, 0), np.array([9, 10, 0]))
    with pytest.raises(
        CorruptDataError, match=r"it holds a label that is none: .* below 10\. Received: 10 in record 1"
    ):
        parse_cifar(payload, label_count=1, num_classes=10, source="it")


# The whole sets, in archives of the true layout


def archive_of(members: dict[str, bytes]) -> bytes:
    """Make a tar.gz with a folder, the members and a page, as the authors did."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        folder = tarfile.TarInfo(next(iter(members)).split("/")[0])
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in {f"{folder.name}/readme.html": b"<html>", **members}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def publish(module: object, archive: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the archive be the published one, and put it where it belongs."""
    facts = {"sha256": hashlib.sha256(archive).hexdigest(), "size": len(archive)}
    monkeypatch.setattr(module, "_FILE", dataclasses.replace(module._FILE, **facts))
    folder.mkdir(parents=True)
    path = folder / module._FILE.name
    path.write_bytes(archive)
    return path


def test_cifar10_joins_its_five_batches_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, test_images = some_images(10, 0), some_images(4, 1)
    labels, test_labels = np.arange(10), np.array([3, 1, 4, 1])
    members = {"cifar-10-batches-bin/test_batch.bin": records_of(test_images, test_labels)}
    # Not in the order in which they are asked for.
    for number in (4, 2, 5, 1, 3):
        batch = slice(2 * number - 2, 2 * number)
        members[f"cifar-10-batches-bin/data_batch_{number}.bin"] = records_of(images[batch], labels[batch])
    publish(_cifar10, archive_of(members), tmp_path / "cifar10", monkeypatch)
    data = convvision.load_dataset("cifar10", scale=None, data_home=tmp_path, download=False)
    np.testing.assert_array_equal(data.train.images, images)
    np.testing.assert_array_equal(data.train.labels, labels)
    np.testing.assert_array_equal(data.test.images, test_images)
    np.testing.assert_array_equal(data.test.labels, test_labels)


def test_cifar100_has_the_fine_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, coarse, fine = some_images(6, 0), np.array([4, 1, 0, 19, 3, 2]), np.array([0, 99, 50, 7, 8, 9])
    members = {
        "cifar-100-binary/train.bin": records_of(images[:4], coarse[:4], fine[:4]),
        "cifar-100-binary/test.bin": records_of(images[4:], coarse[4:], fine[4:]),
    }
    publish(_cifar100, archive_of(members), tmp_path / "cifar100", monkeypatch)
    data = convvision.load_dataset("cifar100", scale=None, data_home=tmp_path, download=False)
    np.testing.assert_array_equal(data.train.images, images[:4])
    np.testing.assert_array_equal(data.train.labels, fine[:4])
    np.testing.assert_array_equal(data.test.labels, fine[4:])
    assert data.info.class_names[data.train.labels[1]] == "worm"


def test_an_archive_with_one_changed_byte_is_refused_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = publish(_cifar10, archive_of({"x/y": b"z"}), tmp_path / "cifar10", monkeypatch)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(
        CorruptDataError, match=r"cifar-10-binary\.tar\.gz as published: it has another SHA-256"
    ) as caught:
        convvision.load_dataset("cifar10", data_home=tmp_path, download=False)
    assert str(caught.value).endswith("Delete it and load again.")


def test_a_missing_archive_is_named_with_its_place_its_hash_and_its_source(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError) as caught:
        convvision.load_dataset("cifar10", data_home=tmp_path, download=False)
    file = _cifar10._FILE
    assert (
        f"  {tmp_path / 'cifar10' / 'cifar-10-binary.tar.gz'}, SHA-256 {file.sha256}, from {file.mirrors[0]}"
        in str(caught.value).splitlines()
    )
