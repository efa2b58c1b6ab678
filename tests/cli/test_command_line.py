"""The command line as a user types it, on a small data set of IDX files."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convvision
from convvision.callbacks import ActivationRecorder
from convvision.cli import run
from convvision.datasets import write_idx
from convvision.training import RECIPES, list_recipes

SUBCOMMANDS = (
    "datasets", "models", "recipes", "train", "evaluate", "predict", "compare", "activations", "explore", "demo",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes told apart by which third of a 12 × 12 image is bright; 90 for training, 30 for the test."""
    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    for stem, count in (("train", 90), ("t10k", 30)):
        labels = np.arange(count, dtype=np.uint8) % 3
        images = rng.integers(0, 60, (count, 12, 12), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 * label : 4 * label + 4] += 180
        write_idx(folder / f"{stem}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", labels)
    return folder


@pytest.fixture(scope="module")
def saved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of conv_16_16 on the stripes, trained by the command line."""
    out = tmp_path_factory.mktemp("runs") / "stripes"
    assert run(["train", "conv_16_16", "--data", str(folder), "--epochs", "12", "--out", str(out)]) == 0
    return out


def in_new_process(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    program = code or "import sys; from convvision.cli import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=120
    )


LOADED_AFTERWARDS = """
import sys
from convvision.cli import run
status = run(sys.argv[1:])
print("HEAVY", sorted({"tensorflow", "keras", "matplotlib"} & set(sys.modules)))
sys.exit(status)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "--help"],
        ["--version"],
        ["models"],
        ["models", "conv_*", "--json"],
        ["datasets"],
        ["recipes"],
    ],
    ids=" ".join,
)
def test_lists_and_help_load_no_heavy_library(arguments: list[str]) -> None:
    done = in_new_process(*arguments, code=LOADED_AFTERWARDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert done.stderr == ""


def test_the_check_of_heavy_libraries_can_fail() -> None:
    done = in_new_process("models", "dense_128", "--layers", code=LOADED_AFTERWARDS)
    assert "keras" in done.stdout.splitlines()[-1]


def test_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in SUBCOMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert convvision.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["trian"],
        ["train"],
        ["train", "conv_16_16"],
        ["train", "conv_16_16", "--data", "x", "--epochs", "0"],
        ["models", "--bad"],
        ["models", "conv_32_32", "--layers", "--weights"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: convvision" in captured.err


def test_models_lists_names_parameters_and_smallest_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    rows = {line.split()[0]: line.split()[1:3] for line in capsys.readouterr().out.splitlines()[2:]}
    assert set(rows) == set(convvision.list_models())
    assert rows["conv_64_64"] == ["243,786", "10"]


def test_models_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "dense_*", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {name: facts["parameters"] for name, facts in listed.items()} == {"dense_128": 101_770, "dense_512": 407_050}


def test_models_shows_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "conv_64_64", "--layers"]) == 0
    assert "13 × 13 × 64" in capsys.readouterr().out


def test_models_shows_the_cards_of_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "conv_32*", "--weights"]) == 0
    printed = capsys.readouterr().out
    card = convvision.get_model_info("conv_32_32").weights["mnist"]
    assert str(card) in printed
    assert f"test accuracy  {card.test_accuracy:.2%}" in printed
    assert run(["models", "conv_32*", "--weights", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["conv_32_32"]["mnist"]["sha256"] == card.sha256
    assert "conv_32" not in listed
    assert run(["models", "conv_32_32", "--json"]) == 0
    assert "mnist" in json.loads(capsys.readouterr().out)["conv_32_32"]["weights"]
    assert run(["models", "vgg_small", "--weights"]) == 1
    assert "No weights come with vgg_small. The column 'weights' of" in capsys.readouterr().err


def test_recipes_are_listed_with_what_they_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes"]) == 0
    header, _, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["recipe", "epochs", "batch", "precision", "summary"]
    rows = {line.split()[0]: line.split(maxsplit=4)[1:] for line in lines}
    assert set(rows) == set(list_recipes())
    assert rows["lesson"] == ["5", "32", "float32", convvision.get_recipe("lesson").summary]
    assert run(["recipes", "fa*", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"fast": dataclasses.asdict(convvision.get_recipe("fast"))}
    assert run(["recipes", "fats"]) == 1
    assert "Did you mean 'fast'" in capsys.readouterr().err


def test_datasets_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in convvision.list_datasets())


def test_datasets_shows_the_facts_about_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(tmp_path))
    assert run(["datasets", "fashion_mnist"]) == 0
    printed = capsys.readouterr().out
    for fact in ("60,000", "Ankle boot", "MIT", "arXiv:1708.07747", "wrong", str(tmp_path / "fashion_mnist"), "31 MB"):
        assert fact in printed


def test_datasets_tells_which_files_are_there_and_which_are_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONVVISION_DATA_HOME", str(tmp_path))
    folder = tmp_path / "fashion_mnist"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").touch()
    (folder / "t10k-labels-idx1-ubyte").touch()
    assert run(["datasets", "fashion_mnist"]) == 0
    lines = [line.split(maxsplit=2)[2] for line in capsys.readouterr().out.splitlines() if line.startswith("file ")]
    assert lines == [
        f"{folder}/train-images-idx3-ubyte.gz, present",
        f"{folder}/train-labels-idx1-ubyte, missing",
        f"{folder}/t10k-images-idx3-ubyte, missing",
        f"{folder}/t10k-labels-idx1-ubyte, present",
    ]
    assert run(["datasets", "emnist_letters", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["data_folder"] == str(tmp_path / "emnist")
    assert facts["paths"] == {"gzip.zip": None}
    assert facts["download_size"] == 561_753_746


def test_facts_of_a_data_set_that_is_drawn_name_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "drawn_fashion"]) == 0
    printed = capsys.readouterr().out
    assert not [line for line in printed.splitlines() if line.startswith(("file", "download"))]


@pytest.mark.parametrize(
    "arguments", [["mnist"], ["show", "mnist"], ["mnist", "--json"], ["--json", "mnist"]], ids=" ".join
)
def test_a_name_behind_datasets_means_show(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", *arguments]) == 0
    assert "handwritten digits" in capsys.readouterr().out


def test_datasets_help_names_show_and_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "convvision datasets [show] [NAME] [--picture FILE] [--json] | check NAME|PATH [--json]" in printed
    assert "Options" in printed


def test_datasets_draws_a_sample_picture_without_tensorflow(tmp_path: Path) -> None:
    picture = tmp_path / "samples.png"
    done = in_new_process("datasets", "drawn_fashion", "--picture", str(picture), code=LOADED_AFTERWARDS)
    assert done.returncode == 0, done.stderr
    *printed, heavy = done.stdout.splitlines()
    assert printed[0].startswith("drawn_fashion: ")
    assert printed[-1] == f"Saved to {picture}"
    assert heavy == "HEAVY ['matplotlib']"
    with Image.open(picture) as drawn:
        assert len(np.unique(np.asarray(drawn.convert("L")))) > 100  # Clothes in shades of grey, not an empty page.


def test_a_sample_picture_beside_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "samples.svg"
    assert run(["datasets", "drawn_fashion", "--json", "--picture", str(picture)]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["name"] == "drawn_fashion"
    assert captured.err == f"Saved to {picture}\n"
    assert picture.is_file()


def test_facts_are_shown_where_no_picture_can_be_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "drawn_fashion", "--picture", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("drawn_fashion: ")
    assert captured.err.startswith("Error: ")
    assert not list(tmp_path.iterdir())


def test_a_sample_picture_needs_the_name_of_a_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "--picture", "x.png"]) == 2
    assert "--picture draws the samples of one data set: name it" in capsys.readouterr().err


def test_check_reports_on_a_sound_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "check", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "images of 12 × 12 × 1: 90 in train, 30 in test" in printed
    assert printed.endswith("Nothing is broken, and nothing is odd.\n")


def test_check_exits_1_where_something_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(5):
            Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(tmp_path / name / f"{index}.png")
    (tmp_path / "cat" / "3.png").write_bytes(b"no picture")
    assert run(["datasets", "check", str(tmp_path), "--json"]) == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert len(report["problems"]) == 1
    assert "3.png" in report["problems"][0]
    assert report["verdict"] == "Something is broken: 1 problem."
    assert captured.err == ""


def test_a_folder_that_is_shown_like_a_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my pictures").mkdir()
    assert run(["datasets", "my pictures"]) == 2
    said = "my pictures holds data of your own. Look at it with: convvision datasets check 'my pictures'\n"
    assert capsys.readouterr().err.endswith(said)


@pytest.mark.parametrize("command", [[], ["check"]])
@pytest.mark.parametrize("name", ["notes.txt", "x" * 300], ids=["file", "long"])
def test_what_is_neither_a_data_set_nor_data_of_ones_own(
    name: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("no data")
    assert run(["datasets", *command, name]) == 1
    assert capsys.readouterr().err.startswith(f"Error: Unknown data set '{name}'")


@pytest.mark.filterwarnings("default::convvision.errors.DataWarning")
def test_training_goes_on_without_unreadable_files_if_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        Path("pets", name).mkdir(parents=True)
        for index in range(5):
            Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(Path("pets", name, f"{index}.png"))
    Path("pets", "cat", "3.png").write_bytes(b"no picture")
    train = ["train", "dense_128", "--data", "pets", "--epochs", "1"]
    assert run(train) == 1
    assert capsys.readouterr().err.endswith("leaves such files out, as does convvision train --skip-unreadable.\n")

    assert run([*train, "--skip-unreadable", "--out", "kept"]) == 0
    assert "Warning: 1 file was skipped in pets" in capsys.readouterr().err
    # What was left out while training is left out again, so that the test images are the same.
    assert run(["evaluate", "kept"]) == 0
    assert "are not those of the run" not in capsys.readouterr().err

    compare = ["compare", "dense_128", "--data", "pets", "--epochs", "1", "--seeds", "1"]
    assert run(compare) == 1
    assert "cannot be read as an image" in capsys.readouterr().err
    assert run([*compare, "--skip-unreadable"]) == 0
    assert "Warning: 1 file was skipped in pets" in capsys.readouterr().err


def test_check_takes_a_distance(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "check", str(folder), "--near", "0.2", "--json"]) == 0
    assert sum(pairs["near"] for pairs in json.loads(capsys.readouterr().out)["duplicates"]) > 0
    assert run(["datasets", "check", str(folder), "--near", "1"]) == 2
    assert run(["datasets", "check"]) == 2


def test_check_loads_no_heavy_library(folder: Path) -> None:
    done = in_new_process("datasets", "check", str(folder), code=LOADED_AFTERWARDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["datasets", "check", "no_such_data"], "It is no folder either, and no CSV file."),
        (["models", "conv_6464"], "Did you mean 'conv_64_64'"),
        (["datasets", "fashion"], "Unknown data set 'fashion'"),
        (["train", "conv_16_61", "--data", "mnist"], "Did you mean 'conv_16_16'"),
        (["train", "conv_16_16", "--data", "no_such_data"], "It is no folder either, and no CSV file."),
        (["train", "conv_16_16", "--data", "mnist", "--recipe", "leson"], "Did you mean 'lesson'"),
        (["evaluate", "no_such_run"], "which is no folder"),
    ],
)
def test_failures_exit_1_in_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_train_prints_results_to_stdout_and_progress_to_stderr(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "dense_128", "--data", str(folder), "--epochs", "2", "--json"]) == 0
    captured = capfd.readouterr()
    result = json.loads(captured.out)
    assert result["epochs"] == 2
    assert len(result["history"]["loss"]) == 2
    assert "dense_128 2/2" in captured.err


def test_train_saves_a_run_that_loads(saved: Path) -> None:
    loaded = convvision.load_run(saved)
    assert loaded.data.name.startswith("stripes")
    assert loaded.metrics["test_accuracy"] == 1.0


@pytest.mark.parametrize("form", ["pictures", "csv"])
def test_own_data_train_at_once_and_keep_their_class_names(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for name, level in (("陶", 0), ("瓷", 210)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(level, level + 40, (28, 28), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
            rows.append(",".join([name, *map(str, pixels.ravel())]))
    (tmp_path / "data.csv").write_text("\n".join(rows), encoding="utf-8")
    data = tmp_path / ("data" if form == "pictures" else "data.csv")
    assert run(["train", "conv_32_32", "--data", str(data), "--epochs", "15", "--out", str(tmp_path / "run")]) == 0
    assert convvision.load_run(tmp_path / "run").data.class_names == ("瓷", "陶")
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] == 1.0
    picture = tmp_path / "data" / "陶" / "3.png"
    assert run(["predict", str(tmp_path / "run"), str(picture), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["classes"][0]["class_name"] == "陶"


def test_train_refuses_a_used_folder_before_training(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    monkeypatch.setattr("convvision.train", lambda *_, **__: pytest.fail("trained although it cannot be saved"))
    assert run(["train", "dense_128", "--data", str(folder), "--out", str(tmp_path)]) == 1
    assert "new or an empty folder" in capsys.readouterr().err
    assert kept.read_text() == "mine"


def test_train_stops_at_an_accuracy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "conv_16_16", "--data", str(folder), "--epochs", "40", "--stop-at-accuracy", "0.9", "--json"]
    assert run(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    *before, last = result["history"]["accuracy"]
    assert result["epochs"] < 40
    assert last > 0.9 >= max(before)


def test_train_balances_classes_and_tells(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "dense_128", "--data", str(folder), "--epochs", "1", "--class-weight", "balanced"]
    assert run(arguments) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    # As many images of each class as of the others.
    assert ["class", "weights", "1.00", "to", "1.00"] in rows
    assert ["precision", "float32"] in rows
    assert run([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["weighting"] == {"class_weight": {"0": 1.0, "1": 1.0, "2": 1.0}}
    assert result["execution"]["loop"] == "graph"
    assert run([*arguments[:-1], "even"]) == 2
    assert "'even' is not 'balanced'" in capsys.readouterr().err


def test_train_sets_validation_images_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "dense_128", "--data", str(folder), "--epochs", "1", "--validation-split", "0.2", "--json"]
    assert run(arguments) == 0
    assert "val_accuracy" in json.loads(capsys.readouterr().out)["history"]


def test_interrupted_training_is_saved_and_exits_130(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from convvision.training._graph_loop import GraphLoop

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(GraphLoop, "fit", interrupted)
    out = tmp_path / "run"
    assert run(["train", "dense_128", "--data", str(folder), "--out", str(out)]) == 130
    assert "Interrupted." in capsys.readouterr().err
    monkeypatch.undo()
    assert convvision.load_run(out).interrupted


@pytest.mark.slow
def test_ctrl_c_ends_a_real_training_with_130(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    program = "import sys; from convvision.cli import main; main()"
    arguments = ["train", "conv_64_64", "--data", str(folder), "--epochs", "100000", "--out", str(out)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "FORCE_COLOR": "1"},
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "conv_64_64 3/" in line:
                break
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert convvision.load_run(out).interrupted


def test_evaluate_repeats_the_test_accuracy(saved: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(saved), "--data", str(folder), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["test_accuracy"] == convvision.load_run(saved).metrics["test_accuracy"]


def test_predict_names_the_class_of_files(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = np.full((12, 12), 30, np.uint8)
    pixels[8:] = 220
    Image.fromarray(pixels).save(tmp_path / "bottom.png")
    assert run(["predict", str(saved), str(tmp_path / "bottom.png"), "--top", "2", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["file"] == str(tmp_path / "bottom.png")
    best, second = answer["classes"]
    assert best["class_name"] == "2"
    assert best["probability"] > second["probability"]


def test_a_file_that_is_not_there_is_refused_before_keras_is_loaded(saved: Path) -> None:
    done = in_new_process("predict", str(saved), "nothing.png", code=LOADED_AFTERWARDS)
    assert done.returncode == 1
    assert done.stderr == "Error: There is no image file nothing.png.\n"
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_predict_refuses_what_is_no_picture(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lies.png").write_text("no picture")
    assert run(["predict", str(saved), str(tmp_path / "lies.png")]) == 1
    assert "lies.png cannot be read as an image" in capsys.readouterr().err


def test_compare_takes_patterns_and_saves(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "comparison"
    arguments = ["compare", "dense_*", "conv_16_16", "dense_128", "--data", str(folder)]
    assert run([*arguments, "--epochs", "1", "--seeds", "2", "--class-weight", "balanced", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[4:7]] == ["dense_128", "dense_512", "conv_16_16"]
    names = {path.name for path in out.iterdir()}
    assert {"comparison.json", "comparison.csv", "comparison.png", "dense_512-seed-1"} <= names
    weighting = json.loads((out / "dense_512-seed-1" / "run.json").read_text())["weighting"]
    assert list(weighting) == ["class_weight"]


def test_activations_draws_a_picture(saved: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps.png"
    arguments = ["activations", str(saved), "--data", str(folder), "--images", "0,2", "--layers", "conv_1,pool_2"]
    assert run([*arguments, "--out", str(out)]) == 0
    with Image.open(out) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--images", "0,30"], 1, "There are 30 test images"),
        (["--images", "a"], 2, "no list of positions"),
        (["--images=-1"], 2, "no list of positions"),
        (["--layers", "conv_3"], 1, "Did you mean 'conv_2' or 'conv_1'"),
        (["--channel", "16"], 1, "channels 0 to 15"),
        (["--out", "maps.exe"], 1, "ending is one of"),
    ],
)
def test_activations_says_what_is_wrong(
    saved: Path, folder: Path, options: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["activations", str(saved), "--data", str(folder), *options]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["activations", "explore"])
def test_images_of_other_classes_are_not_shown_under_the_names_of_these(
    saved: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shown"
    assert run([command, str(saved), "--data", "drawn_fashion", "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: The run tells these classes apart: ")
    assert "Received: T-shirt/top, Trouser" in said
    assert not out.exists()


def test_the_help_of_train_names_every_recipe_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    named = said.partition("How to train: ")[2].partition(", or one of yours")[0]
    assert sorted(named.split(", ")) == [name for name in list_recipes() if not RECIPES.pending_plugin(name)]


@pytest.mark.slow
def test_demo_leaves_pictures_and_runs_in_which_convolutions_win(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert run(["demo", "--out", str(out)]) == 0
    assert {"activations.png", "history.png", "comparison.png"} <= {path.name for path in out.iterdir()}
    dense, conv = (convvision.load_run(out / f"{name}-seed-0") for name in ("dense_128", "conv_32_32"))
    assert conv.metrics["test_accuracy"] >= dense.metrics["test_accuracy"] + 0.04
    *table, last = capsys.readouterr().out.splitlines()
    assert any("conv_32_32" in line for line in table)
    command = ["explore", str(out / "conv_32_32-seed-0")]
    assert last.endswith(f"is made by: convvision {shlex.join(command)}")
    assert run([*command, "--out", str(tmp_path / "page.html")]) == 0


def test_explore_writes_a_page(saved: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    asked = ["explore", str(saved), "--data", str(folder), "-o", str(page), "--language", "zh", "--title", "三"]
    assert run(asked) == 0
    assert capsys.readouterr().out == f"Saved to {page}\n"
    assert "<h1>三</h1>" in page.read_text(encoding="utf-8")
    assert run([*asked, "--images", "4,2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(page),
        "bytes": page.stat().st_size,
        "images": [4, 2],
    }
    assert run([*asked, "--images", "4,30"]) == 1
    assert capsys.readouterr().err == "Error: There are 30 test images, counted from 0. Received: --images 4,30\n"


def test_explore_shows_a_recording(
    saved: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, file = tmp_path / "page.html", tmp_path / "learning.npz"
    asked = ["explore", str(saved), "--data", str(folder), "-o", str(page), "--images", "0", "--recording", str(file)]
    assert run(asked) == 1
    assert "learning.npz" in capsys.readouterr().err
    assert not page.exists()
    model = convvision.load_run(saved).model
    recorder = ActivationRecorder(np.full((1, *model.input_shape[1:]), 0.5, np.float32))
    recorder.set_model(model)
    recorder.on_epoch_begin(0)
    recorder.on_epoch_end(0)
    recorder.recording.save(file)
    assert run(asked) == 0
    assert '"recording":{"epochs":[0,1],"images":[1]' in page.read_text(encoding="utf-8")
