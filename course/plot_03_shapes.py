"""3. Convolutions and pooling, shape by shape
===========================================

28, 26, 13, 11, 5: why the picture shrinks on its way through a network, and where its parameters are.

**You will learn** to work out every output shape and every number of parameters yourself, what pooling does, and how
much of the image a unit sees.

**You need** a few seconds, and page 2 for what a kernel is. Nothing is trained here.
"""

import keras
import numpy as np

import convvision
from convvision.visualize import extract_activations, plot_receptive_field

# %%
# The table
# ---------
# ``conv_64_64`` puts two convolutions of 64 kernels in front of the dense network, and a pooling behind each of them.
keras.utils.set_random_seed(0)
model = convvision.create_model("conv_64_64")
print(convvision.summary(model))

# %%
# The shapes
# ----------
# A 3 × 3 kernel needs a neighbour on each side, so it fits on 28 - 2 = 26 places in each direction. Pooling by 2 × 2
# halves what comes in. 11 does not halve evenly: the last row and the last column are left over.
size = 28
for layer in ("conv_1", "pool_1", "conv_2", "pool_2"):
    size = size - 3 + 1 if layer.startswith("conv") else size // 2
    print(layer, size, "by", size, "and in the model", model.get_layer(layer).output.shape[1:3])

# %%
# The parameters
# --------------
# A kernel of the first layer has 3 × 3 weights and a bias. One of the second layer reads all 64 channels at once, so
# it has 3 × 3 × 64 weights and a bias. Each dense unit has one weight for every value that reaches it.
counted = {
    "conv_1": (3 * 3 * 1 + 1) * 64,
    "conv_2": (3 * 3 * 64 + 1) * 64,
    "dense_1": (5 * 5 * 64 + 1) * 128,
    "classifier": (128 + 1) * 10,
}
for layer, parameters in counted.items():
    print(f"{layer:10} {parameters:8,}  {parameters == model.get_layer(layer).count_params()}")
print(f"{'sum':10} {sum(counted.values()):8,}  {sum(counted.values()) == model.count_params()}")

# %%
# Most parameters are in the dense layer, and most of the work is not: a convolution uses each weight again at
# every place. The second one multiplies 3 × 3 × 64 numbers for each of its 11 × 11 × 64 results.
print(f"{3 * 3 * 64 * 11 * 11 * 64:,} of {convvision.summary(model).multiply_adds:,} multiply-adds")

# %%
# Pooling
# -------
# Of every 2 × 2 values the largest stays. What was found is kept, and where exactly it was found matters less. It
# learns nothing; NumPy does it in a line.
data = convvision.load_dataset("fashion_mnist")
print(data)
boot = data.test.images[data.test.labels == data.info.class_names.index("Ankle boot")][0]
maps = {layer.name: layer.maps[0] for layer in extract_activations(model, boot[np.newaxis]).layers}
largest = maps["conv_1"].reshape(13, 2, 13, 2, 64).max(axis=(1, 3))
print({name: array.shape for name, array in maps.items()})
print("the same as pool_1:", np.array_equal(largest, maps["pool_1"]))

# %%
# What a unit sees
# ----------------
# A value of ``conv_1`` has seen 3 × 3 pixels of the image. One of ``conv_2`` reads 3 × 3 values behind a pooling,
# each of which has seen 4 × 4 pixels, two pixels apart: 8 × 8 in all. That is its receptive field. With depth it
# grows, and so does what a unit can recognise: an edge first, then a corner or a heel.
plot_receptive_field(model, boot, "conv_2", unit=(5, 5))

# %%
# At the end, 5 × 5 × 64 values go on in a row, and the dense network of page 1 begins. It has 1,600 answers to
# read in place of 784 pixels.
#
# A question to try
# -----------------
# What comes out if a third convolution and pooling follow? Work it out before you ask
# ``print(convvision.summary(convvision.create_model("conv_64_64_64")))``: the shape, and the number of parameters of
# the whole.
#
# .. dropdown:: Answer
#
#    5 - 2 = 3, and 3 halves to 1: a single place with 64 values. The third convolution costs another 36,928
#    parameters, but the dense layer shrinks from 204,928 to (64 + 1) × 128 = 8,320. In all there are 84,106, a third
#    of what there were: the deeper network is the smaller one. Page 5 shows what that does to its accuracy.
