"""A classifier that is compiled to classify: one graph for any number of images."""

from __future__ import annotations

import operator
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images, check_positive_int
from convvision._keras import keras, tf
from convvision._public import set_module
from convvision._tracing import traced
from convvision.errors import InputError
from convvision.models._inference import fixed_parts, inference_pass
from convvision.models._outputs import gives_logits, image_shape
from convvision.training._precision import Precision, available_precision
from convvision.training._threads import side_by_side
from convvision.training._views import Views, check_views, make_views, view_weights

__all__ = ["Predictor"]


@set_module("convvision.training")
class Predictor:
    """Classifies images with a model, sooner than ``model.predict``.

    On TensorFlow the model is compiled when it is first asked, once for any number of images. Batch normalisation is
    computed as a part of the convolution or the dense layer before it (Jacob et al. 2018), which changes nothing but
    the rounding. Many images are classified in batches, several of them at a time where TensorFlow gives an operation
    one thread. On Keras's other backends the layers are called one by one, with the same result.

    The model is left as it is. Its weights are read at each call: one that has been trained on, or was given other
    weights, classifies as it is now. It is compiled anew where its layers have changed.

    Args:
        model: A classifier: functional, or sequential and built; it ends in a softmax, or in logits.
        batch_size: Images that go through the model at once, their views among them.
        precision: "bfloat16" computes convolutions and dense layers but the last in half precision where the processor
            has it, which moves probabilities by about a hundredth; "float32" in full precision. None leaves it to the
            layers' own policy, as do layers of your own.
        views: What is shown of each image: "one" is the image alone; "flip" also the image mirrored left to right;
            "shift" also the image moved by one pixel to the upper left and to the lower right, which count for half;
            "flip_shift" all of them, mirrored too (Jordan 2024). The mean is taken over the logarithms of the
            probabilities, which is the mean of the logits, as in the paper: a view that finds a class impossible
            outweighs one that finds it possible. Two, three and six views take two, three and six times the seconds.

    Raises:
        InputError: No classifier whose layers are known, or an argument that cannot be.
        ShapeError: A model of something else than images.

    Example:
        >>> import numpy as np
        >>> import convvision
        >>> from convvision.training import Predictor
        >>> predictor = Predictor(convvision.create_model("fast_conv"), views="flip")
        >>> predictor(np.zeros((3, 28, 28, 1), np.float32)).shape
        (3, 10)
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        batch_size: int = 128,
        precision: Precision | None = None,
        views: Views = "one",
    ) -> None:
        self.model = model
        self._views = check_views(views)
        # The views of an image go together.
        self._images_a_batch = max(1, check_positive_int(batch_size, "batch_size") // len(view_weights(views)))
        if precision not in (None, *get_args(Precision)):
            known = " or ".join(map(repr, get_args(Precision)))
            raise InputError(f"precision is {known}, or None for the model's own. Received: precision={precision!r}")
        self._precision = None if precision is None else available_precision(precision)
        image_shape(model)
        gives_logits(model)
        self._compiled_from: list[Any] = []

    def __call__(self, images: Any) -> NDArray[np.float32]:
        """Classify images.

        Args:
            images: On the scale that the model was trained with, shape (N, H, W, C).

        Returns:
            Probabilities, float32, shape (N, classes); each row sums to 1.

        Raises:
            ShapeError: Images of another shape, or none.
            ValueRangeError: NaN or infinity.
        """
        parts = fixed_parts(self.model)
        if len(parts) != len(self._compiled_from) or not all(map(operator.is_, parts, self._compiled_from)):
            self._compile()
            self._compiled_from = parts
        images = check_images(images, image_shape=self._image_shape)
        count = -(-len(images) // self._images_a_batch)
        if count == 1:
            return self._classify(images)
        workers = side_by_side()
        # Of equal size, and as many as are computed at a time, so that no core is left over at the end.
        batches = np.array_split(images, min(-(-count // workers) * workers, len(images)))
        if workers == 1:
            return np.concatenate([self._classify(batch) for batch in batches])
        with ThreadPoolExecutor(workers) as pool:
            return np.concatenate(list(pool.map(self._classify, batches)))

    def _compile(self) -> None:
        model = self.model
        self._image_shape, self._dtype = image_shape(model), str(model.inputs[0].dtype)
        forward, logits = inference_pass(model, self._precision), gives_logits(model)
        self._forward = traced(
            _classifying(forward, self._views, logits=logits), ((None, *self._image_shape), self._dtype)
        )

    def _classify(self, images: NDArray[Any]) -> NDArray[np.float32]:
        if keras.config.backend() == "tensorflow":
            # Keras's own way round takes as long as a small network.
            return np.asarray(self._forward(tf.cast(images, self._dtype)).numpy())
        found = self._forward(keras.ops.convert_to_tensor(images, dtype=self._dtype))
        return np.asarray(keras.ops.convert_to_numpy(found))


def _classifying(forward: Callable[[Any], Any], views: Views, *, logits: bool) -> Callable[[Any], Any]:
    """Give the function from images (N, H, W, C) to probabilities (N, classes)."""
    weights = view_weights(views)

    def classify(images: Any) -> Any:
        outputs = keras.ops.cast(forward(make_views(images, views)), "float32")
        if len(weights) > 1:
            # Below this float32 has no number, and a single view would decide.
            logs = outputs if logits else keras.ops.log(keras.ops.maximum(outputs, np.finfo(np.float32).tiny))
            each = keras.ops.reshape(logs, (len(weights), -1, outputs.shape[-1]))
            outputs = sum(weight * each[view] for view, weight in enumerate(weights))
        return keras.ops.softmax(outputs, axis=-1) if logits or len(weights) > 1 else outputs

    return classify
