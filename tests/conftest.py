"""What all tests share: surroundings that are the same on every machine, and where the real data lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

# Before anything imports Matplotlib or TensorFlow, which read these once.
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis
import platformdirs
import pytest

# Here and nowhere below: Playwright starts once in a process, and a fixture of two folders would be two.
from browser import chromium

__all__ = ["chromium"]

# The same examples in every run; a shared machine keeps no deadline.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ci")

ROOT = Path(__file__).parent.parent
REAL_FILES = [
    f"{data_set}/{part}-ubyte"
    for data_set in ("fashion_mnist", "mnist")
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
]
# Read here, since the fixture below hides the variable: what the environment names, else what lies beside the
# repository, else the user's cache folder.
REAL_DATA_HOMES = [
    *(Path(named).absolute() for named in [os.environ.get("CONVVISION_DATA_HOME")] if named),
    ROOT.parent / "shared" / "datasets",
    platformdirs.user_cache_path("convvision"),
]


@pytest.fixture(autouse=True)
def without_a_data_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds data because of the environment that it is run in."""
    monkeypatch.delenv("CONVVISION_DATA_HOME", raising=False)


@pytest.fixture(autouse=True, scope="session")
def decoded_pictures_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves decoded pictures in the user's cache folder, or finds any there."""
    from convvision.datasets import _picture_cache

    home = tmp_path_factory.mktemp("data_home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_picture_cache, "get_data_home", lambda: home)
        yield


@pytest.fixture(scope="session")
def real_data_home() -> Path:
    """The folder that holds Fashion-MNIST and MNIST as they were published."""
    for folder in REAL_DATA_HOMES:
        if all((folder / name).is_file() or (folder / f"{name}.gz").is_file() for name in REAL_FILES):
            return folder
    looked = ", ".join(map(str, REAL_DATA_HOMES))
    pytest.skip(
        f"Fashion-MNIST and MNIST are in none of {looked}. Set CONVVISION_DATA_HOME to the folder that holds "
        f"fashion_mnist/ and mnist/, or let convvision.load_dataset download both."
    )


@pytest.fixture
def set_policy() -> Iterator[Callable[[str], None]]:
    """Choose in which precision models are made, until the test is over."""
    import keras

    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.fixture
def mixed_precision(set_policy: Callable[[str], None]) -> None:
    set_policy("mixed_bfloat16")
