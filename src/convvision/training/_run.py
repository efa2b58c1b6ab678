"""What a training leaves behind."""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convvision._checks import check_images
from convvision._keras import keras
from convvision._public import set_module
from convvision._tables import number_of
from convvision.datasets import Dataset, LabelIssues, Split, StreamedDataset, find_label_issues, read_picture
from convvision.training._dataset_record import DatasetRecord
from convvision.training._predictions import Predictions
from convvision.training._predictor import Predictor
from convvision.training._recipe import Recipe
from convvision.training._run_files import reading_run, write_run
from convvision.training._scoring import open_test, probabilities, score
from convvision.training._views import Views, check_views, permitted_views
from convvision.visualize import Confusion

if TYPE_CHECKING:
    from convvision.training._history_display import HistoryDisplay

__all__ = ["Run", "load_run", "predictor_of"]

# The column of history.csv beside those of the metrics.
_SECONDS = "seconds"


@set_module("convvision.training")
@dataclass(eq=False)
class Run:
    """A trained model and how it came about.

    Attributes:
        model: The trained model.
        recipe: How it was trained; ``recipe.epochs`` is what was asked for.
        data: Which data it was trained on.
        seed: Of the initial weights and of the order of the images.
        history: Name of a metric -> one value an epoch; validation metrics begin with ``val_``.
        seconds_per_epoch: Seconds of training an epoch, without validation; the first also prepares the graph.
        metrics: Figures at the end: ``train_accuracy`` and ``train_loss`` of the last epoch as the training logged
            them, ``test_accuracy`` and ``test_loss`` of the final weights. Empty where the training was interrupted.
        interrupted: Whether the user stopped it (Ctrl-C).
        versions: Of Python and of the packages that the figures depend on.
        execution: How the machine did it: ``loop`` is "graph" for convvision's own loop and "fit" for Keras's,
            ``reason`` says why the latter, ``precision`` is that of the model, ``towers`` the number of parts of each
            batch that were computed side by side, ``averaged_steps`` the number of steps that the weights are the mean
            of, 0 for those of the last step.
        weighting: How much training images counted: ``class_weight`` for the names of classes, and of ``sample_weight``
            the smallest, the mean and the largest; empty where all counted alike.
        created: When it ended, UTC, ISO 8601.
    """

    model: keras.Model
    recipe: Recipe
    data: DatasetRecord
    seed: int
    history: dict[str, list[float]]
    seconds_per_epoch: list[float]
    metrics: dict[str, float]
    interrupted: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    weighting: dict[str, Any] = field(default_factory=dict)
    created: str = ""

    def __repr__(self) -> str:
        figures = ", ".join(f"{name}={value:.4f}" for name, value in self.metrics.items())
        state = "interrupted" if self.interrupted else figures
        weighted = f", with {' and '.join(self.weighting)}" if self.weighting else ""
        epochs = f"{number_of(len(self.seconds_per_epoch), 'epoch')}{weighted}"
        return f"<Run of {self.model.name!r} on {self.data.name!r}, {epochs}: {state}>"

    def predict(self, images: Any, *, views: Views | None = None) -> Predictions:
        """Classify images or image files.

        The model is compiled at the first call, which takes a moment; :class:`Predictor` says how. One that is trained
        on is classified with as it is then.

        Args:
            images: uint8 pixels, or floats on the scale of the training, shape (N, H, W, C); or the path of an image
                file, or several paths. Files are read as those of the training: upright, resized to the model's input,
                stretched, padded or cropped.
            views: What is shown of each image, as in :class:`Recipe`; by default what the run's recipe says. Several
                views take as many times the seconds. Images of a data set that is never flipped are not mirrored.

        Returns:
            The probability of each class for each image.

        Raises:
            InputError: Views of another name.
            ShapeError: Images of another shape.
            ValueRangeError: Floats that are plainly on another scale, or NaN.
            DataNotFoundError: A file that is not there.
            CorruptDataError: A file that is no image.

        Example:
            >>> import convvision
            >>> run = convvision.train("dense_128", "drawn_fashion", epochs=2, verbose=0)
            >>> images = convvision.load_dataset("drawn_fashion", scale=None).test.images
            >>> [prediction.class_name for prediction in run.predict(images[:2])]
            ['Sneaker', 'Dress']
            >>> len(run.predict(images[:2]).top(3)[0])
            3
        """
        predictor = predictor_of(self, views)
        if isinstance(images, Iterator):
            images = list(images)
        pixels = self._read(images) if _is_paths(images) else check_images(images, image_shape=self.data.image_shape)
        return Predictions(predictor(self.data.scaling.prepare(pixels)), self.data.class_names)

    def label_issues(self, data: Dataset | StreamedDataset | str | os.PathLike[str] | None = None) -> LabelIssues:
        """Find test images whose label the model contradicts with confidence.

        The test images, since nothing was learnt from their labels. To check the labels of training images, train
        several runs that each leave out a part of them, and give :func:`convvision.datasets.find_label_issues` what
        each says about the part that it did not see.

        Args:
            data: As in :meth:`evaluate`.

        Returns:
            The suspicious labels, by position among the test images; how they are found, and from which paper, says
            :func:`convvision.datasets.find_label_issues`. ``plot_label_issues`` draws them.

        Raises:
            InputError: Other classes, or another scaling.
            ShapeError: Images of another shape.
        """
        split = open_test(self.data, data)
        return find_label_issues(split.labels, probabilities(predictor_of(self), split, self.data.scaling))

    def evaluate(self, data: Dataset | StreamedDataset | str | os.PathLike[str] | None = None) -> dict[str, float]:
        """Measure the model on the test images of a data set, by the views that the recipe names.

        Args:
            data: A data set of the same classes, the name of one, a folder of images or of IDX files, or a CSV file.
                The pixels of a data set are raw (``scale=None``) or scaled as in the training. By default the data that
                the run was trained on, opened again.

        Returns:
            ``test_accuracy`` in [0, 1] and ``test_loss``, the mean cross-entropy in nats.

        Raises:
            InputError: Other classes, or another scaling.
            ShapeError: Images of another shape.
        """
        return score(predictor_of(self), open_test(self.data, data), self.data.scaling)

    def confusion(self, data: Dataset | StreamedDataset | str | os.PathLike[str] | None = None) -> Confusion:
        """Tell which classes the model takes for which, on the test images of a data set.

        Args:
            data: As for :meth:`evaluate`. Images of a stream are read into memory, since the pairs show them.

        Returns:
            The confusion matrix, figures of each class, and the most confused pairs with their images, which are on the
            scale of the training.

        Raises:
            InputError: Other classes, or another scaling.
            ShapeError: Images of another shape.
        """
        images, labels = self._test_images(data)
        return Confusion(labels, predictor_of(self)(images), self.data.class_names, images)

    def _test_images(self, data: Dataset | StreamedDataset | str | os.PathLike[str] | None) -> Split:
        """Give the test images of a data set in memory, on the scale of the training."""
        split = open_test(self.data, data)
        if isinstance(split, Split):
            return split
        return Split(self.data.scaling.apply(split.read(split.order())), split.labels)

    def plot_history(self) -> HistoryDisplay:
        """Draw loss and accuracy by epoch, for training and validation.

        Returns:
            The drawn display; ``save(path)`` writes it, ``figure_`` is the figure.

        Example:
            >>> import convvision
            >>> run = convvision.train("dense_128", "drawn_fashion", epochs=2, verbose=0)
            >>> print(run.plot_history().save("history.png"))
            history.png
        """
        from convvision.training._history_display import HistoryDisplay  # noqa: PLC0415

        return HistoryDisplay({self.model.name: self.history}, title=self.data.name).plot()

    def save(self, directory: str | Path) -> Path:
        """Write the run as a folder: ``model.keras``, ``run.json`` and ``history.csv``.

        Args:
            directory: New or empty. It appears whole or not at all.

        Returns:
            The folder.

        Raises:
            OutputError: It holds something already, or cannot be written.
        """
        facts = {
            "model": self.model.name,
            "recipe": dataclasses.asdict(self.recipe),
            "data": dataclasses.asdict(self.data),
            "seed": self.seed,
            "metrics": self.metrics,
            "interrupted": self.interrupted,
            "versions": self.versions,
            "execution": self.execution,
            "weighting": self.weighting,
            "created": self.created,
        }
        return write_run(Path(directory), self.model, facts, {**self.history, _SECONDS: self.seconds_per_epoch})

    def _read(self, paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> NDArray[np.uint8]:
        several = [paths] if isinstance(paths, str | os.PathLike) else paths
        return np.stack([self._read_one(Path(path)) for path in several])

    def _read_one(self, path: Path) -> NDArray[np.uint8]:
        return read_picture(path, image_shape=self.data.image_shape, aspect=self.data.aspect)


@set_module("convvision.training")
def load_run(directory: str | Path) -> Run:
    """Read a run that was saved with :meth:`Run.save`.

    Args:
        directory: The folder.

    Returns:
        The run; its model predicts as it did, and is compiled to train on.

    Raises:
        RunFormatError: Not a run, half of one, a broken one, or one from a newer convvision.

    Example:
        >>> import convvision
        >>> run = convvision.train("dense_128", "drawn_fashion", epochs=1, verbose=0)
        >>> folder = run.save("my_run")
        >>> convvision.load_run(folder).metrics == run.metrics
        True
    """
    with reading_run(Path(directory)) as (model, facts, history):
        return Run(
            model=model,
            recipe=Recipe(**facts["recipe"]),
            data=DatasetRecord.from_dict(facts["data"]),
            seed=facts["seed"],
            seconds_per_epoch=history.pop(_SECONDS),
            history=history,
            metrics=facts["metrics"],
            interrupted=facts["interrupted"],
            versions=facts["versions"],
            # Runs of the first format that were saved before there was a choice lack them.
            execution=facts.get("execution", {}),
            weighting=facts.get("weighting", {}),
            created=facts["created"],
        )


# Beside the run rather than in it, since a compiled graph is nothing to copy, to compare or to pickle.
_predictors: weakref.WeakKeyDictionary[Run, dict[Views, Predictor]] = weakref.WeakKeyDictionary()


def predictor_of(run: Run, views: Views | None = None) -> Predictor:
    """Give what classifies with a run's model, compiled once for each choice of views; by default the recipe's.

    Raises:
        InputError: Views of another name.
    """
    views = permitted_views(check_views(run.recipe.views if views is None else views), mirrored=run.data.mirrored)
    known = _predictors.setdefault(run, {})
    if views not in known or known[views].model is not run.model:
        known[views] = Predictor(run.model, views=views)
    return known[views]


def _is_paths(images: Any) -> bool:
    if isinstance(images, str | os.PathLike):
        return True
    return (
        isinstance(images, Sequence) and len(images) > 0 and all(isinstance(item, str | os.PathLike) for item in images)
    )
