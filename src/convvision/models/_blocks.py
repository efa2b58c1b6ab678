"""What the published networks are made of: convolutions that are normalised, with the settings that they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from convvision._checks import check_positive_int
from convvision._keras import keras
from convvision.errors import InputError
from convvision.models._head import positive_ints

__all__ = [
    "activate",
    "blocks_a_stage",
    "check_stages",
    "convolve",
    "convolve_depthwise",
    "convolve_in_stages",
    "normalise",
    "shortcut_sum",
]


def convolve(x: Any, filters: int, kernel_size: int = 3, strides: int = 1, *, name: str, use_bias: bool = False) -> Any:
    """Convolve with zeros around the image; without a bias, since a normalisation takes the mean away anyway."""
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=use_bias,
        kernel_initializer="he_normal",
        data_format="channels_last",
        name=name,
    )(x)


def convolve_depthwise(x: Any, kernel_size: int = 3, strides: int = 1, *, name: str, use_bias: bool = False) -> Any:
    """Convolve each channel with a kernel of its own."""
    return keras.layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=use_bias,
        depthwise_initializer="he_normal",
        data_format="channels_last",
        name=name,
    )(x)


def normalise(x: Any, *, name: str) -> Any:
    """Normalise a batch (Ioffe and Szegedy, 2015), with the constants of the residual networks' published code."""
    # Keras's own momentum of 0.99 needs a thousand steps to forget where it began; a short training has no more.
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def activate(x: Any, *, name: str, activation: str = "relu") -> Any:
    """Apply an activation as a layer of its own, so that its maps can be looked at."""
    return keras.layers.Activation(activation, name=name)(x)


def shortcut_sum(x: Any, shortcut: Any, *, name: str) -> Any:
    """Add what a block computes to what it was given."""
    return keras.layers.Add(name=name)([x, shortcut])


def convolve_in_stages(x: Any, stages: Sequence[Sequence[int]], *, first_kernel_size: int, pooling: str) -> Any:
    """Halve an image with the first convolution, and again with a pooling between stages.

    Args:
        x: Symbolic tensor (N, H, W, C).
        stages: Filters of each stage's convolutions, 3 × 3 but for the first of all.
        first_kernel_size: Height and width of the first kernel, which moves by 2 pixels.
        pooling: "average" or "max", of 2 × 2 positions.

    Returns:
        Symbolic tensor, with layers ``stage_1_conv_1``, ``stage_1_norm_1``, ``stage_1_relu_1`` … ``stage_1_pool`` …
    """
    pool = keras.layers.AveragePooling2D if pooling == "average" else keras.layers.MaxPooling2D
    for stage, filters in enumerate(stages, start=1):
        if stage > 1:
            # Padded, so that the seventh row and column of 7 × 7 are not lost.
            x = pool(2, padding="same", data_format="channels_last", name=f"stage_{stage - 1}_pool")(x)
        for index, width in enumerate(filters, start=1):
            kernel_size, strides = (first_kernel_size, 2) if (stage, index) == (1, 1) else (3, 1)
            x = convolve(x, width, kernel_size, strides, name=f"stage_{stage}_conv_{index}")
            x = normalise(x, name=f"stage_{stage}_norm_{index}")
            x = activate(x, name=f"stage_{stage}_relu_{index}")
    return x


def check_stages(stages: Sequence[int | Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Return the filters of each stage's convolutions, or say what is wrong with them.

    Raises:
        InputError: No stage, a stage without a convolution, or filters that are no whole numbers of at least 1.
    """
    if isinstance(stages, str) or not isinstance(stages, Iterable) or not (several := tuple(stages)):
        raise InputError(
            f"stages gives the filters of each stage's convolutions, as in ((32, 32), (64, 64)). "
            f"Received: stages={stages!r}"
        )
    checked = tuple(positive_ints(filters, f"stages[{index}]") for index, filters in enumerate(several))
    if not all(checked):
        raise InputError(f"Each stage has at least one convolution. Received: stages={stages!r}")
    return checked


def blocks_a_stage(depth: int, *, others: int) -> int:
    """Tell how many blocks of two convolutions each of three stages has in a network that is named by its depth.

    Args:
        depth: All layers with weights.
        others: How many of them are in no block.

    Raises:
        InputError: No whole number of blocks has this depth.
    """
    blocks, rest = divmod(check_positive_int(depth, "depth") - others, 6)
    if blocks < 1 or rest:
        depths = ", ".join(str(6 * count + others) for count in range(1, 6))
        raise InputError(f"depth is 6 n + {others}: {depths} … Received: depth={depth!r}")
    return blocks
