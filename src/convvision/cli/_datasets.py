"""``convvision datasets``."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import click

from convvision._tables import text_table
from convvision.cli._check import DatasetsGroup, check
from convvision.cli._options import as_json
from convvision.cli._output import print_json
from convvision.datasets import DATASETS, DatasetInfo, get_data_home, get_dataset_info, list_datasets, load_dataset
from convvision.datasets._data_file import find_file
from convvision.datasets._open import is_own_data

__all__ = ["datasets"]


@click.group(cls=DatasetsGroup)
def datasets() -> None:
    """List the data sets, show the facts about one, or check one."""


datasets.add_command(check)


@datasets.command()
@click.argument("name", required=False)
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE",
              help="Draw samples of each class of NAME, loading it; a FILE that exists is replaced.")  # fmt: skip
@as_json
def show(name: str | None, picture: Path | None, as_json: bool) -> None:
    """List the data sets, or show the facts about one."""
    if name is None and picture is not None:
        raise click.UsageError(
            "--picture draws the samples of one data set: name it, as in: datasets mnist --picture FILE"
        )
    if name is not None:
        if name not in DATASETS and is_own_data(name):
            raise click.UsageError(
                f"{name} holds data of your own. Look at it with: convvision datasets check {shlex.quote(name)}"
            )
        info = get_dataset_info(name)
        if as_json:
            paths = {name: path and str(path) for name, path in _found(info).items()}
            print_json(dataclasses.asdict(info) | {"data_folder": str(_folder(info)), "paths": paths})
        else:
            click.echo(_facts(info))
        # Last, so that the facts are there where the data are not.
        if picture is not None:
            from convvision.visualize import plot_samples  # noqa: PLC0415

            click.echo(f"Saved to {plot_samples(load_dataset(name, scale=None)).save(picture)}", err=as_json)
        return
    # A plugin that is not loaded yet is listed by its name alone.
    infos = {one: None if DATASETS.pending_plugin(one) else get_dataset_info(one) for one in list_datasets()}
    if as_json:
        print_json({one: info and dataclasses.asdict(info) for one, info in infos.items()})
        return
    rows = [
        (one, f"plugin of {DATASETS.pending_plugin(one)}", "", "", "")
        if info is None
        else (one, info.summary, _by(info.image_shape), f"{info.train_count:,}", f"{info.test_count:,}")
        for one, info in infos.items()
    ]
    click.echo(text_table(("data set", "summary", "image", "training", "test"), rows, numbers={3, 4}))


def _facts(info: DatasetInfo) -> str:
    facts = {
        "images": f"{_by(info.image_shape)}; {info.train_count:,} for training, {info.test_count:,} for the test",
        "classes": ", ".join(info.class_names),
        "mean, std": f"{_numbers(info.mean)}, {_numbers(info.std)} on the scale [0, 1]",
        "licence": info.licence,
        "homepage": info.homepage,
        "citation": info.citation,
        "download": f"{info.download_size / 1e6:,.0f} MB" if info.download_size else "",
        **{f"file {number}": file for number, file in enumerate(_files(info), start=1)},
        **{f"issue {number}": issue for number, issue in enumerate(info.known_issues, start=1)},
    }
    lines = [f"{key:<10}{value}" for key, value in facts.items() if value]
    return "\n".join([f"{info.name}: {info.summary}", *lines])


def _files(info: DatasetInfo) -> list[str]:
    """Say of each data file where it lies, or where it is looked for."""
    return [f"{path}, present" if path else f"{_folder(info) / name}, missing" for name, path in _found(info).items()]


def _found(info: DatasetInfo) -> dict[str, Path | None]:
    return {name: find_file(name, _folder(info)) for name in info.files}


def _folder(info: DatasetInfo) -> Path:
    return get_data_home() / (info.folder or info.name)


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4f}" for value in values)
