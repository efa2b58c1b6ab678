"""2. What a kernel does to an image
=================================

A convolution asks the same small question at every place of an image. First someone thinks the question up, then a
network finds it.

**You will learn** how a kernel is applied, by hand and by a function; how a layer learns the very same kernel from
examples; and what the kernels of a trained network look like.

**You need** half a minute, and page 1 for the data.
"""

import dataclasses

import keras
import numpy as np

import convvision
from convvision import kernels
from convvision.visualize import extract_activations, extract_filters, plot_filters, plot_kernels

# %%
# By hand
# -------
# A kernel is a small table of weights. Lay it on a pixel, multiply what lies under it, add up, write the sum down,
# and move on by one pixel. This one has 8 in the middle and -1 around it.
print(kernels.EDGE)

# %%
# Three rows of a picture that turns from dark to bright. Under the kernel lie nine numbers at a time; printed is their
# middle row, and the other two are the same.
picture = np.array([[0, 0, 0, 9, 9, 9]] * 3)
for place in range(4):
    under = picture[:, place : place + 3]
    print(under[1], "->", (under * kernels.EDGE).sum())

# %%
# Where all nine pixels are equal, eight times the middle less its eight neighbours is 0. At the edge the sum is
# negative on the dark side and positive on the bright side. ``kernels.apply`` does the same for a whole picture.
print(kernels.apply(picture, "edge", padding="valid"))

# %%
# On a boot it leaves outline, seams and sole, and drops the even areas.
data = convvision.load_dataset("fashion_mnist")
print(data)
boot = data.test.images[data.test.labels == data.info.class_names.index("Ankle boot")][0]
plot_kernels(boot, ["identity", "edge", "gaussian_blur", "sobel_x"])

# %%
# Learned
# -------
# Now the other way round. Here is a layer with a single kernel and random weights. It is shown a thousand images, and
# what the edge kernel makes of them; nobody tells it the kernel. Training makes its mistakes small.
images = data.train.images[:1000]
wanted = kernels.apply(images, "edge", padding="valid")
keras.utils.set_random_seed(0)
layer = keras.layers.Conv2D(1, 3, use_bias=False, name="learner")
learner = keras.Sequential([keras.Input((28, 28, 1)), layer])
learner.compile(keras.optimizers.Adam(0.05), loss="mean_squared_error")
print(extract_filters(learner, "learner").kernels[0, :, :, 0].round(2), "before")
learner.fit(images, wanted, epochs=25, verbose=0)
print(extract_filters(learner, "learner").kernels[0, :, :, 0].round(2), "after")

# %%
# It has found the edge kernel. In a classifier nobody knows which kernels to ask for. Only the classes are given,
# and the layer learns whatever helps to tell them apart.
few = dataclasses.replace(data, train=data.train.take(slice(6000)))
run = convvision.train("conv_16_16", few, epochs=3, verbose=0)
print(f"{run.metrics['test_accuracy']:.1%} of the test images are right")

# %%
# Three epochs on a tenth of the images are too few to be ahead of page 1's network; on all of the images it is, as
# page 5 shows. These are the sixteen kernels of its first layer. Red weights add, blue ones subtract. Those that are
# red on one side and blue on the other answer to edges, each to one direction.
plot_filters(run.model, "conv_1")

# %%
# There is no more to a convolutional layer than this: a kernel, a bias that is added, and an activation (ReLU)
# that turns what is negative into 0. Done by hand, channel 3 of the layer comes out the same.
layer = run.model.get_layer("conv_1")
weights, bias = layer.get_weights()
by_hand = np.maximum(kernels.apply(boot, weights[:, :, 0, 3], padding="valid")[..., 0] + bias[3], 0)
by_layer = extract_activations(run.model, boot[np.newaxis], "conv_1").layers[0].maps[0, :, :, 3]
print("largest difference:", abs(by_hand - by_layer).max() < 1e-5 and "less than 0.00001")

# %%
# A question to try
# -----------------
# Which kernel moves an image by one pixel to the right? Write it down before you look, and try it with
# ``plot_kernels(boot, {"identity": "identity", "right": [...]})``, which shows the image as it is beside it.
#
# .. dropdown:: Answer
#
#    ``[[0, 0, 0], [1, 0, 0], [0, 0, 0]]``: every pixel becomes the one on its left, so that what was there is now one
#    pixel further to the right.
