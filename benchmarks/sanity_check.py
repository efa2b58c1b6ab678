"""Whether attributions change when a trained network forgets: python benchmarks/sanity_check.py.

Weights of a network that was trained on Fashion-MNIST are replaced by random ones, layer after layer from the output on
(Adebayo et al. 2018), for each method and, as a control, for an edge detector that never looks at the network. Noted
is Spearman's rank correlation with the map of the trained network, the mean over the images. Two epochs and about two
minutes of maps.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from _report import write_result
from numpy.typing import NDArray

import convvision
from convvision import kernels
from convvision.visualize import (
    grad_cam,
    grad_cam_pp,
    integrated_gradients,
    layer_cam,
    occlusion,
    saliency,
    sanity_check,
    score_cam,
    smoothgrad,
)

MODEL, EPOCHS, SEED, IMAGES = "conv_32_32", 2, 0, 32


def edges(_model: Any, images: NDArray[Any], _targets: Any) -> NDArray[Any]:
    """Draw the edges of each image, whatever the model is."""
    return np.stack([kernels.gradient_magnitude(image[..., 0]) for image in images])


def main() -> None:
    """Train, forget, compare and write."""
    data = convvision.load_dataset("fashion_mnist")
    run = convvision.train(MODEL, data, epochs=EPOCHS, seed=SEED)
    methods: dict[str, Any] = {
        "saliency": saliency,
        "smoothgrad": smoothgrad,
        "integrated_gradients": integrated_gradients,
        "occlusion": occlusion,
        "score_cam": functools.partial(score_cam, relu=False),
        # Without the ReLU, which would take the sign away.
        **{one.__name__: functools.partial(one, relu=False) for one in (grad_cam, grad_cam_pp, layer_cam)},
        "edges": edges,
    }
    found = {}
    for name, method in methods.items():
        check = sanity_check(run.model, data.test.images[:IMAGES], method)
        print(check, end="\n\n")
        found[name] = {
            "name": name,
            "steps": list(check.steps),
            "means": check.means.tolist(),
            "first": float(check.means[0]),
            "last": float(check.means[-1]),
            "largest": float(np.nanmax(check.correlations[-1])),
        }
    figures = {"model": MODEL, "data": data.info.name, "epochs": EPOCHS, "seed": SEED, "images": IMAGES}
    write_result("sanity_check", {**figures, "test_accuracy": run.metrics["test_accuracy"], "methods": found})


if __name__ == "__main__":
    main()
