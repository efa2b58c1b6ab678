"""A builder that tells its facts, under the name of its entry point; they are read without loading Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import convvision
from convvision.models import conv

if TYPE_CHECKING:
    import keras


@convvision.register_model("example_decorated", family="example", summary="Four filters.", parameters=6_920, min_size=4)
def decorated_net(*, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Build one convolution of four filters and a small dense layer."""
    return conv((4,), hidden_units=(10,), input_shape=input_shape, num_classes=num_classes)
