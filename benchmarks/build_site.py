"""How long the site takes to build: python benchmarks/build_site.py.

Both languages as ``make docs`` builds them: from a clean clone of what is committed, and when nothing changed. The
package that the pages describe is the one that is installed here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _report import write_result

ROOT = Path(__file__).parents[1]
SPHINX = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
LANGUAGES = {"html": [], "html/zh": ["-D", "language=zh_CN", "-D", "plot_gallery=0"]}


def build(clone: Path) -> float:
    """Build the site in both languages.

    Args:
        clone: Of the repository.

    Returns:
        Seconds.
    """
    began = time.perf_counter()
    for target, options in LANGUAGES.items():
        doctrees = f"docs/_build/doctrees/{Path(target).name}"
        subprocess.run([*SPHINX, "-d", doctrees, *options, "docs", f"docs/_build/{target}"], cwd=clone, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)  # noqa: S607
        seconds = {"clean_seconds": build(clone), "unchanged_seconds": build(clone)}
    print(seconds)
    write_result("build_site", seconds)
