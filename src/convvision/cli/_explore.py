"""``convvision explore``."""

from __future__ import annotations

from pathlib import Path

import click

from convvision.cli._options import as_json, check_positions, data_option, read_positions, run_argument
from convvision.cli._output import print_json, start_keras
from convvision.training._run_files import check_run

__all__ = ["explore"]


@click.command()
@run_argument
@data_option(required=False)
@click.option(
    "--images",
    metavar="I,J,…",
    help="Positions of test images.  [default: the first of each class, of up to ten classes]",
)
@click.option(
    "--recording", type=click.Path(path_type=Path), metavar="FILE",
    help="What an ActivationRecorder saw while this network learned, as saved in an .npz file.",
)  # fmt: skip
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of the page."
)
@click.option("--title", help="Heading of the page.  [default: the model's name]")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("explorer.html"), show_default=True, metavar="FILE",
    help="The page; one that exists is replaced.",
)  # fmt: skip
@as_json
def explore(
    *,
    run: Path,
    data: str | None,
    images: str | None,
    recording: Path | None,
    language: str,
    title: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write a page to look into the network of a saved RUN, and to draw for it.

    It is one file that opens in a browser from disk and loads nothing else: the network is computed in the page.
    """
    asked = None if images is None else read_positions(images)
    check_run(run)
    start_keras()
    import numpy as np  # noqa: PLC0415

    from convvision.cli._test_images import images_at, open_test_images  # noqa: PLC0415
    from convvision.training import load_run  # noqa: PLC0415
    from convvision.visualize import export_explorer, load_recording  # noqa: PLC0415

    recorded = None if recording is None else load_recording(recording)
    loaded = load_run(run)
    test = open_test_images(loaded.data, data)
    positions = asked or np.unique(test.labels, return_index=True)[1][:10].tolist()
    check_positions(positions, len(test))
    path = export_explorer(
        loaded.model,
        images_at(test, positions),
        out,
        class_names=loaded.data.class_names,
        labels=test.labels[positions],
        scaling=loaded.data.scaling,
        recording=recorded,
        language="zh" if language == "zh" else "en",
        title=title,
    )
    if as_json:
        print_json({"file": str(path), "bytes": path.stat().st_size, "images": positions})
    else:
        click.echo(f"Saved to {path}")
