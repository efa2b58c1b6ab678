"""The one door to automatic differentiation, which every backend of Keras has in its own way.

A backend is imported inside the function that uses it: the rest of the library knows ``keras.ops`` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convvision._keras import keras, tf
from convvision.errors import InputError

__all__ = ["gradient"]


def gradient(function: Callable[[Any], tuple[Any, Any]], at: Any) -> tuple[Any, Any]:
    """Differentiate a function of a tensor, with one forward and one backward pass.

    Args:
        function: Gives the number to be differentiated, as a tensor without axes, and whatever else the caller wants to
            have of the same pass. It is called once.
        at: A tensor of floats.

    Returns:
        The gradient, a tensor of the shape of ``at``, zero where nothing leads to the number; and what ``function``
        gave besides.

    Raises:
        InputError: Keras runs on a backend without automatic differentiation.
    """
    backend = keras.config.backend()
    if backend not in _BACKENDS:
        raise InputError(
            f"Gradients need one of the backends {', '.join(_BACKENDS)}. Received: {backend!r}. "
            f"Set KERAS_BACKEND before Keras is first imported."
        )
    return _BACKENDS[backend](function, at)


def _tensorflow(function: Callable[[Any], tuple[Any, Any]], at: Any) -> tuple[Any, Any]:
    at = tf.convert_to_tensor(at)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        number, besides = function(at)
    return tape.gradient(number, at, unconnected_gradients=tf.UnconnectedGradients.ZERO), besides


def _jax(function: Callable[[Any], tuple[Any, Any]], at: Any) -> tuple[Any, Any]:
    import jax  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    found: tuple[Any, Any] = jax.grad(function, has_aux=True)(at)
    return found


def _torch(function: Callable[[Any], tuple[Any, Any]], at: Any) -> tuple[Any, Any]:
    import torch  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    with torch.enable_grad():
        at = at.detach().requires_grad_()
        number, besides = function(at)
        # A number that does not depend on anything differentiable has no graph to go back through.
        if not number.requires_grad:
            return torch.zeros_like(at), besides
        (found,) = torch.autograd.grad(number, [at], allow_unused=True)
    return torch.zeros_like(at) if found is None else found, besides


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
