"""10. From 91 % to the top of the zoo
===================================

The lesson's script takes minutes to reach 91 %. The same accuracy is to be had in seconds, and a better one for more
patience.

**You will learn** where the time of a training goes, what a recipe is, which part of the fast one brings how much,
and what larger models buy.

**You need** a minute, and page 3 for multiply-adds.
"""

import dataclasses

import convvision

# %%
# A network that wastes nothing
# -----------------------------
# What a convolution costs grows with the number of places that it walks over. ``fast_conv`` first folds each block of
# 2 × 2 pixels into one place, so that its first kernels walk over 14 × 14 places in place of 26 × 26, and the wide ones
# behind the poolings over 7 × 7 and fewer.
for name in ("conv_64_64", "fast_conv"):
    table = convvision.summary(convvision.create_model(name))
    print(f"{name:10} {table.parameters:8,} parameters, {table.multiply_adds:10,} multiply-adds an image")

# %%
# A recipe that wastes nothing
# ----------------------------
# A recipe says how to train, as plain data. Here are the parts in which the fast one differs from the lesson's.
lesson, fast = (dataclasses.asdict(convvision.get_recipe(name)) for name in ("lesson", "fast"))
for part, value in fast.items():
    if value != lesson[part] and part not in ("name", "summary"):
        print(f"{part:15} {lesson[part]!s:10} -> {value}")

# %%
# - *Muon* turns the step of each kernel into one that changes all its directions alike (Jordan 2024), and gets
#   further with each image than Adam.
# - The step size *warms up* over the first tenth and then falls to 0.
# - In *half precision* (bfloat16) numbers are half as long, where the processor can compute with them.
# - The last epoch is made of the *hardest* images, those whose loss was largest in the first.
# - *Label smoothing* asks for 91 % of certainty in place of 100 %.
# - A batch is 96 images in place of 32, and each step draws the weights of the classifier, which Muon leaves to Adam, a
#   little towards 0 (*weight decay*).
#
# On all 60,000 images, as this page was built:
data = convvision.load_dataset("fashion_mnist")
run = convvision.train("fast_conv", data, recipe="fast", verbose=0)
print(f"{data.info.name}: {run.metrics['test_accuracy']:.2%} of the test images are right")

# %%
# What it still gets wrong: the three pairs of classes that it confuses most, with its surest mistakes.
convvision.visualize.plot_most_confused(run.confusion(data), pairs=3, per_pair=8)

# %%
# How much sooner
# ---------------
# Seconds depend on the machine, so both sides were measured in turn on the same one, which had two cores, by
# ``python benchmarks/time_to_accuracy.py fast``.
#
# The lesson's script trained for :result:`time_to_accuracy_fast:lesson.seconds_median | number` seconds, the median of
# :result:`time_to_accuracy_fast:lessons | count` runs, and reached
# :result:`time_to_accuracy_fast:lesson.accuracy.mean | percent`. Ours reached
# :result:`time_to_accuracy_fast:accuracy.mean | percent` on average over
# :result:`time_to_accuracy_fast:seeds | count` seeds, at the least
# :result:`time_to_accuracy_fast:accuracy.least | percent`, and took
# :result:`time_to_accuracy_fast:ours.towers.warm_seconds_median | number` seconds behind its first step: sooner by a
# factor of :result:`time_to_accuracy_fast:ours.towers.ratios.warm.median | number`, which the ends that are farthest
# apart make :result:`time_to_accuracy_fast:ours.towers.ratios.warm.least | number` to
# :result:`time_to_accuracy_fast:ours.towers.ratios.warm.most | number`. With the first step, in which the
# graph is compiled, the factor is :result:`time_to_accuracy_fast:ours.towers.ratios.training.median | number`; with
# the start of Python and the loading of TensorFlow, which nobody can train away, it is
# :result:`time_to_accuracy_fast:ours.towers.ratios.process.median | number`.
#
# What each part brings
# ---------------------
# Take one part out, leave the rest as it is, and look at images that were set apart. Each row is a recipe, with three
# seeds.
#
# .. results-chart:: fast adam large_batches constant_rate no_smoothing one_epoch two_epochs float32
#    :alt: Validation accuracy of the fast recipe, and of the same with one part taken out or replaced.
#    :caption: Validation accuracy of ``fast_conv`` after the recipe fast, and with one part taken out or replaced.
#
#    validation accuracy = fast_parts:rows[*].accuracy | spread
#
# Recorded by ``python benchmarks/fast_parts.py``, which says what each row is. The falling step size and Muon bring
# most: with a constant one it is :result:`fast_parts:rows[constant_rate].accuracy | percent` in place of
# :result:`fast_parts:rows[fast].accuracy | percent`, and with Adam
# :result:`fast_parts:rows[adam].accuracy | percent`. After one epoch it is
# :result:`fast_parts:rows[one_epoch].accuracy | percent`, and a second whole epoch brings it to
# :result:`fast_parts:rows[two_epochs].accuracy | percent`; the hardest 40 % of that epoch bring nearly all of the
# gain. Label smoothing makes less of a difference than another seed. Batches of 256 images (*large_batches*) make fewer
# steps, and :result:`fast_parts:rows[large_batches].accuracy | percent`. In single precision (*float32*) it is
# :result:`fast_parts:rows[float32].accuracy | percent`: half precision is there for the seconds.
#
# For more patience
# -----------------
# Larger networks multiply more for each image. These lead from the smallest of the zoo to one of its largest; a
# network with a larger receptive field judges by more of the image.
for name in ("tiny_5k", "fast_conv_small", "fast_conv", "vgg_small", "resnet_20", "wrn_16_4"):
    table = convvision.summary(convvision.create_model(name))
    print(
        f"{name:16} {table.parameters:9,} parameters, {table.multiply_adds / 1e6:5.1f} million multiply-adds an image"
    )

# %%
# The :doc:`model zoo </reference/zoo>` has all of them, in a table that sorts. Some of them have been trained:
#
# .. zoo-scatter::
#
#    Test accuracy on Fashion-MNIST against multiply-adds for one image.
#
# Recorded by ``python benchmarks/leaderboard.py``. Whether so much more work pays is a question for an experiment,
# and it wants the recipe to grow with the network: more epochs, and images that are mirrored, moved and partly
# blanked, so that no two epochs are alike. These are the recipes that there are:
for name in convvision.list_recipes():
    print(f"{name:8} {convvision.get_recipe(name).summary}")

# %%
# ``strong`` spends about what the lesson's script spends. With ``vgg_small``, which folds nothing, it reached
# :result:`time_to_accuracy_strong:accuracy.mean | percent` on average over
# :result:`time_to_accuracy_strong:seeds | count` seeds, in
# :result:`time_to_accuracy_strong:ours.towers.warm_seconds_median | number` seconds behind the first step; the
# lesson's script took :result:`time_to_accuracy_strong:lesson.seconds_median | number` seconds beside it, and reached
# :result:`time_to_accuracy_strong:lesson.accuracy.mean | percent`. Recorded by
# ``python benchmarks/time_to_accuracy.py strong``; this is the same from the command line:
#
# .. code-block:: console
#
#    $ convvision train vgg_small --data fashion_mnist --recipe strong --out larger
#
# ``best`` takes longer still, and another network. ``wrn_16_2``, a residual network that walks over all 28 × 28 pixels,
# reached :result:`leaderboard:rows[wrn_16_2].test_accuracy | percent` in :result:`leaderboard:rows[wrn_16_2].epochs
# | count` epochs and :result:`leaderboard:rows[wrn_16_2].train_seconds[0] | number` seconds, with one seed.
# ``fast_conv_xlarge``, which multiplies nearly as much for an image, and folds it, had reached
# :result:`leaderboard:rows[fast_conv_xlarge].test_accuracy | percent` in
# :result:`leaderboard:rows[fast_conv_xlarge].epochs | count` epochs and
# :result:`leaderboard:rows[fast_conv_xlarge].train_seconds[0] | number` seconds; both stand in the zoo, as
# ``python benchmarks/leaderboard.py`` recorded them. You need not wait for it:
# ``convvision.create_model("wrn_16_2", weights="fashion_mnist")`` has what it learned.
#
# Digits need less: ``fast_conv_small`` reads MNIST with
# :result:`time_to_accuracy_mnist:accuracy.mean | percent` after
# :result:`time_to_accuracy_mnist:ours.towers.warm_seconds_median | number` seconds, by the recipe ``fast`` with images
# moved by up to one pixel and a tenth of them as the hardest. The lesson's script trained for
# :result:`time_to_accuracy_mnist:lesson.seconds_median | number` seconds. Recorded by
# ``python benchmarks/time_to_accuracy.py mnist``.
#
# A question to try
# -----------------
# The fast recipe does not mirror its images, although mirroring half of them would give that many new ones. Why not?
# Change ``flip`` with ``dataclasses.replace(convvision.get_recipe("fast"), name="mirrored", flip=True)`` and see.
#
# .. dropdown:: Answer
#
#    It sees most images once and some of them twice. Variation helps a network that has seen everything and begins to
#    learn it by heart; this one has not got that far, and mirrored images only make its task harder. The recipe
#    ``strong``, which shows each image several times, mirrors them.
