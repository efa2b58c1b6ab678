"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from convvision.errors import InputError

__all__ = [
    "as_json", "check_positions", "data_option", "out_option", "read_positions", "run_argument", "training_options",
]  # fmt: skip

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def data_option(*, required: bool) -> Callable[[CommandT], CommandT]:
    """Make the option that names the data."""
    help_text = "Name of a data set, a folder of class folders or IDX files, or a CSV file."
    if not required:
        help_text += "  [default: the run's own]"
    return click.option("--data", required=required, metavar="NAME|PATH", help=help_text)


_TRAINING_OPTIONS = (
    data_option(required=True),
    click.option(
        "--skip-unreadable", "on_error", is_flag=True, help="Leave out image files that cannot be read, and list them.",
        callback=lambda _context, _option, given: "skip" if given else "raise",
    ),
    click.option(
        "--recipe", default="lesson", show_default=True,
        help="How to train: lesson, fast, strong, best, or one of yours, as `convvision recipes` lists them.",
    ),
    click.option("--epochs", type=click.IntRange(min=1), help="Epochs, in place of the recipe's."),
    click.option(
        "--class-weight", type=click.Choice(["balanced"]), help="Let rare classes count as much as frequent ones."
    ),
)  # fmt: skip


def training_options(command: CommandT) -> CommandT:
    """Add the options of what trains: on which data, by which recipe, for how long, and with which weights."""
    for option in reversed(_TRAINING_OPTIONS):
        command = option(command)
    return command


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
