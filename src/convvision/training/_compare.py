"""Training several models under the same conditions."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from convvision._checks import check_positive_int, check_seed
from convvision._keras import keras
from convvision._public import set_module
from convvision.datasets import Dataset, StreamedDataset
from convvision.datasets._open import open_data
from convvision.errors import InputError, NonFiniteLossError
from convvision.models import create_model, get_model_info
from convvision.models._graph import require_built
from convvision.training._comparison import Comparison
from convvision.training._recipe import Recipe, resolve_recipe
from convvision.training._run import Run
from convvision.training._train import check_fit, train
from convvision.training._weighting import ClassWeight, weigh

__all__ = ["compare"]


@set_module("convvision.training")
def compare(
    models: Sequence[keras.Model | str],
    data: Dataset | StreamedDataset | str | os.PathLike[str],
    recipe: Recipe | str = "lesson",
    *,
    epochs: int | None = None,
    class_weight: ClassWeight | None = None,
    sample_weight: ArrayLike | None = None,
    seeds: int | Sequence[int] = 3,
    verbose: int = 1,
) -> Comparison:
    """Train several models by one recipe on the same data, with several seeds each.

    Args:
        models: Names of registered models, or models; each training starts from fresh weights, so a model that is given
            is copied and keeps its own.
        data: As in :func:`train`.
        recipe: A recipe, or the name of one.
        epochs: Another number of epochs than the recipe's.
        class_weight: As in :func:`train`.
        sample_weight: As in :func:`train`.
        seeds: How many, counted from 0; or the seeds themselves.
        verbose: 1 draws progress bars on standard error, 0 is silent.

    Returns:
        The comparison; one that is interrupted (Ctrl-C) holds what was finished, and a training whose loss became NaN
        is among its ``failures``.

    Raises:
        InputError: No models, two of the same name, or no seeds, or one of them twice.
        ConvvisionError: As :func:`train`.

    Example:
        >>> import convvision
        >>> data = convvision.load_dataset("drawn_fashion")
        >>> comparison = convvision.compare(["dense_128", "conv_16_16"], data, epochs=1, seeds=1, verbose=0)
        >>> [row.model for row in comparison.rows]
        ['dense_128', 'conv_16_16']
    """
    if isinstance(models, str) or not all(isinstance(model, str | keras.Model) for model in models):
        raise InputError(f"compare takes names of models, or models, in a list. Received: models={models!r}")
    named = {model if isinstance(model, str) else model.name: model for model in models}
    if not named or len(named) < len(models):
        raise InputError(f"compare takes models of different names, at least one. Received: models={models!r}")
    for model in named.values():
        if isinstance(model, str):
            get_model_info(model)
    candidates = range(check_positive_int(seeds, "seeds")) if isinstance(seeds, int | np.integer) else seeds
    chosen = [check_seed(seed) for seed in candidates]
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(f"compare takes different seeds, at least one. Received: seeds={seeds!r}")
    recipe = resolve_recipe(recipe, epochs)
    data = open_data(data)
    for model in named.values():
        # What cannot be trained must not show after the first model's hour of training.
        check_fit(
            create_model(model, data.info.image_shape, data.info.num_classes)
            if isinstance(model, str)
            else _fresh(model, chosen[0]),
            data,
            recipe,
        )
    weigh(data, class_weight, sample_weight)

    comparison = Comparison(data.info.name, recipe, runs={name: [] for name in named})
    train_it = functools.partial(
        train, data=data, recipe=recipe, class_weight=class_weight, sample_weight=sample_weight, verbose=verbose
    )
    try:
        interrupted = not all(
            _train_one(comparison, name, model, seed, train_it) for name, model in named.items() for seed in chosen
        )
    except KeyboardInterrupt:
        interrupted = True
    return dataclasses.replace(comparison, interrupted=interrupted)


def _train_one(
    comparison: Comparison, name: str, model: keras.Model | str, seed: int, train_it: Callable[..., Run]
) -> bool:
    """Add a run to the comparison, or why there is none; false where the user interrupted it."""
    fresh = model if isinstance(model, str) else _fresh(model, seed)
    try:
        run = train_it(fresh, seed=seed)
    except NonFiniteLossError as error:
        comparison.failures[f"{name}, seed {seed}"] = str(error)
        return True
    if not run.interrupted:
        comparison.runs[name].append(run)
    return not run.interrupted


def _fresh(model: keras.Model, seed: int) -> keras.Model:
    if not isinstance(model, keras.Sequential):
        require_built(model)
    keras.utils.set_random_seed(seed)
    return keras.models.clone_model(model)
