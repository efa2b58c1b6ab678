"""All that a layer sees
=====================

Every channel of a convolution for one image, side by side and on one scale. A weak channel looks weak, and one that
finds nothing in this image says so.
"""

import keras
import numpy as np

import convvision
from convvision.visualize import plot_activation_grid, plot_feature_maps

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_32_32")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(*data.train, epochs=2, verbose=0)

# %%
# An ankle boot, and what the first convolution makes of it: the strongest channels first.
boots = data.test.images[data.test.labels == data.info.class_names.index("Ankle boot")]
plot_feature_maps(model, boots[0], "conv_1", order="strongest")

# %%
# The second convolution has smaller maps, and each of its channels answers to fewer places.
plot_feature_maps(model, boots[0], "conv_2", order="strongest")

# %%
# The channel that answers most, for one garment of several classes. The maps of a layer share their colours, so that
# rows can be compared.
names = ["Ankle boot", "Bag", "Dress"]
chosen = [np.flatnonzero(data.test.labels == data.info.class_names.index(name))[0] for name in names]
plot_activation_grid(model, data.test.images[chosen], channel="top", scale="layer", titles=names)
