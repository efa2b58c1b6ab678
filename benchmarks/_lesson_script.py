"""The lesson's training as anyone writes it in plain Keras: one side of the comparisons of speed.

Prints a line of JSON: test accuracy, seconds of ``fit``, epochs. It gets the images from our loader, which costs
nothing in what is timed, because no machine of ours has the network that Keras's loader needs.
"""

from __future__ import annotations

import json
import sys
import time


def main(task: str) -> None:
    import keras  # noqa: PLC0415

    import convvision  # noqa: PLC0415

    filters, name, epochs = {"fashion_mnist": (64, "fashion_mnist", 5), "mnist": (32, "mnist", 10)}[task]
    data = convvision.load_dataset(name)
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
    callbacks = [convvision.callbacks.AccuracyThresholdStop(0.995)] if task == "mnist" else []
    began = time.perf_counter()
    history = model.fit(*data.train, epochs=epochs, callbacks=callbacks, verbose=0)
    seconds = time.perf_counter() - began
    _, accuracy = model.evaluate(*data.test, verbose=0)
    print(json.dumps({"accuracy": float(accuracy), "seconds": seconds, "epochs": len(history.epoch)}))


if __name__ == "__main__":
    main(sys.argv[1])
