"""``convvision demo``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import numpy as np

from convvision._atomic import check_new_directory
from convvision.cli._output import start_keras

__all__ = ["demo"]

_BASELINE, _CONVOLUTIONS = "dense_128", "conv_32_32"
_SHOWN = "Ankle boot"


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("convvision-demo"), show_default=True, metavar="FOLDER",
    help="Where to save pictures and runs; new or empty.",
)  # fmt: skip
def demo(out: Path) -> None:
    """Show in a minute or two why convolutions win, on drawn clothes; nothing is downloaded."""
    check_new_directory(out)
    start_keras(to_train=True)
    import convvision  # noqa: PLC0415

    click.echo("Drawing clothes …", err=True)
    data = convvision.load_dataset("drawn_fashion", validation_split=0.1)
    comparison = convvision.compare([_BASELINE, _CONVOLUTIONS], data, seeds=1)
    if comparison.interrupted:
        raise KeyboardInterrupt
    comparison.save(out)
    comparison.plot_history().save(out / "history.png")
    boots = np.flatnonzero(data.test.labels == data.info.class_names.index(_SHOWN))[:3]
    grid = convvision.visualize.plot_activation_grid(
        comparison.runs[_CONVOLUTIONS][0].model, data.test.images[boots], titles=[_SHOWN] * len(boots)
    )
    grid.save(out / "activations.png")
    click.echo(comparison)
    click.echo(f"\nSaved to {out}: activations.png, history.png, comparison.png and the two runs")
    conv = shlex.quote(str(out / f"{_CONVOLUTIONS}-seed-0"))
    click.echo(f"A page in which to look into the network, explorer.html, is made by: convvision explore {conv}")
