"""Drawn Fashion-MNIST: facts, and the drawing of any number of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_positive_int
from convvision._public import set_module
from convvision.datasets._drawing import Canvas, capsule, slab
from convvision.datasets._garments import GARMENTS
from convvision.datasets._registry import register_dataset
from convvision.datasets._types import DatasetInfo, Split
from convvision.errors import InputError

__all__ = ["draw_fashion", "drawn_fashion"]

_CLASSES = tuple(GARMENTS)
_SMALLEST = 16

# Images of one class that are drawn together: arrays of about 100 kB, which stay in a processor's cache.
_BATCH = 32

# Independent streams of one seed.
_TRAIN, _TEST = 0, 1


@set_module("convvision.datasets")
def draw_fashion(count: int, *, seed: int = 0, image_size: int = 28) -> Split:
    return _draw(count, seed=seed, stream=_TRAIN, image_size=image_size)


@register_dataset(
    DatasetInfo(
        name="drawn_fashion",
        summary="Grey pictures of clothes that the library draws itself, ten classes; nothing is downloaded.",
        image_shape=(28, 28, 1),
        class_names=_CLASSES,
        train_count=12_000,
        test_count=2_000,
        mean=(0.2,),
        std=(0.2,),
        licence="Apache-2.0",
    )
)
def drawn_fashion(*, data_home: Path, download: bool, seed: int) -> tuple[Split, Split]:  # noqa: ARG001
    return (
        _draw(12_000, seed=seed, stream=_TRAIN, image_size=28),
        _draw(2_000, seed=seed, stream=_TEST, image_size=28),
    )


def _draw(count: int, *, seed: int, stream: int, image_size: int) -> Split:
    block = _BATCH * len(_CLASSES)
    images = np.empty((-(-count // block) * block, image_size, image_size, 1), np.uint8)
    labels = np.empty(len(images), np.int64)
    for index, start in enumerate(range(0, len(images), block)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, index)))
        # Whole rounds of all classes, so that every beginning of the set is in balance.
        order = rng.permuted(np.tile(np.arange(len(_CLASSES)), (_BATCH, 1)), axis=1).ravel()
        labels[start : start + block] = order
        for label, name in enumerate(_CLASSES):
            images[start + np.flatnonzero(order == label), ..., 0] = _photograph(rng, name, image_size)
    return Split(images[:count], labels[:count])


def _photograph(rng: np.random.Generator, name: str, image_size: int) -> NDArray[np.uint8]:
    canvas = Canvas(rng, _BATCH, image_size)
    GARMENTS[name](canvas)
    _clutter(canvas)
    return canvas.develop()


def _clutter(canvas: Canvas) -> None:
    """Lay a thread and a price tag anywhere, and hide a strip."""
    x, y = canvas.uniform(-1, 1), canvas.uniform(-1, 1)
    strip = capsule(canvas.x, canvas.y, (x, y), (x + canvas.uniform(-0.8, 0.8), y + canvas.uniform(-0.8, 0.8)), canvas.uniform(.05,.2))
    canvas.paint(strip, 0.0, opacity=canvas.chance(0.2))
    x, y = canvas.uniform(-1, 1), canvas.uniform(-1, 1)
    thread = capsule(canvas.x, canvas.y, (x, y), (x + canvas.uniform(-0.8, 0.8), y + canvas.uniform(-0.8, 0.8)), 0.02)
    canvas.paint(thread, canvas.uniform(0.3, 1), opacity=canvas.chance(0.3))
    x, y = canvas.uniform(-1, 1), canvas.uniform(-1, 1)
    tag = np.maximum(np.abs(canvas.x - x) - canvas.uniform(0.08, 0.2), np.abs(canvas.y - y) - canvas.uniform(0.08, 0.2))
    canvas.paint(tag, canvas.uniform(0.3, 1), opacity=canvas.chance(0.3))
