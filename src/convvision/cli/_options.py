"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from convvision.errors import InputError

__all__ = [
    "as_json", "check_positions", "class_weight_option", "data_option", "epochs_option", "out_option", "read_positions",
    "recipe_option", "run_argument", "skip_option",
]  # fmt: skip

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

recipe_option = click.option(
    "--recipe", default="lesson", show_default=True, help="How to train: lesson, fast, strong, best, or one of yours."
)

epochs_option = click.option("--epochs", type=click.IntRange(min=1), help="Epochs, in place of the recipe's.")

class_weight_option = click.option(
    "--class-weight", type=click.Choice(["balanced"]), help="Let rare classes count as much as frequent ones."
)

skip_option = click.option(
    "--skip-unreadable", "on_error", is_flag=True, help="Leave out image files that cannot be read, and list them.",
    callback=lambda _context, _option, given: "skip" if given else "raise",
)  # fmt: skip


def data_option(*, required: bool) -> Callable[[CommandT], CommandT]:
    """Make the option that names the data."""
    help_text = "Name of a data set, a folder of class folders or IDX files, or a CSV file."
    if not required:
        help_text += "  [default: the run's own]"
    return click.option("--data", required=required, metavar="NAME|PATH", help=help_text)


def out_option(help_text: str) -> Callable[[CommandT], CommandT]:
    """Make the option that names a folder to write, which is new or empty."""
    return click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help=help_text)


run_argument = click.argument("run", type=click.Path(path_type=Path), metavar="RUN")


def read_positions(images: str) -> list[int]:
    """Read the value of --images: positions of test images, as in "0,23,28"."""
    try:
        positions = [int(position) for position in images.split(",")]
    except ValueError:
        positions = []
    if not positions or min(positions) < 0:
        raise click.BadParameter(f"{images!r} is no list of positions such as 0,23,28", param_hint="--images")
    return positions


def check_positions(positions: list[int], count: int) -> None:
    """Refuse positions beyond the test images.

    Raises:
        InputError: A position that is none of ``count``.
    """
    if max(positions) >= count:
        received = ",".join(map(str, positions))
        raise InputError(f"There are {count:,} test images, counted from 0. Received: --images {received}")
