"""1. A dense baseline
===================

Ten classes of clothes, and a network that knows nothing of images. What it reaches is what convolutions have to beat.

**You will learn** what the data look like, how to train a network on them and test it, and which classes it mistakes
for which.

**You need** convvision and half a minute. Fashion-MNIST, 31 MB, is downloaded on first use.
"""

import dataclasses

import convvision

# %%
# The data
# --------
# Fashion-MNIST has 60,000 images to learn from, and another 10,000 that are set apart for the test.
data = convvision.load_dataset("fashion_mnist")
print(data)

# %%
# An image is an array of height, width and channels. The channel axis looks idle in grey pictures, but a
# convolution will ask for it. The pixels are stored as whole numbers up to 255, and scaled to fractions up to 1:
# networks learn badly from large numbers.
images, labels = data.train
print(images.shape, images.dtype, "from", images.min(), "to", images.max())
print(labels[:5], "is", [data.info.class_names[label] for label in labels[:5]])

# %%
# Look at your data before you train on them. A row is a class, with seven of its images chosen at random.
convvision.visualize.plot_samples(data, per_class=7)

# %%
# The network
# -----------
# It lays the 784 pixels in a row. Each of 128 hidden units multiplies all of them by weights of its own and adds up;
# ten more units do the same with those 128 results, one for each class.
model = convvision.create_model("dense_128")
print(convvision.summary(model))

# %%
# 784 weights and a bias, a number that is added whatever the pixels are, for each of 128 units; 128 weights and a bias
# for each of 10: that is where the parameters come from. The last two columns are for page 3.
print((784 + 1) * 128, "+", (128 + 1) * 10, "=", model.count_params())

# %%
# Training and testing
# --------------------
# A training goes through the images several times; one pass is an *epoch*. In an epoch the network takes 32 images at a
# time, a *batch*, and after each batch it changes its weights by a small *step* towards what would have been right.
# Chance enters by the first weights and by the order of the images; the *seed* is a number that all this chance follows
# from, so that a training can be repeated.
#
# This page takes the first 6,000 images and five epochs, so that it runs in seconds. To train on all of them, pass
# ``data`` in place of ``few``.
few = dataclasses.replace(data, train=data.train.take(slice(6000)))
run = convvision.train(model, few, epochs=5, verbose=0)
for name, value in run.metrics.items():
    print(f"{name:15} {value:.3f}")

# %%
# The test accuracy is the share of test images that get the right name. It is the figure that counts: the network has
# never seen these images.
print([str(prediction) for prediction in run.predict(data.test.images[:3])])

# %%
# Which classes does it mistake for which? A row is what an image is, a column what the network said. Shirts,
# pullovers and coats are the hard ones; trousers and bags are easy.
convvision.visualize.plot_confusion(run.confusion(data))

# %%
# On all of the images
# --------------------
# With all 60,000 images, five epochs and three seeds, the test accuracy is
# :result:`lesson_accuracy:rows[dense_128].test_accuracy | spread`: the mean, and one standard deviation. The training
# images get :result:`lesson_accuracy:rows[dense_128].train_accuracy | spread`. These figures are from
# ``python benchmarks/lesson.py accuracy``, in a clone of the repository; your own run will differ by about as much as
# the seeds do:
#
# .. code-block:: console
#
#    $ convvision train dense_128 --data fashion_mnist
#
# A question to try
# -----------------
# Shuffle the pixels of every image in the same way, those of training and test alike. No one could recognise a shoe in
# that. What becomes of the network's accuracy?
#
# .. code-block:: python
#
#    import numpy as np
#    from convvision.datasets import Split
#
#    order = np.random.default_rng(0).permutation(784)
#
#
#    def shuffled(split):
#        pixels = split.images.reshape(-1, 784)[:, order]
#        return Split(pixels.reshape(split.images.shape), split.labels)
#
#
#    other = dataclasses.replace(few, train=shuffled(few.train), test=shuffled(few.test))
#    print(convvision.train("dense_128", other, epochs=5, verbose=0).metrics["test_accuracy"])
#
# .. dropdown:: Answer
#
#    Nothing becomes of it, but for chance: every hidden unit has one weight for each pixel, and which weight comes
#    first makes no difference. To this network a picture is a list. That is its weakness: it has to learn for each
#    place separately what an edge is. The next page is about asking the same question everywhere.
