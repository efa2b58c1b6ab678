"""6. Twenty epochs, and what helps
================================

What happens if a training goes on? On the images that it sees, a network gets better to the end. On others it does
not.

**You will learn** to recognise overfitting in a plot, why loss tells more than accuracy, and what to do: stop
earlier, drop units, vary the images, or find more of them.

**You need** a minute, and page 1 for training and testing.
"""

import dataclasses

import keras

import convvision
from convvision.callbacks import OverfittingMonitor
from convvision.models import conv
from convvision.training import HistoryDisplay

# %%
# The lesson's network for twenty epochs
# --------------------------------------
# To watch it, some images have to be set apart that the network does not learn from, other than the test images:
# those are for the last word only. This training is recorded; the command makes it again.
#
# .. code-block:: console
#
#    $ convvision train conv_64_64 --data fashion_mnist --epochs 20 --validation-split 0.1 --out long_run
#
# .. results-history:: lesson_overfitting
#    :alt: Training loss falls throughout; validation loss falls for a few epochs, then climbs.
#
#    20 epochs of ``conv_64_64``. The dotted line marks the epoch with the lowest validation loss. Recorded by
#    ``python benchmarks/lesson.py overfitting``.
#
# The training accuracy reaches :result:`lesson_overfitting:history.accuracy[-1] | percent`. The validation loss is
# lowest after epoch :result:`lesson_overfitting:epoch_of_lowest_validation_loss | text`, at
# :result:`lesson_overfitting:history.val_loss[min] | loss`, and ends at
# :result:`lesson_overfitting:history.val_loss[-1] | loss`. From there on the network learns its images by heart. That
# is overfitting.
#
# The validation accuracy hardly shows it; it ends at :result:`lesson_overfitting:history.val_accuracy[-1] | percent`.
# Accuracy asks only which class came first. Loss also asks how sure the network was, and one that knows its images by
# heart is very sure, also where it is wrong.
#
# The same in seconds
# -------------------
# The fewer the images and the more the parameters, the sooner it happens. Here are 1,000 images and a network with
# 700,000 parameters, most of them in its dense layer.
data = convvision.load_dataset("fashion_mnist", validation_split=0.1)
parts = {name: split.take(slice(1000)) for name, split in data.parts.items()}
few = dataclasses.replace(data, **parts)
print(few)
histories = {"as it is": convvision.train("conv_32", few, epochs=20, verbose=0).history}

# %%
# What helps
# ----------
# *Dropout* silences a random half of the hidden units in each step, so that none can rely on another.
model = conv((32,), dropout=0.5)
histories["dropout"] = convvision.train(model, few, epochs=20, verbose=0).history

# %%
# *Views*: mirror each image from left to right in every other epoch, and move it by up to a pixel, at random. What the
# network sees twice is no longer the same.
lesson = convvision.get_recipe("lesson")
views = dataclasses.replace(lesson, name="views", flip=True, shift=1)
histories["views"] = convvision.train("conv_32", few, views, epochs=20, verbose=0).history

# %%
# The validation loss of all three, and what they had learnt of their own images at the end.
for name, history in histories.items():
    losses = history["val_loss"]
    lowest = min(losses)
    print(f"{name:9} lowest {lowest:.3f} in epoch {losses.index(lowest) + 1:2}, last {losses[-1]:.3f};", end=" ")
    print(f"training accuracy {history['accuracy'][-1]:.1%}, validation accuracy {history['val_accuracy'][-1]:.1%}")

HistoryDisplay({name: {"loss": h["loss"], "val_loss": h["val_loss"]} for name, h in histories.items()}).plot()

# %%
# Solid lines are training, dashed ones validation. What helps keeps the two together; it does so by making the
# training harder, so the solid line falls more slowly.
#
# *Stopping* is the simplest. Keras's own callback waits for a few epochs without progress and takes the best weights
# back.
patient = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
run = convvision.train("conv_32", few, epochs=20, callbacks=[patient], verbose=0)
print(len(run.history["loss"]), "epochs, test accuracy", f"{run.metrics['test_accuracy']:.1%}")

# %%
# ``OverfittingMonitor`` watches the gap itself, and warns of it or stops.
monitor = OverfittingMonitor("accuracy", max_gap=0.05, action="stop")
convvision.train("conv_32", few, epochs=20, callbacks=[monitor], verbose=0)
print("gap by epoch:", [f"{gap:+.1%}" for gap in monitor.gaps])

# %%
# And more images help most. The more there are, the more the network of this page would have to learn by heart.
#
# A question to try
# -----------------
# May one mirror handwritten digits, to have more of them?
#
# .. dropdown:: Answer
#
#    No: a mirrored 2 is no digit. A view must leave the class what it is. Data sets say whether mirroring does
#    (``convvision.get_dataset_info("mnist").mirrored`` is false), and a recipe with ``flip=True`` then leaves them as
#    they are.
