"""One model in a comparison, in numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from convvision._public import set_module
from convvision.training._run import Run

__all__ = ["ComparisonRow"]


@set_module("convvision.training")
@dataclass(frozen=True)
class ComparisonRow:
    """One model in a comparison.

    Attributes:
        model: Its name.
        parameters: Number of weights.
        seeds: Number of trainings.
        train_accuracy: Mean over the seeds, of the last epoch, as the training logged it.
        train_accuracy_sd: Standard deviation over the seeds (n − 1); NaN for one seed.
        test_accuracy: Mean over the seeds, of the final weights.
        test_accuracy_sd: Standard deviation over the seeds (n − 1); NaN for one seed.
        seconds_per_epoch: Median over all epochs of all seeds, of training alone.
    """

    model: str
    parameters: int
    seeds: int
    train_accuracy: float
    train_accuracy_sd: float
    test_accuracy: float
    test_accuracy_sd: float
    seconds_per_epoch: float

    @classmethod
    def of(cls, name: str, runs: Sequence[Run]) -> ComparisonRow:
        """Summarise the runs of one model."""
        train, test = ([run.metrics[key] for run in runs] for key in ("train_accuracy", "test_accuracy"))
        return cls(
            model=name,
            parameters=runs[0].model.count_params(),
            seeds=len(runs),
            train_accuracy=statistics.fmean(train),
            train_accuracy_sd=_sd(train),
            test_accuracy=statistics.fmean(test),
            test_accuracy_sd=_sd(test),
            seconds_per_epoch=statistics.median(second for run in runs for second in run.seconds_per_epoch),
        )


def _sd(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else math.nan
