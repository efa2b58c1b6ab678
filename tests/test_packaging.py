"""What is built for others to install: the wheel and the source distribution hold all files that the library reads."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "convvision"
# Of the weights, together; the wheel shall stay small.
MOST_BYTES = 5_000_000

pytest.importorskip("hatchling", reason="hatchling is not installed: pip install 'convvision[test]'")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, int]]:
    """Names and sizes of the files in the wheel and in the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {one.filename: one.file_size for one in archive.infolist()}
    with tarfile.open(source) as archive:
        in_source = {one.name.partition("/")[2]: one.size for one in archive.getmembers()}
    return in_wheel, in_source


def test_every_file_of_the_package_is_in_both(built: tuple[dict[str, int], dict[str, int]]) -> None:
    in_wheel, in_source = built
    files = {
        path.relative_to(ROOT / "src").as_posix(): path.stat().st_size
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    weights = [name for name in files if name.endswith(".npz")]
    assert weights
    assert "convvision/py.typed" in files
    assert {name: in_wheel.get(name) for name in files} == files
    assert {name: in_source.get(f"src/{name}") for name in files} == files


def test_the_weights_are_small(built: tuple[dict[str, int], dict[str, int]]) -> None:
    for inside in built:
        assert 0 < sum(size for name, size in inside.items() if "/models/weights/" in name) <= MOST_BYTES
