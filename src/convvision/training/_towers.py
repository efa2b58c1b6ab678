"""Into how many parts a batch is shared, which then are computed side by side."""

from __future__ import annotations

from convvision.training._threads import side_by_side

__all__ = ["count_towers"]

# Batch normalisation normalises each part by itself, and the mean of a few images says little.
_LEAST_IMAGES = 16


def count_towers(counts: set[int], batch_size: int) -> int:
    """Tell into how many parts to share a batch: as many as are computed side by side, of 16 images at least.

    Args:
        counts: Images of each kind of epoch that there is.
        batch_size: Images a step.
    """
    # A part without an image has no mean loss, in an epoch of all images as in one of the hardest.
    smallest_batch = min(count % batch_size or min(count, batch_size) for count in counts)
    return max(1, min(side_by_side(), batch_size // _LEAST_IMAGES, smallest_batch))
