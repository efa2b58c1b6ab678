"""Several models on the same data: the same trainings as one by one, and their figures by hand."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import signal
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import convvision.training._compare as compare_module
from convvision.datasets import Dataset
from convvision.errors import ConvvisionError, InputError, OutputError, ShapeError, UnknownNameError
from convvision.training import Comparison, ComparisonRow, Recipe, Run, compare, load_run, train
from convvision.training._graph_loop import GraphLoop

RECIPE = Recipe("short", epochs=2, batch_size=100)


@pytest.fixture(scope="module")
def comparison(data: Dataset, make_conv: Callable[..., keras.Model]) -> Comparison:
    """A registered dense network and a convolutional one of the user's own, with two seeds each."""
    return compare(["dense_128", make_conv(name="mine")], data, RECIPE, seeds=2, verbose=0)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, int]]:
    """Instead of trainings, a list of those that would have been."""
    calls: list[tuple[Any, int]] = []

    def spy(model: Any, *, seed: int, **others: Any) -> Run:
        calls.append((model, seed))
        raise AssertionError("the first training began")

    monkeypatch.setattr(compare_module, "train", spy)
    return calls


def made_up_run(run: Run, **metrics: float) -> Run:
    return dataclasses.replace(run, metrics=metrics, seconds_per_epoch=[1.0])


# The trainings


def test_every_model_is_trained_with_every_seed(comparison: Comparison) -> None:
    assert list(comparison.runs) == ["dense_128", "mine"]
    assert [[run.seed for run in runs] for runs in comparison.runs.values()] == [[0, 1], [0, 1]]
    assert (comparison.data, comparison.recipe, comparison.interrupted) == ("quarters", RECIPE, False)


def test_a_named_model_is_trained_as_alone(comparison: Comparison, data: Dataset) -> None:
    alone = train("dense_128", data, RECIPE, seed=1, verbose=0)
    compared = comparison.runs["dense_128"][1]
    assert compared.history == alone.history
    assert compared.metrics == alone.metrics
    for left, right in zip(compared.model.get_weights(), alone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_model_of_ones_own_starts_anew_with_every_seed_and_keeps_its_weights(
    data: Dataset, make_dense: Callable[..., keras.Model]
) -> None:
    model = make_dense(name="kept")
    before = model.get_weights()
    comparison = compare([model], data, Recipe("still", learning_rate=1e-30, epochs=1), seeds=[3, 4], verbose=0)
    for left, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)
    assert not model.compiled
    # The weights stand still, so these are the initial ones: of the seed, and not those that were given.
    kernels = [run.model.get_weights()[0] for run in comparison.runs["kept"]]
    assert not np.allclose(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], before[0])
    keras.utils.set_random_seed(3)
    np.testing.assert_allclose(kernels[0], make_dense().get_weights()[0], atol=1e-6)


def test_a_sequential_model_that_is_not_built_stays_so(data: Dataset) -> None:
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")], name="unbuilt")
    comparison = compare([model], data, RECIPE, epochs=1, seeds=1, verbose=0)
    assert not model.built
    assert comparison.rows[0].parameters == 144 * 4 + 4


def test_seeds_may_be_given_and_epochs_overridden(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    comparison = compare([make_dense(name="mine")], data, RECIPE, epochs=1, seeds=(7,), verbose=0)
    (run,) = comparison.runs["mine"]
    assert (run.seed, len(run.history["loss"]), comparison.recipe.epochs) == (7, 1, 1)


def test_weights_reach_every_training(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    each = np.linspace(0, 1, len(data.train))
    runs = compare([make_dense()], data, RECIPE, class_weight={0: 3.0}, sample_weight=each, seeds=2, verbose=0).runs
    for (run,) in zip(*runs.values(), strict=True):
        assert next(iter(run.weighting["class_weight"].values())) == 3.0
        assert run.weighting["sample_weight"]["largest"] == 1.0


def test_progress_goes_to_standard_error(
    data: Dataset, make_dense: Callable[..., keras.Model], capsys: pytest.CaptureFixture[str]
) -> None:
    compare([make_dense(name="mine")], data, RECIPE, epochs=1, seeds=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "mine 1/1" in shown.err


# The figures


def test_means_and_sample_standard_deviations(comparison: Comparison) -> None:
    for row, (name, runs) in zip(comparison.rows, comparison.runs.items(), strict=True):
        tested = [run.metrics["test_accuracy"] for run in runs]
        trained = [run.history["accuracy"][-1] for run in runs]
        assert row.model == name
        assert row.test_accuracy == pytest.approx(sum(tested) / 2)
        assert row.test_accuracy_sd == pytest.approx(abs(tested[0] - tested[1]) / math.sqrt(2))
        assert row.train_accuracy == pytest.approx(sum(trained) / 2)
        assert row.train_accuracy_sd == pytest.approx(abs(trained[0] - trained[1]) / math.sqrt(2))
        assert row.seconds_per_epoch == statistics.median([*runs[0].seconds_per_epoch, *runs[1].seconds_per_epoch])
        assert row.seeds == 2
    # 144 pixels, 128 hidden units, 4 classes; then 4 kernels of 3 × 3 and a pooling to 5 × 5.
    assert comparison.rows[0].parameters == (144 * 128 + 128) + (128 * 4 + 4)
    assert comparison.rows[1].parameters == (9 * 4 + 4) + (5 * 5 * 4 * 8 + 8) + (8 * 4 + 4)


def test_a_standard_deviation_known_from_a_book(run: Run) -> None:
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sum of squares 32.
    values = [0.2, 0.4, 0.4, 0.4, 0.5, 0.5, 0.7, 0.9]
    row = ComparisonRow.of("book", [made_up_run(run, train_accuracy=0.5, test_accuracy=value) for value in values])
    assert row.test_accuracy == pytest.approx(0.5)
    assert row.test_accuracy_sd == pytest.approx(math.sqrt(0.32 / 7))
    assert row.train_accuracy_sd == 0


def test_one_seed_has_no_standard_deviation(run: Run) -> None:
    comparison = Comparison("quarters", RECIPE, {"one": [made_up_run(run, train_accuracy=0.5, test_accuracy=0.25)]})
    assert math.isnan(comparison.rows[0].test_accuracy_sd)
    assert "±" not in str(comparison)
    (row,) = comparison.as_dicts()
    assert row["test_accuracy_sd"] is row["train_accuracy_sd"] is None
    assert row["test_accuracy"] == 0.25
    json.dumps(row, allow_nan=False)


def test_as_dicts_are_the_rows(comparison: Comparison) -> None:
    assert json.loads(json.dumps(comparison.as_dicts(), allow_nan=False)) == [
        dataclasses.asdict(row) for row in comparison.rows
    ]


def test_the_table_says_everything_in_aligned_columns(comparison: Comparison) -> None:
    title, blank, header, rule, *rows = str(comparison).splitlines()
    assert title == "quarters, recipe 'short', 2 epochs"
    assert blank == ""
    assert set(rule) == {"─"}
    assert len(rule) == max(map(len, (header, *rows)))
    assert header.split("  ")[0] == "model"
    for line, row in zip(rows, comparison.rows, strict=True):
        cells = line.split()
        mean, sd = (f"{value:.2%}" for value in (row.test_accuracy, row.test_accuracy_sd))
        assert cells[:2] == [row.model, f"{row.parameters:,}"]
        assert cells[5:] == [mean, "±", sd, f"{row.seconds_per_epoch:.1f}", "2"]
    for column in ("parameters", "train accuracy", "test accuracy", "seconds/epoch", "seeds"):
        # Numbers stand right: below the last letter of the heading is a digit or a percent sign, behind it nothing.
        end = header.index(column) + len(column)
        for line in rows:
            assert line[end - 1] in "0123456789%"
            assert line[end : end + 1] in ("", " ")


# On disk


def test_save_writes_the_table_the_picture_and_runs_that_load(
    comparison: Comparison, data: Dataset, tmp_path: Path
) -> None:
    folder = comparison.save(tmp_path / "comparison")
    assert {path.name for path in folder.iterdir()} == {
        "comparison.json",
        "comparison.csv",
        "comparison.png",
        "dense_128-seed-0",
        "dense_128-seed-1",
        "mine-seed-0",
        "mine-seed-1",
    }
    facts = json.loads((folder / "comparison.json").read_text())
    assert facts == {
        "data": "quarters",
        "recipe": dataclasses.asdict(RECIPE),
        "rows": comparison.as_dicts(),
        "failures": {},
    }
    with (folder / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["dense_128", "mine"]
    assert [float(row["test_accuracy"]) for row in rows] == [row.test_accuracy for row in comparison.rows]
    with Image.open(folder / "comparison.png") as picture:
        assert picture.format == "PNG"
    loaded = load_run(folder / "mine-seed-1")
    original = comparison.runs["mine"][1]
    np.testing.assert_array_equal(
        loaded.predict(data.test.images).probabilities, original.predict(data.test.images).probabilities
    )


def test_save_refuses_a_folder_that_holds_something(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="nothing is overwritten"):
        comparison.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_cannot_be_written_leaves_nothing_behind(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def second_fails(self: keras.Model, path: Path) -> None:
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        Path(path).write_bytes(b"")

    monkeypatch.setattr(keras.Model, "save", second_fails)
    with pytest.raises(OutputError, match="No space left on device"):
        comparison.save(tmp_path / "comparison")
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []


# Ctrl-C


def test_ctrl_c_returns_what_was_finished(
    data: Dataset, make_dense: Callable[..., keras.Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, fits = GraphLoop.fit, []

    def interrupted_the_second_time(self: GraphLoop, *args: Any, **kwargs: Any) -> Any:
        fits.append(self._model.name)
        if len(fits) == 2:
            signal.raise_signal(signal.SIGINT)
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(GraphLoop, "fit", interrupted_the_second_time)
    models = [make_dense(name="early"), make_dense(name="late")]
    comparison = compare(models, data, RECIPE, epochs=1, seeds=1, verbose=0)
    assert fits == ["early", "late"]
    assert comparison.interrupted
    assert {name: len(runs) for name, runs in comparison.runs.items()} == {"early": 1, "late": 0}
    assert [row.model for row in comparison.rows] == ["early"]
    assert "late" not in str(comparison)
    folder = comparison.save(tmp_path / "comparison")
    assert (folder / "early-seed-0" / "run.json").is_file()


def test_ctrl_c_before_the_first_training_is_done_leaves_an_empty_comparison(tmp_path: Path) -> None:
    comparison = Comparison("quarters", RECIPE, {"first": []}, interrupted=True)
    assert comparison.rows == []
    assert str(comparison).splitlines()[2].startswith("model")
    for draw in (comparison.plot, comparison.plot_history):
        with pytest.raises(InputError, match="nothing to draw before the first"):
            draw()
    folder = comparison.save(tmp_path / "empty")
    assert {path.name for path in folder.iterdir()} == {"comparison.json", "comparison.csv"}


# Refused before the first training begins


def test_a_typo_in_the_last_name(data: Dataset, trained: list[Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown model 'conv_6464'\. Did you mean 'conv_64_64'"):
        compare(["dense_128", "conv_6464"], data, verbose=0)
    assert trained == []


@pytest.mark.parametrize(
    ("last", "error", "message"),
    [
        ("conv_64_64_64", ShapeError, "12 × 12 are too small"),
        ({"num_classes": 5}, InputError, "a model with 5 outputs"),
        ({"input_shape": (28, 28, 1)}, ShapeError, r"with images of shape \(12, 12, 1\)"),
    ],
)
def test_a_last_model_that_does_not_fit_the_data(
    last: Any,
    error: type[ConvvisionError],
    message: str,
    data: Dataset,
    make_dense: Callable[..., keras.Model],
    trained: list[Any],
) -> None:
    model = last if isinstance(last, str) else make_dense(**last)
    with pytest.raises(error, match=message):
        compare(["dense_128", model], data, verbose=0)
    assert trained == []


def test_what_only_the_first_model_could_be_trained_by(data: Dataset, trained: list[Any]) -> None:
    class Own(keras.Model):
        def train_step(self, state: Any) -> Any:
            return super().train_step(state)

    image = keras.Input((12, 12, 1))
    own = Own(image, keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(image)), name="own")
    recipe = Recipe("mixed", mixup=0.3)
    with pytest.raises(InputError, match=r"'mixed' has mixup=0\.3, which Keras's fit cannot do"):
        compare(["dense_128", own], data, recipe, verbose=0)
    with pytest.raises(InputError, match="class_weight"):
        compare(["dense_128"], data, class_weight={99: 3.0}, verbose=0)
    assert not trained


def test_a_subclassed_model_cannot_be_copied(data: Dataset, trained: list[Any]) -> None:
    class Subclassed(keras.Model):
        pass

    with pytest.raises(InputError, match=r"keras\.Sequential or the functional API"):
        compare([Subclassed()], data, verbose=0)
    assert trained == []


@pytest.mark.parametrize("models", ["dense_128", [None], ["dense_128", 3]])
def test_models_are_a_list_of_names_and_models(models: Any, data: Dataset, trained: list[Any]) -> None:
    with pytest.raises(InputError, match=r"compare takes names of models, or models, in a list\. Received: models="):
        compare(models, data, verbose=0)
    assert trained == []


@pytest.mark.parametrize("models", [[], ["dense_128", "dense_128"]])
def test_models_have_different_names(models: Any, data: Dataset, trained: list[Any]) -> None:
    with pytest.raises(InputError, match=r"models of different names, at least one\. Received: models="):
        compare(models, data, verbose=0)
    assert trained == []


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([], r"different seeds, at least one\. Received: seeds=\[\]"),
        ([1, 2, 1], r"different seeds, at least one\. Received: seeds=\[1, 2, 1\]"),
        (0, r"seeds is a whole number of at least 1\. Received: seeds=0"),
        ([0, -1], r"A seed is a whole number from 0 to 4294967295\. Received: seed=-1"),
    ],
)
def test_seeds(seeds: Any, message: str, data: Dataset, trained: list[Any]) -> None:
    with pytest.raises(InputError, match=message):
        compare(["dense_128"], data, seeds=seeds, verbose=0)
    assert trained == []


def test_unknown_recipes_and_data(data: Dataset, trained: list[Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown recipe 'leson'\. Did you mean 'lesson'"):
        compare(["dense_128"], data, "leson", verbose=0)
    with pytest.raises(UnknownNameError, match=r"Unknown data set 'mnits'\. Did you mean 'mnist'"):
        compare(["dense_128"], "mnits", verbose=0)
    assert trained == []
