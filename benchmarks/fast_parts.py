"""What each part of the recipe fast brings: python benchmarks/fast_parts.py [--seeds N].

fast_conv on Fashion-MNIST, with a tenth of the training images set apart; their accuracy after the last epoch. Each row
is the recipe with one part taken out or replaced, and the rest as it is. Seconds are time_to_accuracy.py's matter.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics

from _report import write_result

import convvision

FAST = convvision.get_recipe("fast")
PARTS: dict[str, dict[str, object]] = {
    "fast": {},
    # Of 0.003, 0.01 and 0.03 this is Adam's best rate, with one seed.
    "adam": {"optimizer": "adam", "learning_rate": 0.03, "weight_decay": 0.0},
    "constant_rate": {"schedule": "constant", "warmup": 0.0},
    "no_smoothing": {"label_smoothing": 0.0},
    "one_epoch": {"epochs": 1, "hard_fraction": 1.0},
    "two_epochs": {"hard_fraction": 1.0},
    "large_batches": {"batch_size": 256},
    "float32": {"precision": "float32"},
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each")
    seeds = range(parser.parse_args().seeds)
    data = convvision.load_dataset("fashion_mnist", validation_split=0.1)
    rows = []
    for name, changed in PARTS.items():
        recipe = dataclasses.replace(FAST, name=name, **changed)
        runs = [convvision.train("fast_conv", data, recipe, seed=seed, verbose=0) for seed in seeds]
        accuracies = [run.history["val_accuracy"][-1] for run in runs]
        rows.append(
            {
                "model": name,
                "changed": changed,
                "accuracy": statistics.fmean(accuracies),
                "accuracy_sd": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
                "accuracies": accuracies,
            }
        )
        print(name, changed, accuracies)
    write_result("fast_parts", {"data": "fashion_mnist", "validation_split": 0.1, "model": "fast_conv", "rows": rows})
