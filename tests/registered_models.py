"""The registered models as parameters of tests; those that take long are marked slow, by their facts."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest

import convvision
from convvision.models import MODELS

# Plugins that happen to be installed are not ours to test.
OURS = [name for name in convvision.list_models() if MODELS.pending_plugin(name) is None]
MANY_PARAMETERS = 3_000_000
# Few parameters, and yet long to build or to run, which the registry does not tell. A test holds that these are all.
MANY_LAYERS, MANY_MULTIPLY_ADDS = 100, 100_000_000
LONG = {"densenet_bc_100_12", "resnet_32", "wrn_16_4"}


def is_large(name: str) -> bool:
    parameters = convvision.get_model_info(name).parameters
    return parameters is None or parameters > MANY_PARAMETERS


def is_slow(name: str) -> bool:
    return is_large(name) or name in LONG


QUICK = [name for name in OURS if not is_slow(name)]


def parametrised(pattern: str = "*", *, large: bool = True, argument: str = "name") -> Any:
    """Run a test for each of our models that matches a pattern.

    Args:
        pattern: As in ``list_models``.
        large: Also for those with millions of parameters. A test that runs a model hundreds of times leaves them out:
            they differ from smaller ones of their families in size alone.
        argument: The test's parameter that takes the name.
    """
    matching = [name for name in convvision.list_models(pattern) if name in OURS and (large or not is_large(name))]
    marked = [pytest.param(name, marks=pytest.mark.slow) if is_slow(name) else name for name in matching]
    return pytest.mark.parametrize(argument, marked)


@functools.cache
def built(name: str) -> Any:
    """Build a model with its defaults, once for all tests; for those that leave its weights as they are.

    Its statistics of batches are those of noise, as after a training. As they begin, nothing is normalised, and each
    residual block doubles what comes in: the softmax of a deep network would be ones and zeros.
    """
    # The first test that asks may be one in half precision.
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    model = convvision.create_model(name)
    keras.config.set_dtype_policy(policy)
    return settled(model)


def settled(model: Any) -> Any:
    """Give the batch normalisations of a model, with the weights that it has, statistics of images of noise."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(np.random.default_rng(1).random((16, 28, 28, 1), np.float32), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return model
