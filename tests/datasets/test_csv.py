"""CSV files of a row an image, in Kaggle's form and near it."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convvision.datasets import from_csv
from convvision.datasets._open import open_data
from convvision.errors import ConvvisionError, CorruptDataError, DataNotFoundError, InputError, LabelError

LABELS = np.arange(30) % 3
IMAGES = np.random.default_rng(0).integers(0, 256, (30, 3, 3, 1), np.uint8)


def text(labels: Any = LABELS, images: np.ndarray = IMAGES, *, header: str | None = "kaggle") -> str:
    """Write rows by hand: the label, then the pixels."""
    rows = [",".join(map(str, [label, *image.ravel()])) for label, image in zip(labels, images, strict=True)]
    pixels = images[0].size
    named = [",".join(["label", *(f"pixel{number}" for number in range(pixels))])] if header else []
    return "\n".join([*named, *rows]) + "\n"


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def assert_is_all(data: Any) -> None:
    """The two parts are the 30 images with their labels, in some order."""
    images = np.concatenate([data.train.images, data.test.images])
    labels = np.concatenate([data.train.labels, data.test.labels])
    found = sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))
    assert found == sorted((image.tobytes(), int(label)) for image, label in zip(IMAGES, LABELS, strict=True))


@pytest.mark.parametrize("header", ["kaggle", None])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_kaggles_form(tmp_path: Path, header: str | None, ending: str) -> None:
    path = tmp_path / "digits.csv"
    path.write_text(text(header=header), newline=ending)
    data = from_csv(path, scale=None)
    assert_is_all(data)
    assert (len(data.train), len(data.test)) == (24, 6)
    assert data.info.class_names == ("0", "1", "2")
    assert data.info.name == "digits"
    assert data.location == str(path)


def test_compressed_with_a_byte_order_mark_and_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress(("\ufeff" + text().replace("\n", "\n\n") + "  \n").encode()))
    assert_is_all(from_csv(path, scale=None))
    assert from_csv(path).info.name == "digits"


def test_a_pair_of_files_is_kept_apart_and_agrees_about_classes(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", text(LABELS + 1))
    test = write(tmp_path / "test.csv", text([3, 9], IMAGES[:2]))
    data = from_csv(train, test, scale=None)
    np.testing.assert_array_equal(data.train.images, IMAGES)
    np.testing.assert_array_equal(data.test.images, IMAGES[:2])
    assert data.info.class_names == ("1", "2", "3", "9")
    assert data.test.labels.tolist() == [2, 3]


@pytest.mark.parametrize(("position", "column"), [(4, "kind"), (9, -1), (9, 9)])
def test_the_label_may_stand_anywhere(tmp_path: Path, position: int, column: str | int) -> None:
    names = [f"p{number}" for number in range(9)]
    names.insert(position, "kind")
    rows = [names]
    for label, image in zip(LABELS, IMAGES, strict=True):
        row = list(map(str, image.ravel()))
        row.insert(position, str(label))
        rows.append(row)
    path = write(tmp_path / "digits.csv", "\n".join(map(",".join, rows)))
    assert_is_all(from_csv(path, label_column=column, scale=None))


def test_labels_may_be_names(tmp_path: Path) -> None:
    names = np.array(["dress", "bag, large", "鞋"])
    path = write(tmp_path / "clothes.csv", text([f'"{name}"' for name in names[LABELS]]))
    data = from_csv(path)
    assert data.info.class_names == ("bag, large", "dress", "鞋")
    assert data.train.labels.shape == (24,)


def test_numbers_are_in_numerical_order(tmp_path: Path) -> None:
    path = write(tmp_path / "digits.csv", text(np.array([2, 10, 9])[LABELS]))
    assert from_csv(path).info.class_names == ("2", "9", "10")


def test_class_names_are_given_to_indices(tmp_path: Path) -> None:
    path = write(tmp_path / "digits.csv", text())
    assert from_csv(path, class_names=["a", "b", "c", "d"]).info.class_names == ("a", "b", "c", "d")
    with pytest.raises(LabelError, match=r"from 0 to 1\. Received: 2"):
        from_csv(path, class_names=["a", "b"])


def test_a_header_of_numbers_is_a_header(tmp_path: Path) -> None:
    """As pandas writes a frame whose columns have no names."""
    path = write(tmp_path / "digits.csv", "label,0,1,2,3\n" + "1,9,9,9,9\n2,8,8,8,8\n" * 5)
    data = from_csv(path, scale=None)
    assert len(data.train) + len(data.test) == 10


def test_colour_and_oblong_images_need_their_shape(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (10, 2, 3, 3), np.uint8)
    path = write(tmp_path / "colour.csv", text(np.arange(10) % 2, images))
    data = from_csv(path, path, image_shape=(2, 3, 3), scale=None)
    np.testing.assert_array_equal(data.train.images, images)
    with pytest.raises(InputError, match=r"Received: 18 columns beside the label in .*Say image_shape="):
        from_csv(path)
    with pytest.raises(InputError, match=r"Images of shape \(3, 3, 1\) have 9 pixels\. Received: 18 columns"):
        from_csv(path, image_shape=(3, 3, 1))


def test_more_rows_than_are_parsed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convvision.datasets._csv_file._ROWS", 7)
    assert_is_all(from_csv(write(tmp_path / "digits.csv", text()), scale=None))
    lines = text().splitlines()
    lines[19] = lines[19].replace(",", ",x", 1)
    with pytest.raises(CorruptDataError, match=r"digits\.csv, line 20: A pixel is a whole number"):
        from_csv(write(tmp_path / "digits.csv", "\n".join(lines)))


# Files that lie


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,1,2,3,256", "line 5: A pixel is a whole number from 0 to 255. Received: '256' in column 5"),
        ("1,1,-2,3,4", "line 5: A pixel is a whole number from 0 to 255. Received: '-2' in column 3"),
        ("1,1,2.5,3,4", "line 5: A pixel is a whole number from 0 to 255. Received: '2.5' in column 3"),
        ("1,1,,3,4", "line 5: A pixel is a whole number from 0 to 255. Received: '' in column 3"),
        ("1,1,nan,3,4", "line 5: A pixel is a whole number from 0 to 255. Received: 'nan' in column 3"),
        ("1,1,2,3", "line 5: Expected 5 columns, as in the first row. Received: 4"),
        ("1,1,2,3,4,5", "line 5: Expected 5 columns, as in the first row. Received: 6"),
        (",1,2,3,4", "line 5: A label has from 1 to 63 characters. Received: none"),
        ("x" * 70 + ",1,2,3,4", "line 5: A label has from 1 to 63 characters. Received: more"),
        ('"1,1,2,3,4', "line 5: Expected 5 columns"),
        ("1,1,2,3," + "9" * 5000, "line 5: A pixel is a whole number"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    path = write(tmp_path / "digits.csv", f"label,a,b,c,d\n1,1,2,3,4\n\n2,1,2,3,4\n{row}\n1,1,2,3,4\n")
    with pytest.raises(CorruptDataError, match=rf"digits\.csv, {said}"):
        from_csv(path)


def test_kaggles_test_file_has_no_labels(tmp_path: Path) -> None:
    rows = "\n".join(["pixel0,pixel1,pixel2,pixel3", "1,2,3,4"])
    with pytest.raises(InputError, match=r"column named 'label' in .*test\.csv.*Received: pixel0, pixel1, pixel2, ….*"):
        from_csv(write(tmp_path / "test.csv", rows))
    with pytest.raises(InputError, match=r"Received: 3 columns beside .*There seems to be no label: .*Kaggle's"):
        from_csv(write(tmp_path / "test.csv", "1,2,3,4\n5,6,7,8\n"))


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", CorruptDataError, "Received: an empty file"),
        (b"\n\n", CorruptDataError, "Received: an empty file"),
        (b"label,a,b,c,d\n", CorruptDataError, "Received: a header and no row"),
        (b"\xff\xfe1,2", CorruptDataError, "is no text in UTF-8"),
        (b"\x1f\x8b\x08\x00rubbish", CorruptDataError, "is a broken gzip file"),
        (gzip.compress(text().encode())[:-20], CorruptDataError, "is a broken gzip file"),
        (b"\x89PNG\r\n\x1a\n\0\0", CorruptDataError, "is no text in UTF-8"),
        (b"label\n1\n", InputError, "Received: 0 columns beside the label"),
    ],
)
def test_what_is_no_csv_file_is_refused(tmp_path: Path, content: bytes, error: type[Exception], said: str) -> None:
    (tmp_path / "digits.csv").write_bytes(content)
    with pytest.raises(error, match=said):
        from_csv(tmp_path / "digits.csv")


def test_a_missing_file_and_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"There is no CSV file .*nowhere"):
        from_csv(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"has 10 columns\. Received: label_column=10"):
        from_csv(write(tmp_path / "digits.csv", text()), label_column=10)


@pytest.mark.parametrize("line", ["one", "many"])
def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convvision.datasets._csv_file._MOST_TEXT", 2**18)
    content = b"0," * 2**25 if line == "one" else b"0,0\n" * 2**20
    (tmp_path / "bomb.csv").write_bytes(gzip.compress(content))
    tracemalloc.start()
    with pytest.raises(ConvvisionError, match=r"longer than a row|times as much text"):
        from_csv(tmp_path / "bomb.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 2**20


def test_open_data_takes_a_csv_file(tmp_path: Path) -> None:
    assert_is_all(open_data(write(tmp_path / "digits.CSV", text()), scale=None))
