"""Folders of image files, tidy and untidy."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import check_dataset, from_folder, write_idx
from convvision.datasets._open import open_data
from convvision.errors import CorruptDataError, DataNotFoundError, DataWarning, InputError


def save(path: Path, value: int, *, size: tuple[int, int] = (10, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, np.uint8)).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Ten dark cats and ten light dogs."""
    for number in range(10):
        save(tmp_path / "animals" / "cat" / f"{number}.png", 40)
        save(tmp_path / "animals" / "dog" / f"{number}.png", 200)
    return tmp_path / "animals"


def test_class_folders_become_classes_in_alphabetical_order(animals: Path) -> None:
    data = from_folder(animals, image_size=(10, 10), scale=None)
    assert data.info.class_names == ("cat", "dog")
    assert data.info.name == "animals"
    for images, labels in (data.train, data.test):
        assert images.shape[1:] == (10, 10, 1)
        assert np.array_equal(images[:, 0, 0, 0], np.where(labels == 0, 40, 200))


def test_test_split_takes_its_part_of_each_class(animals: Path) -> None:
    data = from_folder(animals, test_split=0.3)
    assert np.bincount(data.test.labels).tolist() == [3, 3]
    assert len(data.train) == 14


def test_train_and_test_folders_are_kept_apart(tmp_path: Path) -> None:
    for part, value in (("train", 10), ("test", 90)):
        for name in ("a", "b"):
            save(tmp_path / part / name / "1.png", value)
    data = from_folder(tmp_path, scale=None)
    assert set(np.unique(data.train.images)) == {10}
    assert set(np.unique(data.test.images)) == {90}


@pytest.mark.parametrize("kept_apart", [False, True], ids=["split", "folders"])
def test_each_image_has_the_path_of_its_file(tmp_path: Path, kept_apart: bool) -> None:
    for part in ("train", "test") if kept_apart else ("",):
        for name in ("a", "b"):
            for number in range(10):
                save(tmp_path / part / name / f"{number}.png", 10 * number + (part == "test") + 2 * (name == "b"))
    (tmp_path / part / "a" / "5.png").write_text("no picture")
    with pytest.warns(DataWarning, match="1 file was skipped"):
        data = from_folder(tmp_path, image_size=(10, 10), scale=None, validation_split=0.3, on_error="skip")
    assert set(data.parts) == {"train", "validation", "test"}
    for split in data.parts.values():
        assert len(split.paths) == len(split) > 0
        for image, path in zip(split.images, split.paths, strict=True):
            assert image[0, 0, 0] == np.asarray(Image.open(path))[0, 0]


def test_a_class_that_test_alone_has_is_named(tmp_path: Path) -> None:
    for part, name in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "c")):
        save(tmp_path / part / name / "1.png", 1)
    with pytest.raises(InputError, match="Received: b, c in one of them only"):
        from_folder(tmp_path)


def test_colour_is_kept_on_request(tmp_path: Path) -> None:
    for name, colour in (("red", (250, 0, 0)), ("blue", (0, 0, 250))):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("RGB", (6, 6), colour).save(tmp_path / name / f"{number}.bmp")
    data = from_folder(tmp_path, image_size=(6, 6), color_mode="rgb", scale=None)
    blue = data.train.images[data.train.labels == 0]
    assert (blue == (0, 0, 250)).all()


def test_files_are_resized(animals: Path) -> None:
    save(animals / "cat" / "large.PNG", 40, size=(300, 200))
    assert from_folder(animals, image_size=(7, 9)).train.images.shape[1:] == (7, 9, 1)


def test_hidden_foreign_and_nested_files(animals: Path) -> None:
    (animals / ".git").mkdir()
    (animals / "__MACOSX").mkdir()
    (animals / "cat" / ".DS_Store").write_bytes(b"x")
    (animals / "cat" / "notes.txt").write_text("not an image")
    save(animals / "dog" / "puppies" / "11.JPG", 200)
    data = from_folder(animals)
    assert data.info.class_names == ("cat", "dog")
    assert len(data.train) + len(data.test) == 21


def test_links_in_a_circle_end(animals: Path) -> None:
    (animals / "cat" / "again").symlink_to(animals, target_is_directory=True)
    data = from_folder(animals)
    assert len(data.train) + len(data.test) == 20


def test_a_link_to_nowhere_is_named(animals: Path) -> None:
    (animals / "cat" / "gone.png").symlink_to(animals / "nowhere.png")
    with pytest.raises(DataNotFoundError, match=r"There is no image file .*gone\.png"):
        from_folder(animals)
    with pytest.warns(DataWarning, match=r"(?s)1 file was skipped in .*gone\.png"):
        assert len(from_folder(animals, on_error="skip").train) == 16


def test_system_files_are_passed_over(animals: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"):
        (animals / "cat" / name).write_bytes(b"x")
        (animals / name).write_bytes(b"x")
    (animals / "cat" / "__MACOSX").mkdir()
    (animals / "cat" / "__MACOSX" / "1.png").write_bytes(b"x")
    data = from_folder(animals)
    assert len(data.train) + len(data.test) == 20


def test_a_folder_that_may_not_be_read_is_named(animals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads every folder, so the system's answer is played."""
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("dog"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataNotFoundError, match=r"dog cannot be read: Permission denied\. Change its permissions"):
        from_folder(animals)


def test_large_files_are_read_by_threads_in_the_same_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        for number in range(50):
            pixels = rng.integers(0, 256, (80, 80), np.uint8)
            pixels[:8, :8] = number
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / name / f"{number:02}.png")
    for part in (tmp_path / "a", tmp_path / "b"):
        assert min(path.stat().st_size for path in part.iterdir()) > 4096
    data = from_folder(tmp_path, image_size=(80, 80), scale=None, test_split=0.02)
    for label in (0, 1):
        numbers = data.train.images[data.train.labels == label][:, 0, 0, 0]
        assert (np.diff(numbers.astype(int)) > 0).all()


def test_aspect_is_that_of_the_pictures(tmp_path: Path) -> None:
    for name, value in (("a", 100), ("b", 200)):
        for number in range(5):
            save(tmp_path / name / f"{number}.png", value, size=(10, 20))
    padded = from_folder(tmp_path, image_size=(20, 20), aspect="pad", scale=None)
    assert padded.aspect == "pad"
    assert not padded.train.images[:, :5].any()
    assert (padded.train.images[:, 5:15] >= 100).all()
    assert (from_folder(tmp_path, image_size=(20, 20), scale=None).train.images >= 100).all()


def test_class_names_in_chinese(tmp_path: Path) -> None:
    for name in ("衬衫", "裤子"):
        for number in range(5):
            save(tmp_path / name / f"{number}.png", 9)
    assert set(from_folder(tmp_path).info.class_names) == {"衬衫", "裤子"}


def test_a_file_that_lies_is_named(animals: Path) -> None:
    (animals / "dog" / "lies.png").write_text("no picture")
    with pytest.raises(CorruptDataError, match=r"dog/lies\.png cannot be read as an image.*on_error='skip'\) leaves"):
        from_folder(animals)


def test_skipped_files_are_counted_and_listed(animals: Path) -> None:
    for number in range(12):
        (animals / "dog" / f"lies{number:02}.png").write_text("no picture")
    with pytest.warns(DataWarning, match=r"12 files were skipped in .*animals") as caught:
        data = from_folder(animals, on_error="skip")
    assert len(data.train) + len(data.test) == 20
    assert "lies00.png" in str(caught[0].message)
    assert "and 2 more" in str(caught[0].message)


def test_a_folder_of_which_nothing_can_be_read_is_said_with_its_files(animals: Path) -> None:
    for path in animals.rglob("*.*"):
        path.write_text("no picture")
    for load in (lambda: from_folder(animals, on_error="skip"), lambda: check_dataset(animals)):
        with pytest.raises(
            CorruptDataError, match=r"^None of the \d+ files in .*animals can be read:\n  .*cat.*none of PNG"
        ):
            load()


def test_nothing_is_warned_of_when_all_is_well(animals: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_folder(animals, on_error="skip")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "Received: 0 image files and no folders"),
        (lambda root: save(root / "1.png", 1), "Received: 1 image files and no folders"),
        (lambda root: save(root / "cat" / "1.png", 1), "Received: one folder, 'cat'"),
        (lambda root: [save(root / "cat" / "1.png", 1), (root / "empty").mkdir()], "none in .*empty"),
    ],
    ids=["nothing", "loose files", "one class", "an empty class"],
)
def test_folders_that_are_no_data_set(tmp_path: Path, make: object, said: str) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError, match=said):
        from_folder(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="There is no folder"):
        from_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "option", [{"color_mode": "rgba"}, {"aspect": "fill"}, {"on_error": "ignore"}, {"image_size": (0, 28)}]
)
def test_options_that_cannot_be(animals: Path, option: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Received: "):
        from_folder(animals, **option)  # type: ignore[arg-type]


@pytest.mark.parametrize("option", [{"test_split": 1.5}, {"validation_split": -1}, {"scale": "percent"}])
def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path: Path, option: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Received: "):
        from_folder(tmp_path / "nowhere", **option)  # type: ignore[arg-type]


def test_open_data_tells_image_folders_from_idx_folders(animals: Path, tmp_path: Path) -> None:
    assert open_data(animals).info.class_names == ("cat", "dog")
    (tmp_path / "idx").mkdir()
    write_idx(tmp_path / "idx" / "train-images-idx3-ubyte", np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(DataNotFoundError, match=r"train-labels\*"):
        open_data(tmp_path / "idx")
    with pytest.raises(InputError, match="from_arrays makes a Dataset"):
        open_data((np.zeros(3), np.zeros(3)))  # type: ignore[arg-type]
