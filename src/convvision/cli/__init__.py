"""The command line: the same nouns and verbs as the library, one command a file.

Results go to standard output, progress and complaints to standard error. The exit status is 0; 1 where something
failed, which is said without a traceback; 2 for wrong usage; 130 where the user interrupted. TensorFlow is loaded
inside the commands that need it, so that ``--help`` and the lists answer at once.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from convvision._version import __version__
from convvision.cli._activations import activations
from convvision.cli._compare import compare
from convvision.cli._datasets import datasets
from convvision.cli._demo import demo
from convvision.cli._evaluate import evaluate
from convvision.cli._explore import explore
from convvision.cli._models import models
from convvision.cli._predict import predict
from convvision.cli._recipes import recipes
from convvision.cli._train import train
from convvision.errors import ConvvisionError

__all__ = ["command", "main", "run"]

INTERRUPTED = 130


@click.group("convvision", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="convvision")
def command() -> None:
    """Classify small images with convolutions: data sets, models, training, and pictures of what layers see."""


for _subcommand in (datasets, models, recipes, train, evaluate, predict, compare, activations, explore, demo):
    command.add_command(_subcommand)


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: As typed, without the program's name; by default those of this process.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        # Where the terminal's alphabet lacks the lines of a table, a question mark is better than nothing at all.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return command.main(arguments, prog_name="convvision", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except (ConvvisionError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        return 1


def _show_warning(message: Warning | str, *_args: Any, **_kwargs: Any) -> None:
    click.echo(f"Warning: {message}", err=True)
