"""``convvision models``."""

from __future__ import annotations

import dataclasses

import click

from convvision._tables import text_table
from convvision.cli._options import as_json
from convvision.cli._output import print_json, start_keras
from convvision.errors import InputError
from convvision.models import MODELS, get_model_info, list_models

__all__ = ["models"]


@click.command()
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--layers", is_flag=True, help="Show every layer of each model; this loads TensorFlow.")
@click.option("--weights", is_flag=True, help="Show the card of all weights that come with convvision for each model.")
@as_json
def models(patterns: tuple[str, ...], layers: bool, weights: bool, as_json: bool) -> None:
    """List the models, all or those whose name matches a PATTERN such as "conv_*".

    Parameters are counted for images of 28 × 28 × 1 and 10 classes. Behind them stand the data sets for which trained
    weights come with convvision.
    """
    if layers and weights:
        raise click.UsageError("--layers and --weights are shown one at a time.")
    names = list_models(patterns or "*")
    if weights:
        _show_weights(names, as_json)
        return
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
        print_json(
            {name: info and dataclasses.asdict(info) | {"weights": list(info.weights)} for name, info in infos.items()}
        )
        return
    rows = [
        (name, "", "", "", f"plugin of {MODELS.pending_plugin(name)}")
        if info is None
        else (name, _count(info.parameters), _count(info.min_size), ", ".join(info.weights), info.summary)
        for name, info in infos.items()
    ]
    click.echo(text_table(("model", "parameters", "smallest image", "weights", "summary"), rows, numbers={1, 2}))


def _show_weights(names: list[str], as_json: bool) -> None:
    # A plugin has none, and is not loaded to be asked.
    found = {name: get_model_info(name).weights for name in names if not MODELS.pending_plugin(name)}
    found = {name: weights for name, weights in found.items() if weights}
    if not found:
        raise InputError(
            f"No weights come with {', '.join(names)}. The column 'weights' of `convvision models` shows which have."
        )
    if as_json:
        print_json(
            {
                name: {dataset: dataclasses.asdict(card) for dataset, card in weights.items()}
                for name, weights in found.items()
            }
        )
    else:
        click.echo("\n\n".join(str(card) for weights in found.values() for card in weights.values()))


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
