"""While it learns
===============

What does a channel look like before the first epoch, and how does it become what it is? A callback records the maps of
a few images after each epoch, and leaves the training as it is.
"""

import keras
import numpy as np

import convvision
from convvision.callbacks import ActivationRecorder
from convvision.visualize import plot_recording

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
names = ["Trouser", "Sandal", "Bag"]
chosen = [np.flatnonzero(data.test.labels == data.info.class_names.index(name))[0] for name in names]
recorder = ActivationRecorder(data.test.images[chosen], layers="conv")

# %%
# Small steps, so that there is something to see.
model = convvision.create_model("conv_16_16")
model.compile(optimizer=keras.optimizers.Adam(3e-4), loss="sparse_categorical_crossentropy")
images, labels = data.train
model.fit(images[:2000], labels[:2000], epochs=7, callbacks=[recorder], verbose=0)
print(recorder.recording)

# %%
# A row is an image, a column an epoch, and below each map stands what the image was taken for at that time.
plot_recording(recorder.recording, "conv_2", titles=names, class_names=data.info.class_names)

# %%
# The first layer changes least: edges are found early.
plot_recording(recorder.recording, "conv_1", titles=names, class_names=data.info.class_names)
