"""The operations of a step of training, each by itself: how long they take, and how much they compute.

Every operation runs on as many parts of a batch side by side as the training loop makes of it ("towers"), so that the
parts are in each other's way as in a training. Needs TensorFlow with one thread an operation, and its graph optimiser
switched off: it would compute a loop's constant work once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

import convvision
from convvision.training._batch_norm import BatchStatistics, normalise
from convvision.training._compile import compile_to_train
from convvision.training._folded_convolution import convolve_folded, folds
from convvision.training._patch_gradient import convolve_with_patch_gradient, suits_patch_gradient

__all__ = ["flops_an_image", "matmul_gflops", "operation_seconds", "seconds_of"]

# A measurement is as many calls as fit into this, at least one, after one that warms up.
_SECONDS = 0.5
_MATRIX = 2048


def flops_an_image(model: keras.Model) -> int:
    """Count what a step of training has to compute for an image, two for each multiply-add.

    Each kernel is used three times: forward, for its own gradient, and for that of its input. The first kernel's input
    is the image, of which nobody wants the gradient.
    """
    counts = [layer.multiply_adds or 0 for layer in convvision.summary(model).layers]
    first = next(count for count in counts if count)
    return 2 * (3 * sum(counts) - first)


def matmul_gflops(dtype: str, products: int) -> float:
    """Measure this process's products of two large square matrices each, so many side by side."""
    pairs = [[tf.cast(tf.random.normal((_MATRIX, _MATRIX)), dtype) for _ in range(2)] for _ in range(products)]
    return products * 2 * _MATRIX**3 / seconds_of(lambda: [one @ other for one, other in pairs]) / 1e9


def seconds_of(operation: Callable[[], list[Any]]) -> float:
    """Measure a call, repeated within one graph, so that no Python counts.

    Args:
        operation: Gives tensors.

    Returns:
        Seconds of one.
    """

    @tf.function
    def repeat(times: Any) -> list[Any]:
        def once(index: Any, *_: Any) -> list[Any]:
            return [index + 1, *operation()]

        start = [tf.constant(1), *operation()]
        return tf.while_loop(lambda index, *_: index < times, once, start, parallel_iterations=1)[1:]

    def took(times: int) -> float:
        began = time.perf_counter()
        repeat(tf.constant(times))
        return time.perf_counter() - began

    took(1)
    times = max(2, round(_SECONDS / took(1)))
    return took(times) / times


def operation_seconds(
    model: keras.Model, recipe: convvision.training.Recipe, towers: int
) -> dict[str, dict[str, float]]:
    """Measure what a step consists of, kind by kind.

    Args:
        model: Its convolutions have no bias.
        recipe: Its batch and its optimiser.
        towers: Into how many parts a batch is shared.

    Returns:
        Name of a kind -> ``seconds`` a step, and ``gflops``, of the products in it; 0 where there are none.
    """
    part = recipe.batch_size // towers
    found: dict[str, dict[str, float]] = {}
    calls = [
        call
        for index, layer in enumerate(model.layers)
        for call in _calls(layer, first=index == 1, part=part, towers=towers)
    ]
    for kind, operation, flops in [*calls, ("optimiser", _optimiser(model, recipe), 0)]:
        row = found.setdefault(kind, {"seconds": 0.0, "gflop": 0.0})
        row["seconds"] += seconds_of(operation)
        row["gflop"] += flops / 1e9
    return {kind: {"seconds": row["seconds"], "gflops": row["gflop"] / row["seconds"]} for kind, row in found.items()}


def _calls(layer: Any, *, first: bool, part: int, towers: int) -> Iterator[tuple[str, Callable[[], list[Any]], int]]:
    """Give the operations of a layer in a step: kind, what to call, and floating-point operations."""
    if isinstance(layer, keras.layers.InputLayer):
        return

    def noise(tensor: Any) -> Any:
        return tf.cast(tf.random.normal((part, *tensor.shape[1:])), layer.compute_dtype)

    # What flows in, from one layer or, into a sum, from several; and the gradient that flows back into it.
    flows = [(keras.tree.map_structure(noise, layer.input), noise(layer.output)) for _ in range(towers)]
    if not isinstance(layer, keras.layers.Conv2D):
        yield _kind(layer), lambda: [one for flow in flows for one in _there_and_back(layer, *flow)], 0
        return
    kernel = tf.cast(layer.kernel.value, layer.compute_dtype)
    given: dict[str, Any] = {"strides": [1, *layer.strides, 1], "padding": layer.padding.upper()}
    flops = 2 * part * towers * math.prod(layer.output.shape[1:3]) * math.prod(kernel.shape)
    # The one that reads the image has few channels, for which the kernels of the processor are not made.
    which = "first convolution" if first else "convolutions"
    if first and folds(layer):
        yield which, lambda: [convolve_folded(layer, x) for x, _ in flows], flops
        yield (
            f"{which}: gradient of kernel",
            lambda: [_kernel_gradient(convolve_folded, layer, *flow) for flow in flows],
            flops,
        )
        return
    yield which, lambda: [tf.nn.conv2d(x, kernel, **given) for x, _ in flows], flops
    of_kernel, of_input = tf.raw_ops.Conv2DBackpropFilter, tf.raw_ops.Conv2DBackpropInput

    def gradients_of_kernel() -> list[Any]:
        if suits_patch_gradient(layer, layer.input):
            return [_kernel_gradient(convolve_with_patch_gradient, layer, *flow) for flow in flows]
        return [of_kernel(input=x, filter_sizes=kernel.shape, out_backprop=back, **given) for x, back in flows]

    yield f"{which}: gradient of kernel", gradients_of_kernel, flops
    if not first:
        yield (
            f"{which}: gradient of input",
            lambda: [of_input(input_sizes=x.shape, filter=kernel, out_backprop=back, **given) for x, back in flows],
            flops,
        )


def _kind(layer: Any) -> str:
    if isinstance(layer, keras.layers.BatchNormalization):
        return "batch normalisation"
    return "dense layer" if isinstance(layer, keras.layers.Dense) else "ReLU, sums, pooling, softmax"


def _there_and_back(layer: Any, x: Any, back: Any) -> list[Any]:
    """Compute a layer as the training loop does, and its gradients."""
    weights = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(x)
        fused = isinstance(layer, keras.layers.BatchNormalization)
        y = normalise(layer, x, BatchStatistics()) if fused else layer(x, training=True)
    gradients = tape.gradient(y, [*keras.tree.flatten(x), *weights], output_gradients=tf.cast(back, y.dtype))
    return [y, *gradients]


def _kernel_gradient(compute: Callable[[Any, Any], Any], layer: Any, x: Any, back: Any) -> Any:
    # Of the way there, nothing but what the gradient needs is left in the graph, for nobody reads the output.
    with tf.GradientTape() as tape:
        y = compute(layer, x)
    return tape.gradient(y, layer.kernel.value, output_gradients=back)


def _optimiser(model: keras.Model, recipe: convvision.training.Recipe) -> Callable[[], list[Any]]:
    compile_to_train(model, recipe)
    gradients = [tf.random.normal(weight.shape, stddev=1e-3) for weight in model.trainable_variables]

    def apply() -> list[Any]:
        model.optimizer.apply(gradients, model.trainable_variables)
        return [tf.identity(model.optimizer.iterations.value)]

    return apply
