"""What the explorer's page holds: the graph, weights, pixels and recorded maps, as JSON and one block of bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision.datasets import Scaling
from convvision.errors import InputError, ShapeError, ValueRangeError
from convvision.registry import unknown_name
from convvision.visualize._explorer_graph import Graph, Step
from convvision.visualize._recording import Recording

__all__ = ["Blocks", "describe_graph", "describe_pixels", "describe_recording", "safe_json"]


class Blocks:
    """Arrays one behind the other in one block of bytes, each beginning at a multiple of four."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._known: dict[tuple[str, bytes], int] = {}
        self.size = 0

    def add(self, array: NDArray[Any]) -> dict[str, Any]:
        """Append an array, float32 or uint8, and tell where it lies; one that is there already is not repeated."""
        content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        key = (array.dtype.name, content)
        if key not in self._known:
            self._known[key] = self.size
            self._parts.append(content + bytes(-len(content) % 4))
            self.size += len(self._parts[-1])
        return {"type": array.dtype.name, "at": self._known[key], "shape": list(array.shape)}

    def base64(self) -> str:
        """The whole block as text."""
        return base64.b64encode(b"".join(self._parts)).decode("ascii")


def safe_json(value: Any) -> str:
    """Write JSON that can stand inside a script element: no text in it can end the element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def describe_graph(graph: Graph, blocks: Blocks) -> dict[str, Any]:
    """Describe the steps of a model; their weights go into the block."""
    return {"steps": [_describe_step(step, blocks) for step in graph.steps], "outputs": list(graph.outputs)}


def _describe_step(step: Step, blocks: Blocks) -> dict[str, Any]:
    operation = step.operation
    described: dict[str, Any] = {
        "name": step.name,
        "kind": step.kind,
        "inputs": list(step.inputs),
        "op": operation.op,
        "shape": list(operation.shape),
        "parameters": int(step.parameters),
        "options": operation.options,
        "weights": {name: blocks.add(values) for name, values in operation.weights.items()},
        "activation": operation.activation,
    }
    if step.values is not None:
        described |= {"reason": step.reason, "values": blocks.add(step.values)}
    return described


def describe_pixels(images: NDArray[np.float32], scaling: Scaling | None, blocks: Blocks) -> dict[str, Any]:
    """Describe images, as uint8 where that loses nothing.

    Args:
        images: As the network reads them, shape (N, H, W, C).
        scaling: How stored pixels became these numbers; None where that is not known.
        blocks: Where the pixels go.

    Returns:
        Where they lie, the scale and the shift that give the number of a stored pixel, and the number that stands for
        black and for white; each a value a channel.
    """
    channels = images.shape[-1]
    candidates = [scaling] if scaling is not None else [Scaling("unit"), Scaling(None)]
    for candidate in candidates:
        scale, shift = _of_scaling(candidate, channels)
        stored = np.clip(np.rint((images - shift) / scale), 0, 255).astype(np.uint8)
        if np.abs(stored * scale + shift - images).max() <= 1e-6 * max(1.0, float(np.abs(images).max())):
            return _pixels(blocks.add(stored), scale, shift, shift, 255 * scale + shift)
    if scaling is not None:
        scale, shift = _of_scaling(scaling, channels)
        low, high = shift, 255 * scale + shift
    else:
        inside = images.min() >= 0 and images.max() <= 1
        low, high = (np.full(channels, end) for end in ((0, 1) if inside else (images.min(), images.max())))
    return _pixels(blocks.add(images.astype(np.float32)), np.ones(channels), np.zeros(channels), low, high)


def _pixels(where: dict[str, Any], scale: Any, shift: Any, black: Any, white: Any) -> dict[str, Any]:
    return {
        "stored": where,
        "scale": scale.tolist(),
        "shift": shift.tolist(),
        "black": black.tolist(),
        "white": np.where(white > black, white, black + 1).tolist(),
    }


def _of_scaling(scaling: Scaling, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scale, shift = np.ones(channels), np.zeros(channels)
    if scaling.scale is not None:
        scale /= 255
    if scaling.scale == "standard":
        scale, shift = scale / np.asarray(scaling.std), -np.asarray(scaling.mean) / np.asarray(scaling.std)
    return scale, shift


def describe_recording(recording: Recording, graph: Graph, images: Sequence[int], blocks: Blocks) -> dict[str, Any]:
    """Describe what a training recorded; maps go into the block in 256 steps, for they are only looked at.

    Args:
        recording: What was recorded of the model.
        graph: Of the model.
        images: Where its N images are among those of the page.
        blocks: Where the maps go.

    Raises:
        InputError: No layers.
        UnknownNameError: A layer that the model lacks.
        ShapeError: Maps of another shape than the model's.
        ValueRangeError: NaN or infinity among the maps.
    """
    layers = []
    for layer in recording.layers:
        if layer.name not in graph.ends:
            raise unknown_name("layer", layer.name, graph.ends, of="the model")
        position = graph.ends[layer.name]
        wanted = (len(recording.epochs), len(images), *graph.steps[position].operation.shape)
        if layer.maps.shape != wanted:
            raise ShapeError(
                f"What was recorded of layer {layer.name!r} has the shape (epochs, images, height, width, channels), "
                f"{wanted} here. Received: shape {layer.maps.shape}. Export the model that was recorded."
            )
        # Half precision, in which maps are kept, has no room for differences and steps of all of them.
        maps = layer.maps.astype(np.float32)
        finite = np.isfinite(maps).all(axis=(1, 2, 3, 4))
        if not finite.all():
            raise ValueRangeError(
                f"Recorded maps are made of finite numbers. Received: NaN or infinity in layer {layer.name!r} after "
                f"epoch {int(recording.epochs[finite.argmin()])}: the training diverged there. Train at a lower "
                f"learning rate, or export the model without the recording."
            )
        low, high = min(0.0, float(maps.min())), float(maps.max())
        step = (high - low) / 255 or 1.0
        stored = np.clip(np.rint((maps - low) / step), 0, 255).astype(np.uint8)
        layers.append({"step": position, "low": low, "unit": step, "maps": blocks.add(stored)})
    if not layers:
        raise InputError("A recording holds at least one layer. Received: recording.layers=()")
    return {
        "epochs": [int(epoch) for epoch in recording.epochs],
        "images": [int(position) for position in images],
        "logits": None if recording.logits is None else blocks.add(recording.logits),
        "layers": layers,
    }
