"""7. Stopping by callback
=======================

How many epochs does a network need to be good enough? Nobody knows beforehand, so let it stop by itself.

**You will learn** what a callback is, to stop at an accuracy, at a loss or at a time, and to write a callback of your
own.

**You need** a minute, and MNIST, 12 MB of handwritten digits, which is downloaded on first use.
"""

import dataclasses

import keras

import convvision
from convvision.callbacks import AccuracyThresholdStop, MetricThresholdStop, TimeBudgetStop
from convvision.training import HistoryDisplay

# %%
# Handwritten digits are the easier data set. This page takes 6,000 of them.
data = convvision.load_dataset("mnist")
few = dataclasses.replace(data, train=data.train.take(slice(6000)))
print(few)

# %%
# At an accuracy
# --------------
# A callback is called at the end of each epoch, is told the metrics so far, and may end the training. This one ends
# it once the training accuracy is above the threshold. Ten epochs are allowed.
stop = AccuracyThresholdStop(0.97)
run = convvision.train("conv_32_32", few, epochs=10, callbacks=[stop], verbose=0)
print([f"{accuracy:.2%}" for accuracy in run.history["accuracy"]])
print(f"{len(run.history['accuracy'])} epochs, test accuracy {run.metrics['test_accuracy']:.2%}")

# %%
# Every epoch, and the threshold that the last one passed. The threshold must be passed, not met.
display = HistoryDisplay({"conv_32_32": {"accuracy": run.history["accuracy"]}}, title=few.info.name).plot()
display.axes_[0, 0].axhline(stop.threshold, color="black", linestyle="--")
display

# %%
# On all of the images
# --------------------
# With 60,000 digits and a threshold of 99.5 %, as in the lesson:
#
# .. code-block:: console
#
#    $ convvision train conv_32_32 --data mnist --epochs 10 --stop-at-accuracy 0.995
#
# With seeds 0, 1 and 2 it stopped after :result:`lesson_stopping:stopped_after_epochs | list` epochs, at a test
# accuracy of :result:`lesson_stopping:test_accuracy | spread`. The lesson stopped after
# :result:`lesson_stopping:lesson_stopped_after_epochs | text`, at
# :result:`lesson_stopping:lesson_test_accuracy | percent`. Recorded by ``python benchmarks/lesson.py stopping``.
#
# At a loss, or on the clock
# --------------------------
# ``MetricThresholdStop`` watches any metric that is logged, and ``TimeBudgetStop`` the time. Both may be given:
# whichever is first ends the training.
limits = [MetricThresholdStop("loss", 0.2), TimeBudgetStop(seconds=20)]
run = convvision.train("conv_32_32", few, epochs=10, callbacks=limits, verbose=0)
print([f"{loss:.3f}" for loss in run.history["loss"]])


# %%
# Your own
# --------
# A callback is a class with methods that Keras calls. This one stops when an epoch brought less than a point, and
# works in Keras's ``fit`` as well.
class StopWhenSlow(keras.callbacks.Callback):
    before = 0.0

    def on_epoch_end(self, epoch, logs):
        if logs["accuracy"] - self.before < 0.01:
            self.model.stop_training = True
        self.before = logs["accuracy"]


run = convvision.train("conv_32_32", few, epochs=10, callbacks=[StopWhenSlow()], verbose=0)
print([f"{accuracy:.2%}" for accuracy in run.history["accuracy"]])

# %%
# A question to try
# -----------------
# The threshold is on the training accuracy. Why may it be better to stop at a validation accuracy, and what has to be
# changed for that?
#
# .. dropdown:: Answer
#
#    The training accuracy goes on rising while the network learns its images by heart, as on the page before. A
#    validation accuracy is measured on images that it has not seen: ``load_dataset("mnist", validation_split=0.1)``
#    sets them apart, and ``AccuracyThresholdStop(0.98, monitor="val_accuracy")`` watches them. The test images are
#    not for this: whoever stops by them has learnt from them.
