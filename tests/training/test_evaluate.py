"""A run measured on the test images of a data set."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from convvision.datasets import Dataset, Scaling, from_arrays, from_csv, from_folder, from_idx, stream_folder, write_idx
from convvision.errors import DataNotFoundError, DataWarning, InputError, ShapeError, UnknownNameError
from convvision.training import Run, load_run, train


def test_the_data_of_the_training_give_the_metrics_of_the_run(run: Run, data: Dataset, validated_data: Dataset) -> None:
    expected = {name: run.metrics[name] for name in ("test_accuracy", "test_loss")}
    assert run.evaluate(validated_data) == expected
    # The same test images, whatever became of the others.
    assert run.evaluate(data) == expected


def test_raw_data_are_scaled_as_in_the_training(run: Run, raw_data: Dataset, data: Dataset) -> None:
    assert raw_data.test.images.dtype == np.uint8
    assert run.evaluate(raw_data) == run.evaluate(data)


def test_data_by_name(run: Run, registered: str, data: Dataset) -> None:
    assert run.evaluate(registered) == run.evaluate(data)


def test_other_images_give_other_figures(run: Run, data: Dataset) -> None:
    flipped = dataclasses.replace(data, test=dataclasses.replace(data.test, images=data.test.images[:, ::-1, ::-1]))
    # Upside down and mirrored, every quarter is the opposite one.
    assert run.evaluate(flipped)["test_accuracy"] < run.evaluate(data)["test_accuracy"] - 0.05


def test_other_classes_are_refused_and_both_listed(run: Run, make_data: Callable[..., Dataset]) -> None:
    cats = make_data(class_names=("cat", "dog", "bird", "fish"))
    with pytest.raises(InputError, match=r"apart: top left, top right, .*\. Received: cat, dog, bird, fish"):
        run.evaluate(cats)


def test_another_scaling_is_refused(run: Run, make_data: Callable[..., Dataset]) -> None:
    said = r"trained with Scaling\(scale='unit'.*\. Received: data with .*'standard'.*\. Load them with scale=None: "
    with pytest.raises(InputError, match=said):
        run.evaluate(make_data(scale="standard"))


def test_data_in_the_same_range_may_have_other_statistics(run: Run, raw_data: Dataset) -> None:
    images, labels = raw_data.test
    dark = np.zeros_like(raw_data.train.images)
    other = from_arrays(dark, raw_data.train.labels, images, labels, class_names=raw_data.info.class_names)
    assert other.scaling.scale == run.data.scaling.scale == "unit"
    assert other.scaling.mean != run.data.scaling.mean
    assert run.evaluate(other) == run.evaluate(raw_data)


def test_standardised_by_other_statistics_is_another_scaling(
    make_data: Callable[..., Dataset], make_dense: Callable[..., keras.Model]
) -> None:
    ours = make_data(scale="standard")
    run = train(make_dense(), ours, epochs=1, verbose=0)
    assert run.evaluate(ours)["test_accuracy"] == run.metrics["test_accuracy"]
    theirs = dataclasses.replace(ours, scaling=Scaling("standard", (0.1,), (0.1,)))
    with pytest.raises(InputError, match=r"mean=\(0\.1,\)"):
        run.evaluate(theirs)


def test_images_of_another_size_are_refused(run: Run, make_data: Callable[..., Dataset]) -> None:
    with pytest.raises(ShapeError, match=r"shape \(N, 12, 12, 1\) here\. Received: shape \(60, 14, 14, 1\)"):
        run.evaluate(make_data(size=14, scale=None))


def test_a_name_that_nothing_has(run: Run, registered: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"Unknown data set 'registered_quarter'\. Did you mean '{registered}'"):
        run.evaluate("registered_quarter")


def test_a_saved_run_measures_the_same(run: Run, saved: Path, data: Dataset) -> None:
    assert load_run(saved).evaluate(data) == run.evaluate(data)


# The run's own data


def pictures(folder: Path, *, light: int) -> Path:
    """Ten dark and ten light pictures of 12 × 12, in class folders."""
    for name, value in (("dark", 10), ("light", light)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(10):
            Image.fromarray(np.full((12, 12), value + number, np.uint8)).save(folder / name / f"{number}.png")
    return folder


def test_a_run_finds_its_own_folder_again(tmp_path: Path, make_dense: Callable[..., keras.Model]) -> None:
    data = from_folder(pictures(tmp_path / "own", light=200), image_size=(12, 12))
    run = train(make_dense(num_classes=2), data, epochs=1, verbose=0)
    measured = run.evaluate()
    assert measured["test_accuracy"] == run.metrics["test_accuracy"]


@pytest.mark.parametrize("read", [from_folder, stream_folder])
def test_a_folder_is_split_again_as_it_was(
    read: Callable[..., Dataset], tmp_path: Path, make_dense: Callable[..., keras.Model]
) -> None:
    data = read(pictures(tmp_path / "own", light=200), image_size=(12, 12), test_split=0.3, seed=5)
    run = train(make_dense(num_classes=2), data, epochs=1, verbose=0)
    # A warning would be an error here.
    assert load_run(run.save(tmp_path / "run")).evaluate()["test_accuracy"] == run.metrics["test_accuracy"]
    assert run.data.open().test.labels.tolist() == data.test.labels.tolist()


def test_a_folder_that_was_moved_is_split_as_it_was(tmp_path: Path, make_dense: Callable[..., keras.Model]) -> None:
    # Every picture is another, so that another choice of test images would give another loss.
    data = from_folder(pictures(tmp_path / "own", light=200), image_size=(12, 12), test_split=0.3, seed=5)
    run = train(make_dense(num_classes=2), data, epochs=1, verbose=0)
    moved = (tmp_path / "own").rename(tmp_path / "elsewhere")
    assert run.evaluate(moved)["test_loss"] == run.metrics["test_loss"]
    assert run.evaluate(from_folder(moved, image_size=(12, 12), scale=None))["test_loss"] != run.metrics["test_loss"]


def test_a_run_of_two_files_is_measured_on_the_one_that_is_named(
    raw_data: Dataset, make_dense: Callable[..., keras.Model], tmp_path: Path
) -> None:
    run = train(make_dense(), csv_of_two_files(tmp_path, raw_data), epochs=1, verbose=0)
    other = write_csv(tmp_path / "other.csv", *raw_data.train)
    assert len(run.data.open_like(other).test) == len(raw_data.train) // 5


def test_files_that_were_passed_over_are_so_again(tmp_path: Path, make_dense: Callable[..., keras.Model]) -> None:
    folder = pictures(tmp_path / "own", light=200)
    (folder / "dark" / "broken.png").write_bytes(b"no picture")
    with pytest.warns(DataWarning, match="1 file was skipped"):
        data = from_folder(folder, image_size=(12, 12), on_error="skip")
    run = train(make_dense(num_classes=2), data, epochs=1, verbose=0)
    with pytest.warns(DataWarning, match="1 file was skipped"):
        assert run.evaluate()["test_accuracy"] == run.metrics["test_accuracy"]


def test_a_folder_that_changed_is_warned_of(tmp_path: Path, make_dense: Callable[..., keras.Model]) -> None:
    folder = pictures(tmp_path / "own", light=200)
    run = train(make_dense(num_classes=2), from_folder(folder, image_size=(12, 12)), epochs=1, verbose=0)
    pictures(folder, light=150)
    with pytest.warns(DataWarning, match="are not those of the run"):
        run.evaluate()


def test_a_folder_that_is_gone_is_named(tmp_path: Path, make_dense: Callable[..., keras.Model]) -> None:
    folder = pictures(tmp_path / "own", light=200)
    run = train(make_dense(num_classes=2), from_folder(folder, image_size=(12, 12)), epochs=1, verbose=0)
    folder.rename(tmp_path / "moved")
    with pytest.raises(
        DataNotFoundError, match=r"own, which is gone\. Say where they are now, .*--data on the command line"
    ):
        run.evaluate()
    assert run.evaluate(tmp_path / "moved") == run.evaluate(tmp_path / "moved")


def test_a_run_of_arrays_asks_for_data(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    run = train(make_dense(), data, epochs=1, verbose=0)
    with pytest.raises(
        InputError,
        match=r"neither a registered data set nor a folder or file\. Say which data .*--data on the command line",
    ):
        run.evaluate()


def write_csv(path: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    rows = np.column_stack([images.reshape(len(images), -1), labels])
    header = ",".join([*(f"p{index}" for index in range(rows.shape[1] - 1)), "kind"])
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=header, comments="")
    return path


def idx_with_options(folder: Path, data: Dataset) -> Dataset:
    # A second set in the folder, with the labels in the wrong order, which would be read without the prefix.
    for prefix, images in (("mine", np.swapaxes(data.train.images, 1, 2)), ("theirs", data.train.images[::-1])):
        for part in ("train", "test"):
            write_idx(folder / f"{prefix}-{part}-images-idx3-ubyte", images[..., 0])
            write_idx(folder / f"{prefix}-{part}-labels-idx1-ubyte", data.train.labels.astype(np.uint8))
    return from_idx(folder, prefix="mine", transpose=True, class_names=data.info.class_names)


def csv_of_two_files(folder: Path, data: Dataset) -> Dataset:
    train_file, test_file = (write_csv(folder / f"{name}.csv", *split) for name, split in data.parts.items())
    return from_csv(train_file, test_file, label_column="kind", class_names=data.info.class_names)


def csv_split_otherwise(folder: Path, data: Dataset) -> Dataset:
    return from_csv(write_csv(folder / "all.csv", *data.train), label_column=144, test_split=0.3, seed=5)


@pytest.mark.parametrize("read", [idx_with_options, csv_of_two_files, csv_split_otherwise])
def test_files_are_opened_again_as_they_were_read(
    read: Callable[[Path, Dataset], Dataset], raw_data: Dataset, make_dense: Callable[..., keras.Model], tmp_path: Path
) -> None:
    given = read(tmp_path, raw_data)
    run = train(make_dense(), given, epochs=1, verbose=0)
    expected = {name: run.metrics[name] for name in ("test_accuracy", "test_loss")}
    loaded = load_run(run.save(tmp_path / "run"))
    assert loaded.data == run.data
    hash(loaded.data)
    # A warning would be an error here.
    assert run.evaluate() == loaded.evaluate() == expected


def test_a_run_that_was_saved_before_options_were_kept_reads_without(saved: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(saved, tmp_path / "older"))
    facts = json.loads((older / "run.json").read_text())
    del facts["data"]["options"]
    (older / "run.json").write_text(json.dumps(facts))
    assert load_run(older).data.options == ()
