"""5. Five exercises, answered by experiment
=========================================

What happens with fewer kernels, with one convolution, with three? Guess first, then look at what was measured.

**You will learn** to read a comparison of models with its spread, and why more layers are not always better.

**You need** a few seconds for this page. The figures are from recorded runs on all of the images, seven networks with
three seeds each. The command below makes your own; it takes a while.

.. code-block:: console

  $ convvision compare conv_16_16 conv_32_32 conv_64_64 conv_32 conv_64 conv_32_32_32 conv_64_64_64 --data fashion_mnist

The recorded ones are from ``python benchmarks/lesson.py exercises``. Seconds, of two epochs of each network in turn on
a machine with two cores, are from ``python benchmarks/lesson.py seconds``; the two differ by up to half.
"""

import convvision
from convvision.models import conv

# %%
# Exercise 1: 16, 32 or 64 kernels
# --------------------------------
# *Change the number of kernels in both convolutions. What happens to accuracy and time?*
#
# The experiment: for every kernel of the second convolution to read all channels of the first, twice the kernels
# means four times the multiplications there.
for name in ("conv_16_16", "conv_32_32", "conv_64_64"):
    table = convvision.summary(convvision.create_model(name))
    print(f"{name}: {table.parameters:8,} parameters, {table.multiply_adds:10,} multiply-adds")

# %%
# .. results-chart:: conv_16_16 conv_32_32 conv_64_64
#    :alt: Test accuracy and seconds an epoch; both grow with the number of kernels.
#    :caption: Five epochs on Fashion-MNIST, three seeds; the bar is one standard deviation.
#
#    test accuracy = lesson_exercises:rows[*].test_accuracy | spread
#    seconds an epoch = lesson_seconds:rows[*].seconds_per_epoch | number
#
# .. dropdown:: Answer
#
#    More kernels, more accuracy, step by step: :result:`lesson_exercises:rows[conv_16_16].test_accuracy | spread`
#    with 16, :result:`lesson_exercises:rows[conv_32_32].test_accuracy | spread` with 32 and
#    :result:`lesson_exercises:rows[conv_64_64].test_accuracy | spread` with 64. Even 16 beat the dense network with
#    its :result:`lesson_accuracy:rows[dense_128].test_accuracy | spread`. The price is time: from
#    :result:`lesson_seconds:rows[conv_16_16].seconds_per_epoch | number` to
#    :result:`lesson_seconds:rows[conv_64_64].seconds_per_epoch | number` seconds an epoch.
#
# Exercise 2: without the last convolution
# ----------------------------------------
# *Remove the second convolution and its pooling. What happens to accuracy, time and the number of parameters?*
#
# The experiment: what reaches the dense layer.
for name in ("conv_64_64", "conv_64"):
    model = convvision.create_model(name)
    print(f"{name}: {model.get_layer('flatten').output.shape[1]:6,} values, {model.count_params():9,} parameters")

# %%
# .. results-chart:: conv_32_32 conv_32 conv_64_64 conv_64
#    :alt: Training and test accuracy and seconds an epoch of two convolutions and of one, with 32 and 64 kernels.
#    :caption: Two convolutions and one, with 32 and with 64 kernels.
#
#    training accuracy = lesson_exercises:rows[*].train_accuracy | spread
#    test accuracy = lesson_exercises:rows[*].test_accuracy | spread
#    seconds an epoch = lesson_seconds:rows[*].seconds_per_epoch | number
#
# .. dropdown:: Answer
#
#    The number of parameters goes up, from :result:`lesson_exercises:rows[conv_64_64].parameters | count` to
#    :result:`lesson_exercises:rows[conv_64].parameters | count`: without the second pooling, 13 × 13 × 64 = 10,816
#    values reach the dense layer in place of 1,600. An epoch takes about as long as before:
#    :result:`lesson_seconds:rows[conv_64].seconds_per_epoch | number` seconds in place of
#    :result:`lesson_seconds:rows[conv_64_64].seconds_per_epoch | number`.
#
#    The test accuracy does not settle which is better. One convolution loses with 64 kernels and wins with 32, and
#    the spread of ``conv_64`` is wide. What does change is the distance between training and test:
#    :result:`lesson_exercises:rows[conv_64_64].train_accuracy - lesson_exercises:rows[conv_64_64].test_accuracy |
#    points`
#    points for ``conv_64_64``,
#    :result:`lesson_exercises:rows[conv_64].train_accuracy - lesson_exercises:rows[conv_64].test_accuracy | points`
#    for ``conv_64``. So many weights learn the training images by heart sooner.
#
# Exercise 3: a third convolution
# -------------------------------
# *Add one more convolution with its pooling.*
#
# The experiment: how much of the image is left at the end. With padding, a convolution keeps the size of what it
# reads.
for padding in ("valid", "same"):
    model = conv((64, 64, 64), padding=padding)
    print(f"padding={padding!r}: pool_3 gives", model.get_layer("pool_3").output.shape[1:])

# %%
# .. results-chart:: conv_32_32 conv_32_32_32 conv_64_64 conv_64_64_64
#    :alt: Test accuracy and parameters; three convolutions have less of both.
#    :caption: Two convolutions and three.
#
#    test accuracy = lesson_exercises:rows[*].test_accuracy | spread
#    parameters = lesson_exercises:rows[*].parameters | count
#
# .. dropdown:: Answer
#
#    It gets worse and less certain: :result:`lesson_exercises:rows[conv_64_64_64].test_accuracy | spread` with 64
#    kernels each, :result:`lesson_exercises:rows[conv_32_32_32].test_accuracy | spread` with 32, which is no better
#    than the dense network. The third pooling leaves a single place of the image and 64 numbers to decide by. Depth
#    is not at fault; 28 pixels are few for it. With padding, 3 × 3 places are left. Whether that helps is worth a
#    training of your own: ``convvision.train`` takes a model as it takes a name.
#
# Exercise 4: only the first convolution
# --------------------------------------
# *Remove all convolutions but the first.*
#
# The experiment: from three convolutions to one. Look where its parameters are.
print(convvision.summary(convvision.create_model("conv_32")))

# %%
# .. results-chart:: conv_32_32_32 conv_32_32 conv_32
#    :alt: Test accuracy and parameters of three convolutions, two and one, with 32 kernels each.
#    :caption: Three convolutions, two and one.
#
#    test accuracy = lesson_exercises:rows[*].test_accuracy | spread
#    parameters = lesson_exercises:rows[*].parameters | count
#
# .. dropdown:: Answer
#
#    One does better than three together: :result:`lesson_exercises:rows[conv_32].test_accuracy | spread` against
#    :result:`lesson_exercises:rows[conv_32_32_32].test_accuracy | spread`, though with
#    :result:`lesson_exercises:rows[conv_32].parameters | count` parameters against
#    :result:`lesson_exercises:rows[conv_32_32_32].parameters | count`. It is already worth
#    :result:`lesson_exercises:rows[conv_32].test_accuracy - lesson_accuracy:rows[dense_128].test_accuracy | points`
#    points over the dense network. In five epochs the first convolution brings most of the gain; the second brings it
#    with far fewer weights.
#
# Exercise 5: stop by a callback
# ------------------------------
# *End the training once it is good enough.*
#
# On clothes that the library draws itself, 95 % is soon reached; the whole story, on handwritten digits, is page
# 7.
stop = convvision.callbacks.AccuracyThresholdStop(0.95)
run = convvision.train("conv_16_16", "drawn_fashion", epochs=10, callbacks=[stop], verbose=0)
print(f"stopped after {len(run.history['accuracy'])} epochs, at {run.history['accuracy'][-1]:.1%}")
run.plot_history()

# %%
# .. dropdown:: Answer
#
#    On MNIST, with a threshold of 99.5 %, ``conv_32_32`` stopped after
#    :result:`lesson_stopping:stopped_after_epochs | list` epochs with three seeds, at a test accuracy of
#    :result:`lesson_stopping:test_accuracy | spread`.
#
# A question to try
# -----------------
# A difference that is hardly larger than the spreads: how many seeds do you need before you believe that ``conv_32`` is
# better than ``conv_32_32``?
#
# .. dropdown:: Answer
#
#    The mean of n seeds is uncertain by about the standard deviation divided by √n. With three seeds that is a little
#    more than half of the standard deviation, which is
#    :result:`lesson_exercises:rows[conv_32].test_accuracy_sd | points` points for one and
#    :result:`lesson_exercises:rows[conv_32_32].test_accuracy_sd | points` for the other. The difference,
#    :result:`lesson_exercises:rows[conv_32].test_accuracy - lesson_exercises:rows[conv_32_32].test_accuracy | points`
#    points, is more than chance, but not by much. Ten seeds would settle it.
