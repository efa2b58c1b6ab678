"""The lesson's training as anyone writes it in plain Keras: one side of the comparisons of speed.

Prints a line of JSON: test accuracy, seconds of ``fit``, seconds of each epoch. It gets the images from our loader,
which costs nothing in what is timed, because no machine of ours has the network that Keras's loader needs.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

# What the lesson trains on a data set: filters of both convolutions, and epochs at most.
TASKS = {"fashion_mnist": (64, 5), "mnist": (32, 10)}
# MNIST is trained until the accuracy of an epoch is above this.
STOP_ABOVE = 0.995


def main(task: str, *, epochs: int, images: int | None, seed: int | None) -> None:
    import keras  # noqa: PLC0415

    import convvision  # noqa: PLC0415

    class Clock(keras.callbacks.Callback):
        """Takes the seconds of each epoch."""

        def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            self.seconds.append(time.perf_counter() - self.began)

    if seed is not None:
        keras.utils.set_random_seed(seed)
    data = convvision.load_dataset(task)
    filters, _ = TASKS[task]
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    callbacks = [clock, *([convvision.callbacks.AccuracyThresholdStop(STOP_ABOVE)] if task == "mnist" else [])]
    train_images, train_labels = data.train.take(slice(images))
    began = time.perf_counter()
    model.fit(train_images, train_labels, epochs=epochs, callbacks=callbacks, verbose=0)
    seconds = time.perf_counter() - began
    _, accuracy = model.evaluate(*data.test, verbose=0)
    print(json.dumps({"accuracy": float(accuracy), "seconds": seconds, "seconds_per_epoch": clock.seconds}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--epochs", type=int, help="the lesson's by default")
    parser.add_argument("--images", type=int, help="train on the first of them only")
    parser.add_argument("--seed", type=int, help="none by default, as in the lesson")
    asked = parser.parse_args()
    main(asked.task, epochs=asked.epochs or TASKS[asked.task][1], images=asked.images, seed=asked.seed)
