"""Class activation maps without gradients: each channel is weighted by what the model says of what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras
from convvision._public import set_module
from convvision.visualize._attribution import (
    Attribution,
    Baseline,
    Target,
    baseline_images,
    chosen_targets,
    in_passes,
    prepared,
)
from convvision.visualize._cam import cam_layer

__all__ = ["score_cam"]


@set_module("convvision.visualize")
def score_cam(
    model: keras.Model,
    images: Any,
    target: Target = "pred",
    *,
    layer: str | int | None = None,
    relu: bool = True,
    baseline: Baseline = 0.0,
    output: str | int | None = None,
    batch_size: int = 256,
) -> Attribution:
    """Show the model only what each channel of a layer lights up, and weight the channel by the logit that it gets.

    A channel's map, stretched to the image and from 0 to 1, is the mask; the weights are the softmax over channels of
    the logits of the masked images (algorithm 1 of the paper). A channel that is the same everywhere masks nothing and
    weighs nothing.

    Wang, Wang, Du, Yang, Zhang, Ding, Mardziel and Hu 2020, "Score-CAM: score-weighted visual explanations for
    convolutional neural networks".

    Args:
        model: A functional model, or a sequential one that is built; nested models are opened. What it gives before a
            softmax or a sigmoid at its end is explained.
        images: On the scale that the model was trained with, shape (N, H, W, C).
        target: A class index, one for each image, or "pred" for the class with the largest logit.
        layer: A layer with feature maps, by its name or its position in :func:`convvision.summary`; by default the
            last one behind the last convolution that is not pooled yet.
        relu: Keep only what speaks for the class, as the paper does; else values have a sign.
        baseline: What is seen where a mask is 0: a number for all pixels, one image (H, W, C), or one for each
            (N, H, W, C).
        output: Which of several outputs, by its name in ``model.output_names`` or its position.
        batch_size: Masked images a pass; they are made when their pass begins.

    Returns:
        Values (N, h, w) at the layer's own resolution. One forward pass over the images, and N × channels masked images
        in as few batches as hold them.

    Raises:
        InputError: A model that is not built, whose logits cannot be told, or without convolutions; a layer without
            feature maps; or a baseline that cannot be.
        UnknownNameError: No layer has this name.
        LabelError: A target that is no class.
        ShapeError: Images that the model does not take, or a baseline of another shape.
        ValueRangeError: NaN or infinity among the pixels.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> model = convvision.create_model("conv_16_16")
        >>> convvision.visualize.score_cam(model, np.ones((1, 28, 28, 1)), target=9)
        Attribution(score_cam at 'conv_2', values=(1, 11, 11), targets=[9])
    """
    scores, images, targets = prepared(model, images, target, output, batch_size)
    position = cam_layer(scores, layer)
    cover = baseline_images(baseline, images)
    maps, logits = scores.layer_in_batches(images, position, batch_size)
    targets = chosen_targets(targets, logits)
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    # Divided by 1 where there is no range, so that a channel without one is 0 everywhere.
    masks = (maps - low) / np.where(high > low, high - low, 1)

    channels = maps.shape[-1]
    seen = np.empty((len(images), channels), np.float32)
    for which, channel in in_passes(len(images), channels, batch_size):
        small = np.moveaxis(masks, -1, 1)[which, channel][..., None]
        mask = keras.ops.convert_to_numpy(keras.ops.image.resize(small, images.shape[1:3], interpolation="bilinear"))
        shown = cover[which] + mask * (images[which] - cover[which])
        seen[which, channel] = scores.in_batches(shown, batch_size)[range(len(which)), targets[which]]
    weights = _softmax(seen, where=(high > low)[:, 0, 0, :])
    values = np.einsum("nhwc,nc->nhw", maps, weights)
    return Attribution(
        "score_cam",
        images,
        np.maximum(values, 0) if relu else values,
        targets,
        logits,
        layer=scores.calls[position].name,
    )


def _softmax(values: NDArray[np.float32], *, where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Share 1 among the values of each row that count; a row of which none does gets 0 everywhere."""
    highest = np.max(values, axis=1, keepdims=True, where=where, initial=-np.inf)
    shares = np.where(where, np.exp(np.where(where, values - np.where(where, highest, 0), 0)), 0)
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), np.float32(1e-30)), np.float32)
