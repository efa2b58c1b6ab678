"""What a model is compiled with: while a recipe trains it, and for whoever has it afterwards."""

from __future__ import annotations

from typing import Any

from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._outputs import gives_logits
from convvision.training._loss import SmoothedCrossentropy
from convvision.training._recipe import Recipe

__all__ = ["compile_for_use", "compile_to_train"]

# What normalisations learn, and biases, are no matrices: to shrink them regularises nothing.
_NOT_DECAYED = ["bias", "gamma", "beta"]


def compile_to_train(model: Any, recipe: Recipe) -> None:
    """Compile a classifier by a recipe.

    Raises:
        InputError: An optimiser that Keras does not have.
    """
    _compile(model, _optimizer(recipe), recipe.label_smoothing)
    # Keras never forgets where BackupAndRestore took up an earlier training of the same model.
    model._initial_epoch = None


def compile_for_use(model: Any, recipe: Recipe) -> None:
    """Leave nothing in a trained model that Keras alone does not know, so that it loads where convvision is not.

    An optimiser of ours gives way to Keras's Adam; one of Keras's stays, with all that it has gathered. The loss is
    that on labels as they are.
    """
    # In float16 Keras wraps it in one that scales the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not type(optimizer).__module__.startswith("keras."):
        _compile(model, keras.optimizers.Adam())
        return
    if recipe.schedule != "constant" or recipe.warmup:
        # A rate that the user's callback has lowered stays.
        optimizer.learning_rate = recipe.learning_rate
    if recipe.label_smoothing:
        _compile(model, optimizer)


def _compile(model: Any, optimizer: Any, label_smoothing: float = 0.0) -> None:
    from_logits = gives_logits(model)
    loss = (
        SmoothedCrossentropy(label_smoothing, from_logits=from_logits)
        if label_smoothing
        else keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    )
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    # Keras builds it at the first step; a run that is interrupted before that would be saved and not load.
    model.optimizer.build(model.trainable_variables)


def _optimizer(recipe: Recipe) -> Any:
    if recipe.optimizer == "muon":
        from convvision.training._muon import Muon  # noqa: PLC0415

        return Muon(recipe.learning_rate, adam_weight_decay=recipe.weight_decay)
    try:
        optimizer = keras.optimizers.get(recipe.optimizer)
    except ValueError as error:
        raise InputError(
            f"A recipe's optimizer is 'muon' or the name of one of Keras's, as in 'adam'. "
            f"Received: {recipe.optimizer!r}"
        ) from error
    optimizer.learning_rate = recipe.learning_rate
    if recipe.weight_decay:
        optimizer.weight_decay = recipe.weight_decay
        optimizer.exclude_from_weight_decay(var_names=_NOT_DECAYED)
    return optimizer
