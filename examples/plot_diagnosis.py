"""What the filters of a network do
================================

A network of 16 filters may use nine of them. One pass over a data set tells which filters never answer, which say the
same, what each class looks like to a layer, and which parts of the images excite a channel most.
"""

import keras
import numpy as np

import convvision
from convvision.visualize import (
    class_mean_activations,
    filter_report,
    plot_class_mean_activations,
    plot_filter_report,
    plot_top_patches,
    top_patches,
)

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(*data.train, epochs=3, verbose=0)
images, labels = data.test

# %%
# A filter is active where its output is above zero. One that is active nowhere on all images is dead: no gradient will
# ever bring it back. Two filters whose outputs rise and fall together are one filter paid for twice.
print(filter_report(model, images))

# %%
# What does each class look like to the second convolution? These are the mean maps of the eight channels that prefer
# one class most (Morcos et al. 2018). Above each stands its selectivity: 0 for a channel that answers every class
# alike, 1 for one that answers a single class; the class that it prefers is framed.
means = class_mean_activations(model, images, labels, class_names=data.info.class_names)
display = plot_class_mean_activations(means, "conv_2")
display

# %%
# What do they look for? Each patch is what the strongest unit of one image sees, with that unit's output.
plot_top_patches(top_patches(model, images, "conv_2", display.channels))

# %%
# This training killed no filter. So we kill one, and leave another no choice: a bias far below zero, and one far above.
bias = np.array(model.get_layer("conv_2").bias)
bias[:2] = -1000, 1000
model.get_layer("conv_2").bias.assign(bias)
report = filter_report(model, images)
print(report)

# %%
# The dead filter has no bar and correlates with nothing.
plot_filter_report(report)
