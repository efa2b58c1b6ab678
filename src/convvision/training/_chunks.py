"""How many steps the graph makes in one call: few enough that Ctrl-C, progress bar and a budget of time are heard."""

from __future__ import annotations

from convvision._keras import keras

__all__ = ["chunk_size", "wants_batches"]

# Seconds that a chunk of steps should take, and the most steps in one.
_SECONDS = 0.25
_MOST_STEPS = 2048


def chunk_size(steps: int, seconds: float) -> int:
    """Tell how many steps to make in the next chunk, after one of so many steps that took so many seconds."""
    wanted = round(steps * _SECONDS / max(seconds, 1e-6))
    # It grows step by step, since the first steps are slower than those that follow.
    return max(1, min(wanted, 4 * steps, _MOST_STEPS))


def wants_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback asks to be called for every batch, which then is a chunk of its own."""
    if getattr(callback, "takes_chunks", False):
        return False
    base = keras.callbacks.Callback
    # On the instance, where LambdaCallback puts its functions.
    return any(
        getattr(getattr(callback, hook), "__func__", None) is not getattr(base, hook)
        for hook in ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    )
