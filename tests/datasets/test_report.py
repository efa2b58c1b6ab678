"""What is broken or odd in a data set: each thing, planted, is said; a sound one is left in peace."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import Dataset, check_dataset, from_arrays
from convvision.errors import UnknownNameError

NAMES = ("bag", "coat")


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8), np.uint8)


def made(train: np.ndarray, test: np.ndarray, train_labels: object = None, test_labels: object = None) -> Dataset:
    labels = [
        np.arange(len(one)) % 2 if own is None else own for one, own in ((train, train_labels), (test, test_labels))
    ]
    return from_arrays(train, labels[0], test, labels[1], class_names=NAMES, name="planted")


def test_nothing_to_say_of_a_sound_one() -> None:
    report = check_dataset(made(noise(40), noise(20, seed=1)))
    assert report.problems == report.remarks == ()
    assert report.verdict == "Nothing is broken, and nothing is odd."
    lines = str(report).splitlines()
    assert lines[:2] == [
        "planted: images of 8 × 8 × 1: 40 in train, 20 in test", "pixels from 0 to 255 in train, 0 to 255 in test"
    ]  # fmt: skip
    assert lines[-1] == report.verdict


def test_blank_images_repetitions_and_contradictions() -> None:
    train, test = noise(40), noise(20, seed=1)
    train[3], train[9] = 0, 17
    test[1:9] = train[11:19]
    test[1] ^= 1
    report = check_dataset(made(train, test, test_labels=[0] * 19 + [1]))
    assert {part: positions.tolist() for part, positions in report.constant.items()} == {"train": [3, 9], "test": []}
    assert report.problems == ()
    assert report.remarks == (
        "2 images are blank in train, one pixel value everywhere: 3, 9.",
        "7 images in test repeat exactly one in train: "
        "2 (as 12), 3 (as 13), 4 (as 14), 5 (as 15), 6 (as 16) and 2 more.",
        "1 image in test repeats nearly one in train: 1 (as 11).",
        "4 images in test contradict the label of one in train: 1 (as 11), 3 (as 13), 5 (as 15), 7 (as 17).",
    )
    assert report.verdict == "Nothing is broken; 4 things to look at."


def test_classes_out_of_balance_and_missing() -> None:
    report = check_dataset(made(noise(40), noise(20, seed=1), [0] * 30 + [1] * 10, [0] * 20))
    assert report.problems == ("There are no images of 'coat' in test.",)
    assert report.remarks == ("'bag' has 3.0 times as many training images as 'coat'.",)
    assert report.verdict == "Something is broken: 1 problem."


def test_a_class_that_is_never_trained_is_said_once() -> None:
    report = check_dataset(made(noise(40), noise(20, seed=1), [0] * 40))
    assert report.problems == ("There are no images of 'coat' in train.",)
    assert report.remarks == ()


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (noise(40) // 255, noise(20, seed=1) // 255, "The pixels in train are 0 and 1 at most"),
        (noise(40) // 8, noise(20, seed=1) // 8, "The pixels in train reach 31 of 255: the images are nearly black."),
        (
            noise(40) // 4,
            255 - noise(20, 1) // 4,
            r"The mean pixel is 31 in train and 224 in test: is one of them inverted?",
        ),
    ],
    ids=["scaled", "dark", "inverted"],
)
def test_odd_pixels(train: np.ndarray, test: np.ndarray, said: str) -> None:
    assert any(remark.startswith(said) for remark in check_dataset(made(train, test), near=0).remarks)


def test_a_part_that_shows_nothing_is_broken() -> None:
    report = check_dataset(made(noise(40), np.zeros((4, 8, 8), np.uint8)))
    assert report.problems == ("Every image in test is blank.",)


def test_plain_data_is_json() -> None:
    train = noise(40)
    report = check_dataset(made(train, train[:3]))
    facts = json.loads(json.dumps(report.as_dict()))
    assert facts["counts"] == {"train": [20, 20], "test": [2, 1]}
    assert facts["duplicates"][1]["parts"] == ["train", "test"]
    assert facts["duplicates"][1]["exact"] == 3
    assert facts["duplicates"][1]["pairs"][2] == {"positions": [2, 2], "distance": 0, "labels": [0, 0]}
    assert facts["verdict"] == report.verdict


def test_a_folder_with_a_file_that_is_no_image(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
        for index, image in enumerate(noise(6, seed=len(name))):
            Image.fromarray(image).save(tmp_path / name / f"{index}.png")
    (tmp_path / "coat" / "4.png").write_text("no image")
    report = check_dataset(tmp_path)
    assert report.name == tmp_path.name
    assert len(report.problems) == len(report.warnings) == 1
    assert "4.png" in report.problems[0]
    assert sum(int(counts.sum()) for counts in report.counts.counts.values()) == 11


def test_images_of_a_folder_are_named_by_their_files(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
        for index, image in enumerate(noise(6, seed=len(name))):
            Image.fromarray(image).save(tmp_path / name / f"{index}.png")
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(tmp_path / "bag" / "2.png")
    (tmp_path / "coat" / "copy.png").write_bytes((tmp_path / "bag" / "3.png").read_bytes())
    report = check_dataset(tmp_path)
    assert any(remark.endswith(f": {tmp_path / 'bag' / '2.png'}.") for remark in report.remarks)
    both = {str(tmp_path / "bag" / "3.png"), str(tmp_path / "coat" / "copy.png")}
    (repeated,) = [remark for remark in report.remarks if "exactly" in remark]
    assert set(repeated.rstrip(".)").partition(": ")[2].split(" (as ")) == both

    facts = report.as_dict()
    (found,) = [pairs for pairs in facts["duplicates"] if pairs["exact"]]
    assert set(found["pairs"][0]["paths"]) == both
    assert sorted(facts["constant_paths"].values()) == [[], [str(tmp_path / "bag" / "2.png")]]
    # Nothing else is listed: a folder may hold a hundred thousand files.
    assert "5.png" not in json.dumps(facts)


def test_one_part_alone_may_come_from_files() -> None:
    data = made(noise(40), noise(40)[:3])
    train = dataclasses.replace(data.train, paths=[Path(f"{number}.png") for number in range(40)])
    report = check_dataset(dataclasses.replace(data, train=train))
    assert report.remarks == (
        "3 images in test repeat exactly one in train: 0 (as 0.png), 1 (as 1.png), 2 (as 2.png).",
    )
    pairs = {pairs["parts"]: pairs["pairs"] for pairs in report.as_dict()["duplicates"]}
    assert [pair["positions"] for pair in pairs["train", "test"]] == [[0, 0], [1, 1], [2, 2]]
    assert all("paths" not in pair for pair in pairs["train", "test"])


def test_what_is_no_data() -> None:
    with pytest.raises(UnknownNameError, match="It is no folder either"):
        check_dataset("no_such_data")


def test_the_scale_of_the_data_does_not_matter() -> None:
    data = made(noise(40), noise(20, seed=1))
    raw = from_arrays(noise(40), np.arange(40) % 2, noise(20, 1), np.arange(20) % 2, class_names=NAMES, scale=None)
    one, other = check_dataset(data), check_dataset(dataclasses.replace(raw))
    assert one.pixels == other.pixels
