"""``convvision compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from convvision._atomic import check_new_directory
from convvision.cli._options import as_json, out_option, training_options
from convvision.cli._output import print_json, start_keras
from convvision.datasets._open import open_data
from convvision.models import list_models
from convvision.training import get_recipe

__all__ = ["compare"]


@click.command()
@click.argument("patterns", metavar="MODEL...", nargs=-1, required=True)
@training_options
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Trainings of each model.")
@out_option("Where to save table, picture and runs; new or empty.")
@as_json
def compare(
    *,
    patterns: tuple[str, ...],
    data: str,
    on_error: Literal["raise", "skip"],
    recipe: str,
    epochs: int | None,
    seeds: int,
    class_weight: Literal["balanced"] | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train several MODELs on the same data, with several seeds each, and print a table.

    A MODEL may be a pattern such as "conv_*".
    """
    if out is not None:
        check_new_directory(out)
    names = dict.fromkeys(name for pattern in patterns for name in list_models(pattern))
    get_recipe(recipe)
    loaded = open_data(data, on_error=on_error)
    start_keras(to_train=True)
    from convvision.training import compare as train_all  # noqa: PLC0415

    comparison = train_all(list(names), loaded, recipe, epochs=epochs, class_weight=class_weight, seeds=seeds)
    if as_json:
        print_json({"rows": comparison.as_dicts(), "failures": comparison.failures})
    else:
        click.echo(comparison)
    # Last, so that a full disk does not cost the figures too.
    if out is not None:
        click.echo(f"Saved to {comparison.save(out)}", err=as_json)
    if comparison.interrupted:
        raise KeyboardInterrupt
