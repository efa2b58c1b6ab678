"""The models away from home: loaded without convvision, and on Keras's other backends."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from registered_models import QUICK, built

IMAGES = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
LOAD = """
import sys
sys.modules["convvision"] = None  # An import of it fails.
import json, keras, numpy as np
found = {}
for name in json.loads(sys.argv[2]):
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    found[name] = keras.ops.convert_to_numpy(model(np.load(f"{sys.argv[1]}/images.npy"), training=False)).tolist()
print(json.dumps(found))
"""
BUILD = """
import json, sys
import keras, numpy as np
import convvision
assert keras.config.backend() == sys.argv[3]
found = {}
for name in json.loads(sys.argv[2]):
    model = convvision.create_model(name)
    model.load_weights(f"{sys.argv[1]}/{name}.weights.h5")
    found[name] = keras.ops.convert_to_numpy(model(np.load(f"{sys.argv[1]}/images.npy"), training=False)).tolist()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    np.save(folder / "images.npy", IMAGES)
    for name in QUICK:
        built(name).save(folder / f"{name}.keras")
        built(name).save_weights(folder / f"{name}.weights.h5")
    return folder


def outputs_of(program: str, folder: Path, *further: str, **environment: str) -> dict[str, np.ndarray]:
    arguments = [sys.executable, "-c", program, str(folder), json.dumps(QUICK), *further]
    done = subprocess.run(
        arguments, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: np.array(values) for name, values in json.loads(done.stdout.splitlines()[-1]).items()}


def expect_ours(found: dict[str, np.ndarray], tolerance: float) -> None:
    assert list(found) == QUICK
    for name, values in found.items():
        ours = keras.ops.convert_to_numpy(built(name)(IMAGES, training=False))
        np.testing.assert_allclose(values, ours, atol=tolerance, err_msg=name)


def test_saved_models_load_where_convvision_is_not_installed(folder: Path) -> None:
    expect_ours(outputs_of(LOAD, folder), 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_compute_the_same(backend: str, folder: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    expect_ours(outputs_of(BUILD, folder, backend, KERAS_BACKEND=backend), 1e-4)
