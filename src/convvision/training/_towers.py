"""Into how many parts a batch is shared, which then are computed side by side."""

from __future__ import annotations

import os

from convvision._keras import tf

__all__ = ["count_towers"]


def count_towers(counts: set[int], batch_size: int) -> int:
    """Tell into how many parts to share a batch.

    Where TensorFlow may use one thread an operation, the second core would have nothing to do otherwise; and two small
    operations beside each other waste less than two halves of one.

    Args:
        counts: Images of each kind of epoch that there is.
        batch_size: Images a step.
    """
    # Set in Python, or in the environment, of which TensorFlow's own question takes no notice.
    an_operation = tf.config.threading.get_intra_op_parallelism_threads() or _number("TF_NUM_INTRAOP_THREADS")
    operations = tf.config.threading.get_inter_op_parallelism_threads() or _number("TF_NUM_INTEROP_THREADS")
    if an_operation != 1 or tf.config.list_physical_devices("GPU"):
        return 1
    # A part without an image has no mean loss, in an epoch of all images as in one of the hardest.
    smallest_batch = min(count % batch_size or min(count, batch_size) for count in counts)
    return max(1, min(operations or os.cpu_count() or 1, smallest_batch))


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    return int(value) if value.isdecimal() else 0
