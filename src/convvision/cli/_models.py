"""``convvision models``."""

from __future__ import annotations

import dataclasses

import click

from convvision._tables import text_table
from convvision.cli._options import as_json
from convvision.cli._output import print_json, start_keras
from convvision.models import MODELS, get_model_info, list_models

__all__ = ["models"]


@click.command()
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--layers", is_flag=True, help="Show every layer of each model; this loads TensorFlow.")
@as_json
def models(patterns: tuple[str, ...], layers: bool, as_json: bool) -> None:
    """List the models, all or those whose name matches a PATTERN such as "conv_*".

    Parameters are counted for images of 28 × 28 × 1 and 10 classes.
    """
    names = list_models(patterns or "*")
    if layers:
        start_keras()
        from convvision.models import create_model, summary  # noqa: PLC0415

        summaries = [summary(create_model(name)) for name in names]
        if as_json:
            print_json({one.name: dataclasses.asdict(one) for one in summaries})
        else:
            click.echo("\n\n".join(map(str, summaries)))
        return
    # A plugin that is not loaded yet is listed by its name alone.
    infos = {name: None if MODELS.pending_plugin(name) else get_model_info(name) for name in names}
    if as_json:
        print_json({name: info and dataclasses.asdict(info) for name, info in infos.items()})
        return
    rows = [
        (name, "", "", f"plugin of {MODELS.pending_plugin(name)}")
        if info is None
        else (name, _count(info.parameters), _count(info.min_size), info.summary)
        for name, info in infos.items()
    ]
    click.echo(text_table(("model", "parameters", "smallest image", "summary"), rows, numbers={1, 2}))


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
