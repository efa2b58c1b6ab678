"""Every figure of the lesson, on the real data, with three seeds: python benchmarks/lesson.py [PART ...].

Parts: accuracy (dense_128 and conv_64_64 on Fashion-MNIST), stopping (MNIST until 99.5 %), exercises (1 to 4),
overfitting (20 epochs), seconds (an epoch of each model in turn; needs a quiet machine).
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from typing import Any

from _report import write_result

import convvision
from convvision.training import Run

SEEDS = (0, 1, 2)
EXERCISES = ("conv_16_16", "conv_32_32", "conv_64_64", "conv_32", "conv_64", "conv_32_32_32", "conv_64_64_64")
# Test accuracies that the lesson prints, for the same model and number of epochs.
LESSON_FASHION_MNIST = {"dense_128": 0.8750, "conv_64_64": 0.9118}
LESSON_MNIST = 0.9924


def accuracy() -> None:
    """The lesson's first two trainings."""
    _compare("lesson_accuracy", ("dense_128", "conv_64_64"))


def exercises() -> None:
    """Exercises 1 to 4: other numbers of filters, one convolution, three convolutions."""
    _compare("lesson_exercises", EXERCISES)


def _compare(name: str, models: tuple[str, ...]) -> None:
    comparison = convvision.compare(models, "fashion_mnist", seeds=SEEDS)
    print(comparison)
    # Seconds are measured by a part of their own: here whatever else the machine does would count.
    rows = [
        {key: value for key, value in row.items() if key != "seconds_per_epoch"}
        | {"test_accuracies": [run.metrics["test_accuracy"] for run in comparison.runs[row["model"]]]}
        | {"lesson_test_accuracy": LESSON_FASHION_MNIST.get(row["model"])}
        for row in comparison.as_dicts()
    ]
    facts = {"data": comparison.data, "recipe": dataclasses.asdict(comparison.recipe), "seeds": SEEDS, "rows": rows}
    write_result(name, facts)


def stopping() -> None:
    """Exercise 5: MNIST, stopped by itself once training accuracy is above 99.5 %, after at most 10 epochs."""
    data = convvision.load_dataset("mnist")
    runs = [
        convvision.train(
            "conv_32_32", data, epochs=10, seed=seed, callbacks=[convvision.callbacks.AccuracyThresholdStop(0.995)]
        )
        for seed in SEEDS
    ]
    tested = [run.metrics["test_accuracy"] for run in runs]
    write_result(
        "lesson_stopping",
        {
            "data": "mnist",
            "model": "conv_32_32",
            "threshold": 0.995,
            "seeds": SEEDS,
            "stopped_after_epochs": [len(run.seconds_per_epoch) for run in runs],
            "train_accuracies": [run.metrics["train_accuracy"] for run in runs],
            "test_accuracies": tested,
            "test_accuracy": statistics.fmean(tested),
            "test_accuracy_sd": statistics.stdev(tested),
            "lesson_test_accuracy": LESSON_MNIST,
            "lesson_stopped_after_epochs": 7,
        },
    )


def overfitting() -> None:
    """20 epochs of conv_64_64, with a tenth of the training images set apart."""
    data = convvision.load_dataset("fashion_mnist", validation_split=0.1)
    run = convvision.train("conv_64_64", data, epochs=20)
    losses = run.history["val_loss"]
    write_result(
        "lesson_overfitting",
        {
            "data": "fashion_mnist",
            "model": "conv_64_64",
            "validation_split": 0.1,
            "seed": run.seed,
            "history": run.history,
            "epoch_of_lowest_validation_loss": min(range(len(losses)), key=losses.__getitem__) + 1,
            "test_accuracy": run.metrics["test_accuracy"],
        },
    )


def seconds() -> None:
    """Seconds of an epoch of each model, in turn, twice; the first epoch, which traces the graph, is left out."""
    data = convvision.load_dataset("fashion_mnist")
    models = ("dense_128", *EXERCISES)
    trained: dict[str, list[float]] = {model: [] for model in models}
    for _ in range(2):
        for model in models:
            run: Run = convvision.train(model, data, epochs=2)
            trained[model].append(run.seconds_per_epoch[1])
    rows: list[dict[str, Any]] = [
        {"model": model, "seconds_per_epoch": statistics.median(epochs), "rounds": epochs}
        for model, epochs in trained.items()
    ]
    write_result("lesson_seconds", {"data": "fashion_mnist", "batch_size": 32, "rows": rows})


PARTS = {part.__name__: part for part in (accuracy, stopping, exercises, overfitting, seconds)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for part in chosen:
        PARTS[part]()
