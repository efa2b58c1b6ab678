"""The benchmarks: what they compute from what they measured, by hand, and that the README lists them all."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import convvision

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("[!_]*.py"))

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import a benchmark as it imports its neighbours: by its name alone."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == BENCHMARKS:
            del sys.modules[name]


@pytest.fixture
def results(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let what is written go to a folder of the test."""
    monkeypatch.setattr(load("_report"), "RESULTS", tmp_path)
    monkeypatch.setattr(load("leaderboard"), "RESULTS", tmp_path)
    return tmp_path


def test_the_readme_lists_every_script() -> None:
    commands = re.findall(r"^\| `python benchmarks/(\w+)\.py", (BENCHMARKS / "README.md").read_text(), re.MULTILINE)
    assert sorted(set(commands)) == SCRIPTS


def test_the_readme_lists_every_case(load: Load) -> None:
    text = (BENCHMARKS / "README.md").read_text()
    assert re.findall(r"time_to_accuracy\.py (\w+)`", text) == list(load("time_to_accuracy").CASES)


def test_every_result_says_how_it_came_about() -> None:
    for path in (BENCHMARKS / "results").glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))["circumstances"]
        assert found["command"].startswith("python benchmarks/"), path
        assert {"date", "cpu", "cores", "versions"} <= found.keys(), path


def test_a_result_takes_the_place_of_the_last_one(load: Load, results: Path) -> None:
    for figure in (1, 2):
        path = load("_report").write_result("some", {"figure": figure})
    assert json.loads(path.read_text())["figure"] == 2
    assert [file.name for file in results.iterdir()] == ["some.json"]


def test_ratio_and_spread(load: Load) -> None:
    processes = load("_processes")
    assert processes.ratio([10.0, 12.0, 20.0], [2.0, 3.0, 5.0]) == {"median": 4.0, "least": 2.0, "most": 10.0}
    assert processes.spread([1.0, 2.0, 6.0]) == {
        "mean": 3.0,
        "sd": pytest.approx(7**0.5),
        "least": 1.0,
        "most": 6.0,
    }
    assert processes.spread([1.0])["sd"] is None


@pytest.mark.parametrize(("threads", "expected"), [(None, [None, None]), (1, ["1", "4"])])
def test_a_script_runs_by_itself(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int | None, expected: list[str | None]
) -> None:
    processes = load("_processes")
    monkeypatch.setattr(processes, "CORES", 4)
    # What the caller has set for its own TensorFlow is not for the processes that it compares.
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    script = tmp_path / "script.py"
    names = '("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")'
    script.write_text(
        f'import json, os, sys\nprint("noise")\n'
        f'print(json.dumps({{"threads": [os.environ.get(name) for name in {names}], "asked": sys.argv[1:]}}))\n'
    )
    found = processes.run_script(script, "a b", threads_an_operation=threads)
    assert found.pop("process_seconds") > 0
    assert found == {"threads": expected, "asked": ["a b"]}


def test_a_script_that_fails_says_why(load: Load, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text('raise SystemExit("no such data")')
    with pytest.raises(RuntimeError, match="no such data"):
        load("_processes").run_script(script)


def test_time_to_accuracy(load: Load) -> None:
    module = load("time_to_accuracy")

    def run(accuracy: float, seconds: float) -> dict[str, float]:
        return {
            "accuracy": accuracy,
            "seconds": seconds,
            "warm_seconds": seconds - 1,
            "process_seconds": seconds + 5,
        }

    trained = {
        "lesson": [run(0.90, 100), run(0.91, 120)],
        "towers": [run(0.91, 6), run(0.92, 12)],
        "default_threads": [run(0.5, 11)],
    }
    found = module.summarise(module.CASES["fast"], trained)
    assert found["accuracy"]["mean"] == pytest.approx(0.915)
    assert found["ours"]["towers"]["ratios"]["warm"] == {
        "median": pytest.approx(110 / 8),
        "least": pytest.approx(100 / 11),
        "most": pytest.approx(120 / 5),
    }
    assert found["ours"]["default_threads"]["ratios"]["training"]["median"] == 10
    assert found["ours"]["default_threads"]["ratios"]["process"]["median"] == 115 / 16
    assert "default_threads" not in module.summarise(module.CASES["fast"], {**trained, "default_threads": []})["ours"]


def test_both_sides_take_turns(load: Load, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("time_to_accuracy")
    turns: list[str] = []

    def run_script(script: Any, *arguments: str, threads_an_operation: int | None = None) -> dict[str, Any]:
        turns.append(f"{Path(script).stem} {threads_an_operation} {arguments[-1]}")
        took = {"accuracy": 0.9, "seconds": 3.0, "warm_seconds": 2.0, "process_seconds": 9.0}
        return {**took, "seconds_per_epoch": [2.0, 1.0]}

    monkeypatch.setattr(module, "run_script", run_script)
    case = dataclasses.replace(module.CASES["mnist"], seeds=4, lessons=2)
    module.main("some", case, default_threads=1)
    assert turns == [
        "_lesson_script None mnist", "_our_script 1 0", "_our_script None 0", "_our_script 1 1",
        "_lesson_script None mnist", "_our_script 1 2", "_our_script 1 3",
    ]  # fmt: skip
    assert json.loads((results / "time_to_accuracy_some.json").read_text())["recipe"] == case.recipe


def test_the_loop_against_fit(load: Load) -> None:
    compare = load("loop_against_fit").compare
    assert compare({"fit": [12.0, 15.0], "ours": [6.0, 6.0]}) == {"ours": {"median": 2.25, "least": 2.0, "most": 2.5}}


def test_a_step_computes_each_kernel_three_times(load: Load) -> None:
    # By hand: 26 × 26 and 11 × 11 positions, 5 × 5 × 64 = 1600 inputs of the first dense layer.
    first, second, dense = 9 * 64 * 26**2, 9 * 64 * 64 * 11**2, 1600 * 128 + 128 * 10
    model = convvision.create_model("conv_64_64")
    assert load("_operations").flops_an_image(model) == 2 * (2 * first + 3 * second + 3 * dense)


def test_the_first_convolution_is_measured_as_it_is_trained(load: Load) -> None:
    layer = convvision.create_model("fast_conv").layers[1]
    measured = load("_operations")._calls(layer, first=True, part=2, towers=2)
    found = {}
    for kind, operation, _ in measured:
        graph = tf.function(operation).get_concrete_function().graph
        assert "SpaceToDepth" in {each.type for each in graph.get_operations()}
        found[kind] = [tuple(tensor.shape) for tensor in operation()]
    assert found == {
        "first convolution": [(2, 14, 14, 32)] * 2,
        "first convolution: gradient of kernel": [(6, 6, 1, 32)] * 2,
    }


def test_a_sum_is_measured_with_all_that_flows_in_and_back(load: Load) -> None:
    layer = convvision.models.resnet(8).get_layer("stage_1_block_1_sum")
    ((_, operation, flops),) = load("_operations")._calls(layer, first=False, part=2, towers=2)
    # Of each half: the sum, and a gradient for each of the two that were added.
    assert [tuple(tensor.shape) for tensor in operation()] == [(2, 28, 28, 16)] * 6
    assert flops == 0


@pytest.mark.parametrize(
    ("side", "dtype", "used"), [(4, "bfloat16", True), (4, "float32", False), (7, "bfloat16", False)]
)
def test_the_patch_gradient_is_timed_where_it_is_used_and_where_not(
    load: Load, side: int, dtype: str, used: bool
) -> None:
    module = load("patch_gradient")
    assert module.measure((2, side, 3, 5), dtype, 2)["used"] == used
    layer = keras.layers.Conv2D(5, 3, padding="same", dtype=module.POLICIES[dtype])
    inputs, back = (tf.cast(tf.random.normal((2, side, side, channels)), dtype) for channels in (3, 5))
    layer.build(inputs.shape)
    graphs = (way.get_concrete_function(inputs, back).graph for way in module.both_ways(layer))
    of_kernel = ["Conv2DBackpropFilter" in {each.type for each in graph.get_operations()} for graph in graphs]
    assert of_kernel == [True, False]


def test_utilisation(load: Load) -> None:
    module = load("utilisation")
    for name, (recipe, _) in module.MODELS.items():
        assert name in convvision.list_models()
        assert recipe in convvision.list_recipes()
    products = {
        "one_thread": [{"float32": 60.0, "bfloat16": 200.0}, {"float32": 60.0, "bfloat16": 120.0}],
        "all_threads": [{"float32": 100.0, "bfloat16": 180.0}, {"float32": 100.0, "bfloat16": 300.0}],
        "side_by_side": [{"float32": 110.0, "bfloat16": 190.0}, {"float32": 90.0, "bfloat16": 400.0}],
    }
    assert list(module.PRODUCTS) == list(products)
    step = {"milliseconds_a_step": 10.0, "gflops": 100.0, "gflop_an_image": 0.1, "parameters": 7, "batch_size": 4}
    step["execution"] = {"precision": "bfloat16"}
    profiles = {"best": {"convolution": {"seconds": 0.004, "gflops": 150.0}, "ReLU": {"seconds": 0.001, "gflops": 0.0}}}
    found = module.summarise(products, {"best": {side: [step, step] for side in module.SIDES}}, profiles)
    best = found["models"]["best"]
    assert found["product_gflops"]["all_threads"]["bfloat16"]["mean"] == 240
    # Of each round the fastest way: one thread, then side by side.
    assert found["fastest_gflops"]["bfloat16"]["mean"] == 300
    assert found["fastest_gflops"]["float32"]["mean"] == 105
    assert best["towers"]["part_of_product"]["least"] == 0.25
    assert best["towers"]["part_of_product"]["most"] == 0.5
    assert best["operations"]["convolution"]["part_of_step"] == pytest.approx(0.4)
    assert best["operations"]["convolution"]["part_of_product"] == 0.5


def row(model: str, accuracy: float, seeds: Sequence[int] = (0,), **other: Any) -> dict[str, Any]:
    recipe = dataclasses.asdict(convvision.get_recipe("fast"))
    return {
        "model": model,
        "data": "mnist",
        "recipe": recipe,
        "epochs": 2,
        "seeds": list(seeds),
        "parameters": 1234,
        "multiply_adds": None,
        "receptive_field": None,
        "test_accuracy": accuracy,
        "test_accuracy_sd": None,
        "test_accuracies": [accuracy for _ in seeds],
        "train_seconds": [3.0 for _ in seeds],
        "predict_seconds": [0.5 for _ in seeds],
        "versions": {"tensorflow": importlib.metadata.version("tensorflow"), "backend": "tensorflow"},
        "machine": {"cpu": "this one", "cores": 2},
        **other,
    }


def test_the_leaderboard_goes_on_where_it_was(
    load: Load, results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load("leaderboard")
    trained: list[str] = []

    def train(model: str, data: str, recipe: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
        trained.append(model)
        if model == "conv_32":
            raise RuntimeError("out of memory")
        machine = module.this_machine()
        return row(model, 0.9 if model == "dense_128" else 0.95, seeds, machine=machine)

    monkeypatch.setattr(module, "train", train)
    models, recipe = ["dense_128", "conv_32", "tiny_5k"], {"name": "fast"}

    assert module.main(models, "mnist", recipe, range(1), again=False) == ["conv_32"]
    # The smallest first; one that fails does not keep the others.
    assert trained == ["tiny_5k", "dense_128", "conv_32"]
    assert "conv_32 failed: out of memory" in capsys.readouterr().err
    assert [one["model"] for one in module.read_rows()] == ["tiny_5k", "dense_128"]

    trained.clear()
    module.main(models, "mnist", recipe, range(1), again=False)
    assert trained == ["conv_32"]
    trained.clear()
    module.main(["tiny_5k"], "mnist", recipe, range(1), again=True)
    assert trained == ["tiny_5k"]
    assert len(module.read_rows()) == 2


def test_further_seeds_join_the_row_of_the_same_training(
    load: Load, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("leaderboard")
    accuracies = {0: 0.90, 1: 0.92, 2: 0.97}
    trained: list[int] = []

    def train(model: str, data: str, recipe: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
        trained.extend(seeds)
        changed = dataclasses.replace(convvision.get_recipe("fast"), epochs=recipe.get("epochs", 2))
        return row(
            model,
            0.9,
            seeds=seeds,
            test_accuracies=[accuracies[seed] for seed in seeds],
            train_seconds=[10.0 + seed for seed in seeds],
            predict_seconds=[0.5 for _ in seeds],
            recipe=dataclasses.asdict(changed),
            machine=module.this_machine(),
        )

    monkeypatch.setattr(module, "train", train)

    def run(seeds: int, **changes: int) -> list[dict[str, Any]]:
        trained.clear()
        module.main(["tiny_5k"], "mnist", {"name": "fast", **changes}, range(seeds), again=False)
        rows: list[dict[str, Any]] = module.read_rows()
        return rows

    run(1)
    (joined,) = run(3)
    assert trained == [1, 2]
    assert joined["seeds"] == [0, 1, 2]
    assert joined["test_accuracies"] == [0.90, 0.92, 0.97]
    assert joined["test_accuracy"] == pytest.approx(0.93)
    # Of (−0.03, −0.01, 0.04).
    assert joined["test_accuracy_sd"] == pytest.approx((26e-4 / 2) ** 0.5)
    assert joined["train_seconds"] == [10, 11, 12]
    run(2)
    assert trained == []
    # Of another recipe, a row of its own.
    assert [one["seeds"] for one in run(1, epochs=3)] == [[0, 1, 2], [0]]
    # A seed that is trained again takes the place of its last training, and of no other.
    accuracies[1] = 0.94
    module.add(train("tiny_5k", "mnist", {"name": "fast"}, [1]))
    assert module.read_rows()[0]["test_accuracies"] == [0.90, 0.94, 0.97]
    # What other versions trained gives way, and is not mixed with what is trained now.
    module.write_result("leaderboard", {"rows": [joined | {"versions": {"tensorflow": "2.0"}}]})
    assert [one["seeds"] for one in run(2)] == [[0, 1]]
    assert trained == [0, 1]
    module.add(joined | {"versions": {"tensorflow": "2.0"}, "seeds": [7]})
    assert [one["seeds"] for one in module.read_rows()] == [[7]]
    # What another machine trained stands beside.
    module.write_result("leaderboard", {"rows": [joined | {"machine": {"cpu": "another", "cores": 64}}]})
    assert [one["seeds"] for one in run(2)] == [[0, 1, 2], [0, 1]]
    assert trained == [0, 1]


def test_the_leaderboard_is_a_table(load: Load) -> None:
    text = load("leaderboard").table(
        [row("tiny_5k", 0.98125, (0, 1), test_accuracy_sd=0.0025, multiply_adds=1_500_000)]
    )
    header, _, line = text.splitlines()
    assert re.split(r"\s{2,}", header)[:4] == ["model", "data", "recipe", "epochs"]
    assert re.split(r"\s{2,}", line.strip()) == [
        "tiny_5k", "mnist", "fast", "2", "1,234", "1.50 M", "?", "98.12% ± 0.25%", "2", "3.0 s", "0.50 s",
    ]  # fmt: skip


def test_the_weights_of_a_saved_run_are_stored_with_its_card(
    load: Load, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The script sets them where they are not set, for itself and not for other tests.
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "2")
    module = load("make_weights")
    box = tmp_path / "box"
    monkeypatch.setattr(module, "WEIGHTS_FOLDER", box)
    monkeypatch.setattr(module, "RESULTS", results)
    # Of 2,000 images instead of 10,000, trained for seconds: rounding may turn a few.
    monkeypatch.setattr(module, "MOST_LOST", 0.005)
    data = convvision.load_dataset("drawn_fashion")
    # In half precision, the run's own accuracy would be another one.
    recipe = dataclasses.replace(convvision.get_recipe("fast"), precision="float32")
    run = convvision.train("tiny_5k", data, recipe, seed=7, verbose=0)

    for other in ({"model": "a", "data": "mnist"}, {"model": "tiny_5k", "data": "drawn_fashion"}):
        module.add({**other, "old": True})
    made = module.store("tiny_5k", run, data)
    module.add(made)
    rows = json.loads((results / "weights.json").read_text())["rows"]
    assert rows == [made, {"model": "a", "data": "mnist", "old": True}]
    card = json.loads((box / "tiny_5k-drawn_fashion.json").read_text())
    assert (card["seed"], card["recipe"], card["scale"]) == (7, dataclasses.asdict(run.recipe), "unit")
    assert card["trained_test_accuracy"] == pytest.approx(run.metrics["test_accuracy"], abs=0.001)
    with np.load(box / card["file"]) as stored:
        for layer in run.model.layers:
            for weight in layer.weights:
                rounded = stored[f"{layer.name}/{weight.name}"]
                assert rounded.dtype == (np.float16 if weight.numpy().ndim > 1 else np.float32)
                np.testing.assert_allclose(rounded, weight.numpy(), rtol=2**-11, atol=2**-25)

    raw = convvision.load_dataset("drawn_fashion", scale="standard")
    with pytest.raises(SystemExit, match=r"\[0, 1\]\. Received: [\d,]+ images, scale='standard'\. Train it anew"):
        module.store("tiny_5k", convvision.train("tiny_5k", raw, "fast", verbose=0), data)
    run.metrics["test_accuracy"] -= 0.02
    with pytest.raises(
        SystemExit, match=r"that the run of tiny_5k tells, .*%, in float32 too\. Received: \d\d\.\d\d%\."
    ):
        module.store("tiny_5k", run, data)


def test_the_leaderboard_takes_a_saved_run(
    load: Load, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("leaderboard")
    monkeypatch.setattr(module, "PREDICTED", 30)
    run, took = load("_our_script").train_once(
        argparse.Namespace(
            model="conv_16_16",
            data="drawn_fashion",
            recipe={"name": "lesson", "batch_size": 50, "epochs": 2},
            seed=3,
            images=100,
        )
    )
    assert run.data.train_count == 100
    assert 0 < took["warm_seconds"] < took["seconds"]
    made = module.from_run(run.save(tmp_path / "run"), "mine", "a large GPU")
    assert made["model"] == "mine"
    assert made["family"] is None
    assert made["parameters"] == run.model.count_params()
    # Its last feature map: 3 × 3, pooled, 3 × 3, pooled.
    assert made["receptive_field"] == "10 × 10"
    assert made["recipe"]["batch_size"] == 50
    assert made["epochs"] == 2
    assert made["seeds"] == [3]
    assert made["test_accuracies"] == [run.metrics["test_accuracy"]]
    assert made["train_seconds"] == [sum(run.seconds_per_epoch)]
    assert made["machine"] == {"cpu": "a large GPU", "cores": None}
    module.add(made)
    assert [one["model"] for one in module.read_rows()] == ["mine"]
