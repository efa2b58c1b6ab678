"""A network to walk about in
==========================

One HTML file in which every layer, channel and unit can be looked into, and in which a drawing is classified while it
is drawn. It opens from disk, and the browser computes the network.
"""

import tempfile
from pathlib import Path

import keras

import convvision
from convvision.callbacks import ActivationRecorder
from convvision.visualize import export_explorer, plot_recording

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
images, labels = data.test.take(slice(3))
recorder = ActivationRecorder(images, layers="conv")
run = convvision.train("conv_16_16", data, epochs=3, callbacks=[recorder], verbose=0)

# %%
# With a recording of the training, the page has a slider for its epochs.
page = export_explorer(
    run.model,
    images,
    Path(tempfile.mkdtemp()) / "explorer.html",
    class_names=data.info.class_names,
    labels=labels,
    scaling=data.scaling,
    recording=recorder.recording,
)
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB, and nothing else is needed")

# %%
# What the slider moves through, for one channel of the second convolution.
plot_recording(recorder.recording, "conv_2")
