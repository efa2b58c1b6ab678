"""Stop when the model is accurate enough
======================================

The lesson's fifth exercise: end a training as soon as its accuracy passes a threshold, rather than after a number of
epochs that had to be guessed. :class:`~convvision.callbacks.AccuracyThresholdStop` does that in any Keras training.
"""

import keras

import convvision
from convvision.callbacks import AccuracyThresholdStop
from convvision.training import HistoryDisplay

keras.utils.set_random_seed(0)
images, labels = convvision.load_dataset("drawn_fashion").train
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

# %%
# Ten epochs are allowed. The accuracy has to be strictly above the threshold at the end of an epoch, for it is a mean
# over that epoch's batches.
stop = AccuracyThresholdStop(0.9)
history = model.fit(images, labels, epochs=10, callbacks=[stop], verbose=0)
print(f"stopped in epoch {stop.stopped_epoch + 1} with an accuracy of {stop.stopped_value:.4f}")

# %%
# Each epoch's accuracy, and the threshold that the last one passed.
display = HistoryDisplay({model.name: {"accuracy": history.history["accuracy"]}}).plot()
axes = display.axes_[0, 0]
axes.axhline(stop.threshold, color="black", linestyle="--", label="threshold")
axes.legend()
display
