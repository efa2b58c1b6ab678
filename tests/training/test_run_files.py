"""Runs on disk: nothing lost, nothing half, nothing executed."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import pickle
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset
from convvision.errors import OutputError, RunFormatError
from convvision.training import Run, load_run, train

FILES = {"model.keras", "run.json", "history.csv"}


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def broken(saved: Path, tmp_path: Path) -> Path:
    """A copy of a saved run, to be broken."""
    return Path(shutil.copytree(saved, tmp_path / "broken"))


@pytest.fixture
def loaded(saved: Path) -> Run:
    return load_run(saved)


def edit_facts(directory: Path, **changes: Any) -> None:
    path = directory / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# There and back


def test_a_run_is_exactly_three_files(saved: Path) -> None:
    assert set(contents(saved)) == FILES
    assert not [path for path in saved.parent.iterdir() if path != saved]


def test_the_model_predicts_as_it_did_bit_by_bit(run: Run, loaded: Run, validated_data: Dataset) -> None:
    images = validated_data.test.images
    np.testing.assert_array_equal(loaded.predict(images).probabilities, run.predict(images).probabilities)


def test_everything_else_comes_back(run: Run, loaded: Run) -> None:
    names = [field.name for field in dataclasses.fields(Run) if field.name != "model"]
    assert {name: getattr(loaded, name) for name in names} == {name: getattr(run, name) for name in names}
    assert loaded.model.name == run.model.name
    assert isinstance(loaded.data.class_names, tuple)
    assert isinstance(loaded.data.image_shape, tuple)
    hash(loaded.data)


def test_a_loaded_run_is_saved_to_the_same_files(loaded: Run, saved: Path, tmp_path: Path) -> None:
    again = loaded.save(tmp_path / "again")
    for name in ("run.json", "history.csv"):
        assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_the_model_goes_on_training_as_it_would_have(
    data: Dataset, make_dense: Callable[..., keras.Model], tmp_path: Path
) -> None:
    run = train(make_dense(), data, epochs=1, verbose=0)
    loaded = load_run(run.save(tmp_path / "run"))
    for one in (run, loaded):
        keras.utils.set_random_seed(1)
        one.model.fit(*data.train, epochs=1, verbose=0)
    # Adam's moments are part of it.
    for left, right in zip(run.model.get_weights(), loaded.model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_keras_alone_reads_the_model_and_a_spreadsheet_the_history(
    run: Run, saved: Path, validated_data: Dataset
) -> None:
    model = keras.models.load_model(saved / "model.keras")
    images = validated_data.test.images[:5]
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(run.model(images)))
    with (saved / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert set(rows[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    assert [float(row["val_loss"]) for row in rows] == run.history["val_loss"]


def test_the_facts_are_plain_json(run: Run, saved: Path) -> None:
    def no_constant(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    facts = json.loads((saved / "run.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert facts["format"] == 1
    assert facts["metrics"] == run.metrics
    assert facts["data"]["class_names"] == list(run.data.class_names)


def test_class_names_of_any_script_come_back(run: Run, tmp_path: Path) -> None:
    names = ("短靴", "Überhose", "t-shirt/top", "ещё")
    renamed = dataclasses.replace(run, data=dataclasses.replace(run.data, class_names=names))
    assert load_run(renamed.save(tmp_path / "run")).data.class_names == names


def test_paths_may_be_strings(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "not" / "yet" / "there"
    assert run.save(str(target)) == target
    assert load_run(str(target)).metrics == run.metrics


def test_an_empty_folder_is_filled(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run.save(tmp_path / "empty")
    assert set(contents(tmp_path / "empty")) == FILES


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_the_folder_is_as_readable_as_any_other(saved: Path) -> None:
    (saved.parent / "other").mkdir()
    other = stat.S_IMODE((saved.parent / "other").stat().st_mode)
    (saved.parent / "other").rmdir()
    assert stat.S_IMODE(saved.stat().st_mode) == other


# Targets that cannot be


def test_a_folder_that_holds_something_is_refused_and_left_as_it_was(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("Do not touch.")
    with pytest.raises(OutputError, match=r"new or an empty folder, and nothing is overwritten\. Received: .*mine"):
        run.save(tmp_path / "mine")
    assert contents(tmp_path) == {"mine/thesis.txt": b"Do not touch."}


def test_a_run_is_not_saved_over_itself(run: Run, broken: Path) -> None:
    before = contents(broken)
    with pytest.raises(OutputError, match="nothing is overwritten"):
        run.save(broken)
    assert contents(broken) == before


@pytest.mark.parametrize("below", ["", "run", "deep/run"])
def test_a_file_in_the_way_is_left_as_it_was(below: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("A file.")
    with pytest.raises(OutputError, match=r"file"):
        run.save(tmp_path / "file" / below)
    assert contents(tmp_path) == {"file": b"A file."}


def test_a_full_disk_leaves_nothing_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(self: keras.Model, path: Path) -> None:
        Path(path).write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", fill)
    with pytest.raises(OutputError, match=r"Cannot write .*run: No space left on device\. Nothing was left behind\."):
        run.save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_after_the_model_leaves_nothing_behind_either(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OutputError, match="No space left on device"):
        run.save(tmp_path / "empty")
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


# Folders that are no runs


@pytest.mark.parametrize("name", sorted(FILES))
def test_half_a_run_says_which_file_is_missing(name: str, broken: Path) -> None:
    (broken / name).unlink()
    with pytest.raises(RunFormatError, match=rf"folder with run\.json, model\.keras and history\.csv.*lacks {name}"):
        load_run(broken)


def test_several_missing_files_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(RunFormatError, match=r"which lacks run\.json and model\.keras and history\.csv"):
        load_run(tmp_path)


def test_no_folder_at_all(tmp_path: Path, saved: Path) -> None:
    for path in (tmp_path / "nowhere", saved / "run.json"):
        with pytest.raises(RunFormatError, match="which is no folder"):
            load_run(path)


def test_a_run_of_a_newer_format_says_to_upgrade(broken: Path) -> None:
    edit_facts(broken, format=2, convvision="9.0")
    with pytest.raises(RunFormatError, match=r"saved by convvision 9\.0 in format 2; .* formats up to 1\. Upgrade"):
        load_run(broken)


@pytest.mark.parametrize("text", ["[1, 2]", "{}", '"run"', "null", '{"format": "1"}', '{"format": null}'])
def test_json_that_does_not_say_its_format(text: str, broken: Path) -> None:
    (broken / "run.json").write_text(text)
    with pytest.raises(RunFormatError, match=r"run\.json does not say its format, so it is no run of convvision's"):
        load_run(broken)


@pytest.mark.parametrize("garbage", [b"", b"{not json", b"\xff\xfe\x00", b"[" * 100_000])
def test_garbage_instead_of_json(garbage: bytes, broken: Path) -> None:
    (broken / "run.json").write_bytes(garbage)
    with pytest.raises(RunFormatError, match=r"broken is not a whole run: \w+Error: "):
        load_run(broken)


@pytest.mark.parametrize("fact", ["recipe", "data", "seed", "metrics", "interrupted", "versions", "created"])
def test_a_missing_fact_is_named(fact: str, broken: Path) -> None:
    facts = json.loads((broken / "run.json").read_text())
    del facts[fact]
    (broken / "run.json").write_text(json.dumps(facts))
    with pytest.raises(RunFormatError, match=rf"is not a whole run: KeyError: '{fact}'"):
        load_run(broken)


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": {"name": "lesson", "temperature": 1}},
        {"recipe": {"name": "lesson", "epochs": 0}},
        {"recipe": None},
        {"data": []},
        {"data": {"name": "quarters"}},
    ],
)
def test_facts_that_are_not_what_they_should_be(changes: dict[str, Any], broken: Path) -> None:
    edit_facts(broken, **changes)
    with pytest.raises(RunFormatError, match="broken is not a whole run: "):
        load_run(broken)


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [],
        lambda lines: [lines[0], "1,0.5"],
        lambda lines: [*lines, "4,a,b,c,d,e"],
        lambda lines: [",".join(line.split(",")[:-1]) for line in lines],
        lambda lines: [*lines, "4,0.1,0.9,0.2,0.8,1.5,extra"],
    ],
    ids=["empty", "short_row", "words", "no_seconds", "long_row"],
)
def test_an_edited_history(edit: Callable[[list[str]], list[str]], broken: Path) -> None:
    path = broken / "history.csv"
    path.write_text("\n".join(edit(path.read_text().splitlines())))
    with pytest.raises(RunFormatError, match="broken is not a whole run: "):
        load_run(broken)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_model(kept: float, broken: Path) -> None:
    path = broken / "model.keras"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(RunFormatError, match=r"model\.keras is cut short, or no file of Keras's"):
        load_run(broken)


def test_an_archive_that_holds_no_model(broken: Path) -> None:
    with zipfile.ZipFile(broken / "model.keras", "w") as archive:
        archive.writestr("letter.txt", "Dear reader")
    with pytest.raises(RunFormatError, match=r"model\.keras does not load: "):
        load_run(broken)


def test_a_model_whose_bits_have_rotted(broken: Path) -> None:
    path = broken / "model.keras"
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("model.weights.h5").header_offset
    damaged = bytearray(path.read_bytes())
    damaged[offset + 200 : offset + 400] = bytes(200)
    path.write_bytes(damaged)
    with pytest.raises(RunFormatError, match=r"model\.keras does not load: "):
        load_run(broken)


# Files of strangers


class Stranger(keras.layers.Layer):
    """A layer that Keras cannot find again, for it is not registered."""

    def call(self, x: Any) -> Any:
        return x


def test_a_layer_that_keras_does_not_find_is_named_in_a_message_one_can_read(broken: Path) -> None:
    keras.Sequential([keras.Input((12, 12, 1)), Stranger()]).save(broken / "model.keras", overwrite=True)
    with pytest.raises(RunFormatError, match=r"does not load: Could not locate class 'Stranger'.*register_keras") as no:
        load_run(broken)
    assert len(str(no.value)) < 700


def test_a_model_that_holds_code_is_refused_and_the_code_not_run(broken: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = keras.layers.Lambda(lambda x, path=str(ran): (__import__("pathlib").Path(path).touch(), x)[1])
    model = keras.Sequential([keras.Input((12, 12, 1)), code])
    model.save(broken / "model.keras", overwrite=True)
    # Building the model called the code; that it may be called again is what this is about.
    ran.unlink()
    with pytest.raises(RunFormatError, match=r"model\.keras does not load: .*`Lambda` layer"):
        load_run(broken)
    assert not ran.exists()


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_is_unpickled(name: str, broken: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    (broken / name).write_bytes(pickle.dumps(Payload(trap)))
    with pytest.raises(RunFormatError):
        load_run(broken)
    assert not trap.exists()
    pickle.loads((broken / name).read_bytes())  # noqa: S301
    assert trap.exists()
