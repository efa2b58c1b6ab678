"""A training loop inside one TensorFlow graph: no Python between steps, and none of ``fit``'s input pipeline.

The images lie in memory as one tensor. A call of the graph makes a chunk of steps, short enough for Ctrl-C, the
progress bar and a budget of time to be heard. Callbacks hear what ``fit`` would tell them; those that want every batch
get every batch, as chunks of one step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convvision._keras import keras, tf
from convvision._tracing import traced
from convvision.datasets import Dataset, StreamedDataset
from convvision.models._forward import call_layer, finish, may_be_opened, run_layers
from convvision.models._outputs import gives_logits
from convvision.training._augment import Augmentation
from convvision.training._batch_norm import BatchStatistics, fuses, normalise
from convvision.training._recipe import Recipe
from convvision.training._schedule import rate_factor
from convvision.training._threads import side_by_side

__all__ = ["GraphLoop", "why_not"]

# Seconds that a chunk of steps should take, and the most steps in one.
_CHUNK_SECONDS = 0.25
_MOST_STEPS = 2048
# Losses fall while an epoch goes on: an image's loss is compared with those of images seen at about the same time.
_RANKED_TOGETHER = 10


def why_not(model: keras.Model, data: Dataset | StreamedDataset) -> str | None:
    """Say why a model cannot be trained by this loop; None where it can."""
    if isinstance(data, StreamedDataset):
        return f"the images of {data.info.name!r} are streamed from the disk"
    if keras.config.backend() != "tensorflow":
        return f"it needs TensorFlow, and Keras runs on {keras.config.backend()}"
    if type(model).train_step is not keras.Model.train_step:
        return f"{type(model).__name__} has a train_step of its own"
    return None


class GraphLoop:
    """Trains a compiled classifier.

    Args:
        model: The model, compiled by its recipe.
        data: Its training images, and its validation where it has one.
        recipe: What it is compiled after.
        augmentation: What is done to the training images.
        seed: Of the order and of the views.
    """

    def __init__(
        self,
        model: keras.Model,
        data: Dataset,
        recipe: Recipe,
        augmentation: Augmentation,
        *,
        seed: int,
    ) -> None:
        self._model, self._data, self._recipe, self._augmentation = model, data, recipe, augmentation
        self._seed = int(seed)
        self._view_seed = keras.random.SeedGenerator(self._seed)
        count = len(data.train)
        self._order = np.arange(count, dtype=np.int32)
        self._coins = tf.constant(np.random.default_rng(self._seed).integers(0, 2, count), tf.int32)
        self._images = tf.constant(data.train.images)
        self._labels = tf.constant(data.train.labels.astype(np.int32))
        self._losses = tf.Variable(tf.zeros([count if recipe.hard_fraction < 1 else 0]), trainable=False)
        self._hard_count = max(1, round(count * recipe.hard_fraction))
        self._total_steps = sum(self._steps(epoch) for epoch in range(recipe.epochs))
        self.towers = _towers({count, self._hard_count}, recipe.batch_size)
        self._opened = may_be_opened(model)
        self._gives_logits = gives_logits(model)

    def fit(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Train for the recipe's epochs, calling callbacks as ``Model.fit`` does."""
        model, epochs = self._model, self._recipe.epochs
        every_batch = any(_wants_batches(callback) for callback in callbacks)
        heard = keras.callbacks.CallbackList(
            list(callbacks), add_history=True, model=model, epochs=epochs, steps=self._steps(0), verbose=0
        )
        model.stop_training = False
        heard.on_train_begin()
        logs: dict[str, Any] = {}
        step, chunk = 0, 1
        run: Callable[..., None] | None = None
        for epoch in range(epochs):
            model.reset_metrics()
            order, steps = self._epoch_order(epoch), self._steps(epoch)
            heard.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
            heard.on_epoch_begin(epoch)
            done = 0
            while done < steps and not model.stop_training:
                count = min(chunk, steps - done)
                heard.on_train_batch_begin(done)
                began = time.perf_counter()
                run = run or traced(self._chunk, ((None,), "int32"), *[((), "int32")] * 4)
                run(order, *(tf.constant(number, tf.int32) for number in (done, done + count, epoch, step)))
                seconds = time.perf_counter() - began
                # The first chunk of all is one step, and takes the time of preparing the graph besides.
                if not every_batch:
                    chunk = 8 if step == 0 else _chunk_size(count, seconds)
                done, step = done + count, step + count
                logs = _numbers(model.get_metrics_result())
                heard.on_train_batch_end(done - 1, logs)
            logs = {**logs, **self._validate(heard)}
            heard.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        model.optimizer.finalize_variable_values(model.trainable_weights)
        heard.on_train_end(logs)

    def _validate(self, heard: keras.callbacks.CallbackList) -> dict[str, Any]:
        if self._data.validation is None:
            return {}
        images, labels = self._data.validation
        found = self._model.evaluate(
            images,
            labels,
            batch_size=self._recipe.batch_size,
            callbacks=heard,
            return_dict=True,
            verbose=0,
        )
        return {f"val_{name}": value for name, value in _numbers(found).items()}

    def _is_hard(self, epoch: int) -> bool:
        return self._recipe.hard_fraction < 1 and epoch == self._recipe.epochs - 1

    def _steps(self, epoch: int) -> int:
        count = self._hard_count if self._is_hard(epoch) else len(self._data.train)
        return -(-count // self._recipe.batch_size)

    def _epoch_order(self, epoch: int) -> Any:
        chosen = np.arange(len(self._data.train), dtype=np.int32)
        if self._is_hard(epoch):
            chosen = hardest(self._losses.numpy(), self._order, self._hard_count)
        # As a stream shuffles its images, so that both give the same training.
        self._order = np.random.default_rng([self._seed, epoch]).permutation(chosen)
        return tf.constant(self._order)

    def _chunk(self, order: Any, first: Any, end: Any, epoch: Any, step: Any) -> None:
        """Make the steps from ``first`` to ``end`` of an epoch, all of them inside one graph."""

        def one(index: Any) -> tuple[Any]:
            self._step(order, index, epoch, step + index - first)
            return (index + 1,)

        tf.while_loop(lambda index: index < end, one, [first], parallel_iterations=1)

    def _step(self, order: Any, index: Any, epoch: Any, step: Any) -> None:
        recipe, model = self._recipe, self._model
        positions = order[index * recipe.batch_size : (index + 1) * recipe.batch_size]
        images = tf.gather(self._images, positions)
        if self._augmentation:
            mirrored = (tf.gather(self._coins, positions) + epoch) % 2 == 1
            images = self._augmentation(images, mirrored, self._view_seed)
        labels = tf.gather(self._labels, positions)

        count = tf.shape(positions)[0]
        statistics = BatchStatistics()
        parts = []
        for tower in range(self.towers):
            part = slice(count * tower // self.towers, count * (tower + 1) // self.towers)
            parts.append(self._tower(images[part], labels[part], statistics))
        shares = [tf.cast(tf.shape(outputs)[0], tf.float32) / tf.cast(count, tf.float32) for _, outputs, _ in parts]
        gradients = [
            None if each[0] is None else sum(share * gradient for share, gradient in zip(shares, each, strict=True))
            for each in zip(*(found for _, _, found in parts), strict=True)
        ]
        loss = sum(share * found for share, (found, _, _) in zip(shares, parts, strict=True))
        outputs = tf.concat([found for _, found, _ in parts], axis=0)

        statistics.update()
        optimizer = model.optimizer
        if recipe.schedule != "constant" or recipe.warmup:
            progress = (tf.cast(step, tf.float32) + 0.5) / self._total_steps
            optimizer.learning_rate.assign(recipe.learning_rate * rate_factor(recipe.schedule, recipe.warmup, progress))
        optimizer.apply(gradients, model.trainable_variables)
        model._loss_tracker.update_state(loss, sample_weight=count)
        model.compute_metrics(images, labels, outputs)
        if recipe.hard_fraction < 1:
            each = -tf.gather(self._log_probabilities(outputs), labels, batch_dims=1)
            self._losses.scatter_update(tf.IndexedSlices(each, positions))

    def _tower(self, images: Any, labels: Any, statistics: BatchStatistics) -> tuple[Any, Any, list[Any]]:
        """Compute loss, outputs and gradients of a part of a batch."""
        variables = [variable.value for variable in self._model.trainable_variables]
        with tf.GradientTape() as tape:
            outputs = self._forward(images, statistics)
            loss = self._model.compute_loss(images, labels, outputs, training=True)
            if self._recipe.label_smoothing:
                loss += self._recipe.label_smoothing * self._smoothing(labels, outputs)
        return loss, outputs, tape.gradient(loss, variables)

    def _smoothing(self, labels: Any, outputs: Any) -> Any:
        """Tell by how much the loss on labels spread over all classes is above that on the labels themselves."""
        logs = self._log_probabilities(outputs)
        return tf.reduce_mean(tf.gather(logs, labels, batch_dims=1) - tf.reduce_mean(logs, axis=1))

    def _log_probabilities(self, outputs: Any) -> Any:
        if self._gives_logits:
            return tf.nn.log_softmax(outputs)
        return tf.math.log(tf.maximum(outputs, keras.config.epsilon()))

    def _forward(self, images: Any, statistics: BatchStatistics) -> Any:
        if not self._opened:
            return self._model(images, training=True)

        def call(node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
            if fuses(node.operation):
                return [normalise(node.operation, args[0], statistics)]
            return call_layer(node, args, kwargs, training=True)

        (outputs,) = finish(run_layers(self._model, [images], call))
        return outputs


def hardest(losses: NDArray[np.floating[Any]], order: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Choose the images with the largest losses, each compared with those that were trained on at about the same time.

    Args:
        losses: Of all images, (N,).
        order: The images in the order in which they were trained on.
        count: How many to choose.

    Returns:
        Indices of images, ``count`` of them.
    """
    rank = np.empty(len(order))
    for together in np.array_split(np.arange(len(order)), min(_RANKED_TOGETHER, len(order))):
        falling = np.argsort(-losses[order[together]], kind="stable")
        # As a part of its group, so that a group more or less by one image does not matter.
        rank[together[falling]] = (np.arange(len(together)) + 0.5) / len(together)
    return order[np.argsort(rank, kind="stable")[:count]]


def _towers(counts: set[int], batch_size: int) -> int:
    """Tell into how many parts a batch is shared, which then are computed side by side."""
    # A part without an image has no mean loss, in an epoch of all images as in one of the hardest.
    smallest_batch = min(count % batch_size or min(count, batch_size) for count in counts)
    return max(1, min(side_by_side(), smallest_batch))


def _wants_batches(callback: keras.callbacks.Callback) -> bool:
    if getattr(callback, "takes_chunks", False):
        return False
    base = keras.callbacks.Callback
    return any(
        getattr(type(callback), hook) is not getattr(base, hook)
        for hook in ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    )


def _chunk_size(count: int, seconds: float) -> int:
    wanted = round(count * _CHUNK_SECONDS / max(seconds, 1e-6))
    # It grows step by step, since the first steps are slower than those that follow.
    return max(1, min(wanted, 4 * count, _MOST_STEPS))


def _numbers(logs: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if np.ndim(value) == 0 else np.asarray(value) for name, value in logs.items()}
