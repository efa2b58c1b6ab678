"""The lesson, as a user types it: every name, argument and result has its type."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import convvision
from convvision.callbacks import AccuracyThresholdStop
from convvision.datasets import Dataset, DatasetInfo
from convvision.models import ModelInfo


def load() -> Dataset:
    data = convvision.load_dataset("fashion_mnist", scale="unit", validation_split=0.1, seed=1, download=False)
    assert_type(data, Dataset)
    assert_type(data.info, DatasetInfo)
    images, labels = data.train
    assert_type(images, NDArray[Any])
    if data.validation is not None:
        assert_type(len(data.validation), int)
    assert_type(data.info.class_names[int(labels[0])], str)
    return convvision.load_dataset("mnist", scale=None)


def train(data: Dataset) -> convvision.Run:
    model = convvision.create_model("conv_64_64", input_shape=(28, 28, 1), num_classes=10, dropout=0.5)
    assert_type(convvision.get_model_info("conv_64_64"), ModelInfo)
    run = convvision.train(model, data, recipe="lesson", epochs=5, callbacks=[AccuracyThresholdStop(0.995)])
    assert_type(run.metrics["test_accuracy"], float)
    assert_type(run.history["accuracy"], list[float])
    run.save("my_run")
    return convvision.load_run("my_run")


def look(run: convvision.Run, pictures: NDArray[np.uint8]) -> list[str]:
    convvision.visualize.plot_activation_grid(run.model, pictures, channel=1, cmap="inferno").save("activations.png")
    edges = convvision.kernels.apply(pictures[0], "edge")
    assert_type(edges, NDArray[np.float32])
    return [prediction.class_name for prediction in run.predict(pictures)]


def compare() -> convvision.Comparison:
    assert_type(convvision.list_models(["conv_*", "dense_*"]), list[str])
    return convvision.compare(["dense_128", "conv_64_64"], "fashion_mnist", recipe="lesson", seeds=3)
