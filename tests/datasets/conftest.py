"""What the tests of data sets share: IDX bytes put together by hand, and a small data set as it would be published."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convvision.datasets import _fashion_mnist
from convvision.datasets._data_file import DataFile

_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def _idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, _CODES[array.dtype.name], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[np.ndarray], bytes]:
    """Put an IDX file together with struct, which knows nothing of write_idx."""
    return _idx_bytes


@dataclasses.dataclass(frozen=True)
class Published:
    """Four files of 28 × 28 images: the arrays, the payloads by name, and the facts by which they are recognised."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    payloads: dict[str, bytes]
    files: tuple[DataFile, ...]

    def write(self, folder: Path, *, compress: bool = True, without: Collection[str] = ()) -> Path:
        """Put the files into a folder, all but those that are named, and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, payload in self.payloads.items():
            if name not in without:
                target = folder / (f"{name}.gz" if compress else name)
                target.write_bytes(gzip.compress(payload) if compress else payload)
        return folder

    def at(self, *mirrors: str) -> tuple[DataFile, ...]:
        """Return the same files, offered by other mirrors."""
        return tuple(
            dataclasses.replace(file, mirrors=tuple(f"{mirror}/{file.name}.gz" for mirror in mirrors))
            for file in self.files
        )


@pytest.fixture(scope="session")
def published() -> Published:
    """Three training images and one test image of each of Fashion-MNIST's classes; nobody offers them."""
    rng = np.random.default_rng(0)
    arrays = (
        rng.integers(0, 256, (30, 28, 28), np.uint8),
        rng.permutation(np.arange(30, dtype=np.uint8) % 10),
        rng.integers(0, 256, (10, 28, 28), np.uint8),
        rng.permutation(np.arange(10, dtype=np.uint8)),
    )
    payloads = {file.name: _idx_bytes(array) for file, array in zip(_fashion_mnist._FILES, arrays, strict=True)}
    files = tuple(
        dataclasses.replace(
            file,
            sha256=hashlib.sha256(payloads[file.name]).hexdigest(),
            size=len(payloads[file.name]),
            mirrors=(f"http://127.0.0.1:9/{file.name}.gz",),
        )
        for file in _fashion_mnist._FILES
    )
    return Published(*arrays, payloads, files)


@pytest.fixture
def small_fashion_mnist(published: Published, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Let "fashion_mnist" stand for the small data set."""
    monkeypatch.setattr(_fashion_mnist, "_FILES", published.files)
    return published


# What Python, NumPy and the C library take for themselves while loading.
_ALLOWANCE = 8 << 20

_LOAD = """
import json
import sys
from pathlib import Path

from convvision.datasets import _fashion_mnist, get_dataset_info, load_dataset
from convvision.datasets._data_file import DataFile

home, name, options, files = json.loads(sys.argv[1])
if files:
    _fashion_mnist._FILES = tuple(DataFile(**file) for file in files)
get_dataset_info(name)


def peak():
    # Not getrusage: its peak begins with what the parent had when it started this process.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


before = peak()
data = load_dataset(name, data_home=home, download=False, **options)
after = peak()
splits = [split for split in (data.train, data.validation, data.test) if split is not None]
returned = sum(array.nbytes for split in splits for array in split)
print(json.dumps({"taken": after - before, "returned": returned}))
"""


@pytest.fixture(scope="session")
def memory_of_loading() -> Callable[..., dict[str, int]]:
    """Load a data set in a fresh process; return the bytes taken at the peak beyond those after the imports."""
    if sys.platform != "linux":
        pytest.skip("The peak of a process is read from /proc.")

    def measure(home: Path, name: str, options: dict[str, Any], *, files: Sequence[DataFile] = ()) -> dict[str, int]:
        arguments = json.dumps([str(home), name, options, [dataclasses.asdict(file) for file in files]])
        command = [sys.executable, "-c", _LOAD, arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) | {"allowance": _ALLOWANCE}

    return measure
