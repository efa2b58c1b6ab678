"""What commands print, and how they start the libraries that take seconds to load."""

from __future__ import annotations

import importlib
import json
import logging
import math
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

__all__ = ["print_json", "start_keras"]


def print_json(result: Any) -> None:
    """Print a result for programs; JSON has no NaN and no infinity, so they become null."""
    click.echo(json.dumps(_finite(result), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def start_keras(*, to_train: bool = False) -> None:
    """Import Keras without the lines that TensorFlow's C++ code writes to standard error while it loads.

    They come before TensorFlow has read the settings that would silence them, so the stream itself is set aside.

    Args:
        to_train: Give each operation one thread, and let as many of them run side by side as there are cores, which
            suits the training loop: it shares each batch among them. It cannot be changed once TensorFlow has started.
            What the environment says already stays.
    """
    if to_train and "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(os.cpu_count() or 1))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Training several models makes several graphs, as it must; TensorFlow warns of that as of a mistake.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    stderr = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        importlib.import_module("keras")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(silence)
