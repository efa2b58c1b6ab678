"""The one door to compiled graphs, which TensorFlow has and the other backends of Keras do without here.

A small network costs less to compute than Python spends on calling its layers one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from convvision._keras import keras, tf

__all__ = ["traced"]

F = TypeVar("F", bound=Callable[..., Any])


def traced(function: F, *signature: tuple[Sequence[int | None], str]) -> F:
    """Compile a function of tensors, once for all sizes that its signature leaves open.

    The variables that it reads are read anew at each call. What else it depends on is fixed now.

    Args:
        function: Of tensors. It must hold nothing that should not live as long as what is returned.
        *signature: Shape and dtype of each argument, None where a side is open.

    Returns:
        The compiled function on the TensorFlow backend, on others the function itself.
    """
    if keras.config.backend() != "tensorflow":
        return function
    # What is traced are layers of Keras, which AutoGraph has nothing to do in but to read their source.
    compiled = tf.function(function, autograph=False)
    specified = [tf.TensorSpec(tuple(shape), dtype) for shape, dtype in signature]
    # Called by way of the function itself, TensorFlow warns whoever looks into several models in a row of retracing.
    concrete: F = compiled.get_concrete_function(*specified)
    return concrete
