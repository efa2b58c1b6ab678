"""4. Reading the activation grid
==============================

Three shoes go through a trained network. What do the layers make of them, and what do three different shoes come to
share?

**You will learn** to read a grid of activations from left to right and from top to bottom, and to look into any unit
of a network in the browser.

**You need** a minute, and page 3 for the shapes.
"""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

import convvision
from convvision.visualize import export_explorer, plot_activation_grid, plot_feature_maps

# %%
# A trained network
# -----------------
# The grid of an untrained network is noise. A few epochs on 6,000 images are enough to see something.
data = convvision.load_dataset("fashion_mnist")
few = dataclasses.replace(data, train=data.train.take(slice(6000)))
print(few)
run = convvision.train("conv_64_64", few, epochs=4, verbose=0)
print(f"{run.metrics['test_accuracy']:.1%} of the test images are right")

# %%
# Three shoes
# -----------
# The first three ankle boots of the test images. In Fashion-MNIST they are the images 0, 23 and 28: a low one, an
# open one and a high one. The open one is easily taken for a sandal.
boots = np.flatnonzero(data.test.labels == data.info.class_names.index("Ankle boot"))[:3]
shoes = data.test.images[boots]
print(boots, [str(prediction) for prediction in run.predict(shoes)])

# %%
# A row is an image, a column a layer. Of each layer you see one channel of 64, number 1, counted from 0: what one
# kernel made of the image.
titles = [f"image {position}" for position in boots]
plot_activation_grid(run.model, shoes, channel=1, titles=titles)

# %%
# Read it from left to right.
#
# - ``conv_1`` shows where one learned kernel finds what it looks for. Nobody told it what that should be.
# - ``pool_1`` shows the same in a quarter of the values. Squint, and hardly anything is lost.
# - ``conv_2`` has combined 64 such maps. What is bright is no longer an edge but a place where a pattern of them was
#   found.
# - ``pool_2`` is all that the dense layers get of this channel: 25 numbers for each image.
#
# Every map is drawn from its own smallest value, which is black, to its own largest, so compare shapes, not shades. The
# smallest is nearly always 0, behind a ReLU: the kernel finds nothing there. A map that is black throughout is an
# answer, too.
#
# Then read it from top to bottom, and look for what three different boots share. In the picture itself that is
# little. In the last columns it is more: the dense layers need not know every boot, only what boots have in common.
#
# The strongest channel
# ---------------------
# Channel 1 has no meaning of its own; with another seed it is another kernel. The strongest channel of each layer for
# each image tells more. The number above a panel says which it was.
plot_activation_grid(run.model, shoes, channel="top", titles=titles)

# %%
# All channels of the second pooling, the strongest first: what the dense layers read of the first boot.
plot_feature_maps(run.model, shoes[0], "pool_2", order="strongest")

# %%
# Look for yourself
# -----------------
# A picture shows one channel at a time. The explorer holds the network itself, and your browser computes it: choose a
# layer, a channel and a unit, see the sum behind each number, and draw on the image while the network reads it. It
# works here, and in a file that you can send to others; in a script, ``page = "explorer.html"`` writes it where you
# are.
page = Path(tempfile.mkdtemp()) / "explorer.html"
export_explorer(
    run.model,
    shoes,
    page,
    class_names=data.info.class_names,
    labels=data.test.labels[boots],
    scaling=data.scaling,
)

# %%
# A question to try
# -----------------
# Draw the grid for a boot, a pair of trousers and a bag. In which column do they differ most, and is there a channel
# that answers to one of them only?
#
# .. dropdown:: Answer
#
#    The first convolution answers to edges and to bright areas, and all three have some. The further right, the more
#    the maps differ: what is common to all classes is of no use for telling them apart. ``class_mean_activations``
#    finds channels that prefer one class; the example :doc:`/auto_examples/plot_diagnosis` shows how.
