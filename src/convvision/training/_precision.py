"""Which precision this machine computes fast."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from convvision._keras import keras

__all__ = ["Precision", "available_precision", "creating_in"]

Precision: TypeAlias = Literal["float32", "bfloat16"]

_CPU_FACTS = Path("/proc/cpuinfo")
# What x86 processors call it; others compute bfloat16 by way of float32, which takes longer than float32 itself.
_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


def available_precision(wanted: Precision) -> Precision:
    """Give the precision that is asked for, or float32 where the processor does not have it."""
    return wanted if wanted == "float32" or _has_bfloat16() else "float32"


@functools.cache
def _has_bfloat16() -> bool:
    if keras.distribution.list_devices("gpu"):
        return True
    try:
        facts = _CPU_FACTS.read_text(encoding="utf-8")
    except OSError:
        return False
    return any(_CPU_FLAGS & set(line.split()) for line in facts.splitlines() if line.startswith("flags"))


@contextmanager
def creating_in(precision: Precision) -> Iterator[None]:
    """Let the models that are made in the block compute in a precision; their weights are float32 all the same."""
    before = keras.config.dtype_policy()
    if precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
