"""9. Your own model, registered
=============================

A model with a name can be listed, trained and compared like those that come with the library, from Python and from
the command line.

**You will learn** to build a model, to register it, to compare it with others under the same conditions, and to put
it into a package that others install.

**You need** a minute, and page 3 for the shapes.
"""

import dataclasses

import keras

import convvision


# %%
# A function
# ----------
# A builder is a plain function that returns a Keras model: images in, a probability for each class out. It takes the
# shape of the images and the number of classes, so that it fits any data. This one takes the mean of each whole map
# in place of flattening it, which leaves the dense layer with few weights.
@convvision.register_model("mean_pool", family="conv", summary="Two convolutions, and the mean of each map.")
def mean_pool(*, input_shape=(28, 28, 1), num_classes=10):
    image = x = keras.Input(input_shape)
    for filters in (32, 64):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(num_classes, activation="softmax")(x), name="mean_pool")


# %%
# The decorator gave it a name, which this process knows now. Whoever runs the same definition again hears that the name
# is taken; ``overwrite=True`` replaces the first.
print(convvision.list_models("*pool*"), convvision.get_model_info("mean_pool").summary)
print(convvision.summary(convvision.create_model("mean_pool")))

# %%
# A name that is close is suggested.
try:
    convvision.create_model("mean_pol")
except convvision.errors.UnknownNameError as error:
    print(error)

# %%
# Compared
# --------
# The same data, the same recipe and the same seeds for all. Two seeds are few; they tell a large difference from
# chance, not a small one.
data = convvision.load_dataset("fashion_mnist")
few = dataclasses.replace(data, train=data.train.take(slice(6000)))
comparison = convvision.compare(["mean_pool", "conv_16_16", "dense_128"], few, epochs=3, seeds=2, verbose=0)
print(comparison)

# %%
# Look where ours stands, and how far its test accuracy is below that of its training. That is not overfitting: in a
# test, batch normalisation uses averages that it collects step by step, and after a few hundred steps they are not
# there yet. The convolutions without it may be behind the dense network as well, with so few images and epochs. Ask for
# ``epochs=10``, and see what changes.
#
# A model is a point: its accuracy against what it costs. The bar is one standard deviation, the number in the
# legend counts the parameters.
comparison.plot()

# %%
# As a package
# ------------
# The name is known in this process only. From an installed package it is known everywhere, for ``convvision train``
# too. A package needs two files. The first, ``my_nets.py``, holds the builder without the decorator; the first line of
# its docstring is what ``get_model_info`` says about it:
#
# .. code-block:: python
#
#    from convvision.models import conv
#
#
#    def wide_first(**options):
#        """More filters in front than behind."""
#        return conv(filters=(64, 32), kernel_size=5, **{"name": "wide_first", **options})
#
# The second, ``pyproject.toml``, says under which name it is found:
#
# .. code-block:: toml
#
#    [build-system]
#    requires = ["hatchling"]
#    build-backend = "hatchling.build"
#
#    [project]
#    name = "my-nets"
#    version = "0.1.0"
#    dependencies = ["convvision"]
#
#    [project.entry-points."convvision.models"]
#    wide_first = "my_nets:wide_first"
#
# After ``pip install .`` in that folder, ``convvision models`` lists ``wide_first``. Nothing of the package is
# imported before somebody asks for it. If it does not load then, the error names it and the reason; ``import
# convvision`` goes on working. Data sets and recipes arrive in the same way, by the groups ``convvision.datasets``
# and ``convvision.recipes``.
#
# A question to try
# -----------------
# Build ``mean_pool`` and ``conv_64_64`` for larger images, with ``input_shape=(40, 40, 1)``, and look at
# ``count_params()``. The one has as many as before, the other more than twice as many. Why?
#
# .. dropdown:: Answer
#
#    The kernels do not know how large the map is that they slide over, and the mean of a map is one number, however
#    large it is. A flattened map has as many values as it has places, and a dense layer has one weight for each.
