"""``convvision evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from convvision.cli._options import as_json, data_option, run_argument
from convvision.cli._output import print_json, start_keras
from convvision.training._run_files import check_run

__all__ = ["evaluate"]


@click.command()
@run_argument
@data_option(required=False)
@as_json
def evaluate(run: Path, data: str | None, as_json: bool) -> None:
    """Measure a saved RUN on the test images of a data set."""
    check_run(run)
    start_keras()
    from convvision.training import load_run  # noqa: PLC0415

    metrics = load_run(run).evaluate(data)
    if as_json:
        print_json(metrics)
    else:
        click.echo(f"test accuracy {metrics['test_accuracy']:.2%}, test loss {metrics['test_loss']:.4f}")
