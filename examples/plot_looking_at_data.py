"""Looking at data before training
===============================

An hour with the data saves a day with the model. Are the classes in balance? What do their images look like? Is any
of them there twice, or labelled wrongly? We spoil a small data set in all these ways, and look.
"""

import numpy as np

import convvision
from convvision.datasets import check_dataset, draw_fashion, find_duplicates, from_arrays
from convvision.visualize import plot_class_counts, plot_class_means, plot_duplicates, plot_label_issues, plot_samples

# %%
# Two thousand clothes. Two thirds of the bags get lost, six training images are also put among the test images, one of
# them with another label, and five percent of the test labels are wrong.
rng = np.random.default_rng(0)
images, labels = draw_fashion(2000)
names = convvision.get_dataset_info("drawn_fashion").class_names
kept = (labels != 8) | (rng.random(2000) < 1 / 3)
images, labels = images[kept], labels[kept]
train_images, train_labels, test_images, test_labels = images[:1300], labels[:1300], images[1300:], labels[1300:].copy()
wrong = rng.choice(len(test_labels), len(test_labels) // 20, replace=False)
test_labels[wrong] = (test_labels[wrong] + rng.integers(1, 10, len(wrong))) % 10
test_images[:6], test_labels[:6] = train_images[:6], train_labels[:6]
test_labels[0] = (train_labels[0] + 1) % 10
data = from_arrays(train_images, train_labels, test_images, test_labels, class_names=names, name="clothes")

# %%
# One call finds most of it. On the command line it is ``convvision datasets check FOLDER``.
print(check_dataset(data))

# %%
# A row a class, chosen at random.
plot_samples(data, per_class=7)

# %%
# How many there are of each class.
plot_class_counts(data)

# %%
# The mean image of each class: a sharp one where all images are alike.
plot_class_means(data)

# %%
# The test images that were also trained on. The one whose labels contradict each other is framed.
plot_duplicates(data, find_duplicates(data))

# %%
# Labels that a trained model contradicts. It has seen none of the test labels, so it does not repeat their mistakes.
# Where the model errs with confidence it suspects labels that are right, so the estimated noise is too high; but the
# first in the list are nearly all wrong.
run = convvision.train("conv_16_16", data, epochs=8, verbose=0)
issues = run.label_issues(data)
planted = np.isin(issues.indices, wrong)
print(issues)
print(f"{planted.sum()} of the {len(wrong)} wrong labels are among them, {planted[:20].sum()} among the first 20")
plot_label_issues(data.test.images, issues, class_names=names, count=18)
