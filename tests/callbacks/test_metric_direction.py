"""Which way a metric is better, as far as its name tells."""

from __future__ import annotations

import keras
import pytest

from convvision.callbacks import MetricThresholdStop
from convvision.errors import InputError


def direction(name: str) -> str:
    return MetricThresholdStop(name, 0.5).mode


@pytest.mark.parametrize(
    "name",
    [
        *("loss", "val_loss", "head_loss", "val_head_loss", "mse", "MSE", "val_mae", "mean_squared_error"),
        *(
            "root_mean_squared_error",
            "kl_divergence",
            "sparse_categorical_crossentropy",
            "error_rate",
            "false_positives",
        ),
    ],
)
def test_less_of_it_is_better(name: str) -> None:
    assert direction(name) == "min"


@pytest.mark.parametrize(
    "name",
    [
        *("accuracy", "val_accuracy", "acc", "head_accuracy", "top_5_accuracy", "sparse_top_k_categorical_accuracy"),
        *("auc", "AUC", "precision", "precision_1", "val_recall_12", "f1", "val_f1_score", "mean_io_u", "r2_score"),
        "sensitivity_at_specificity",
    ],
)
def test_more_of_it_is_better(name: str) -> None:
    assert direction(name) == "max"


@pytest.mark.parametrize("name", ["score", "learning_rate", "lossy", "blossom", "accuracy_ratio", "val_", "_1", "top5"])
def test_a_name_that_does_not_tell_asks_for_the_mode(name: str) -> None:
    with pytest.raises(InputError, match=f"The name '{name}' does not tell .* Pass mode='max' .* or mode='min'"):
        MetricThresholdStop(name, 0.5)


def test_the_mode_overrules_the_name() -> None:
    assert MetricThresholdStop("accuracy", 0.5, mode="min").mode == "min"
    assert MetricThresholdStop("score", 0.5, mode="max").mode == "max"


def test_it_agrees_with_keras_on_every_metric_that_keras_knows_the_direction_of() -> None:
    compared = {}
    for name in dir(keras.metrics):
        metric_class = getattr(keras.metrics, name)
        if not isinstance(metric_class, type):
            continue
        try:
            metric = metric_class()
        except TypeError:  # It has parameters without defaults.
            continue
        if getattr(metric, "_direction", None) is not None:
            compared[metric.name] = (direction(metric.name), {"up": "max", "down": "min"}[metric._direction])
    assert {name: ours for name, (ours, _) in compared.items()} == {
        name: keras for name, (_, keras) in compared.items()
    }
    assert len(compared) >= 20
