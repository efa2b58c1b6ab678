"""From a model and data to a run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np

from convvision._checks import check_images
from convvision._keras import keras
from convvision._public import set_module
from convvision._version import __version__
from convvision.datasets import Dataset
from convvision.datasets._open import open_data
from convvision.errors import InputError, ShapeError
from convvision.models import create_model
from convvision.models._outputs import gives_logits, image_shape
from convvision.training._dataset_record import DatasetRecord
from convvision.training._fit_callbacks import EpochRecorder, NonFiniteLossGuard, ProgressBar
from convvision.training._recipe import Recipe, get_recipe
from convvision.training._run import Run, score

__all__ = ["check_fit", "check_seed", "train"]


@set_module("convvision.training")
def train(
    model: keras.Model | str,
    data: Dataset | str | os.PathLike[str],
    recipe: Recipe | str = "lesson",
    *,
    epochs: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    verbose: int = 1,
) -> Run:
    """Train a classifier and test it.

    The same seed on the same machine gives the same weights. The test images are looked at once, when the training is
    over. A training that is interrupted (Ctrl-C) returns what it has; it is not tested.

    Args:
        model: The name of a registered model, made to fit the data; or a model, which is compiled anew and trained on
            from its present weights. It maps images (N, H, W, C) to probabilities or logits (N, classes).
        data: A data set; or the name of one, or a folder of IDX files, which are scaled to [0, 1].
        recipe: A recipe, or the name of one.
        epochs: Another number of epochs than the recipe's.
        callbacks: Keras callbacks, called as ``fit`` calls them.
        seed: Of the initial weights, of the order of the images and of dropout. It becomes the seed of Python, NumPy
            and Keras's backend.
        verbose: 1 draws a progress bar on standard error, 0 is silent.

    Returns:
        The run.

    Raises:
        UnknownNameError: No model, data set or recipe has this name.
        ShapeError: The model takes images of another shape.
        InputError: The model tells another number of classes apart, or is no classifier; or a seed that cannot be.
        NonFiniteLossError: The loss became NaN or infinite.

    Example:
        >>> import convvision
        >>> run = convvision.train("conv_16_16", "drawn_fashion", epochs=1, verbose=0)
        >>> run.metrics["test_accuracy"] > 0.6
        True
    """
    recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
    if epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=epochs)
    data = open_data(data)
    keras.utils.set_random_seed(check_seed(seed))
    if isinstance(model, str):
        model = create_model(model, data.info.image_shape, data.info.num_classes)
    check_fit(model, data)
    _compile(model, recipe)

    recorder = EpochRecorder()
    bar = ProgressBar(model.name) if verbose else None
    interrupted, metrics = False, dict[str, float]()
    try:
        model.fit(
            *data.train,
            batch_size=recipe.batch_size,
            epochs=recipe.epochs,
            validation_data=None if data.validation is None else tuple(data.validation),
            callbacks=[NonFiniteLossGuard(), recorder, *callbacks, *([bar] if bar else [])],
            verbose=0,
        )
        metrics = {**_last_epoch(recorder.history), **score(model, data.test)}
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if bar:
            bar.close()
    return Run(
        model=model,
        recipe=recipe,
        data=DatasetRecord.of(data),
        seed=seed,
        history=recorder.history,
        seconds_per_epoch=recorder.seconds,
        metrics=metrics,
        interrupted=interrupted,
        versions=_versions(),
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )


def check_seed(seed: int) -> int:
    """Return a seed that Python, NumPy and Keras's backend all take, or say that it is none.

    Raises:
        InputError: Anything else.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise InputError(f"A seed is a whole number from 0 to {2**32 - 1}. Received: seed={seed!r}")
    return int(seed)


def check_fit(model: Any, data: Dataset) -> None:
    """Refuse a model and data that do not go together, in terms of both; build the model where it is not yet.

    Raises:
        ShapeError: The model takes images of another shape.
        InputError: The model tells another number of classes apart, or is no classifier.
    """
    if isinstance(model, keras.Sequential) and not model.built:
        try:
            model.build((None, *data.info.image_shape))
        except ValueError as error:
            raise ShapeError(
                f"{model.name!r} cannot be built for the images of {data.info.name!r}, {data.info.image_shape}: {error}"
            ) from error
    check_images(data.train.images[:1], image_shape=image_shape(model))
    gives_logits(model)
    classes = model.outputs[0].shape[-1]
    if classes != data.info.num_classes:
        raise InputError(
            f"{data.info.name!r} has {data.info.num_classes} classes. "
            f"Received: a model with {classes} outputs. Build it with num_classes={data.info.num_classes}."
        )


def _compile(model: Any, recipe: Recipe) -> None:
    try:
        optimizer = keras.optimizers.get(recipe.optimizer)
    except ValueError as error:
        raise InputError(
            f"A recipe's optimizer is the name of one of Keras's, as in 'adam'. Received: {recipe.optimizer!r}"
        ) from error
    optimizer.learning_rate = recipe.learning_rate
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=gives_logits(model))
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    # Keras builds it at the first step; a run that is interrupted before that would be saved and not load.
    optimizer.build(model.trainable_variables)


def _last_epoch(history: dict[str, list[float]]) -> dict[str, float]:
    return {name if name.startswith("val_") else f"train_{name}": values[-1] for name, values in history.items()}


def _versions() -> dict[str, str]:
    packages = ("keras", "tensorflow", "numpy")
    return {
        "convvision": __version__,
        "python": platform.python_version(),
        "backend": keras.config.backend(),
        **{package: importlib.metadata.version(package) for package in packages},
    }
