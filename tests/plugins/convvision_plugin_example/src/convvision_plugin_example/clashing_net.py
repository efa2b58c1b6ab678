"""A builder whose entry point has a name that convvision gave away itself."""

import keras


def clashing_net(*, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Never called: convvision's own model goes first."""
    raise NotImplementedError
