"""The zoo on one data set: python benchmarks/leaderboard.py [--models PATTERN ...] [--recipe NAME] [--epochs N].

Every model trains in a fresh process a seed, with one thread an operation, as the command line sets it. The file is
written after each model. A row is a model, a recipe, a data set and a kind of machine; seeds that it has already, by
the versions of the packages that are installed, are not trained again unless ``--again`` is given, and further ones
join it. A training that was made elsewhere or took a night comes into the table by ``--run FOLDER``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _our_script import parser as one_training
from _our_script import train_once
from _processes import run_script
from _report import RESULTS, circumstances, write_result

import convvision
from convvision._tables import text_table

NAME = "leaderboard"
PREDICTED = 10_000
Row = dict[str, Any]


def describe(run: convvision.training.Run) -> Row:
    """Tell what a model is, and how long it takes to classify."""
    layers = convvision.summary(run.model)
    maps = [layer.receptive_field for layer in layers.layers if len(layer.output_shape) == 3]
    test = convvision.load_dataset(run.data.name, scale=None).test.images
    images = np.resize(test, (PREDICTED, *test.shape[1:]))
    # Each image once, whatever the recipe: how many views are worth their time is another question.
    run.predict(images[:1], views="one")
    began = time.perf_counter()
    run.predict(images, views="one")
    return {
        "predict_seconds": time.perf_counter() - began,
        "model": run.model.name,
        "data": run.data.name,
        "recipe": dataclasses.asdict(run.recipe),
        "epochs": len(run.seconds_per_epoch),
        "parameters": layers.parameters,
        "multiply_adds": layers.multiply_adds,
        # Of the last feature map; it is counted without clipping, so it may be larger than the image.
        "receptive_field": next((str(field) for field in reversed(maps) if field is not None), None),
        "execution": run.execution,
        "versions": run.versions,
    }


def train(model: str, data: str, recipe: dict[str, Any], seeds: Sequence[int]) -> Row:
    """Train a model in a process a seed, and make a row of it."""
    command = [__file__, "--one", model, data, "--recipe", json.dumps(recipe), "--seed"]
    found = [run_script(*command, str(seed), threads_an_operation=1) for seed in seeds]
    facts = {name: found[0][name] for name in found[0]["described"]} | {"model": model}
    return row(
        facts,
        seeds=seeds,
        accuracies=[one["accuracy"] for one in found],
        seconds=[one["seconds"] for one in found],
        predict_seconds=[one["predict_seconds"] for one in found],
        machine=this_machine(),
    )


def from_run(folder: Path, name: str | None, machine: str | None) -> Row:
    """Make a row of a run that was saved."""
    run = convvision.load_run(folder)
    facts = describe(run)
    if name is not None:
        facts["model"] = name
    return row(
        facts,
        seeds=[run.seed],
        accuracies=[run.metrics["test_accuracy"]],
        seconds=[sum(run.seconds_per_epoch)],
        predict_seconds=[facts["predict_seconds"]],
        machine=this_machine() if machine is None else {"cpu": machine, "cores": None},
    )


def row(
    facts: Row,
    *,
    seeds: Sequence[int],
    accuracies: list[float],
    seconds: list[float],
    predict_seconds: list[float],
    machine: dict[str, Any],
) -> Row:
    """Put together what is known of a model: its facts, and a value a seed."""
    known = facts["model"] in convvision.list_models()
    info = convvision.get_model_info(facts["model"]) if known else None
    return {
        **facts,
        "family": info.family if info else None,
        "reference": info.reference if info else None,
        "seeds": list(seeds),
        "test_accuracy": statistics.fmean(accuracies),
        "test_accuracy_sd": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "test_accuracies": accuracies,
        "train_seconds": seconds,
        "predict_seconds": predict_seconds,
        "predicted_images": PREDICTED,
        "machine": machine,
        "date": circumstances()["date"],
    }


def this_machine() -> dict[str, Any]:
    return {key: circumstances()[key] for key in ("cpu", "cores")}


def key(one: Row) -> str:
    """Tell rows apart: what was trained, how, on which images, and on what machine."""
    return json.dumps([one[part] for part in ("model", "data", "recipe", "machine")], sort_keys=True)


def same_versions(one: dict[str, str], other: dict[str, str]) -> bool:
    """Tell whether the packages that both name are of the same versions."""
    return all(one[package] == other[package] for package in one.keys() & other.keys())


def read_rows() -> list[Row]:
    """Read the table that there is."""
    path = RESULTS / f"{NAME}.json"
    rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return rows


def add(new: Row) -> None:
    """Put a row into the file: joined to one of the same training, or instead of one by other versions."""
    rows = read_rows()
    for old in [old for old in rows if key(old) == key(new)]:
        rows.remove(old)
        if same_versions(old["versions"], new["versions"]):
            new = joined(old, new)
    rows.append(new)
    rows.sort(key=lambda one: (one["data"], -one["test_accuracy"]))
    write_result(NAME, {"rows": rows})


def joined(old: Row, new: Row) -> Row:
    """Make one row of two of the same training; of a seed that both have, the later counts."""
    by_seed = {seed: (one, place) for one in (old, new) for place, seed in enumerate(one["seeds"])}
    seeds = sorted(by_seed)
    accuracies, seconds, predict_seconds = (
        [one[values][place] for one, place in map(by_seed.__getitem__, seeds)]
        for values in ("test_accuracies", "train_seconds", "predict_seconds")
    )
    return row(
        new,
        seeds=seeds,
        accuracies=accuracies,
        seconds=seconds,
        predict_seconds=predict_seconds,
        machine=new["machine"],
    )


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out."""
    header = (
        "model", "data", "recipe", "epochs", "parameters", "multiply-adds", "sees", "test accuracy", "seeds",
        "training", f"{PREDICTED:,} images",
    )  # fmt: skip
    lines = [
        (
            one["model"],
            one["data"],
            one["recipe"]["name"],
            str(one["epochs"]),
            f"{one['parameters']:,}",
            "?" if one["multiply_adds"] is None else f"{one['multiply_adds'] / 1e6:,.2f} M",
            one["receptive_field"] or "?",
            f"{one['test_accuracy']:.2%}"
            + ("" if one["test_accuracy_sd"] is None else f" ± {one['test_accuracy_sd']:.2%}"),
            str(len(one["seeds"])),
            f"{statistics.median(one['train_seconds']):,.1f} s",
            f"{statistics.median(one['predict_seconds']):.2f} s",
        )
        for one in rows
    ]
    return text_table(header, lines, numbers={3, 4, 5, 7, 8, 9, 10})


def main(models: Sequence[str], data: str, recipe: dict[str, Any], seeds: Sequence[int], *, again: bool) -> list[str]:
    """Train what is not there yet, the cheapest first.

    Returns:
        Names of the models whose training failed.
    """
    changes = dict(recipe)
    wanted = dataclasses.asdict(dataclasses.replace(convvision.get_recipe(changes.pop("name")), **changes))
    # As it comes back from the file: a tuple is a list there.
    same = json.loads(json.dumps({"data": data, "recipe": wanted, "machine": this_machine()}))
    installed = circumstances()["versions"]
    current = [] if again else [one for one in read_rows() if same_versions(one["versions"], installed)]
    there = {key(one): one["seeds"] for one in current}
    failed = []
    for model in sorted(models, key=lambda name: convvision.get_model_info(name).parameters or 0):
        missing = [seed for seed in seeds if seed not in there.get(key({"model": model, **same}), [])]
        if not missing:
            print(f"{model} is there already.")
            continue
        print(f"{model} …", flush=True)
        try:
            add(train(model, data, recipe, missing))
        except RuntimeError as error:
            failed.append(model)
            print(f"{model} failed: {error}", file=sys.stderr)
    return failed


def one(arguments: Sequence[str]) -> None:
    """Train and describe in this process, as a line of JSON."""
    run, took = train_once(one_training().parse_args(arguments))
    facts = describe(run)
    print(json.dumps({**took, **facts, "described": list(facts)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2:])
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["*"], metavar="PATTERN", help="as in 'conv_*'; all by default")
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--recipe", default="strong", help="its name (default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0 (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="train what is there already too")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="add a saved run instead of training")
    parser.add_argument("--name", help="with --run: what to call the model")
    parser.add_argument("--machine", help="with --run: where it was trained, if not here")
    asked = parser.parse_args()
    failed = []
    if asked.run is not None:
        add(from_run(asked.run, asked.name, asked.machine))
    else:
        changed = {"name": asked.recipe} | ({} if asked.epochs is None else {"epochs": asked.epochs})
        failed = main(convvision.list_models(asked.models), asked.data, changed, range(asked.seeds), again=asked.again)
    print(table(read_rows()))
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")
