"""How TensorFlow shares the cores: how many operations run side by side."""

from __future__ import annotations

import os

from convvision._keras import keras, tf

__all__ = ["side_by_side"]


def side_by_side() -> int:
    """Tell how many small operations to compute side by side.

    Where TensorFlow may use one thread an operation, the second core would have nothing to do otherwise; and two small
    operations beside each other waste less than two halves of one. Where it uses all of them for one operation, and on
    a graphics processor, it is one.
    """
    if keras.config.backend() != "tensorflow":
        return 1
    # Set in Python, or in the environment, of which TensorFlow's own question takes no notice.
    an_operation = tf.config.threading.get_intra_op_parallelism_threads() or _number("TF_NUM_INTRAOP_THREADS")
    operations = tf.config.threading.get_inter_op_parallelism_threads() or _number("TF_NUM_INTEROP_THREADS")
    if an_operation != 1 or tf.config.list_physical_devices("GPU"):
        return 1
    return operations or _cores()


def _cores() -> int:
    """Count the cores that this process may use, where the system says which."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    return int(value) if value.isdecimal() else 0
