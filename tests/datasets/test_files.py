"""Published files: where they are looked for, in which guises they are good, and why they are refused."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convvision
from convvision.datasets import get_data_home
from convvision.datasets._data_file import DataFile
from convvision.datasets._files import fetch, load_idx_splits
from convvision.errors import CorruptDataError, DataNotFoundError

TRAIN_IMAGES = "train-images-idx3-ubyte"
NAMES = (TRAIN_IMAGES, "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def load(published: Any, folder: Path) -> list[np.ndarray]:
    """Load the four arrays without the network."""
    train, test = load_idx_splits(published.files, folder, download=False)
    return [*train, *test]


def assert_as_published(arrays: list[np.ndarray], published: Any) -> None:
    for loaded, name in zip(arrays, ("train_images", "train_labels", "test_images", "test_labels"), strict=True):
        expected = getattr(published, name)
        np.testing.assert_array_equal(loaded, expected[..., np.newaxis] if expected.ndim == 3 else expected)


# In which guises a file is good


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_files_are_good_raw_and_compressed(published: Any, tmp_path: Path, compress: bool) -> None:
    published.write(tmp_path, compress=compress)
    arrays = load(published, tmp_path)
    assert_as_published(arrays, published)
    assert [array.dtype for array in arrays] == [np.uint8, np.int64, np.uint8, np.int64]


@pytest.mark.parametrize(
    "recompress",
    [
        lambda payload: gzip.compress(payload, compresslevel=0),
        lambda payload: gzip.compress(payload, mtime=12345),
        lambda payload: gzip.compress(payload[:1000]) + gzip.compress(payload[1000:]),
    ],
    ids=["another level", "another time", "two members"],
)
def test_files_that_another_tool_compressed_are_good(
    published: Any, tmp_path: Path, recompress: Callable[[bytes], bytes]
) -> None:
    published.write(tmp_path)
    for name, payload in published.payloads.items():
        again = recompress(payload)
        assert again != (tmp_path / f"{name}.gz").read_bytes()
        (tmp_path / f"{name}.gz").write_bytes(again)
    assert_as_published(load(published, tmp_path), published)


def test_a_raw_file_comes_before_a_compressed_one(published: Any, tmp_path: Path) -> None:
    published.write(tmp_path, compress=False)
    for name in NAMES:
        (tmp_path / f"{name}.gz").write_bytes(b"never read")
    assert_as_published(load(published, tmp_path), published)


# Why a file is refused


def damage(published: Any, folder: Path, name: str, change: Callable[[bytes], bytes], *, compress: bool) -> Path:
    """Write all files, one of them with another payload, and return that one's path."""
    published.write(folder, compress=compress)
    path = folder / (f"{name}.gz" if compress else name)
    payload = change(published.payloads[name])
    path.write_bytes(gzip.compress(payload) if compress else payload)
    return path


def one_pixel(payload: bytes) -> bytes:
    return payload[:500] + bytes([payload[500] ^ 1]) + payload[501:]


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_one_changed_pixel_is_refused_with_the_likely_reason(published: Any, tmp_path: Path, compress: bool) -> None:
    path = damage(published, tmp_path, TRAIN_IMAGES, one_pixel, compress=compress)
    with pytest.raises(CorruptDataError) as caught:
        load(published, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path} is not {TRAIN_IMAGES} as published: its payload has another SHA-256")
    assert published.files[0].sha256 in message
    assert "Fashion-MNIST from before 31 August 2017 has other images" in message
    assert message.endswith("Delete it and load again.")


def test_a_changed_pixel_of_another_data_set_has_no_such_reason(published: Any, tmp_path: Path) -> None:
    path = damage(published, tmp_path, TRAIN_IMAGES, one_pixel, compress=True)
    plain = DataFile(TRAIN_IMAGES, published.files[0].sha256, published.files[0].size, ())
    with pytest.raises(CorruptDataError, match="its payload has another SHA-256") as caught:
        plain.read(path)
    assert "2017" not in str(caught.value)


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_a_shorter_payload_says_so(published: Any, tmp_path: Path, compress: bool) -> None:
    damage(published, tmp_path, TRAIN_IMAGES, lambda payload: payload[:-1], compress=compress)
    size = published.files[0].size
    with pytest.raises(CorruptDataError, match=f"it is cut short at {size - 1} of {size} bytes") as caught:
        load(published, tmp_path)
    assert "2017" not in str(caught.value)


def test_an_empty_file_is_cut_short(published: Any, tmp_path: Path) -> None:
    damage(published, tmp_path, TRAIN_IMAGES, lambda payload: b"", compress=False)
    with pytest.raises(CorruptDataError, match="it is cut short at 0 of"):
        load(published, tmp_path)


def test_a_cut_gzip_file_says_so(published: Any, tmp_path: Path) -> None:
    published.write(tmp_path)
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        CorruptDataError, match=r"train-images.*\.gz is a broken gzip file: .* ended before.* Delete it and load again"
    ):
        load(published, tmp_path)


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_a_page_in_place_of_a_file_is_called_one_whatever_its_length(
    published: Any, tmp_path: Path, compress: bool
) -> None:
    # Of a page in gzip, no more is unpacked than the file may have.
    for length in (0,) if compress else (0, 1_000_000):
        page = b"\n <!doctype HTML><title>Sign in</title>" + bytes(length)
        path = damage(published, tmp_path, TRAIN_IMAGES, lambda payload, page=page: page, compress=compress)
        with pytest.raises(CorruptDataError) as caught:
            load(published, tmp_path)
        assert str(caught.value) == (
            f"{path} is a web page that came instead of the file {TRAIN_IMAGES}: the login page of a network, perhaps, "
            f"or the error page of a mirror. Delete it and load again."
        )


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_a_longer_payload_is_refused(published: Any, tmp_path: Path, compress: bool) -> None:
    damage(published, tmp_path, TRAIN_IMAGES, lambda payload: payload + b"\0", compress=compress)
    with pytest.raises(CorruptDataError, match=f"holds more than the {published.files[0].size} bytes"):
        load(published, tmp_path)


def test_swapped_files_are_refused(published: Any, tmp_path: Path) -> None:
    published.write(tmp_path)
    shutil.copy(tmp_path / "t10k-labels-idx1-ubyte.gz", tmp_path / "train-labels-idx1-ubyte.gz")
    with pytest.raises(CorruptDataError, match="train-labels-idx1-ubyte as published: it is cut short"):
        load(published, tmp_path)


def test_a_refused_file_is_left_where_it_is(published: Any, tmp_path: Path) -> None:
    path = damage(published, tmp_path, TRAIN_IMAGES, one_pixel, compress=True)
    before = path.read_bytes()
    with pytest.raises(CorruptDataError):
        load(published, tmp_path)
    assert path.read_bytes() == before


# What is missing


def test_every_missing_file_is_named_with_its_place_and_its_origin(published: Any, tmp_path: Path) -> None:
    folder = published.write(tmp_path / "fashion_mnist", without=(NAMES[1], NAMES[3]))
    with pytest.raises(DataNotFoundError) as caught:
        fetch(published.files, folder, download=False)
    first, *listed = str(caught.value).splitlines()
    assert first == (
        f"Expected 4 data files in {folder}; 2 are missing, and download=False. "
        f"Put these there, or set CONVVISION_DATA_HOME to the folder that holds fashion_mnist/:"
    )
    assert listed == [
        f"  {folder / file.name}.gz (or without .gz), SHA-256 of the uncompressed bytes {file.sha256}, "
        f"from http://127.0.0.1:9/{file.name}.gz"
        for file in (published.files[1], published.files[3])
    ]


def test_looking_for_files_makes_no_folder(published: Any, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="4 are missing"):
        fetch(published.files, tmp_path / "home" / "fashion_mnist", download=False)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_place_of_a_file_is_no_file(published: Any, tmp_path: Path) -> None:
    published.write(tmp_path, without=(TRAIN_IMAGES,))
    (tmp_path / TRAIN_IMAGES).mkdir()
    with pytest.raises(DataNotFoundError, match="1 are missing"):
        load(published, tmp_path)


# Where files are looked for


def test_an_argument_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(tmp_path / "environment"))
    assert get_data_home(tmp_path / "argument") == tmp_path / "argument"
    assert get_data_home(str(tmp_path / "argument")) == tmp_path / "argument"


def test_the_environment_comes_before_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(tmp_path / "environment"))
    assert get_data_home() == tmp_path / "environment"


@pytest.mark.skipif(sys.platform != "linux", reason="The cache folder is elsewhere on other systems.")
@pytest.mark.parametrize("environment", [None, ""], ids=["not set", "empty"])
def test_the_cache_folder_is_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str | None) -> None:
    if environment is not None:
        monkeypatch.setenv("CONVVISION_DATA_HOME", environment)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert get_data_home() == tmp_path / "cache" / "convvision"
    assert not list(tmp_path.iterdir())


def test_a_tilde_stands_for_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert get_data_home("~/data") == tmp_path / "data"
    monkeypatch.setenv("CONVVISION_DATA_HOME", "~/elsewhere")
    assert get_data_home() == tmp_path / "elsewhere"


@pytest.mark.usefixtures("small_fashion_mnist")
def test_load_dataset_looks_in_the_same_order(published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the folder that should be read holds good files."""
    for home in ("argument", "environment", "cache/convvision"):
        damage(published, tmp_path / home / "fashion_mnist", TRAIN_IMAGES, lambda payload: b"", compress=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def assert_read_from(home: str, **options: object) -> None:
        whole = published.payloads[TRAIN_IMAGES]
        path = tmp_path / home / "fashion_mnist" / TRAIN_IMAGES
        path.write_bytes(whole)
        assert len(convvision.load_dataset("fashion_mnist", download=False, **options).train) == 30
        path.write_bytes(b"")

    if sys.platform == "linux":
        assert_read_from("cache/convvision")
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(tmp_path / "environment"))
    assert_read_from("environment")
    assert_read_from("argument", data_home=tmp_path / "argument")


def test_files_at_hand_are_loaded_without_requests(published: Any, tmp_path: Path) -> None:
    """It takes a tenth of a second to import, which is only worth it where something is downloaded."""
    script = (
        "import sys; from convvision.datasets import load_dataset, _fashion_mnist\n"
        "from convvision.datasets._data_file import DataFile\n"
        f"_fashion_mnist._FILES = {published.files!r}\n"
        "load_dataset('fashion_mnist')\n"
        "print(sorted({'requests', 'rich', 'tensorflow', 'keras', 'PIL', 'matplotlib'} & set(sys.modules)))"
    )
    published.write(tmp_path / "fashion_mnist")
    environment = os.environ | {"CONVVISION_DATA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
