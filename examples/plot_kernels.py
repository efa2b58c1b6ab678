"""One garment under six kernels
=============================

A convolution multiplies the pixels under a small array of weights, its kernel, by those weights and adds them up, at
every place of the image. A ``Conv2D`` layer learns its kernels. Those that people found by thought show what one
kernel can do: blur, sharpen, or find edges.
"""

from convvision import kernels
from convvision.datasets import draw_fashion
from convvision.visualize import plot_kernels

# %%
# The data set draws itself. Class 2 is the pullover; we take the brightest one.
images, labels = draw_fashion(100, seed=0)
pullover = max(images[labels == 2], key=lambda image: image.mean())

# %%
# The lesson's kernel has 8 in the middle and -1 around it. Where nine pixels are equal, the sum is 0.
print(kernels.EDGE)
edges = kernels.apply(pullover, "edge")
print(f"pixels from {pullover.min()} to {pullover.max()}, after the kernel from {edges.min():g} to {edges.max():g}")

# %%
# Beside each picture stand the kernel's numbers. Weights that sum to 1 keep the brightness of even areas (top row): the
# blur takes the noise away, sharpening strengthens it. Weights that sum to 0 leave only change, and its sign tells on
# which side of an edge it is brighter (bottom row).
plot_kernels(pullover, ["identity", "gaussian_blur_5", "sharpen", "edge", "sobel_x", "sobel_y"])

# %%
# A kernel of your own needs a name. This one answers to bright vertical lines, one pixel wide.
plot_kernels(pullover, {"vertical line": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]]})
