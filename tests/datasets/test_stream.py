"""Folders of pictures that are not loaded: the same pictures as from_folder, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import (
    StreamedDataset,
    check_dataset,
    class_counts,
    class_means,
    find_duplicates,
    from_folder,
    stream_folder,
)
from convvision.errors import CorruptDataError, DataNotFoundError, InputError


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 20, 10 and 10 pictures, no two alike."""
    folder = tmp_path_factory.mktemp("streams") / "noise"
    rng = np.random.default_rng(0)
    for name, count in (("a", 20), ("b", 10), ("c", 10)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def stream(noise: Path) -> StreamedDataset:
    return stream_folder(noise, image_size=(9, 12), color_mode="rgb", validation_split=0.2)


def test_the_splits_are_those_of_from_folder(noise: Path, stream: StreamedDataset) -> None:
    loaded = from_folder(noise, image_size=(9, 12), color_mode="rgb", validation_split=0.2, scale=None)
    for part in ("train", "validation", "test"):
        streamed, split = getattr(stream, part), getattr(loaded, part)
        np.testing.assert_array_equal(streamed.read(range(len(streamed))), split.images)
        np.testing.assert_array_equal(streamed.labels, split.labels)
    assert stream.info.class_names == loaded.info.class_names
    assert (stream.info.train_count, stream.info.test_count) == (loaded.info.train_count, loaded.info.test_count)
    # There are fewer images than a sample has.
    assert stream.info.mean == pytest.approx(loaded.info.mean)
    assert stream.info.std == pytest.approx(loaded.info.std)


def test_train_and_test_folders_are_kept_apart(tmp_path: Path) -> None:
    for part, value in (("train", 10), ("test", 90)):
        for name in ("a", "b"):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("L", (4, 4), value).save(tmp_path / part / name / "1.png")
    data = stream_folder(tmp_path, image_size=(4, 4))
    assert (data.train.read([0, 1]) == 10).all()
    assert (data.test.read([0, 1]) == 90).all()


def test_batches_are_all_images_once(stream: StreamedDataset) -> None:
    everything = stream.train.read(range(len(stream.train)))
    batches = list(stream.train.batches(8, seed=3))
    assert [len(labels) for _, labels in batches] == [8, 8, 8, 1]
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert images.dtype == np.uint8
    found = sorted((image.tobytes(), label) for image, label in zip(images, labels, strict=True))
    assert found == sorted(
        (image.tobytes(), label) for image, label in zip(everything, stream.train.labels, strict=True)
    )


def test_the_order_depends_on_seed_and_epoch_alone(stream: StreamedDataset) -> None:
    def order(seed: int | None, epoch: int = 0) -> bytes:
        return b"".join(images.tobytes() for images, _ in stream.train.batches(7, seed=seed, epoch=epoch))

    assert order(1) == order(1)
    assert len({order(None), order(1), order(2), order(1, 1)}) == 4
    assert order(None) == stream.train.read(range(len(stream.train))).tobytes()


def test_the_fingerprint_is_that_of_the_files(noise: Path, stream: StreamedDataset) -> None:
    options = {"image_size": (9, 12), "color_mode": "rgb", "validation_split": 0.2}
    assert stream_folder(noise, **options).fingerprint == stream.fingerprint
    for other in ({"seed": 1}, {"aspect": "pad"}, {"image_size": (9, 9)}):
        assert stream_folder(noise, **{**options, **other}).fingerprint != stream.fingerprint


def test_it_says_what_it_is(stream: StreamedDataset, noise: Path) -> None:
    assert repr(stream) == (
        "StreamedDataset('noise', train=25, validation=7, test=8, image_shape=(9, 12, 3), scale='unit')"
    )
    assert repr(stream.test) == "StreamedSplit(8 image files, image_shape=(9, 12, 3))"
    assert stream.location == str(noise)


def test_what_cannot_be_is_refused_at_once(noise: Path, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="There is no folder"):
        stream_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="aspect is"):
        stream_folder(noise, aspect="fill")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="scale is"):
        stream_folder(noise, scale="percent")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="validation_split is a fraction"):
        stream_folder(noise, validation_split=1.0)


def test_a_file_that_lies_is_named_when_it_is_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("L", (4, 4), number).save(tmp_path / name / f"{number}.png")
    data = stream_folder(tmp_path)
    data.train.paths[2].write_text("no picture")
    with pytest.raises(CorruptDataError, match=data.train.paths[2].name):
        list(data.train.batches(4))


@pytest.mark.parametrize("look", [check_dataset, class_counts, class_means, find_duplicates])
def test_what_looks_at_every_image_says_that_they_must_be_in_memory(look: Any, stream: StreamedDataset) -> None:
    with pytest.raises(
        InputError, match=r"Expected images in memory\. Received: StreamedDataset\('noise'.*from_folder"
    ):
        look(stream)


_READ_ALL = """
import json, sys
from pathlib import Path
from convvision.datasets import from_folder, stream_folder

def peak():
    # Not getrusage: its peak begins with what the parent had when it started this process.
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

data = stream_folder(sys.argv[1], image_size=(128, 128), color_mode="rgb")
before = peak()
count = sum(len(labels) for _, labels in data.train.batches(32, seed=0))
print(json.dumps({"images": count, "taken": peak() - before}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="The peak of a process is read from /proc.")
def test_one_batch_is_in_memory_at_a_time(tmp_path: Path) -> None:
    """1,600 images of 48 kB are 79 MB; a batch of them is 1.6 MB."""
    for name, colour in (("a", "navy"), ("b", "khaki")):
        (tmp_path / name).mkdir()
        Image.new("RGB", (128, 128), colour).save(tmp_path / name / "0.png")
        content = (tmp_path / name / "0.png").read_bytes()
        for number in range(1, 1000):
            (tmp_path / name / f"{number}.png").write_bytes(content)
    command = [sys.executable, "-c", _READ_ALL, str(tmp_path)]
    measured = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert measured["images"] == 1600
    assert measured["taken"] < 16e6
