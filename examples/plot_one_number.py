"""One number of a feature map
===========================

A feature map is made of numbers, and each of them is one small sum. Here is one of them: the pixels that it sees, and
how they are added up.
"""

import keras

import convvision
from convvision.visualize import explain_unit, plot_receptive_field, plot_unit, receptive_field

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(*data.train, epochs=1, verbose=0)
boot = data.test.images[data.test.labels == data.info.class_names.index("Ankle boot")][0]

# %%
# The patch of the image, the kernel, their products, the bias and the sum, and what the activation makes of it.
plot_unit(model, boot, "conv_1", channel=3, unit=(12, 12))

# %%
# The same as numbers, to compute with.
explain_unit(model, boot, "conv_1", channel=3, unit=(12, 12))

# %%
# The second convolution sees more: its 3 × 3 units stand for a larger part of the image, because each of them has seen
# some pixels and a pooling lies between.
receptive_field(model, "conv_2").box(5, 5)

# %%
plot_receptive_field(model, boot, "conv_2", unit=(5, 5))
