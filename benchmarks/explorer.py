"""A stroke on the image in the explorer, timed in Chromium: python benchmarks/explorer.py [STROKES].

A stroke is what a moving hand causes in one frame: the pixels change, all of conv_64_64 is computed anew in JavaScript,
and everything that is seen is painted again. The size of the page is that for ten images. Weights do not matter for the
time but for the zeros behind a ReLU, so the network is not trained.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

import keras
from _report import write_result
from playwright.sync_api import sync_playwright

import convvision
from convvision.datasets import draw_fashion

STROKE = """async (index) => {
  const y = 2 + (index % 24);
  convvision.stroke({ x: 4, y }, { x: 24, y: y + 1 });
  await convvision.settled();
  const { forward, frame } = convvision.timing();
  return [forward, frame];
}"""


def main(strokes: int) -> None:
    """Time strokes and write their median."""
    keras.utils.set_random_seed(0)
    images = draw_fashion(10).images / 255
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "explorer.html"
        convvision.visualize.export_explorer(convvision.create_model("conv_64_64"), images, path)
        size = path.stat().st_size
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        # The first few strokes are slower, while the browser compiles.
        timed = [page.evaluate(STROKE, index) for index in range(strokes + 10)][10:]
        version = browser.version
        browser.close()
    forward, frame = (statistics.median(times) for times in zip(*timed, strict=True))
    low, _, high = statistics.quantiles([each for _, each in timed], n=4)
    print(
        f"A stroke takes {frame:.1f} ms ({low:.1f} to {high:.1f}), {forward:.1f} of them the network; {size:,} bytes."
    )
    write_result(
        "explorer",
        {
            "model": "conv_64_64",
            "chromium": version,
            "strokes": strokes,
            "stroke_milliseconds_median": frame,
            "stroke_milliseconds_quartiles": [low, high],
            "forward_milliseconds_median": forward,
            "bytes": size,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strokes", nargs="?", type=int, default=30, help="strokes to time, at least 2 (default 30)")
    main(parser.parse_args().strokes)
