"""From a model and data to a run."""

from __future__ import annotations

import datetime as dt
import math
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convvision._checks import check_seed
from convvision._keras import keras
from convvision._public import set_module
from convvision._version import __version__
from convvision.callbacks._metric_callback import MetricCallback
from convvision.datasets import Dataset, StreamedDataset
from convvision.datasets._open import open_data
from convvision.errors import InputError, MetricNotLoggedError, ShapeError
from convvision.models import create_model
from convvision.models._outputs import gives_logits, image_shape
from convvision.training._augment import Augmentation
from convvision.training._compile import compile_for_use, compile_to_train
from convvision.training._dataset_record import DatasetRecord
from convvision.training._feed import fit
from convvision.training._fit_callbacks import EpochClock, EpochRecorder, NonFiniteLossGuard, ProgressBar, non_finite
from convvision.training._graph_loop import GraphLoop, why_not
from convvision.training._precision import available_precision, creating_in
from convvision.training._recipe import Recipe, resolve_recipe
from convvision.training._run import Run, predictor_of
from convvision.training._scoring import score
from convvision.training._weighting import ClassWeight, weigh

__all__ = ["check_fit", "train"]


@set_module("convvision.training")
def train(
    model: keras.Model | str,
    data: Dataset | StreamedDataset | str | os.PathLike[str],
    recipe: Recipe | str = "lesson",
    *,
    epochs: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    class_weight: ClassWeight | None = None,
    sample_weight: ArrayLike | None = None,
    seed: int = 0,
    verbose: int = 1,
) -> Run:
    """Train a classifier and test it.

    The same seed on the same machine gives the same weights. The test images are looked at once, when the training is
    over. A training that is interrupted (Ctrl-C) returns what it has; it is not tested.

    On TensorFlow the steps are made inside one graph, in chunks of about a quarter of a second; what this cannot serve
    goes through Keras's ``fit``: streamed data, a model with a ``train_step`` of its own, another backend. The order of
    the images, and all of a recipe but ``hard_fraction``, ``averaging`` and ``mixup``, are the same there.
    ``Run.execution`` says which it was. TensorFlow's threads are the caller's: with one an operation
    (``TF_NUM_INTRAOP_THREADS=1`` in the environment, as the command line sets it) each batch is shared among the cores,
    which is faster for small networks; batch normalisation then normalises each share by itself.

    Args:
        model: The name of a registered model, made to fit the data; or a model, which is compiled anew and trained on
            from its present weights. It maps images (N, H, W, C) to probabilities or logits (N, classes).
        data: A data set; or the name of one, a folder, or a CSV file, which are scaled to [0, 1]. A folder holds IDX
            files, or class folders of image files, which are read as 28 × 28 grey;
            :func:`convvision.datasets.from_folder` reads them otherwise, and
            :func:`convvision.datasets.stream_folder` leaves them on the disk, where they are more than memory holds.
        recipe: A recipe, or the name of one. What it says is varied with ``dataclasses.replace``, as in
            ``dataclasses.replace(convvision.get_recipe("lesson"), learning_rate=0.002)``.
        epochs: Another number of epochs than the recipe's.
        callbacks: Keras callbacks, called as ``fit`` calls them. One that has a hook for batches gets every batch,
            which costs some time; with the attribute ``takes_chunks = True`` it is called at the end of each chunk.
            The learning rate is theirs where the recipe neither warms up nor has a schedule, and ``BackupAndRestore``
            serves where it has neither ``hard_fraction`` nor ``averaging``.
        class_weight: How much the images of each class count: a positive number for names of classes or their indices,
            1 for those that are left out; or "balanced" for N / (K · n), where n of N images are of a class, and K
            classes have images, so that all classes count alike (King & Zeng 2001). The loss of each image is
            multiplied by its weight, and the mean is taken over the number of images, as ``fit`` does; accuracies, and
            the figures of validation and test, take no notice of it.
        sample_weight: How much each training image counts, (N,), at least 0, in the order of ``data.train``. Times its
            class's weight where both are given. In a mixture of two images each label counts by its own image's.
        seed: Of the initial weights, of the order of the images and of dropout. It becomes the seed of Python, NumPy
            and Keras's backend.
        verbose: 1 draws a progress bar on standard error, 0 is silent.

    Returns:
        The run.

    Raises:
        UnknownNameError: No model, data set or recipe has this name.
        ShapeError: The model takes images of another shape.
        InputError: The model tells another number of classes apart, or is no classifier; or an argument that cannot be;
            or a class that there is not, or weights that cannot be; or the recipe asks for what only our own loop does,
            and it cannot serve.
        MetricNotLoggedError: A callback of convvision watches validation, and the data have none.
        NonFiniteLossError: The loss became NaN or infinite.

    Example:
        >>> import convvision
        >>> run = convvision.train("conv_16_16", "drawn_fashion", epochs=1, verbose=0)
        >>> run.metrics["test_accuracy"] > 0.6
        True
    """
    recipe = resolve_recipe(recipe, epochs)
    _check_callbacks(callbacks, recipe)
    data = open_data(data)
    keras.utils.set_random_seed(check_seed(seed))
    if isinstance(model, str):
        with creating_in(available_precision(recipe.precision)):
            model = create_model(model, data.info.image_shape, data.info.num_classes)
    reason = check_fit(model, data, recipe)
    _check_validation(callbacks, data)
    weights, weighting = weigh(data, class_weight, sample_weight)
    compile_to_train(model, recipe)

    # What can fail or takes time comes before the training, so that nothing afterwards can lose it.
    clock, recorder = EpochClock(), EpochRecorder()
    run = Run(
        model=model,
        recipe=recipe,
        data=DatasetRecord.of(data),
        seed=seed,
        history=recorder.history,
        seconds_per_epoch=[],
        metrics={},
        versions=_versions(),
        execution={
            "loop": "graph" if reason is None else "fit",
            "reason": reason or "",
            "precision": str(model.dtype_policy.compute_dtype),
        },
        weighting=weighting,
    )
    bar = ProgressBar(model.name) if verbose else None
    # The recorder comes behind the user's, since Keras's own callbacks add to the logs.
    heard = [clock, NonFiniteLossGuard(), *callbacks, recorder, *([bar] if bar else [])]
    try:
        if reason is None and isinstance(data, Dataset):
            loop = GraphLoop(model, data, recipe, _augmentation(recipe, data), weights, seed=seed)
            run.execution["towers"] = loop.towers
            try:
                loop.fit(heard)
            finally:
                run.execution["averaged_steps"] = loop.averaged_steps
        else:
            fit(model, data, recipe, _augmentation(recipe, data), weights, seed=seed, callbacks=heard)
        tested = score(predictor_of(run), data.test, data.scaling)
        if not math.isfinite(tested["test_loss"]):
            raise non_finite(tested["test_loss"], "on the test images", model)
        run.metrics = {**_last_epoch(recorder.history), **tested}
    except KeyboardInterrupt:
        run.interrupted = True
    finally:
        if bar:
            bar.close()
        compile_for_use(model, recipe)
    # An interruption may come between the two.
    run.seconds_per_epoch = clock.seconds[: recorder.epochs]
    run.created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return run


def check_fit(model: Any, data: Dataset | StreamedDataset, recipe: Recipe) -> str | None:
    """Refuse a model, data and a recipe that do not go together; build the model where it is not yet.

    Returns:
        Why the training has to go through Keras's ``fit``; None where our own loop serves.

    Raises:
        ShapeError: The model takes images of another shape.
        InputError: The model tells another number of classes apart, or is no classifier; or the recipe asks for what
            only our own loop does, and it cannot serve.
    """
    if isinstance(model, keras.Sequential) and not model.built:
        try:
            model.build((None, *data.info.image_shape))
        except ValueError as error:
            raise ShapeError(
                f"{model.name!r} cannot be built for the images of {data.info.name!r}, {data.info.image_shape}: {error}"
            ) from error
    wanted, given = image_shape(model), data.info.image_shape
    if any(size not in (None, have) for size, have in zip(wanted, given, strict=True)):
        raise ShapeError(
            f"{model.name!r} reads images of shape {wanted}. "
            f"Received: {data.info.name!r} with images of shape {given}. Build the model with input_shape={given}."
        )
    gives_logits(model)
    classes = model.outputs[0].shape[-1]
    if classes != data.info.num_classes:
        raise InputError(
            f"{data.info.name!r} has {data.info.num_classes} classes. "
            f"Received: a model with {classes} outputs. Build it with num_classes={data.info.num_classes}."
        )
    reason = why_not(model, data)
    if reason is not None:
        _check_for_fit(recipe, model, reason)
    return reason


def _check_for_fit(recipe: Recipe, model: Any, reason: str) -> None:
    """Refuse, by name, what Keras's ``fit`` cannot do."""
    if recipe.beyond_fit:
        asked = " and ".join(f"{name}={getattr(recipe, name)}" for name in recipe.beyond_fit)
        plain = ", ".join(f"{name}={getattr(Recipe, name)}" for name in recipe.beyond_fit)
        raise InputError(
            f"The recipe {recipe.name!r} has {asked}, which Keras's fit cannot do, and convvision's own loop cannot "
            f"train {model.name!r}: {reason}. Use dataclasses.replace(recipe, {plain})."
        )


def _augmentation(recipe: Recipe, data: Dataset | StreamedDataset) -> Augmentation:
    channels = data.info.image_shape[-1]
    fill = data.scaling.apply(np.zeros((1, channels), np.uint8))[0]
    return Augmentation(
        flip=recipe.flip and data.info.mirrored is not False,
        shift=recipe.shift,
        cutout=recipe.cutout,
        fill=tuple(map(float, fill)),
    )


def _check_callbacks(callbacks: Sequence[keras.callbacks.Callback], recipe: Recipe) -> None:
    if not isinstance(callbacks, Sequence) or not all(isinstance(one, keras.callbacks.Callback) for one in callbacks):
        raise InputError(f"callbacks is a list of Keras callbacks. Received: callbacks={callbacks!r}")
    unsaved = [name for name in ("hard_fraction", "averaging") if name in recipe.beyond_fit]
    if unsaved and any(isinstance(one, keras.callbacks.BackupAndRestore) for one in callbacks):
        asked = " and ".join(f"{name}={getattr(recipe, name)}" for name in unsaved)
        plain = ", ".join(f"{name}={getattr(Recipe, name)}" for name in unsaved)
        raise InputError(
            f"BackupAndRestore takes up a training of which each epoch stands by itself. Received: the recipe "
            f"{recipe.name!r} with {asked}, which gathers from one epoch to the next what no backup holds. "
            f"Use dataclasses.replace(recipe, {plain}), or leave the callback out."
        )
    if recipe.schedule == "constant" and not recipe.warmup:
        return
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.LearningRateScheduler | keras.callbacks.ReduceLROnPlateau):
            raise InputError(
                f"The recipe {recipe.name!r} sets the learning rate at every step (schedule={recipe.schedule!r}, "
                f"warmup={recipe.warmup}). Received: {type(callback).__name__}, which would do nothing. "
                f"Use dataclasses.replace(recipe, schedule='constant', warmup=0.0), or leave the callback out."
            )


def _check_validation(callbacks: Sequence[keras.callbacks.Callback], data: Dataset | StreamedDataset) -> None:
    """Refuse, before the training rather than after, a callback of ours that watches what will not be measured."""
    if data.validation is None:
        for callback in callbacks:
            if isinstance(callback, MetricCallback) and callback.validation_metrics:
                raise MetricNotLoggedError(
                    f"{type(callback).__name__} watches {callback.validation_metrics[0]!r}, and the data have no "
                    f"validation images. Load them with validation_split=0.1."
                )


def _last_epoch(history: dict[str, list[float]]) -> dict[str, float]:
    return {name if name.startswith("val_") else f"train_{name}": values[-1] for name, values in history.items()}


def _versions() -> dict[str, str]:
    packages = ("keras", "tensorflow", "numpy")
    return {
        "convvision": __version__,
        "python": platform.python_version(),
        "backend": keras.config.backend(),
        **{package: _version(package) for package in packages},
    }


def _version(package: str) -> str:
    # TensorFlow is distributed under several names.
    module = sys.modules.get(package)
    return str(getattr(module, "__version__", "not loaded"))
