"""The pictures of the lesson's tutorial, on the real data: python benchmarks/lesson_pictures.py --run FOLDER.

FOLDER is a run of conv_64_64 on Fashion-MNIST, as saved by ``convvision train conv_64_64 --data fashion_mnist --out
FOLDER``; where there is none, it is trained and saved there. Written are PNGs into docs/_static/generated/, and where
they come from into results/.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from _report import write_result

import convvision
from convvision.datasets import Dataset
from convvision.training import Run
from convvision.visualize import Display, plot_activation_grid, plot_kernels

PICTURES = Path(__file__).parents[1] / "docs" / "_static" / "generated"
# Test images: those that the lesson's code draws, and the shoes that its text speaks of.
ROWS = ((0, 7, 26), (0, 23, 28))
# So that a page with all of them stays light.
MOST_BYTES = 150_000


def draw(run: Run, data: Dataset) -> dict[str, Display]:
    """Draw every picture, by the name of its file."""
    pictures: dict[str, Display] = {"edge_kernel": plot_kernels(data.test.images[0], ["identity", "edge"])}
    for positions in ROWS:
        titles = [f"{position}: {data.info.class_names[data.test.labels[position]]}" for position in positions]
        name = "_".join(["activations", *map(str, positions)])
        pictures[name] = plot_activation_grid(run.model, data.test.images[list(positions)], channel=1, titles=titles)
    return pictures


def save(pictures: dict[str, Display]) -> dict[str, str]:
    """Write the PNGs, and return the SHA-256 of each by the name of its file."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name, display in pictures.items():
        content = display.save(PICTURES / f"{name}.png", dpi=110).read_bytes()
        if len(content) > MOST_BYTES:
            raise SystemExit(f"{name}.png has {len(content):,} bytes, more than {MOST_BYTES:,}: draw it smaller")
        hashes[f"{name}.png"] = hashlib.sha256(content).hexdigest()
    return hashes


def main(folder: Path) -> None:
    """Load or train the run, draw, and write everything."""
    data = convvision.load_dataset("fashion_mnist")
    if folder.exists():
        run = convvision.load_run(folder)
    else:
        run = convvision.train("conv_64_64", data)
        run.save(folder)
    write_result(
        "lesson_pictures",
        {
            "data": run.data.name,
            "model": run.model.name,
            "epochs": len(run.seconds_per_epoch),
            "seed": run.seed,
            "test_accuracy": run.metrics["test_accuracy"],
            "sha256": save(draw(run, data)),
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, metavar="FOLDER", help="of a saved run, or a new one")
    main(parser.parse_args().run)
