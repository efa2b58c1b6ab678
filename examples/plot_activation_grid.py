"""What each layer sees
====================

A convolutional network trained for a few epochs, and one channel of each of its layers for three garments. A row is
an image, a column a layer: from left to right the pictures get smaller, and keep less of what the eye sees.
"""

import numpy as np

import convvision

data = convvision.load_dataset("drawn_fashion")
run = convvision.train("conv_32_32", data, epochs=3, verbose=0)
print(f"{run.metrics['test_accuracy']:.1%} of the test images are right")

# %%
# Three test images, and what the network takes them for.
names = ["Ankle boot", "Sandal", "Dress"]
classes = [data.info.class_names.index(name) for name in names]
images = data.test.images[[np.flatnonzero(data.test.labels == label)[0] for label in classes]]
print([str(prediction) for prediction in run.predict(images)])

# %%
# Every map is drawn from its own smallest to its own largest value, so a bright spot means "strongest here".
convvision.visualize.plot_activation_grid(run.model, images, channel=1, titles=names)

# %%
# Another channel answers to something else. The numbers behind the pictures are arrays of one value a pixel; a map that
# is 0 everywhere belongs to a filter that finds nothing in that image.
activations = convvision.visualize.extract_activations(run.model, images, "conv")
for layer in activations.layers:
    silent = (layer.maps.max(axis=(1, 2)) == 0).sum(axis=1)
    print(layer.name, layer.maps.shape, "silent channels of each image:", silent)

convvision.visualize.plot_activation_grid(run.model, images, channel=5, titles=names)
