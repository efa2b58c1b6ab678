"""``convvision train``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from convvision._atomic import check_new_directory
from convvision._tables import text_table
from convvision.cli._options import as_json, out_option, training_options
from convvision.cli._output import print_json, start_keras
from convvision.datasets._open import open_data
from convvision.models import get_model_info
from convvision.training import get_recipe

__all__ = ["train"]


@click.command()
@click.argument("model")
@training_options
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of weights and order.")
@click.option(
    "--validation-split", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True,
    help="Part of the training images to set apart and measure after each epoch.",
)  # fmt: skip
@click.option(
    "--stop-at-accuracy", type=click.FloatRange(0, 1, max_open=True), metavar="FRACTION",
    help="Stop once training accuracy is above this, as in 0.995.",
)  # fmt: skip
@out_option("Where to save the run; new or empty.")
@as_json
def train(
    *,
    model: str,
    data: str,
    on_error: Literal["raise", "skip"],
    recipe: str,
    epochs: int | None,
    seed: int,
    validation_split: float,
    stop_at_accuracy: float | None,
    class_weight: Literal["balanced"] | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train MODEL on a data set and test it.

    Interrupted with Ctrl-C, it saves what it has, where --out is given.
    """
    # What can be refused is refused before TensorFlow is loaded and before hours of training.
    if out is not None:
        check_new_directory(out)
    get_model_info(model)
    get_recipe(recipe)
    loaded = open_data(data, validation_split=validation_split, on_error=on_error)
    start_keras(to_train=True)
    import convvision  # noqa: PLC0415

    callbacks = []
    if stop_at_accuracy is not None:
        callbacks.append(convvision.callbacks.AccuracyThresholdStop(stop_at_accuracy))
    run = convvision.train(
        model, loaded, recipe, epochs=epochs, callbacks=callbacks, class_weight=class_weight, seed=seed
    )
    if as_json:
        print_json(
            {
                "model": run.model.name,
                "data": run.data.name,
                "recipe": run.recipe.name,
                "epochs": len(run.seconds_per_epoch),
                "seed": run.seed,
                "weighting": run.weighting,
                "execution": run.execution,
                "interrupted": run.interrupted,
                "metrics": run.metrics,
                "history": run.history,
                "seconds_per_epoch": run.seconds_per_epoch,
            }
        )
    else:
        rows = [(name.replace("_", " "), f"{value:.4f}") for name, value in run.metrics.items()]
        if weights := run.weighting.get("class_weight", {}).values():
            rows.append(("class weights", f"{min(weights):.2f} to {max(weights):.2f}"))
        rows.append(("precision", run.execution["precision"]))
        rows.append(("epochs", str(len(run.seconds_per_epoch))))
        rows.append(("seconds", f"{sum(run.seconds_per_epoch):.1f}"))
        click.echo(text_table((f"{run.model.name} on {run.data.name}", ""), rows, numbers={1}))
    # Last, so that a full disk does not cost the figures too.
    if out is not None:
        click.echo(f"Saved to {run.save(out)}", err=as_json)
    if run.interrupted:
        raise KeyboardInterrupt
