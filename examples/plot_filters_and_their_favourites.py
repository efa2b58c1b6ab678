"""Filters and what they like best
===============================

The weights of a filter say what it multiplies the image with. What it likes to see is another question: we ask it by
changing an image until its answer is as strong as it gets.
"""

import keras

import convvision
from convvision.visualize import maximize_activation, plot_filters, plot_maximized_activation

keras.utils.set_random_seed(0)
data = convvision.load_dataset("drawn_fashion")
model = convvision.create_model("conv_16_16")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(*data.train, epochs=3, verbose=0)

# %%
# The sixteen filters of the first convolution. Red weights add what they see, blue ones subtract it, white ones do not
# look.
plot_filters(model, "conv_1")

# %%
# Behind them each filter reads sixteen channels. A row is a filter here, a column one of the channels that it reads.
plot_filters(model, "conv_2", inputs="each")

# %%
# The images that these filters answer to most, and the mean of their maps before and after.
plot_maximized_activation(maximize_activation(model, "conv_2", range(16)))

# %%
# Classes can be asked, too. No image of the data has a part in these: it is what the network takes for a garment.
favourites = maximize_activation(model, None, range(10))
plot_maximized_activation(favourites, class_names=data.info.class_names, columns=5)
