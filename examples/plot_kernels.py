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
# The data set draws itself; class 9 is the ankle boot.
garments = draw_fashion(40, seed=0)
boot = garments.images[garments.labels == 9][0]

# %%
# The lesson's kernel has 8 in the middle and -1 around it. Where nine pixels are equal, the sum is 0.
print(kernels.EDGE)
edges = kernels.apply(boot, "edge")
print(f"pixels from {boot.min()} to {boot.max()}, after the kernel from {edges.min():g} to {edges.max():g}")

# %%
# Beside each picture stand the kernel's numbers. Weights that sum to 1 keep the brightness of even areas (top row);
# weights that sum to 0 leave only change, and its sign tells on which side of an edge it is brighter (bottom row).
plot_kernels(boot, ["identity", "gaussian_blur_5", "sharpen", "edge", "sobel_x", "sobel_y"])

# %%
# A kernel of your own needs a name. This one answers to bright vertical lines, one pixel wide.
plot_kernels(boot, {"vertical line": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]]})
