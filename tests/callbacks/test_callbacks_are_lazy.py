"""What importing the callbacks costs, and under which names they are found."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import pytest

import convvision.callbacks

NAMES = ["AccuracyThresholdStop", "ActivationRecorder", "MetricThresholdStop", "OverfittingMonitor", "TimeBudgetStop"]


def test_the_public_names_are_these() -> None:
    assert sorted(convvision.callbacks.__all__) == NAMES
    assert set(NAMES) <= set(dir(convvision.callbacks))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_keras_callback_that_tells_its_public_path(name: str) -> None:
    callback = getattr(convvision.callbacks, name)
    assert issubclass(callback, keras.callbacks.Callback)
    assert f"{callback.__module__}.{callback.__qualname__}" == f"convvision.callbacks.{name}"


def test_importing_the_package_leaves_tensorflow_alone_and_using_a_name_loads_it() -> None:
    script = """
import json, sys
import convvision.callbacks
sorted(dir(convvision.callbacks))
before = "tensorflow" in sys.modules or "keras" in sys.modules
convvision.callbacks.TimeBudgetStop
print(json.dumps([before, "tensorflow" in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [False, True]
