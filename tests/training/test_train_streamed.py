"""Training on pictures that stay on the disk."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import StreamedDataset, StreamedSplit, from_folder, stream_folder
from convvision.errors import CorruptDataError, ShapeError
from convvision.training import Recipe, Run, _scoring, load_run, train
from convvision.training._feed import Batches

OPTIONS: dict[str, Any] = {"image_size": (12, 12), "aspect": "pad", "validation_split": 0.2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark and light noise, wider than high."""
    folder = tmp_path_factory.mktemp("streams") / "noise"
    rng = np.random.default_rng(0)
    for name, low, high in (("dark", 0, 140), ("light", 110, 256)):
        (folder / name).mkdir(parents=True)
        for number in range(60):
            pixels = rng.integers(low, high, (12, 24), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> StreamedDataset:
    return stream_folder(folder, scale="standard", **OPTIONS)


@pytest.fixture(scope="module")
def run(data: StreamedDataset) -> Run:
    return train("conv_16_16", data, epochs=5, seed=3, verbose=0)


def test_it_learns_and_is_validated_and_tested(run: Run) -> None:
    assert set(run.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 5 for values in run.history.values())
    assert run.metrics["test_accuracy"] > 0.9


def test_the_same_seed_gives_the_same_weights(run: Run, data: StreamedDataset) -> None:
    again = train("conv_16_16", data, epochs=5, seed=3, verbose=0)
    assert again.history == run.history
    for one, other in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert train("conv_16_16", data, epochs=5, seed=4, verbose=0).history != run.history


def test_schedule_smoothing_views_and_weights_reach_a_stream(data: StreamedDataset) -> None:
    recipe = Recipe(
        "views", learning_rate=0.003, schedule="linear", warmup=0.1, label_smoothing=0.1, flip=True, shift=1, cutout=2
    )
    one, same, unweighted = (
        train("conv_16_16", data, recipe, class_weight=weight, seed=3, verbose=0)
        for weight in ({"dark": 2.0}, {0: 2.0}, None)
    )
    assert one.history == same.history
    assert one.history["loss"] != unweighted.history["loss"]
    assert one.weighting == {"class_weight": {"dark": 2.0}}
    assert one.metrics["test_accuracy"] > 0.9
    plain = train("conv_16_16", data, Recipe("plain", learning_rate=0.003), seed=3, verbose=0)
    assert plain.history["loss"] != unweighted.history["loss"]


def test_the_test_is_that_of_the_images_in_memory(run: Run, folder: Path) -> None:
    loaded = from_folder(folder, scale=None, **OPTIONS)
    assert run.evaluate(loaded) == pytest.approx(
        {name: run.metrics[name] for name in ("test_accuracy", "test_loss")}, rel=1e-5
    )


def test_every_image_is_fed_once_an_epoch_on_the_scale_in_another_order(data: StreamedDataset) -> None:
    batches = Batches(data.train, data.scaling, 10, seed=0)
    everything = data.scaling.apply(data.train.read(range(len(data.train))))
    epochs = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        images, labels = (
            np.concatenate(parts) for parts in zip(*map(batches.__getitem__, range(len(batches))), strict=True)
        )
        epochs.append(images.tobytes())
        assert sorted(image.tobytes() for image in images) == sorted(image.tobytes() for image in everything)
        assert np.bincount(labels).tolist() == np.bincount(data.train.labels).tolist()
    assert epochs[0] != epochs[1]


def test_the_record_leads_back_to_the_stream(run: Run, data: StreamedDataset, folder: Path, tmp_path: Path) -> None:
    loaded = load_run(run.save(tmp_path / "run"))
    assert loaded.data == run.data
    assert loaded.data.class_names == ("dark", "light")
    assert loaded.data.scaling == data.scaling
    assert loaded.data.streamed
    assert (loaded.data.train_count, loaded.data.validation_count, loaded.data.test_count) == (76, 20, 24)
    assert isinstance(loaded.data.open(), StreamedDataset)
    assert loaded.evaluate() == pytest.approx({name: run.metrics[name] for name in ("test_accuracy", "test_loss")})


def test_suspicious_labels_are_found_with_a_batch_in_memory(
    run: Run, data: StreamedDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run.label_issues(from_folder(folder, scale=None, cache=False, **OPTIONS))
    asked: list[int] = []
    read = StreamedSplit.read

    def count(split: StreamedSplit, positions: np.ndarray) -> np.ndarray:
        asked.append(len(positions))
        return read(split, positions)

    monkeypatch.setattr(_scoring, "_STREAMED", 7)
    monkeypatch.setattr(StreamedSplit, "read", count)
    issues = run.label_issues(data)
    np.testing.assert_allclose(issues.joint, expected.joint)
    np.testing.assert_array_equal(issues.indices, expected.indices)
    assert asked == [7, 7, 7, 3]


def test_files_are_predicted_as_they_were_read(run: Run, data: StreamedDataset) -> None:
    """Padded and scaled; stretched, the picture would be another."""
    path = data.test.paths[0]
    expected = run.predict(data.test.read([0])).probabilities
    np.testing.assert_allclose(run.predict(path).probabilities, expected)


def test_data_that_do_not_fit_are_refused(run: Run, folder: Path) -> None:
    with pytest.raises(ShapeError, match=r"reads images of shape \(12, 12, 1\)\. Received: \(14, 14, 1\)"):
        run.evaluate(stream_folder(folder, image_size=(14, 14)))


def test_a_file_that_breaks_meanwhile_is_named(tmp_path: Path) -> None:
    """In the last of four batches: the first two are read before TensorFlow's pipeline begins."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(150):
            Image.new("L", (12, 12), number).save(tmp_path / name / f"{number}.png")
    data = stream_folder(tmp_path, image_size=(12, 12))
    broken = data.train.paths[data.train.order(0)[-1]]
    broken.write_text("no picture")
    with pytest.raises(CorruptDataError, match=rf"^{re.escape(str(broken))} cannot be read as an image"):
        train("conv_16_16", data, epochs=1, seed=0, verbose=0)


_TRAIN = """
import json, sys
from pathlib import Path
import convvision
data = convvision.datasets.stream_folder(sys.argv[1], image_size=(64, 64), color_mode="rgb", test_split=0.02)
run = convvision.train("dense_128", data, epochs=1, verbose=0)
peak = 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(json.dumps({"images": len(data.train) + len(data.test), "peak": peak}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="The peak of a process is read from /proc.")
def test_200_000_images_are_trained_on_in_less_than_two_gigabytes(tmp_path: Path) -> None:
    """As pixels they are 2.5 GB, scaled 9.8 GB."""
    rng = np.random.default_rng(0)
    for label in range(10):
        (tmp_path / str(label)).mkdir()
        for number in range(20_000):
            if number % 100 == 0:
                pixels = rng.integers(label * 20, label * 20 + 60, (4, 4, 3), np.uint8)
                file = io.BytesIO()
                Image.fromarray(pixels).resize((64, 64)).save(file, "JPEG")
            (tmp_path / str(label) / f"{number}.jpg").write_bytes(file.getvalue())
    done = subprocess.run([sys.executable, "-c", _TRAIN, str(tmp_path)], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    assert measured["images"] == 200_000
    assert measured["peak"] < 2e9
