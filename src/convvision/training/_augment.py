"""Other views of the training images, made anew for each batch by the same graph that trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convvision._keras import keras

__all__ = ["Augmentation"]


@dataclass(frozen=True)
class Augmentation:
    """What is done to a batch of training images.

    Attributes:
        flip: Whether images are mirrored left to right.
        shift: Most pixels by which an image is moved, each way; what comes in is 0 as stored.
        cutout: Side of a square that is set to 0 as stored, at a random place (DeVries & Taylor 2017).
        fill: What a stored 0 is on the scale of the training, one value a channel.
    """

    flip: bool = False
    shift: int = 0
    cutout: int = 0
    fill: tuple[float, ...] = (0.0,)

    def __bool__(self) -> bool:
        return bool(self.flip or self.shift or self.cutout)

    def __call__(self, images: Any, mirrored: Any, seed: keras.random.SeedGenerator | int) -> Any:
        """Make other views.

        Args:
            images: Tensor (N, H, W, C).
            mirrored: Which of them to mirror where ``flip`` is set, booleans (N,).
            seed: Of what is random; a generator moves on.

        Returns:
            Tensor of the same shape and dtype.
        """
        count, (height, width, _) = keras.ops.shape(images)[0], images.shape[1:]
        fill = keras.ops.cast(keras.ops.convert_to_tensor(self.fill), images.dtype)
        if self.flip:
            images = keras.ops.where(mirrored[:, None, None, None], keras.ops.flip(images, axis=2), images)
        if not (self.shift or self.cutout):
            return images
        draws = keras.random.uniform((4, count), seed=seed)
        if self.shift:
            images = self._shift(images, draws[:2], fill)
        if self.cutout:
            rows = self._covered(draws[2], height)
            columns = self._covered(draws[3], width)
            images = keras.ops.where(rows[:, :, None, None] & columns[:, None, :, None], fill, images)
        return images

    def _shift(self, images: Any, draws: Any, fill: Any) -> Any:
        """Move each image, by rows as ``draws[0]`` in [0, 1) says and by columns as ``draws[1]``."""
        count, (height, width, channels) = keras.ops.shape(images)[0], images.shape[1:]
        moves = 2 * self.shift + 1
        framed = images
        for axis in (1, 2):
            frame = list(keras.ops.shape(framed))
            frame[axis] = self.shift
            border = keras.ops.broadcast_to(fill, frame)
            framed = keras.ops.concatenate([border, framed, border], axis=axis)
        # Whole rows are copied much faster than pixels are gathered, so every move by columns is laid out first.
        moved = keras.ops.stack([framed[:, :, first : first + width] for first in range(moves)], axis=1)
        rows, columns = keras.ops.unstack(keras.ops.cast(keras.ops.floor(draws * moves), "int32"), axis=0)
        first_rows = (keras.ops.arange(count, dtype="int32") * moves + columns) * (height + 2 * self.shift) + rows
        chosen = first_rows[:, None] + keras.ops.arange(height, dtype="int32")
        images = keras.ops.take(keras.ops.reshape(moved, (-1, width * channels)), chosen, axis=0)
        return keras.ops.reshape(images, (-1, height, width, channels))

    def _covered(self, draw: Any, size: int) -> Any:
        """Give, for each image, which rows the square covers; its middle may be any of them."""
        first = keras.ops.cast(keras.ops.floor(draw * size), "int32") - self.cutout // 2
        place = keras.ops.arange(size, dtype="int32")[None]
        return (place >= first[:, None]) & (place < first[:, None] + self.cutout)
