"""The weights in the box: python benchmarks/make_weights.py [MODEL [DATA]] [--run FOLDER].

Trains each of these models on all training images of Fashion-MNIST and MNIST, by a recipe that is fixed here; looks at
the test images when the training is over; and writes the weights and their card into src/convvision/models/weights/,
and a row into results/weights.json. A training of an hour joins them with ``--run FOLDER``, as in::

    convvision train wrn_16_2 --recipe best --data fashion_mnist --out best_run
    python benchmarks/make_weights.py --run best_run
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import hashlib
import json
import os
from typing import Any

import numpy as np
from _report import RESULTS, write_result
from numpy.typing import NDArray

# As the command line sets them; each batch is shared among the cores.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(os.cpu_count() or 1))

import convvision
from convvision.models._weights import WEIGHTS_FOLDER, WeightsCard, named_variables

DATA = ("fashion_mnist", "mnist")
SEED = 0
# What rounding to half precision may cost.
MOST_LOST = 0.001
# What a run's own test accuracy, in half precision or of other views, may differ by.
MOST_APART = 0.005

LESSON = dataclasses.replace(
    convvision.get_recipe("lesson"), name="lesson_falling", summary="", schedule="linear", batch_size=64, epochs=8
)
FAST = dataclasses.replace(
    convvision.get_recipe("fast"), name="fast_longer", summary="", hard_fraction=1.0, batch_size=128, epochs=8
)
TINY = dataclasses.replace(
    FAST, name="tiny", warmup=0.05, weight_decay=0.0, label_smoothing=0.0, precision="float32", epochs=15
)
RECIPES: dict[str, convvision.Recipe] = {
    "dense_128": dataclasses.replace(LESSON, epochs=12),
    "conv_32_32": dataclasses.replace(LESSON, precision="bfloat16"),
    "conv_64_64": dataclasses.replace(LESSON, precision="bfloat16"),
    "fast_conv": FAST,
    "tiny_5k": TINY,
    "tiny_10k": TINY,
}
# Digits are moved a little, clothes mirrored.
VIEWS: dict[str, dict[str, Any]] = {"mnist": {"shift": 1}, "fashion_mnist": {"flip": True}}
# A choice, not a finding: a dense network would have to learn every place anew, a tiny one both sides of a garment.
AS_THEY_ARE = {"mnist": {"dense_128"}, "fashion_mnist": {"dense_128", "tiny_5k", "tiny_10k"}}


def recipe_of(model: str, data: str) -> convvision.Recipe:
    return RECIPES[model] if model in AS_THEY_ARE[data] else dataclasses.replace(RECIPES[model], **VIEWS[data])


def make(name: str, data_name: str) -> dict[str, Any]:
    """Train one model, write its weights and card, and give its row of the results."""
    data = convvision.load_dataset(data_name, scale="unit")
    return store(name, convvision.train(name, data, recipe_of(name, data_name), seed=SEED), data)


def store(name: str, run: convvision.training.Run, data: convvision.datasets.Dataset) -> dict[str, Any]:
    """Write the weights and the card of a run, and give its row of the results."""
    data_name = data.info.name
    if run.data.scaling.scale != "unit" or run.data.train_count != len(data.train):
        raise SystemExit(
            f"Expected a run on all {len(data.train):,} images, scaled to [0, 1]. "
            f"Received: {run.data.train_count:,} images, scale={run.data.scaling.scale!r}. Train it anew."
        )
    trained = {key: np.asarray(variable.numpy()) for key, variable in named_variables(run.model).items()}
    stored = {key: array.astype(np.float16) if array.ndim > 1 else array for key, array in trained.items()}
    if not all(np.isfinite(array).all() for array in stored.values()):
        raise SystemExit(f"A kernel of {name} is too large for float16.")

    # Trained in half precision or not, they are used in float32.
    exact, rounded = (probabilities(name, arrays, data.test.images) for arrays in (trained, stored))
    labels = data.test.labels
    accuracy, before = accuracy_of(rounded, labels), accuracy_of(exact, labels)
    print(f"{name} on {data_name}: {before:.2%}, stored {accuracy:.2%}")
    if abs(before - run.metrics["test_accuracy"]) > MOST_APART:
        raise SystemExit(
            f"Expected the test accuracy that the run of {name} tells, {run.metrics['test_accuracy']:.2%}, in float32 "
            f"too. Received: {before:.2%}. Were the test images others?"
        )
    if before - accuracy > MOST_LOST:
        raise SystemExit(f"float16 costs {name} {before - accuracy:.2%}.")

    WEIGHTS_FOLDER.mkdir(exist_ok=True)
    path = WEIGHTS_FOLDER / f"{name}-{data_name}.npz"
    np.savez(path, **stored)
    content = path.read_bytes()
    card = WeightsCard(
        model=name,
        dataset=data_name,
        class_names=data.info.class_names,
        input_shape=data.info.image_shape,
        scale="unit",
        test_accuracy=accuracy,
        trained_test_accuracy=before,
        known_failings=failings(name, stored, data, rounded),
        recipe=dataclasses.asdict(run.recipe),
        seed=run.seed,
        execution={key: value for key, value in run.execution.items() if value},
        versions=run.versions,
        created=dt.datetime.now(dt.UTC).date().isoformat(),
        licence=f"Apache-2.0; trained on the images of {data_name}, {data.info.licence}",
        file=path.name,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    text = json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return {
        "model": name,
        "data": data_name,
        "parameters": sum(array.size for array in stored.values()),
        "epochs": run.recipe.epochs,
        "test_accuracy": accuracy,
        "trained_test_accuracy": before,
        "bytes": len(content),
        "seconds": sum(run.seconds_per_epoch),
    }


def add(row: dict[str, Any]) -> None:
    """Put a row into the results, instead of the one of the same weights."""
    kept = RESULTS / "weights.json"
    rows = json.loads(kept.read_text(encoding="utf-8"))["rows"] if kept.exists() else []
    rows = [old for old in rows if (old["model"], old["data"]) != (row["model"], row["data"])] + [row]
    write_result("weights", {"rows": sorted(rows, key=lambda one: (one["data"], one["model"]))})


def probabilities(name: str, arrays: dict[str, NDArray[Any]], images: NDArray[Any]) -> NDArray[Any]:
    """Classify images by a model in float32 that has these weights."""
    model = convvision.create_model(name)
    for key, variable in named_variables(model).items():
        variable.assign(arrays[key].astype(np.float32))
    return np.asarray(model.predict(images, batch_size=500, verbose=0))


def accuracy_of(found: NDArray[Any], labels: NDArray[Any]) -> float:
    return float((found.argmax(axis=1) == labels).mean())


def failings(name: str, arrays: dict[str, NDArray[Any]], data: Any, found: NDArray[Any]) -> tuple[str, ...]:
    """Say which class is read worst, and what becomes of images that are not like those of the data set."""
    images, labels = data.test
    names, chosen = data.info.class_names, found.argmax(axis=1)
    recall = [(chosen[labels == one] == one).mean() for one in range(len(names))]
    worst = int(np.argmin(recall))
    taken = np.bincount(chosen[(labels == worst) & (chosen != worst)], minlength=len(names))
    moved = np.pad(images, ((0, 0), (3, 0), (3, 0), (0, 0)))[:, :-3, :-3]
    return (
        f"{names[worst]}: {recall[worst]:.1%} of its test images are right; most of the others are taken for "
        f"{names[int(taken.argmax())]}.",
        f"Moved by 3 pixels down and right: {accuracy_of(probabilities(name, arrays, moved), labels):.1%} are right.",
        f"Dark on light instead of light on dark: "
        f"{accuracy_of(probabilities(name, arrays, 1 - images), labels):.1%} are right.",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", choices=RECIPES, help="by default each in turn")
    parser.add_argument("data", nargs="?", choices=DATA, help="by default both")
    parser.add_argument("--run", metavar="FOLDER", help="store the weights of a saved run instead of training")
    asked = parser.parse_args()
    if asked.run:
        if asked.model:
            parser.error("MODEL and DATA are those of the run: leave them out with --run")
        trained_run = convvision.load_run(asked.run)
        add(store(trained_run.model.name, trained_run, convvision.load_dataset(trained_run.data.name, scale="unit")))
        raise SystemExit
    for model in [asked.model] if asked.model else RECIPES:
        for data_set in [asked.data] if asked.data else DATA:
            add(make(model, data_set))
