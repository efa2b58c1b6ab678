"""What commands print, and how they start the libraries that take seconds to load."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from typing import Any

import click

__all__ = ["print_json", "start_keras"]


def print_json(result: Any) -> None:
    """Print a result for programs."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def start_keras() -> None:
    """Import Keras without the lines that TensorFlow's C++ code writes to standard error while it loads.

    They come before TensorFlow has read the settings that would silence them, so the stream itself is set aside.
    """
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
