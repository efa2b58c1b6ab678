"""``convvision datasets check``, and how it stands beside ``convvision datasets NAME``."""

from __future__ import annotations

import click
from typing_extensions import override

from convvision.cli._options import as_json
from convvision.cli._output import print_json
from convvision.datasets import check_dataset

__all__ = ["DatasetsGroup", "check"]


@click.command()
@click.argument("data", metavar="NAME|PATH")
@click.option("--near", type=click.FloatRange(0, 1, max_open=True), default=0.03, show_default=True,
              help="Largest pixel difference of near duplicates, root mean square on [0, 1]; 0 is quick.")  # fmt: skip
@as_json
def check(data: str, near: float, as_json: bool) -> None:
    """Look for what is broken or odd in a data set, a folder of class folders or IDX files, or a CSV file.

    Counts the images of each class, and finds unreadable files, blank images, and duplicates within and between the
    parts. Exits with 1 where something is broken.
    """
    report = check_dataset(data, near=near)
    if as_json:
        print_json(report.as_dict())
    else:
        click.echo(str(report))
    if report.problems:
        click.get_current_context().exit(1)


class DatasetsGroup(click.Group):
    """A group whose first argument may be left out, or be a data set's name, and then means ``show``."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *self.get_help_option_names(ctx)):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    @override
    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[show] [NAME] [--picture FILE] [--json] | check NAME|PATH [--json]")
