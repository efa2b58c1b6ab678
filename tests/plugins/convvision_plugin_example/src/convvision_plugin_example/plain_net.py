"""A builder that knows nothing of convvision."""

import keras


def plain_net(*, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Average each channel, then a linear classifier.

    The first line is what ``convvision models`` shows.
    """
    images = keras.Input(input_shape)
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    return keras.Model(images, keras.layers.Dense(num_classes, activation="softmax")(pooled), name="plain_net")
