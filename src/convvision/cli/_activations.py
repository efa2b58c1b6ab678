"""``convvision activations``."""

from __future__ import annotations

from pathlib import Path

import click

from convvision.cli._options import check_positions, data_option, read_positions, run_argument
from convvision.cli._output import start_keras
from convvision.training._run_files import check_run

__all__ = ["activations"]

# The three boots among Fashion-MNIST's test images of which the lesson speaks.
_BOOTS = (0, 23, 28)


@click.command()
@run_argument
@data_option(required=False)
@click.option(
    "--images",
    metavar="I,J,…",
    help="Positions of test images.  [default: 0,23,28, where there are so many]",
)
@click.option(
    "--layers",
    metavar="NAME,…",
    default="spatial",
    show_default=True,
    help='Layers to draw; or "spatial", "conv", "pool".',
)
@click.option("--channel", type=click.IntRange(min=0), default=1, show_default=True, help="Channel of each layer.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("activations.png"), show_default=True, metavar="FILE",
    help="The picture; one that exists is replaced.",
)  # fmt: skip
def activations(*, run: Path, data: str | None, images: str | None, layers: str, channel: int, out: Path) -> None:
    """Draw what each layer of a saved RUN makes of test images: a row an image, a column a layer."""
    asked = None if images is None else read_positions(images)
    check_run(run)
    start_keras()
    from convvision.cli._test_images import images_at, open_test_images  # noqa: PLC0415
    from convvision.training import load_run  # noqa: PLC0415
    from convvision.visualize import plot_activation_grid  # noqa: PLC0415
    from convvision.visualize._activations import GROUPS  # noqa: PLC0415

    loaded = load_run(run)
    recorded = loaded.data
    test = open_test_images(recorded, data)
    positions = asked or [position for position in _BOOTS if position < len(test)]
    check_positions(positions, len(test))
    display = plot_activation_grid(
        loaded.model,
        recorded.scaling.prepare(images_at(test, positions)),
        layers=layers if layers in GROUPS else [name.strip() for name in layers.split(",")],
        channel=channel,
        titles=[recorded.class_names[label] for label in test.labels[positions]],
    )
    click.echo(f"Saved to {display.save(out)}")
