"""The loop inside the graph: what it trains, what callbacks hear, what it leaves behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from convvision.datasets import Dataset, from_arrays
from convvision.errors import InputError
from convvision.training import Muon, Recipe, load_run, train
from convvision.training._hard_samples import hardest
from convvision.training._precision import available_precision

RECIPE = Recipe("small", epochs=2)
EVERYTHING = Recipe(
    "everything",
    optimizer="muon",
    learning_rate=0.02,
    schedule="cosine",
    warmup=0.1,
    weight_decay=0.02,
    batch_size=48,
    epochs=3,
    hard_fraction=0.5,
    averaging=0.3,
    label_smoothing=0.1,
    flip=True,
    shift=1,
    cutout=2,
    mixup=0.3,
)


def normalised(**options: Any) -> keras.Model:
    image = keras.Input((12, 12, 1))
    x = keras.layers.Conv2D(4, 3, use_bias=False)(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(keras.layers.ReLU()(x))
    return keras.Model(image, keras.layers.Dense(4, **({"activation": "softmax"} | options))(x), name="normalised")


class Chunks(keras.callbacks.Callback):
    takes_chunks = True

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[int] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append(batch)


def test_the_hardest_are_those_with_the_largest_losses_of_their_time() -> None:
    order = np.random.default_rng(0).permutation(200).astype(np.int32)
    losses = np.empty(200)
    # It falls by 5 from a tenth of the epoch to the next, and the later half of each tenth is harder.
    losses[order] = 100 - 5 * (np.arange(200) // 20) + np.arange(200) % 20 / 20
    chosen = hardest(losses, order, 100)
    assert sorted(chosen) == sorted(order[np.arange(200) % 20 >= 10])


@pytest.mark.parametrize(("count", "chosen"), [(7, 3), (1, 1), (10, 10), (23, 9)])
def test_so_many_are_chosen_and_none_twice(count: int, chosen: int) -> None:
    order = np.random.default_rng(1).permutation(count).astype(np.int32)
    found = hardest(np.random.default_rng(2).random(count), order, chosen)
    assert len(found) == len(set(found)) == chosen


def test_batch_normalisation_trains_as_keras_does(data: Dataset) -> None:
    keras.utils.set_random_seed(1)
    ours = normalised()
    theirs = keras.models.clone_model(ours)
    theirs.set_weights(ours.get_weights())
    theirs.compile("adam", "sparse_categorical_crossentropy")
    images, labels = data.train
    for epoch in range(2):
        order = np.random.default_rng([3, epoch]).permutation(len(labels))
        for start in range(0, len(labels), 32):
            theirs.train_on_batch(images[order[start : start + 32]], labels[order[start : start + 32]])
    train(ours, data, RECIPE, seed=3, verbose=0)
    for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-4)


def test_label_smoothing_is_the_loss_on_smoothed_labels(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    for ending in ("softmax", None):
        ours = make_dense(classifier_activation=ending)
        theirs = keras.models.clone_model(ours)
        theirs.set_weights(ours.get_weights())
        loss = keras.losses.CategoricalCrossentropy(from_logits=ending is None, label_smoothing=0.2)
        theirs.compile("adam", loss)
        images, labels = data.train
        order = np.random.default_rng([0, 0]).permutation(len(labels))
        expected = 0.0
        for start in range(0, len(labels), 32):
            chosen = order[start : start + 32]
            theirs.reset_metrics()
            of_batch = theirs.train_on_batch(images[chosen], keras.utils.to_categorical(labels[chosen], 4))
            expected += float(of_batch) * len(chosen) / len(labels)
        run = train(ours, data, Recipe("smooth", epochs=1, label_smoothing=0.2), verbose=0)
        assert run.history["loss"] == [pytest.approx(expected, rel=1e-4)]
        for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(left, right, atol=2e-5)


def test_the_learning_rate_follows_the_schedule_and_comes_back(data: Dataset) -> None:
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            rates.append(float(self.model.optimizer.learning_rate))

    recipe = Recipe("falling", optimizer="sgd", learning_rate=0.1, schedule="linear", batch_size=50, epochs=2)
    run = train("dense_128", data, recipe, callbacks=[Rates()], verbose=0)
    # Eight steps; each takes the rate of its middle.
    assert rates == pytest.approx([0.1 * (1 - (step + 0.5) / 8) for step in range(8)], rel=1e-5)
    assert float(run.model.optimizer.learning_rate) == pytest.approx(0.1)


def test_chunks_cover_every_step_once(data: Dataset) -> None:
    chunks = Chunks()
    recipe = Recipe("many_steps", batch_size=2, epochs=2)
    run = train("dense_128", data, recipe, callbacks=[chunks], verbose=0)
    ends = np.array(chunks.ends)
    assert (ends == 99).sum() == 2
    assert len(ends) < 60
    assert int(run.model.optimizer.iterations) == 200


def test_whoever_wants_batches_gets_every_one(data: Dataset) -> None:
    class Batches(Chunks):
        takes_chunks = False

    batches = Batches()
    train("dense_128", data, Recipe("r", batch_size=50, epochs=2), callbacks=[batches], verbose=0)
    assert batches.ends == [0, 1, 2, 3] * 2

    ends: list[int] = []
    on_the_instance = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(batch))
    train("dense_128", data, Recipe("r", batch_size=50, epochs=2), callbacks=[on_the_instance], verbose=0)
    assert ends == batches.ends


def test_a_second_chunk_waits_until_a_step_has_been_timed(data: Dataset) -> None:
    chunks = Chunks()
    train("dense_128", data, Recipe("many_steps", batch_size=2, epochs=1), callbacks=[chunks], verbose=0)
    assert chunks.ends[:2] == [0, 1]


class OwnStep(keras.Model):
    """Goes through Keras's fit."""

    def train_step(self, state: Any) -> Any:
        return super().train_step(state)


@pytest.mark.parametrize(("kind", "loop"), [(keras.Model, "graph"), (OwnStep, "fit")])
def test_a_training_that_was_broken_off_is_taken_up_again(
    kind: type[keras.Model], loop: str, data: Dataset, tmp_path: Path
) -> None:
    def made() -> keras.Model:
        image = keras.Input((12, 12, 1))
        return kind(image, keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(image)))

    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise RuntimeError("a power cut")

    recipe = Recipe("r", batch_size=50, epochs=4, schedule="linear", learning_rate=0.1, optimizer="sgd")
    backup = str(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="a power cut"):
        train(made(), data, recipe, callbacks=[keras.callbacks.BackupAndRestore(backup), Break()], verbose=0)
    rates: list[float] = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            rates.append(float(self.model.optimizer.learning_rate))

    run = train(made(), data, recipe, callbacks=[keras.callbacks.BackupAndRestore(backup), Rates()], verbose=0)
    assert run.execution["loop"] == loop
    assert len(run.history["loss"]) == 2
    # The last of four steps of the third and of the fourth epoch, of 16 in all.
    assert rates == pytest.approx([0.1 * (1 - 11.5 / 16), 0.1 * (1 - 15.5 / 16)], rel=1e-5)
    # A further training of the same model is one from the beginning.
    assert len(train(run.model, data, recipe, verbose=0).history["loss"]) == 4


def test_a_checkpoint_in_the_middle_loads_with_optimiser_and_loss(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.keras"
    recipe = dataclasses.replace(EVERYTHING, optimizer="muon", label_smoothing=0.1)
    train("fast_conv", data, recipe, callbacks=[keras.callbacks.ModelCheckpoint(path)], verbose=0)
    loaded = keras.models.load_model(path)
    assert type(loaded.optimizer) is Muon
    assert loaded.loss.get_config() == {"label_smoothing": 0.1, "from_logits": False}
    assert keras.models.load_model(path, compile=False).count_params() == loaded.count_params()


def test_what_a_layer_pays_at_each_of_its_calls_is_summed(data: Dataset) -> None:
    def shared() -> keras.Model:
        image = keras.Input((12, 12, 1))
        flat = keras.layers.Flatten()(image)
        twice = keras.layers.Dense(3, activity_regularizer=keras.regularizers.L2(1.0))
        both = keras.layers.Concatenate()([twice(flat), twice(keras.layers.Rescaling(-1.0)(flat))])
        return keras.Model(image, keras.layers.Dense(4, activation="softmax")(both))

    keras.utils.set_random_seed(0)
    model = shared()
    recipe = Recipe("still", batch_size=200, epochs=1, optimizer="sgd", learning_rate=1e-30)
    found = train(model, data, recipe, verbose=0).history["loss"][0]
    model.compile(keras.optimizers.SGD(1e-30), "sparse_categorical_crossentropy")
    assert found == pytest.approx(np.ravel(model.evaluate(*data.train, batch_size=200, verbose=0))[0], rel=1e-4)


def test_the_same_seed_gives_the_same_weights_whatever_the_recipe(data: Dataset) -> None:
    one, same, other = (train("fast_conv", data, EVERYTHING, seed=seed, verbose=0).model for seed in (2, 2, 3))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_a_last_epoch_of_the_hardest_is_shorter(data: Dataset) -> None:
    steps = []

    class Steps(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            steps.append(self.params["steps"])

    train("dense_128", data, Recipe("hard", batch_size=50, epochs=3, hard_fraction=0.3), callbacks=[Steps()], verbose=0)
    assert steps == [4, 4, 2]


def test_digits_are_never_flipped(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    from convvision.training import _train

    def note(*args: Any, **options: Any) -> Any:
        seen.append(options["flip"])
        return augmentation(*args, **options)

    augmentation = _train.Augmentation
    monkeypatch.setattr(_train, "Augmentation", note)
    for mirrored in (False, True, None):
        facts = dataclasses.replace(data.info, mirrored=mirrored)
        train("dense_128", dataclasses.replace(data, info=facts), Recipe("f", epochs=1, flip=True), verbose=0)
    assert seen == [False, True, True]


@pytest.mark.parametrize(("count", "batch_size"), [(7, 4), (7, 96), (8, 3), (4, 1)])
def test_few_images_and_odd_batches(count: int, batch_size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, 12, 12, 1), np.uint8)
    few = from_arrays(images, np.arange(count) % 2, images, np.arange(count) % 2)
    run = train("dense_128", few, Recipe("few", batch_size=batch_size, epochs=2, hard_fraction=0.5), verbose=0)
    assert len(run.history["loss"]) == 2


@pytest.mark.parametrize("classes", [2, 1000])
def test_two_classes_and_a_thousand(classes: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (classes, 12, 12, 1), np.uint8)
    data = from_arrays(images, np.arange(classes), images, np.arange(classes))
    run = train("dense_128", data, dataclasses.replace(EVERYTHING, epochs=2), verbose=0)
    assert run.model.output_shape == (None, classes)


def test_however_labels_are_written_the_training_is_the_same(data: Dataset) -> None:
    labels, test_labels = data.train.labels, data.test.labels
    images, test_images = ((split.images * 255).round().astype(np.uint8) for split in (data.train, data.test))
    names = np.array(["a", "b", "c", "d"])
    rows = np.eye(4, dtype=int)
    histories = [
        train("dense_128", from_arrays(images, written[labels], test_images, written[test_labels]), RECIPE, verbose=0)
        for written in (np.arange(4), names, rows)
    ]
    assert histories[0].history == histories[1].history == histories[2].history
    assert histories[1].data.class_names == ("a", "b", "c", "d")


def test_a_model_that_was_compiled_is_compiled_anew(data: Dataset, make_dense: Callable[..., keras.Model]) -> None:
    fresh = make_dense()
    compiled = keras.models.clone_model(fresh)
    compiled.set_weights(fresh.get_weights())
    compiled.compile(keras.optimizers.SGD(10.0), "mse", metrics=["mae"], run_eagerly=True)
    one, other = (train(model, data, RECIPE, verbose=0) for model in (fresh, compiled))
    assert one.history == other.history
    assert type(compiled.optimizer) is keras.optimizers.Adam


def test_ctrl_c_inside_the_graph_is_heard_at_the_end_of_the_chunk(data: Dataset) -> None:
    """It comes while TensorFlow computes, and Python hears it once the call is over."""

    class Press(Chunks):
        def __init__(self) -> None:
            super().__init__()
            self.pressed = 0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            # In the graph's second call: the first is traced, where Python would hear it at once.
            if len(self.ends) == 1:
                self.pressed = 1
                signal.setitimer(signal.ITIMER_REAL, 0.001)

    press = Press()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        recipe = Recipe("long", batch_size=2, epochs=200)
        run = train("conv_16_16", data, recipe, callbacks=[press], verbose=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert press.pressed
    assert run.interrupted
    # Of 20,000 steps, those of the first two chunks at most.
    assert 1 <= int(run.model.optimizer.iterations) <= 9
    assert np.isfinite(run.predict(data.test.images).probabilities).all()


def test_a_model_with_a_step_of_its_own_goes_through_fit_and_the_run_says_so(data: Dataset) -> None:
    class Own(keras.Model):
        def train_step(self, batch: Any) -> Any:
            return super().train_step(batch)

    image = keras.Input((12, 12, 1))
    outputs = keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(image))
    model = Own(image, outputs)
    run = train(model, data, RECIPE, verbose=0)
    assert run.execution["loop"] == "fit"
    assert run.execution["reason"] == "Own has a train_step of its own"
    assert len(run.history["loss"]) == 2
    with pytest.raises(
        InputError, match=r"has hard_fraction=0\.5 and averaging=0\.3 and mixup=0\.3, which Keras's fit"
    ):
        train(model, data, EVERYTHING, verbose=0)


def test_a_run_says_how_it_was_computed_and_keeps_it(data: Dataset, tmp_path: Path) -> None:
    run = train("fast_conv", data, dataclasses.replace(EVERYTHING, precision="bfloat16"), verbose=0)
    assert run.execution["loop"] == "graph"
    assert run.execution["precision"] == available_precision("bfloat16")
    run.save(tmp_path / "run")
    again = load_run(tmp_path / "run")
    assert again.execution == run.execution
    assert again.recipe == run.recipe
    images = data.test.images
    np.testing.assert_allclose(run.predict(images).probabilities, again.predict(images).probabilities, atol=1e-6)


def test_half_precision_is_only_used_where_the_processor_has_it(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for has_it, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr("convvision.training._precision._has_bfloat16", lambda has_it=has_it: has_it)
        run = train("dense_128", data, Recipe("half", epochs=1, precision="bfloat16"), verbose=0)
        assert run.execution["precision"] == precision
        assert keras.config.dtype_policy().name == "float32"


def test_what_is_saved_loads_where_convvision_is_not(data: Dataset, tmp_path: Path) -> None:
    train("fast_conv", data, EVERYTHING, verbose=0).save(tmp_path / "run")
    script = (
        "import sys; sys.modules['convvision'] = None\n"
        f"import keras; model = keras.models.load_model({str(tmp_path / 'run' / 'model.keras')!r})\n"
        "print(model.optimizer.name, model.compiled)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("adam")
    assert done.stdout.endswith("True\n")


def test_two_towers_are_the_training_of_one(tmp_path: Path) -> None:
    """Threads are set when TensorFlow starts, so each number of them needs a process of its own."""
    script = tmp_path / "towers.py"
    script.write_text(
        "import sys, tensorflow as tf\n"
        "if sys.argv[1] == '2':\n"
        "    tf.config.threading.set_intra_op_parallelism_threads(1)\n"
        "    tf.config.threading.set_inter_op_parallelism_threads(2)\n"
        "import convvision, numpy as np\n"
        "from convvision.training import Recipe\n"
        "images = np.random.default_rng(0).integers(0, 256, (45, 12, 12, 1), np.uint8)\n"
        "data = convvision.datasets.from_arrays(images, np.arange(45) % 3, images, np.arange(45) % 3)\n"
        "run = convvision.train('conv_16_16', data, Recipe('r', batch_size=32, epochs=2), verbose=0)\n"
        "print(run.execution['towers'])\n"
        "np.savez(sys.argv[2], *run.model.get_weights())\n",
        encoding="utf-8",
    )
    found = {}
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}
    for towers, environment in (("1", {}), ("2", {}), ("2", threads)):
        path = tmp_path / f"{towers}.npz"
        # The environment says what the script does not, the last time.
        command = [sys.executable, str(script), "1" if environment else towers, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ) | environment)
        assert done.stdout.strip() == towers, done.stderr
        with np.load(path) as arrays:
            found[towers] = [arrays[name] for name in arrays.files]
    for one, two in zip(found["1"], found["2"], strict=True):
        np.testing.assert_allclose(one, two, atol=5e-5)


def test_no_part_of_a_batch_is_empty_in_the_epoch_of_the_hardest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "2")
    images = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 1), np.uint8)
    few = from_arrays(images, np.arange(16) % 2, images, np.arange(16) % 2)
    # Nine of sixteen: the last batch of the last epoch is one image, which two towers cannot share.
    run = train("dense_128", few, Recipe("few", batch_size=8, epochs=2, hard_fraction=9 / 16), verbose=0)
    assert np.isfinite(run.history["loss"]).all()
    assert run.execution["towers"] == 1


def test_a_learning_rate_that_a_callback_lowered_stays(data: Dataset) -> None:
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    run = train("dense_128", data, Recipe("halved", learning_rate=0.01, epochs=2), callbacks=[halve], verbose=0)
    assert float(run.model.optimizer.learning_rate) == pytest.approx(0.0025)
