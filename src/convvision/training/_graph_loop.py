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
from convvision.models._outputs import gives_logits
from convvision.training._augment import Augmentation
from convvision.training._averaging import WeightAverage
from convvision.training._batch_norm import BatchStatistics, taking_means, with_statistics
from convvision.training._chunks import chunk_size, wants_batches
from convvision.training._hard_samples import HardSamples
from convvision.training._loss import log_probabilities
from convvision.training._mixup import mixed, neighbours, shares
from convvision.training._order import coins, shuffled
from convvision.training._recipe import Recipe
from convvision.training._schedule import rate_factor
from convvision.training._towers import count_towers
from convvision.training._training_pass import TrainingPass

__all__ = ["GraphLoop", "why_not"]


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
        weights: How much each of them counts, (N,); None where all count alike.
        seed: Of the order and of the views.

    Attributes:
        towers: Parts of each batch that are computed side by side.
    """

    def __init__(
        self,
        model: keras.Model,
        data: Dataset,
        recipe: Recipe,
        augmentation: Augmentation,
        weights: NDArray[np.float32] | None,
        *,
        seed: int,
    ) -> None:
        self._model, self._data, self._recipe, self._augmentation = model, data, recipe, augmentation
        self._seed = int(seed)
        self._view_seed = keras.random.SeedGenerator(self._seed)
        count = len(data.train)
        self._order: NDArray[np.integer[Any]] = np.arange(count, dtype=np.int32)
        self._coins = tf.constant(coins(count, self._seed), tf.int32)
        self._images = tf.constant(data.train.images)
        self._labels = tf.constant(data.train.labels.astype(np.int32))
        self._weights = None if weights is None else tf.constant(weights)
        self._hard = HardSamples(count, recipe.hard_fraction) if recipe.hard_fraction < 1 else None
        self._total_steps = sum(self._steps(epoch) for epoch in range(recipe.epochs))
        self._shares = tf.constant(shares(recipe.mixup, self._total_steps, self._seed)) if recipe.mixup else None
        first = min(round(self._total_steps * (1 - recipe.averaging)), self._total_steps - 1)
        self._average = WeightAverage(model, first) if recipe.averaging else None
        self.towers = count_towers({count, self._hard.count if self._hard else count}, recipe.batch_size)
        self._forward = TrainingPass(model)
        self._gives_logits = gives_logits(model)

    @property
    def averaged_steps(self) -> int:
        """How many steps the weights of the model are the mean of; 0 where they are those of the last step."""
        return self._average.steps if self._average else 0

    def fit(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Train for the recipe's epochs, calling callbacks as ``Model.fit`` does."""
        model, epochs = self._model, self._recipe.epochs
        every_batch = any(wants_batches(callback) for callback in callbacks)
        heard = keras.callbacks.CallbackList(
            list(callbacks), add_history=True, model=model, epochs=epochs, steps=self._steps(0), verbose=0
        )
        model.stop_training = False
        heard.on_train_begin()
        logs: dict[str, Any] = {}
        # Where BackupAndRestore takes up a training that was broken off, as in fit.
        first_epoch = model._initial_epoch or 0
        step, chunk = sum(map(self._steps, range(first_epoch))), 1
        run: Callable[..., None] | None = None
        for epoch in range(first_epoch, epochs):
            model.reset_metrics()
            order, steps = self._epoch_order(epoch), self._steps(epoch)
            heard.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
            heard.on_epoch_begin(epoch)
            done = 0
            while done < steps and not model.stop_training:
                count = min(chunk, steps - done)
                heard.on_train_batch_begin(done)
                began = time.perf_counter()
                tracing = run is None
                run = run or traced(self._chunk, ((None,), "int32"), *[((), "int32")] * 4)
                run(order, *(tf.constant(number, tf.int32) for number in (done, done + count, epoch, step)))
                seconds = time.perf_counter() - began
                # The first chunk of all is one step, and takes the time of preparing the graph besides.
                if not every_batch:
                    chunk = 1 if tracing else chunk_size(count, seconds)
                done, step = done + count, step + count
                logs = _numbers(model.get_metrics_result())
                heard.on_train_batch_end(done - 1, logs)
            if epoch == epochs - 1 or model.stop_training:
                self._use_average(step)
            logs = {**logs, **self._validate(heard)}
            heard.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        # For who stopped it at the end of an epoch.
        self._use_average(step)
        model.optimizer.finalize_variable_values(model.trainable_weights)
        heard.on_train_end(logs)
        if self._average:
            self._average.check()

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

    def _use_average(self, steps: int) -> None:
        if self._average:
            self._average.take_effect(steps, self._estimate_statistics)

    def _estimate_statistics(self) -> None:
        """Take the statistics of batch normalisation from one pass over all training images."""
        layers = with_statistics(self._model)
        if not layers:
            return
        count, batch_size = len(self._data.train), self._recipe.batch_size
        order = tf.constant(shuffled(np.arange(count, dtype=np.int32), self._seed, self._recipe.epochs))

        def observe(index: Any) -> None:
            positions = order[index * batch_size : (index + 1) * batch_size]
            images, _, _ = self._batch(positions, self._recipe.epochs, index)
            statistics = BatchStatistics()
            with taking_means(layers, seen=index * batch_size, now=tf.shape(positions)[0]):
                self._forward(images, statistics)
                statistics.update()

        run = traced(observe, ((), "int32"))
        for index in range(-(-count // batch_size)):
            run(tf.constant(index))

    def _is_hard(self, epoch: int) -> bool:
        return self._hard is not None and epoch == self._recipe.epochs - 1

    def _steps(self, epoch: int) -> int:
        count = self._hard.count if self._hard and self._is_hard(epoch) else len(self._data.train)
        return -(-count // self._recipe.batch_size)

    def _epoch_order(self, epoch: int) -> Any:
        chosen: NDArray[np.integer[Any]] = np.arange(len(self._data.train), dtype=np.int32)
        if self._hard and self._is_hard(epoch):
            chosen = self._hard.choose(self._order)
        self._order = shuffled(chosen, self._seed, epoch)
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
        images, labels, share = self._batch(positions, epoch, step)
        weights = None if self._weights is None else tf.gather(self._weights, positions)
        # What the loss is taken on: labels, weights, and the share of both in it.
        targets = [(labels, weights, share)]
        if self._shares is not None:
            targets.append((neighbours(labels), None if weights is None else neighbours(weights), 1 - share))

        count = tf.shape(positions)[0]
        statistics = BatchStatistics()
        parts = [self._tower(images, targets, part, statistics) for part in self._parts(count)]
        sizes = [tf.cast(tf.shape(outputs)[0], tf.float32) / tf.cast(count, tf.float32) for _, outputs, _ in parts]
        gradients = [
            None if each[0] is None else sum(_times(size, gradient) for size, gradient in zip(sizes, each, strict=True))
            for each in zip(*(found for _, _, found in parts), strict=True)
        ]
        loss = sum(_times(size, found) for size, (found, _, _) in zip(sizes, parts, strict=True))
        outputs = tf.concat([found for _, found, _ in parts], axis=0)

        statistics.update()
        optimizer = model.optimizer
        if recipe.schedule != "constant" or recipe.warmup:
            progress = (tf.cast(step, tf.float32) + 0.5) / self._total_steps
            optimizer.learning_rate.assign(recipe.learning_rate * rate_factor(recipe.schedule, recipe.warmup, progress))
        optimizer.apply(gradients, model.trainable_variables)
        model._loss_tracker.update_state(loss, sample_weight=count)
        model.compute_metrics(images, labels, outputs, weights)
        if self._hard:
            known = log_probabilities(tf.cast(outputs, tf.float32), from_logits=self._gives_logits)
            each = -tf.gather(known, labels, batch_dims=1)
            self._hard.note(positions, each if weights is None else weights * each)
        if self._average:
            self._average.note(step)

    def _batch(self, positions: Any, epoch: Any, step: Any) -> tuple[Any, Any, Any]:
        """Give images as they are trained on, their labels, and the share that the labels have in what is seen."""
        images = tf.gather(self._images, positions)
        if self._augmentation:
            mirrored = (tf.gather(self._coins, positions) + epoch) % 2 == 1
            images = self._augmentation(images, mirrored, self._view_seed)
        share = 1.0
        if self._shares is not None:
            share = self._shares[step]
            images = mixed(images, share)
        # As Keras casts what a model is called with; raw pixels are whole numbers.
        images = tf.cast(images, self._model.inputs[0].dtype)
        return images, tf.gather(self._labels, positions), share

    def _parts(self, count: Any) -> list[slice]:
        return [slice(count * tower // self.towers, count * (tower + 1) // self.towers) for tower in range(self.towers)]

    def _tower(
        self, images: Any, targets: list[tuple[Any, Any, Any]], part: slice, statistics: BatchStatistics
    ) -> tuple[Any, Any, list[Any]]:
        """Compute loss, outputs and gradients of a part of a batch."""
        variables = [variable.value for variable in self._model.trainable_variables]
        images = images[part]
        with tf.GradientTape() as tape:
            outputs = self._forward(images, statistics)
            loss = sum(
                _times(
                    share,
                    self._model.compute_loss(
                        images, labels[part], outputs, None if weights is None else weights[part], training=True
                    ),
                )
                for labels, weights, share in targets
            )
            scaled = self._model.optimizer.scale_loss(loss)
        return loss, outputs, tape.gradient(scaled, variables)


def _times(size: Any, found: Any) -> Any:
    """Multiply in the precision of what was found, which the user's policy decides."""
    return tf.cast(size, found.dtype) * found


def _numbers(logs: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if np.ndim(value) == 0 else np.asarray(value) for name, value in logs.items()}
