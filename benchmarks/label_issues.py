"""Suspicious test labels of Fashion-MNIST, found with a quickly trained network: python benchmarks/label_issues.py.

Beside the real labels, for which nobody knows which are wrong, labels that are swapped on purpose: of these it is known
how many are found, and how many others are suspected in vain. PICTURE, where given, is drawn of the real ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from _report import write_result

import convvision
from convvision.datasets import find_label_issues
from convvision.visualize import plot_label_issues

MODEL, EPOCHS, SEED = "conv_16_16", 2, 0
SWAPPED = 0.05
RANKED = (20, 100, 500)


def main(picture: Path | None) -> None:
    """Train, find, count and write."""
    data = convvision.load_dataset("fashion_mnist")
    run = convvision.train(MODEL, data, epochs=EPOCHS, seed=SEED)
    probabilities = run.predict(data.test.images).probabilities
    issues = find_label_issues(data.test.labels, probabilities)
    print(issues)
    if picture is not None:
        print(plot_label_issues(data.test.images, issues, class_names=data.info.class_names).save(picture))

    rng = np.random.default_rng(SEED)
    swapped = rng.choice(len(data.test), int(SWAPPED * len(data.test)), replace=False)
    labels = data.test.labels.copy()
    # Any other class, each as likely.
    labels[swapped] = (labels[swapped] + rng.integers(1, 10, len(swapped))) % 10
    planted = find_label_issues(labels, probabilities)
    hits = np.isin(planted.indices, swapped)
    print(f"{planted}: {hits.sum()} of the {len(swapped)} that were swapped are among them")
    confused: list[dict[str, Any]] = [
        {
            "given": data.info.class_names[given],
            "true": data.info.class_names[true],
            "labels": issues.joint[given, true],
        }
        for given, true in zip(*np.unravel_index(np.argsort(-issues.joint, axis=None), issues.joint.shape), strict=True)
        if given != true
    ][:5]
    write_result(
        "label_issues",
        {
            "model": MODEL,
            "epochs": EPOCHS,
            "test_accuracy": run.metrics["test_accuracy"],
            "suspicious": len(issues),
            "estimated_noise": issues.noise,
            "most_confused": confused,
            "planted": {
                "swapped": len(swapped),
                "suspicious": len(planted),
                "found": int(hits.sum()),
                "estimated_noise": planted.noise,
                "precision_of_first": {str(count): float(hits[:count].mean()) for count in RANKED},
            },
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="a PNG to draw the most suspicious to")
    main(parser.parse_args().picture)
