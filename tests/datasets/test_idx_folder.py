"""Folders of IDX files, in every published spelling."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convvision.datasets import from_arrays, from_idx
from convvision.datasets._open import open_data
from convvision.errors import CorruptDataError, DataNotFoundError, InputError, LabelError, ValueRangeError

# Three classes; every pixel of image i is i.
LABELS = np.random.default_rng(2).permutation(np.repeat([0, 1, 2], (20, 10, 10)))
IMAGES = np.repeat(np.arange(40, dtype=np.uint8), 6 * 5).reshape(40, 6, 5, 1)
TEST_IMAGES = np.full((4, 6, 5, 1), 200, np.uint8)
TEST_LABELS = np.array([0, 1, 2, 2])


@pytest.fixture
def folder(tmp_path: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> Path:
    """Four files named as MNIST's, two of them compressed."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[..., 0]))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(LABELS.astype(np.uint8))))
    (folder / "t10k-images.idx").write_bytes(gzip.compress(idx_bytes(TEST_IMAGES[..., 0])))
    (folder / "t10k-labels").write_bytes(idx_bytes(TEST_LABELS.astype(np.int32)))
    (folder / "README.txt").write_text("Shapes.")
    return folder


def test_a_folder_of_idx_files_is_read(folder: Path) -> None:
    data = from_idx(folder, scale=None)
    np.testing.assert_array_equal(data.train.images, IMAGES)
    np.testing.assert_array_equal(data.train.labels, LABELS)
    np.testing.assert_array_equal(data.test.images, TEST_IMAGES)
    np.testing.assert_array_equal(data.test.labels, TEST_LABELS)
    assert data.info.name == "shapes"


def test_the_name_of_a_relative_folder_is_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert from_idx(".").info.name == "shapes"


def test_options_are_those_of_from_arrays(folder: Path) -> None:
    data = from_idx(str(folder), class_names=["a", "b", "c"], scale="standard", validation_split=0.5, seed=3)
    same = from_arrays(
        IMAGES, LABELS, TEST_IMAGES, TEST_LABELS,
        class_names=["a", "b", "c"], scale="standard", validation_split=0.5, seed=3,
    )  # fmt: skip
    assert data.fingerprint == same.fingerprint
    assert data.info.class_names == ("a", "b", "c")


def test_colour_images_have_a_fourth_axis(tmp_path: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> None:
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images").write_bytes(idx_bytes(np.zeros((2, 4, 4, 3), np.uint8)))
        (tmp_path / f"{part}-labels").write_bytes(idx_bytes(np.array([0, 1], np.uint8)))
    assert from_idx(tmp_path).info.image_shape == (4, 4, 3)


@pytest.mark.parametrize("stem", ["train-images", "train-labels", "t10k-images", "t10k-labels"])
def test_a_missing_file_is_named(folder: Path, stem: str) -> None:
    next(folder.glob(f"{stem}*")).unlink()
    with pytest.raises(
        DataNotFoundError, match=rf"Expected exactly one file named \*{stem}\*.* in .*shapes\. Received: \[\]"
    ):
        from_idx(folder)


def test_two_files_that_would_do_are_named(folder: Path) -> None:
    (folder / "train-images.gz").touch()
    with pytest.raises(DataNotFoundError, match=r"'train-images-idx3-ubyte', 'train-images\.gz'\]\. Say by prefix"):
        from_idx(folder)


def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"named \*train-images\* in .*nowhere\. Received: \[\]"):
        from_idx(tmp_path / "nowhere")


def test_a_folder_with_the_name_of_a_file_is_refused(folder: Path) -> None:
    (folder / "t10k-labels").unlink()
    (folder / "t10k-labels").mkdir()
    with pytest.raises(DataNotFoundError, match=r"There is no IDX file .*t10k-labels"):
        from_idx(folder)


def test_a_cut_file_is_named(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptDataError, match="train-images-idx3-ubyte is cut short"):
        from_idx(folder)


def test_swapped_images_and_labels_are_refused(folder: Path) -> None:
    images, labels = folder / "t10k-images.idx", folder / "t10k-labels"
    images_bytes = images.read_bytes()
    images.write_bytes(labels.read_bytes())
    labels.write_bytes(images_bytes)
    with pytest.raises(InputError, match="Received: "):
        from_idx(folder)


def test_images_of_another_type_are_refused(folder: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> None:
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[..., 0].astype(np.float32)))
    with pytest.raises(ValueRangeError, match="Received: dtype float32 with values from 0 to 39"):
        from_idx(folder)


@pytest.mark.parametrize(
    "names",
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        (
            "emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte",
            "emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte",
        ),
    ],
    ids=["as published", "as some programs unpack them", "EMNIST"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_every_published_spelling(
    tmp_path: Path, idx_bytes: Callable[[np.ndarray], bytes], names: tuple[str, ...], ending: str
) -> None:
    arrays = (IMAGES[..., 0], LABELS.astype(np.uint8), TEST_IMAGES[..., 0], TEST_LABELS.astype(np.uint8))
    for name, array in zip(names, arrays, strict=True):
        payload = idx_bytes(array)
        (tmp_path / f"{name}{ending}").write_bytes(gzip.compress(payload) if ending else payload)
    for data in (from_idx(tmp_path, scale=None), open_data(tmp_path, scale=None)):
        np.testing.assert_array_equal(data.train.images, IMAGES)
        np.testing.assert_array_equal(data.test.labels, TEST_LABELS)


def test_transposed_images_are_turned_back(tmp_path: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 2), np.uint8)
    for rank, stored in ((3, images[..., 0]), (4, images[..., :1])):
        folder = tmp_path / str(rank)
        folder.mkdir()
        for part in ("train", "test"):
            turned = np.stack([image.swapaxes(0, 1) for image in stored])
            (folder / f"{part}-images").write_bytes(idx_bytes(turned))
            (folder / f"{part}-labels").write_bytes(idx_bytes(np.array([0, 1, 0], np.uint8)))
        np.testing.assert_array_equal(from_idx(folder, scale=None, transpose=True).train.images, images[..., :1])


def test_a_prefix_chooses_among_several_sets(tmp_path: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> None:
    for number, prefix in enumerate(("emnist-digits", "emnist-letters")):
        for part in ("train", "test"):
            (tmp_path / f"{prefix}-{part}-images").write_bytes(idx_bytes(np.full((2, 4, 4), number, np.uint8)))
            (tmp_path / f"{prefix}-{part}-labels").write_bytes(idx_bytes(np.array([0, 1], np.uint8)))
    with pytest.raises(DataNotFoundError, match="Say by prefix which set is meant"):
        from_idx(tmp_path)
    data = from_idx(tmp_path, prefix="emnist-letters", scale=None)
    assert data.info.name == "emnist-letters"
    assert (data.train.images == 1).all()


@pytest.fixture
def from_one(folder: Path, idx_bytes: Callable[[np.ndarray], bytes]) -> Path:
    """The same folder, with the labels 1, 2 and 3, as EMNIST's letters have 1 to 26."""
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(idx_bytes(LABELS.astype(np.uint8) + 1))
    (folder / "t10k-labels").write_bytes(idx_bytes(TEST_LABELS.astype(np.int32) + 1))
    return folder


@pytest.mark.parametrize(("given", "names"), [(None, ("1", "2", "3")), (["a", "b", "c"], ("a", "b", "c"))])
def test_labels_that_count_from_1_make_no_empty_class(
    from_one: Path, given: list[str] | None, names: tuple[str, ...]
) -> None:
    data = from_idx(from_one, class_names=given)
    assert data.info.class_names == names
    np.testing.assert_array_equal(data.train.labels, LABELS)
    np.testing.assert_array_equal(data.test.labels, TEST_LABELS)


def test_labels_that_a_name_for_0_was_given_for_stay(from_one: Path) -> None:
    data = from_idx(from_one, class_names=["none", "a", "b", "c"])
    np.testing.assert_array_equal(data.train.labels, LABELS + 1)


def test_a_part_alone_that_lacks_label_0_is_left_as_it_is(
    folder: Path, idx_bytes: Callable[[np.ndarray], bytes]
) -> None:
    (folder / "t10k-labels").write_bytes(idx_bytes(np.array([1, 1, 2, 2], np.uint8)))
    data = from_idx(folder)
    np.testing.assert_array_equal(data.test.labels, [1, 1, 2, 2])
    np.testing.assert_array_equal(data.train.labels, LABELS)


def test_too_few_names_for_labels_from_1_are_refused(from_one: Path) -> None:
    with pytest.raises(LabelError, match=r"class indices from 0 to 1\. Received: [23] at position"):
        from_idx(from_one, class_names=["a", "b"])
