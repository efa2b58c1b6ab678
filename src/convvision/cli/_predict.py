"""``convvision predict``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from convvision.cli._options import as_json, run_argument
from convvision.cli._output import print_json, start_keras
from convvision.datasets._pictures import check_is_file
from convvision.training._run_files import check_run

__all__ = ["predict"]


@click.command()
@run_argument
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes to name for each image.")
@as_json
def predict(run: Path, files: tuple[Path, ...], top: int, as_json: bool) -> None:
    """Name the class of image FILEs with a saved RUN.

    Files are read upright, made grey or colour as the run needs, and resized to its images.
    """
    check_run(run)
    for file in files:
        check_is_file(file)
    start_keras()
    from convvision.training import load_run  # noqa: PLC0415

    ranked = load_run(run).predict(list(files)).top(top)
    if as_json:
        named = zip(map(str, files), ranked, strict=True)
        print_json([{"file": file, "classes": [dataclasses.asdict(one) for one in best]} for file, best in named])
    else:
        for file, best in zip(files, ranked, strict=True):
            click.echo(f"{file}: {', '.join(map(str, best))}")
