"""How small an image may be: what every convolution and pooling leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from convvision.errors import ShapeError

__all__ = ["Window", "check_size", "smallest_size"]


@dataclass(frozen=True)
class Window:
    """A convolution or a pooling, as far as the size of its output goes.

    Attributes:
        kind: "convolution" or "pooling".
        size: Height and width of its kernel.
        stride: Rows and columns between its positions.
        padding: "valid" or "same".
    """

    kind: str
    size: int
    stride: int = 1
    padding: str = "valid"

    def __str__(self) -> str:
        return f"{self.kind} {self.size}" + (f" by {self.stride}" if self.stride not in (1, self.size) else "")

    def left_of(self, side: int) -> int:
        """Tell how many rows are left of an image, 0 where not even one step fits into it."""
        if self.padding == "valid":
            return max((side - self.size) // self.stride + 1, 0)
        # With padding, one pixel could be halved for ever, and every row of the result would still be that pixel.
        return -(-side // self.stride) if side >= self.stride else 0


def check_size(shape: tuple[int, int, int], windows: Sequence[Window], *, advice: str = "Use larger images.") -> None:
    """Refuse images that a network would shrink to nothing, showing the arithmetic.

    Args:
        shape: (H, W, C) of the images.
        windows: The network's convolutions and poolings in turn; those that keep the size may be left out.
        advice: What the user can do about it.

    Raises:
        ShapeError: Nothing is left of the narrower side.
    """
    side = min(shape[:2])
    steps = [str(side)]
    for window in windows:
        side = window.left_of(side)
        steps.append(f"{window} → {side}")
        if side < 1:
            raise ShapeError(
                f"Images of {shape[0]} × {shape[1]} are too small for this network: "
                f"{', '.join(steps)}. Expected at least {smallest_size(windows)} pixels a side. "
                f"{advice} Received: input_shape={shape}"
            )


def smallest_size(windows: Sequence[Window]) -> int:
    """Tell the height and width of the smallest image that is not shrunk to nothing."""
    return next(side for side in count(1) if _is_enough(side, windows))


def _is_enough(side: int, windows: Sequence[Window]) -> bool:
    for window in windows:
        side = window.left_of(side)
    return side > 0
