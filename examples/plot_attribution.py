"""Why the network says sneaker
============================

Which part of an image speaks for a class? Methods that answer it ask different questions, and their pictures differ.
We train a small network, and ask four of them about the same images.
"""

import keras
import numpy as np

import convvision
from convvision.visualize import grad_cam, integrated_gradients, occlusion, plot_attributions, saliency

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(*data.train, epochs=3, verbose=0)

# %%
# A sneaker, a bag and a shirt from the test images.
images, labels = data.test
chosen = images[[np.flatnonzero(labels == label)[0] for label in (7, 8, 6)]]

# %%
# - Saliency: by how much would the logit rise if this pixel were brighter?
# - Integrated gradients: how much of the difference to a black image is due to this pixel? Its values sum to that
#   difference.
# - Grad-CAM: where does the last convolution see what speaks for the class?
# - Occlusion: how much does the logit fall when this patch is covered?
methods = (saliency, integrated_gradients, grad_cam, occlusion)
results = [method(model, chosen) for method in methods]
plot_attributions(*results, class_names=data.info.class_names)

# %%
# Integrated gradients know how well they add up. The error is what is missing between the sum of the values and the
# difference of the logits, and the steps were doubled until it was small.
pixels = results[1]
print("sum of values", pixels.values.sum(axis=(1, 2, 3)).round(3))
print("error        ", pixels.completeness_error.round(4), "after", pixels.steps, "steps")

# %%
# The same image speaks differently for different classes. Here the shirt is asked why it is a shirt, and why it might
# be a pullover, a coat or a T-shirt. Red speaks for the class, blue against it.
shirt = chosen[2:]
rivals = [grad_cam(model, shirt, target, relu=False) for target in (6, 2, 4, 0)]
plot_attributions(*rivals, class_names=data.info.class_names)
