"""A trained network in one HTML file, computed in the browser, to look into and to draw for."""

from __future__ import annotations

import html
import importlib.resources
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convvision._atomic import replace_file
from convvision._checks import check_images, check_labels
from convvision._keras import keras
from convvision._public import set_module
from convvision.datasets import Scaling
from convvision.errors import InputError
from convvision.models._outputs import image_shape
from convvision.registry import unknown_name
from convvision.visualize._explorer_data import (
    Blocks,
    describe_graph,
    describe_pixels,
    describe_recording,
    safe_json,
)
from convvision.visualize._explorer_graph import Graph, trace
from convvision.visualize._recording import Recording, check_recording

__all__ = ["LANGUAGES", "Language", "export_explorer"]

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES = ("en", "zh")

# Each uses only what stands in those before it.
_SCRIPTS = (
    "text", "data", "activations", "operations", "network", "receptive_field", "colours", "paint", "dom", "state",
    "channels", "strip", "unit_parts", "reads", "unit", "slide", "answers", "stage", "arithmetic", "prediction",
    "drawing", "compare", "epochs", "main",
)  # fmt: skip
# A browser takes longer to read what is larger than anybody likes to wait.
_LARGEST_PAGE = 64_000_000


@set_module("convvision.visualize")
def export_explorer(
    model: keras.Model,
    images: Any,
    path: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    scaling: Scaling | None = None,
    recording: Recording | None = None,
    language: Language = "en",
    title: str | None = None,
) -> Path:
    """Write a page in which a network can be looked into, unit by unit, and drawn for.

    The page holds the weights and computes the network itself, in JavaScript: it shows every channel of every layer,
    the receptive field and the arithmetic of each unit, and the probabilities, and all of it follows while one draws
    on the image or drops another picture onto it. It is one file that opens from disk and loads nothing else.

    A layer that the page cannot compute, such as one of your own, is shown as it answered to ``images``; the page says
    so, and drawing is off.

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened.
        images: At least one, shape (N, H, W, C): floats on the scale that the model was trained with, or, where
            ``scaling`` is given, uint8 as stored.
        path: The file, which ends in ``.html``; one that exists is replaced.
        class_names: The name of class i at position i; two for a model whose one output tells class 1 from class 0.
        labels: The class of each image, integers (N,), to tell right from wrong.
        scaling: How stored pixels become what the model reads; it says what black and white are to it. By default they
            are 0 and 1 for images in [0, 1], and otherwise the smallest and the largest number among the images.
        recording: What the layers made of some images after each epoch, as a training with
            :class:`convvision.callbacks.ActivationRecorder` leaves it; its images are added to ``images``.
        language: "en" or "zh".
        title: The page's heading; by default the model's name.

    Returns:
        The path.

    Raises:
        InputError: A model that is not built, not one name a class, a path that does not end in ``.html``, or a page of
            more than 64 MB.
        ShapeError: Images that the model does not take, or a recording of another model.
        ValueRangeError: NaN or infinity among the pixels or the recorded maps, or images that are plainly not on the
            scale.
        LabelError: Labels that are no class indices.
        UnknownNameError: Another language, or a recorded layer that the model lacks.
        OutputError: The file cannot be written.

    Example:
        >>> import convvision
        >>> from convvision.datasets import draw_fashion
        >>> from convvision.visualize import export_explorer
        >>> images, labels = draw_fashion(10)
        >>> model = convvision.create_model("conv_16_16")
        >>> page = export_explorer(model, images / 255, "explorer.html", labels=labels)
        >>> page.stat().st_size < 1_000_000
        True
    """
    path = _check_path(path)
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    if title is not None and not isinstance(title, str):
        raise InputError(f"title is a text, or None for the model's name. Received: title={title!r}")
    if scaling is not None and not isinstance(scaling, Scaling):
        raise InputError(f"Expected a Scaling, or None. Received: scaling={scaling!r}")
    images = check_images(images, image_shape=image_shape(model))
    _check_size(model.count_params() * 4, "its weights alone")
    shown = np.asarray(images if scaling is None else scaling.prepare(images), np.float32)
    given = len(shown)
    recorded: list[int] = []
    if recording is not None:
        check_recording(recording)
        shown, recorded = _with_recorded(shown, recording, image_shape(model))
    graph = trace(model, shown)
    classes = _classes(graph)
    names = _check_class_names(class_names, classes)
    blocks = Blocks()
    facts = {
        "model": {"name": model.name, "parameters": int(model.count_params())},
        "title": title or model.name,
        "classes": names,
        "labels": None if labels is None else check_labels(labels, count=given, num_classes=classes or 1).tolist(),
        "pixels": describe_pixels(shown, scaling, blocks),
        **describe_graph(graph, blocks),
        "recording": None if recording is None else describe_recording(recording, graph, recorded, blocks),
    }
    _check_size(blocks.size, "its weights, images and recorded maps")
    page = _assemble(facts, blocks, language)
    with replace_file(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def _check_path(path: str | Path) -> Path:
    wanted = "The explorer is a page, and its file ends in .html."
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"{wanted} Received: path={path!r}")
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{wanted} Received: {path.name!r}")
    return path


def _check_size(size: int, of: str) -> None:
    """Refuse a block of bytes that makes the page too large: in base64, three become four."""
    page = size * 4 // 3
    if page > _LARGEST_PAGE:
        raise InputError(
            f"A page holds up to {_LARGEST_PAGE / 1e6:.0f} MB, that is {_LARGEST_PAGE * 3 // 16 / 1e6:.0f} million "
            f"parameters. Received: {page / 1e6:,.0f} MB for {of}. Export a smaller model, fewer images, or a "
            f"recording of fewer layers or epochs; plot_activation_grid draws a model of any size."
        )


def _classes(graph: Graph) -> int | None:
    """Tell between how many classes the first output decides; None for an output of another shape."""
    shape = graph.steps[graph.outputs[0]].operation.shape
    # A single number tells class 1 from class 0.
    return max(shape[0], 2) if len(shape) == 1 else None


def _check_class_names(class_names: Sequence[str] | None, classes: int | None) -> list[str] | None:
    if class_names is None:
        return None
    wanted = f"class_names has one name for each of the model's {classes or 0} classes."
    if not isinstance(class_names, Sequence | np.ndarray):
        raise InputError(f"{wanted} Received: class_names={class_names!r}")
    names = [class_names] if isinstance(class_names, str) else [str(name) for name in class_names]
    if len(names) != classes:
        raise InputError(f"{wanted} Received: {len(names)}, {names[:12]}")
    return names


def _with_recorded(
    images: NDArray[np.float32], recording: Recording, shape: tuple[int | None, ...]
) -> tuple[NDArray[np.float32], list[int]]:
    """Add the images of a recording that are not there yet, and tell where each of them is."""
    positions = {image.tobytes(): position for position, image in reversed(list(enumerate(images)))}
    added: list[NDArray[np.float32]] = []
    where: list[int] = []
    for image in check_images(recording.images, image_shape=shape).astype(np.float32):
        content = image.tobytes()
        if content not in positions:
            positions[content] = len(images) + len(added)
            added.append(image)
        where.append(positions[content])
    return np.concatenate([images, np.stack(added)]) if added else images, where


def _assemble(facts: dict[str, Any], blocks: Blocks, language: Language) -> str:
    texts = json.loads(_read(f"{language}.json"))
    parts = {
        "language": texts["language"],
        "title": html.escape(facts["title"]),
        "noscript": html.escape(texts["noscript"]),
        "style": _read("explorer.css"),
        "script": "\n".join(_without_modules(_read(f"{name}.js")) for name in _SCRIPTS),
        "texts": safe_json(texts),
        "facts": safe_json(facts),
        "blocks": blocks.base64(),
    }
    # In one pass, so that nothing inside a part is taken for the name of another.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("explorer.html"))


def _read(name: str) -> str:
    return importlib.resources.files(__package__).joinpath("explorer", name).read_text(encoding="utf-8")


def _without_modules(script: str) -> str:
    """Leave the imports and exports of a module out: in the page, all stand in one."""
    script = re.sub(r"^import [^;]*;\n", "", script, flags=re.MULTILINE)
    return re.sub(r"^export ", "", script, flags=re.MULTILINE)
