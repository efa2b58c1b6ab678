"""Whether a method of attribution explains the model, or only draws the image again."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_seed
from convvision._keras import keras
from convvision._public import set_module
from convvision._tables import text_table
from convvision.errors import InputError, ShapeError
from convvision.visualize._attribution import Attribution, Target, chosen_targets, prepared
from convvision.visualize._class_scores import ClassScores
from convvision.visualize._gradient_methods import saliency

__all__ = ["SanityCheck", "rank_correlation", "sanity_check"]

AttributionMethod: TypeAlias = Callable[..., Attribution | NDArray[Any]]


@set_module("convvision.visualize")
@dataclass(frozen=True, eq=False)
class SanityCheck:
    """How far the maps of a method stay the same while the model's weights are lost; printed as a table.

    Attributes:
        method: The method, as in "saliency".
        steps: Down to which layer, from the top, weights were random at each step; a name a step.
        correlations: Spearman's rank correlation of each image's map with that of the trained model, float64, shape
            (steps, N); NaN where one of both is the same everywhere.
        images: The images, shape (N, H, W, C).
        maps: Of the trained model, then of each step, float32, shape (1 + steps, N, h, w); channels are summed.
    """

    method: str
    steps: tuple[str, ...]
    correlations: NDArray[np.float64]
    images: NDArray[Any]
    maps: NDArray[np.float32]

    def __repr__(self) -> str:
        return f"<SanityCheck of {self.method} on {len(self.images)} images: {self.means[-1]:.2f} at the end>"

    def __str__(self) -> str:
        rows = [
            [name, f"{mean:.2f}", f"{np.nanmin(row):.2f} … {np.nanmax(row):.2f}" if np.isfinite(row).any() else "–"]
            for name, mean, row in zip(self.steps, self.means, self.correlations, strict=True)
        ]
        return text_table(["random from the top down to", f"correlation of {self.method}", "range"], rows, numbers=[1])

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean correlation of each step, shape (steps,); NaN where no image has one."""
        known = np.isfinite(self.correlations)
        sums, counts = np.where(known, self.correlations, 0).sum(axis=1), known.sum(axis=1)
        return np.asarray(np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0))


@set_module("convvision.visualize")
def sanity_check(
    model: keras.Model,
    images: Any,
    method: AttributionMethod = saliency,
    target: Target = "pred",
    *,
    cascade: bool = True,
    seed: int = 0,
    output: str | int | None = None,
    batch_size: int = 128,
) -> SanityCheck:
    """See whether a method's maps change when the weights that the model has learnt are replaced by random ones.

    A map that stays the same does not depend on what was learnt: it is an edge detector of the image, however
    convincing it looks. A sound method ends near 0.

    Maps are compared with their sign. Absolute values tell little: they are large where the image has edges, whatever
    the weights are, so that any two maps of one image seem to be alike. For the same reason, give the methods of the
    Grad-CAM family as ``functools.partial(grad_cam, relu=False)``.

    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, "Sanity checks for saliency maps".

    Args:
        model: A functional model, or a sequential one that is built, whose layers Keras can copy. Copies of it are
            given random weights; it is not changed.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        method: A function of this package that gives an :class:`Attribution`, or one of your own: called with model,
            images and target, and with ``output`` where one is given, it returns an attribution or an array (N, …).
        target: A class index, one for each image, or "pred" for the class with the largest logit; the trained model's
            prediction is asked for throughout.
        cascade: Replace one layer after another, from the output down to the image, and look after each; else all at
            once.
        seed: Of the random weights, which each layer's own initialisers draw.
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Images a pass when targets are predicted; the method has its own.

    Returns:
        A correlation for each step and image.

    Raises:
        InputError: A model that is not built, whose logits cannot be told, that Keras cannot copy, or that has no
            weights; a method that is no function.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take, or a method that does not give one map an image.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_16_16")
        >>> images = np.random.default_rng(0).random((2, 28, 28, 1))
        >>> found = convvision.visualize.sanity_check(model, images)
        >>> found.steps
        ('classifier', 'dense_1', 'conv_2', 'conv_1')
        >>> found.correlations.shape
        (4, 2)
    """
    scores, images, targets = prepared(model, images, target, output, batch_size)
    if not callable(method):
        raise InputError(f"method is a function, as saliency or grad_cam. Received: method={method!r}")
    targets = chosen_targets(targets, scores.in_batches(images, batch_size))
    seed = check_seed(seed)
    explain = functools.partial(_explained, method, images=images, targets=targets, output=output)

    copy, fresh = _copies(model, seed)
    pairs = _weighted_layers(ClassScores(copy, output), ClassScores(fresh, output))
    if not pairs:
        raise InputError(f"{model.name!r} has no weights that could be replaced. Received: {len(scores.calls)} layers")
    name, original = explain(model=model)
    steps, correlations, maps = [], [], [_as_maps(original)]
    for index, (layer_name, layer, random_layer) in enumerate(reversed(pairs)):
        layer.set_weights(random_layer.get_weights())
        if cascade or index == len(pairs) - 1:
            _, values = explain(model=copy)
            steps.append(layer_name)
            correlations.append(rank_correlation(original, values))
            maps.append(_as_maps(values))
    return SanityCheck(name, tuple(steps), np.stack(correlations), images, np.stack(maps))


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Correlate the ranks of two arrays' numbers, row by row (Spearman); equal numbers share the mean of their ranks.

    Args:
        one: Shape (N, …).
        other: Of the same shape.

    Returns:
        In [−1, 1], shape (N,); NaN for a row that is the same everywhere.
    """
    ranks = [np.stack([_ranks(row.ravel()) for row in each]) for each in (one, other)]
    first, second = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    lengths = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    products = (first * second).sum(axis=1)
    return np.asarray(np.divide(products, lengths, out=np.full(len(lengths), np.nan), where=lengths > 0))


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    ranks: NDArray[np.float64] = mean_ranks[which.ravel()]
    return ranks


def _explained(
    method: AttributionMethod,
    *,
    model: keras.Model,
    images: NDArray[Any],
    targets: NDArray[np.int64],
    output: str | int | None,
) -> tuple[str, NDArray[np.float32]]:
    found = method(model, images, targets, **({} if output is None else {"output": output}))
    if isinstance(found, Attribution):
        return found.method, found.values
    values = np.asarray(found, np.float32)
    if values.ndim not in (3, 4) or len(values) != len(images):
        raise ShapeError(
            f"A method gives one map an image: ({len(images)}, h, w), or ({len(images)}, H, W, C). "
            f"Received: shape {values.shape}."
        )
    return getattr(method, "__name__", type(method).__name__), values


def _as_maps(values: NDArray[np.float32]) -> NDArray[np.float32]:
    summed: NDArray[np.float32] = values.sum(axis=-1) if values.ndim == 4 else values
    return summed


def _copies(model: keras.Model, seed: int) -> tuple[keras.Model, keras.Model]:
    """Copy a model twice: once with its weights, once as if it had just been made."""
    # Keras draws the seeds of initialisers that have none from Python's generator, which is given back as it was.
    state = random.getstate()
    try:
        # From a text: the number alone would draw the weights with which a model of the same seed began.
        random.seed(f"sanity_check {seed}")
        fresh, copy = (keras.models.clone_model(model) for _ in range(2))
        for each in (fresh, copy):
            if not each.built:
                each.build(model.inputs[0].shape)
        copy.set_weights(model.get_weights())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise InputError(
            f"Keras cannot copy {model.name!r}: {error} A layer of your own needs get_config, as keras.Layer describes."
        ) from error
    finally:
        random.setstate(state)
    return copy, fresh


def _weighted_layers(copy: ClassScores, fresh: ClassScores) -> list[tuple[str, Any, Any]]:
    """Pair the layers of both copies that have weights and lead to the output, each once, in the order of the data."""
    found: dict[int, tuple[str, Any, Any]] = {}
    for one, other in zip(copy.calls, fresh.calls, strict=True):
        # An operation such as x + y has no weights at all.
        if getattr(one.layer, "weights", ()):
            found.setdefault(id(one.layer), (one.name, one.layer, other.layer))
    return list(found.values())
