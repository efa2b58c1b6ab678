"""Which classes are taken for which
=================================

One figure of accuracy hides where it is lost. A confusion matrix shows it, and the images behind the mistakes often say
why.
"""

import keras

import convvision
from convvision.visualize import confusion, plot_confusion, plot_most_confused

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(*data.train, epochs=2, verbose=0)

# %%
# Precision: of the images that were called a shirt, how many are one? Recall: of the shirts, how many were found?
found = confusion(model, *data.test, class_names=data.info.class_names)
print(found)

# %%
# A row is a true class, a column what the network said. Mistakes have a colour of their own, or they would not show
# beside all that is right.
plot_confusion(found)

# %%
# The surest mistakes of the three most confused pairs, with the probability of the wrong class.
plot_most_confused(found, pairs=3, per_pair=6)
