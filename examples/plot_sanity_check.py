"""Does a map explain the network?
===============================

A convincing map may be no more than a drawing of the image's edges. Two tests tell: does it change when the network
forgets what it has learnt, and does the answer change when the pixels go that it points at?
"""

import dataclasses
import functools

import keras
import numpy as np

import convvision
from convvision.visualize import (
    deletion_curve,
    grad_cam,
    insertion_curve,
    integrated_gradients,
    plot_attribution_curves,
    plot_sanity_check,
    saliency,
    sanity_check,
)

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(*data.train, epochs=3, verbose=0)
images, labels = data.test
chosen = images[[np.flatnonzero(labels == label)[0] for label in (7, 8, 6)]]

# %%
# Layer by layer, from the output on, the weights are replaced by random ones (Adebayo et al. 2018). Under each map
# stands its rank correlation with the map of the trained network. The maps keep their sign: absolute values are large
# wherever the image has edges, whatever the weights are, and would seem to agree.
plot_sanity_check(sanity_check(model, chosen, integrated_gradients))

# %%
# The same over more images. Grad-CAM is asked without its ReLU, which would take the sign away.
for method in (saliency, integrated_gradients, functools.partial(grad_cam, relu=False)):
    print(sanity_check(model, images[:32], method), end="\n\n")

# %%
# Pixels are taken away, or put into a black image, in the order of the map (Petsiuk et al. 2018). A map of noise tells
# how much of the fall is due to images with holes being strange.
maps = [method(model, images[:32]) for method in (saliency, integrated_gradients, grad_cam)]
noise = np.random.default_rng(0).normal(size=maps[0].values.shape)
maps.append(dataclasses.replace(maps[0], method="noise", values=noise))
plot_attribution_curves(*(curve(model, one) for curve in (deletion_curve, insertion_curve) for one in maps))
