"""What the tests of callbacks share: a loop that calls the hooks as fit does, and a tiny training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def drive() -> Callable[..., int]:
    """Call the hooks of a training whose logs are given, one mapping an epoch; return how many epochs it had."""

    def run(
        callback: keras.callbacks.Callback,
        epochs: Sequence[Mapping[str, Any]],
        *,
        initial_epoch: int = 0,
        batches: int = 1,
        others: Sequence[keras.callbacks.Callback] = (),
    ) -> int:
        model = SimpleNamespace(stop_training=False)
        hooks = keras.callbacks.CallbackList([callback, *others], model=model)
        hooks.on_train_begin()
        done = 0
        for epoch, logs in enumerate(epochs, start=initial_epoch):
            hooks.on_epoch_begin(epoch)
            for batch in range(batches):
                hooks.on_train_batch_begin(batch)
                hooks.on_train_batch_end(batch, {})
                if model.stop_training:
                    break
            hooks.on_epoch_end(epoch, dict(logs))
            done += 1
            if model.stop_training:
                break
        hooks.on_train_end()
        return done

    return run


class Training:
    """A classifier of four numbers that gets better every epoch, and differs between training and validation."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(96, 4)).astype("float32")
        self.y = (self.x[:, 0] + 0.5 * rng.normal(size=96) > 0).astype("int64")
        self.validation_data = (self.x[:32] + 0.3, self.y[:32])
        self.model = self.new_model()

    def new_model(self, **compile_arguments: Any) -> keras.Model:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
        settings = {"optimizer": keras.optimizers.SGD(0.05), "metrics": ["accuracy"]} | compile_arguments
        model.compile(loss="sparse_categorical_crossentropy", **settings)
        return model

    def fit(self, *callbacks: keras.callbacks.Callback, model: keras.Model | None = None, **arguments: Any) -> Any:
        settings = {"epochs": 8, "batch_size": 16, "shuffle": False, "verbose": 0} | arguments
        return (model or self.model).fit(self.x, self.y, callbacks=list(callbacks), **settings)


@pytest.fixture
def training() -> Training:
    return Training()
