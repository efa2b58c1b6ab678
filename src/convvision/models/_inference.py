"""The forward pass of a model that only predicts: batch normalisation goes into the layer before it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

from convvision._keras import keras
from convvision.models._forward import call_layer, finish, may_be_opened, run_layers
from convvision.models._graph import nodes_in_order

__all__ = ["fixed_parts", "inference_pass"]


def inference_pass(model: keras.Model, dtype: str | None = None) -> Callable[[Any], Any]:
    """Give a function that computes what a model of one output makes of images at inference.

    At inference, batch normalisation multiplies each channel by a factor and adds an offset. Directly behind a
    convolution or a dense layer without an activation both go into its kernel and bias (Jacob et al. 2018), and the
    feature maps are not walked over again. The model is not changed; its weights are read at each call, so that what
    comes of them is never out of date.

    Args:
        model: A model of one input and one output. Of one with a forward pass of its own, nothing is known, and it is
            called as it is.
        dtype: What its convolutions and dense layers compute in, but for the last of them, which gives the scores and
            stays in float32; and what has no weights goes along. None leaves each layer its own; so do layers with
            other weights, and those of the user's own.

    Returns:
        A function of a tensor (N, H, W, C) that gives the tensor of the outputs.
    """
    if not may_be_opened(model):
        return lambda images: keras.tree.flatten(model(images, training=False))[0]
    nodes, norms = _nodes_and_norms(model)
    joined = {id(norm) for norm in norms.values()}
    last = next((id(node) for node in reversed(nodes) if _is_linear(node.operation)), None)

    def call(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        layer = node.operation
        if id(node) in joined:
            return [args[0]]
        if _is_linear(layer):
            norm = norms.get(id(node))
            wanted = layer.compute_dtype if dtype is None else "float32" if id(node) == last else dtype
            return [_linear(layer, args[0], None if norm is None else norm.operation, wanted)]
        if dtype is not None and _is_weightless(layer):
            # Called as usual, it would bring what it gets back to the precision of its own.
            takes_mode = "training" in inspect.signature(layer.call).parameters
            mode = {"training": False} if takes_mode else {}
            return list(keras.tree.flatten(layer.call(*args, **(kwargs | mode))))
        return call_layer(node, args, kwargs)

    return lambda images: finish(run_layers(model, [images], call))[0]


def fixed_parts(model: keras.Model) -> list[Any]:
    """List what a forward pass depends on once it is compiled, but for the values of the weights.

    Two lists of the same objects mean that it still holds. A layer that was put in or taken out makes another output,
    an activation that was exchanged is another object, quantisation brings another policy and other variables, and
    adapting a Normalization other statistics, which are constants to whatever is compiled.
    """
    parts: list[Any] = [model.outputs[0]]
    for layer in model._flatten_layers(include_self=False):
        activation = getattr(layer, "activation", None)
        # A method is another object each time that it is asked for; what it is of is among the parts anyway.
        parts += (getattr(activation, "__func__", activation), layer.dtype_policy)
        if isinstance(layer, keras.layers.Normalization):
            parts += (layer.mean, layer.variance)
    parts += model.variables
    return parts


def _nodes_and_norms(model: Any) -> tuple[list[Any], dict[int, Any]]:
    """List the nodes of a model, nested models opened, and find the normalisation that each linear one can take in.

    Returns:
        The nodes in the order of the data; and the id of a node -> the node of the normalisation behind it.
    """
    nodes, norms = [], dict[int, Any]()
    own = nodes_in_order(model, model.outputs)
    makers = {id(tensor): node for node in own for tensor in node.outputs}
    readers = Counter(id(tensor) for node in own for tensor in node.input_tensors)
    # What the model gives, somebody outside reads.
    readers.update(map(id, model.outputs))
    for node in own:
        layer = node.operation
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None) is not None:
            inner_nodes, inner_norms = _nodes_and_norms(layer)
            nodes += inner_nodes
            norms |= inner_norms
            continue
        nodes.append(node)
        if type(layer) is keras.layers.BatchNormalization:
            tensor = node.input_tensors[0]
            before = makers.get(id(tensor))
            if (
                before is not None
                and readers[id(tensor)] == 1
                and _goes_into(layer, before.operation, len(tensor.shape))
            ):
                norms[id(before)] = node
    return nodes, norms


def _goes_into(norm: Any, layer: Any, rank: int) -> bool:
    return (
        _is_linear(layer)
        and layer.activation is keras.activations.linear
        and getattr(layer, "data_format", "channels_last") == "channels_last"
        and norm.axis in (-1, rank - 1)
    )


def _is_linear(layer: Any) -> bool:
    """Tell a layer of Keras's whose arithmetic is known here; what a subclass computes, only its author knows."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
    return type(layer) in kinds and getattr(layer, "quantization_mode", None) is None


def _is_weightless(layer: Any) -> bool:
    return (
        isinstance(layer, keras.Layer)
        and type(layer).__module__.startswith("keras.")
        and not layer.variables
        and not isinstance(layer, keras.layers.InputLayer)
    )


def _linear(layer: Any, inputs: Any, norm: Any, dtype: str) -> Any:
    """Compute a convolution or a dense layer, with the normalisation behind it if there is one, and its activation."""
    depthwise, dense = (type(layer) is kind for kind in (keras.layers.DepthwiseConv2D, keras.layers.Dense))
    kernel, bias = _precise(layer.kernel), None if layer.bias is None else _precise(layer.bias)
    if norm is not None:
        factor, offset = _factor_and_offset(norm)
        kernel = kernel * (keras.ops.reshape(factor, kernel.shape[-2:]) if depthwise else factor)
        bias = offset if bias is None else bias * factor + offset
    inputs, kernel = keras.ops.cast(inputs, dtype), keras.ops.cast(kernel, dtype)
    if dense:
        outputs = keras.ops.matmul(inputs, kernel)
    else:
        outputs = (keras.ops.depthwise_conv if depthwise else keras.ops.conv)(
            inputs,
            kernel,
            strides=layer.strides,
            padding=layer.padding,
            data_format=layer.data_format,
            dilation_rate=layer.dilation_rate,
        )
    if bias is not None:
        # Of this shape, TensorFlow makes convolution, bias and activation one operation.
        channels_first = not dense and layer.data_format == "channels_first"
        shape = (-1,) if dense else (1, -1, 1, 1) if channels_first else (1, 1, 1, -1)
        outputs = keras.ops.add(outputs, keras.ops.reshape(keras.ops.cast(bias, dtype), shape))
    return outputs if layer.activation is None else layer.activation(outputs)


def _factor_and_offset(norm: Any) -> tuple[Any, Any]:
    """Tell what a batch normalisation multiplies each channel by, and what it adds."""
    factor = keras.ops.rsqrt(_precise(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        factor = factor * _precise(norm.gamma)
    offset = -_precise(norm.moving_mean) * factor
    return factor, offset + _precise(norm.beta) if norm.center else offset


def _precise(weight: Any) -> Any:
    """Read a weight in float32 at least: what is joined in half precision is rounded twice."""
    return keras.ops.cast(weight, keras.backend.result_type(weight.dtype, "float32"))
