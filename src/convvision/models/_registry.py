"""The names of models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision._public import set_module
from convvision.errors import InputError
from convvision.models._weights import WeightsCard, find_card, find_cards, load_weights
from convvision.registry import Registry, unknown_name

__all__ = ["MODELS", "ModelBuilder", "ModelInfo", "create_model", "get_model_info", "list_models", "register_model"]


@set_module("convvision.models")
class ModelBuilder(Protocol):
    """What a registered model is: a function that builds it, not compiled.

    Example:
        >>> from convvision.models import ModelBuilder, conv
        >>> def small(*, input_shape, num_classes, **options):
        ...     return conv((8,), input_shape=input_shape, num_classes=num_classes, **options)
        >>> builder: ModelBuilder = small
        >>> builder(input_shape=(28, 28, 1), num_classes=3).output_shape
        (None, 3)
    """

    def __call__(self, *, input_shape: tuple[int, int, int], num_classes: int, **options: Any) -> keras.Model:
        """Build the model for images of ``input_shape`` (H, W, C) and ``num_classes`` classes."""


@set_module("convvision.models")
@dataclass(frozen=True)
class ModelInfo:
    """The facts about a registered model, known without building it.

    Attributes:
        name: The registered name.
        family: The builder or paper that it comes from, as in "conv".
        summary: One line.
        parameters: Number of parameters for images of 28 × 28 × 1 and 10 classes; None where the author did not say.
        min_size: Height and width of the smallest image it takes; None where the author did not say.
        reference: The paper or text in which it was published.
    """

    name: str
    family: str
    summary: str
    parameters: int | None = None
    min_size: int | None = None
    reference: str = ""

    @property
    def weights(self) -> Mapping[str, WeightsCard]:
        """The weights that come with convvision, by the name that ``create_model(…, weights=…)`` takes.

        Example:
            >>> import convvision
            >>> list(convvision.get_model_info("conv_32_32").weights)
            ['fashion_mnist', 'mnist']
        """
        return {card.dataset: card for card in find_cards(self.name)}


@dataclass(frozen=True)
class ModelEntry:
    """A registered model: its facts and its builder."""

    info: ModelInfo
    builder: ModelBuilder


BuilderT = TypeVar("BuilderT", bound=ModelBuilder)


def _from_plugin(name: str, loaded: object) -> ModelEntry:
    if not callable(loaded):
        raise InputError(f"An entry point of a model names its builder, a function. Received: {loaded!r}")
    first_line = (inspect.getdoc(loaded) or "").partition("\n")[0]
    return ModelEntry(ModelInfo(name, family="plugin", summary=first_line), loaded)


MODELS: Registry[ModelEntry] = Registry(
    "model",
    group="convvision.models",
    builtins=tuple(
        f"convvision.models._{family}"
        for family in (
            "dense",
            "conv",
            "fast_conv",
            "tiny",
            "vgg",
            "resnet",
            "preact_resnet",
            "wide_resnet",
            "densenet",
            "mobile",
            "convmixer",
            "convnext",
        )
    ),
    adapt=_from_plugin,
)


@set_module("convvision.models")
def register_model(
    name: str,
    *,
    family: str,
    summary: str,
    parameters: int | None = None,
    min_size: int | None = None,
    reference: str = "",
    overwrite: bool = False,
) -> Callable[[BuilderT], BuilderT]:
    """Register a builder under a name; used as a decorator.

    Args:
        name: The name, unique among models.
        family: The builder or paper that it comes from.
        summary: One line, for the list of models.
        parameters: Number of parameters for images of 28 × 28 × 1 and 10 classes.
        min_size: Height and width of the smallest image that it takes.
        reference: The paper or text in which it was published.
        overwrite: Replace a model of the same name instead of refusing.

    Returns:
        The decorator; it returns the builder unchanged.

    Raises:
        DuplicateNameError: The name is taken.

    Example:
        >>> import convvision
        >>> from convvision.models import conv
        >>> @convvision.register_model("conv_8", family="conv", summary="One small convolution.")
        ... def conv_8(**options):
        ...     return conv((8,), **options)
        >>> convvision.create_model("conv_8", num_classes=3).output_shape
        (None, 3)
        >>> convvision.models.MODELS.unregister("conv_8")
    """
    info = ModelInfo(name, family, summary, parameters, min_size, reference)

    def decorate(builder: BuilderT) -> BuilderT:
        MODELS.register(name, ModelEntry(info, builder), overwrite=overwrite)
        return builder

    return decorate


@set_module("convvision.models")
def create_model(
    name: str,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    *,
    weights: str | None = None,
    **options: Any,
) -> keras.Model:
    """Build a registered model, to be trained or with weights that come with convvision.

    Such weights expect pixels on the scale of their card, which is [0, 1] ("unit") for all of them: raw pixels are
    divided by 255 first.

    Args:
        name: One of :func:`list_models`.
        input_shape: (H, W, C) of the images.
        num_classes: Number of classes, at least 2.
        weights: Name of the data set that the model has been trained on, as in "fashion_mnist";
            :attr:`ModelInfo.weights` lists what there is, with accuracy and known failings. With another
            ``num_classes`` than that data set's, the last layer, ``classifier``, begins afresh and has to be trained.
            None for random weights.
        **options: Further parameters of the builder, as in ``dropout=0.5``.

    Returns:
        A ``keras.Model``, not compiled, that maps images (N, H, W, C) to class probabilities (N, num_classes), or to
        logits with ``classifier_activation=None``.

    Raises:
        UnknownNameError: No model has this name, or the model has no weights or no option of that name.
        PluginError: The model is a plugin that does not load.
        InputError: A shape or a number that cannot be, or options that the weights do not fit.
        ShapeError: The images are too small for the model, or are not those that the weights are for.
        CorruptDataError: The file of the weights is not the one that came with convvision.

    Example:
        >>> import convvision
        >>> convvision.create_model("conv_64_64").count_params()
        243786
        >>> model = convvision.create_model("conv_32_32", weights="mnist")
    """
    builder = MODELS.get(name).builder
    _check_options(name, builder, options)
    card = None if weights is None else find_card(name, weights)
    model = builder(input_shape=check_input_shape(input_shape), num_classes=check_num_classes(num_classes), **options)
    if card is not None:
        load_weights(model, card)
    return model


@set_module("convvision.models")
def list_models(pattern: str | Sequence[str] = "*") -> list[str]:
    """List the names of models, in alphabetical order, without loading any plugin.

    Args:
        pattern: One shell-style pattern, or several of which any may match.

    Raises:
        UnknownNameError: A pattern matches nothing.

    Example:
        >>> import convvision
        >>> convvision.list_models("dense_*")
        ['dense_128', 'dense_512']
    """
    return MODELS.names(pattern)


@set_module("convvision.models")
def get_model_info(name: str) -> ModelInfo:
    """Look up the facts about a model, without building it.

    Raises:
        UnknownNameError: No model has this name.
        PluginError: The model is a plugin that does not load.

    Example:
        >>> import convvision
        >>> convvision.get_model_info("conv_64_64").parameters
        243786
    """
    return MODELS.get(name).info


def _check_options(name: str, builder: ModelBuilder, options: Mapping[str, Any]) -> None:
    """Refuse what the builder of a registered model has no parameter for, or has been given by the registration."""
    parameters = inspect.signature(builder).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters if parameter.name not in ("input_shape", "num_classes")]
    for option in options:
        if option not in known:
            raise unknown_name("option", option, [*known, "input_shape", "num_classes"], of=repr(name))


def check_input_shape(input_shape: Sequence[int]) -> tuple[int, int, int]:
    """Return an image shape as three whole numbers, or say what is wrong with it."""
    sizes = tuple(input_shape) if isinstance(input_shape, Iterable) else ()
    if len(sizes) != 3:
        raise InputError(
            f"input_shape is (height, width, channels), without the batch. Received: input_shape={input_shape!r}"
        )
    height, width, channels = (check_positive_int(size, f"input_shape[{axis}]") for axis, size in enumerate(sizes))
    return height, width, channels


def check_num_classes(num_classes: int) -> int:
    """Return a number of classes of at least two, or say what is wrong with it."""
    if check_positive_int(num_classes, "num_classes") < 2:
        raise InputError(f"A classifier tells at least 2 classes apart. Received: num_classes={num_classes!r}")
    return int(num_classes)
