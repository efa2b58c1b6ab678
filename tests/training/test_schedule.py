"""The learning rate over a training, at points known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from convvision.training._schedule import rate_factor


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("constant", 0.0, [1, 1, 1, 1]),
        ("constant", 0.5, [0, 0.5, 1, 1]),
        ("linear", 0.0, [1, 0.75, 0.5, 0]),
        ("linear", 0.5, [0, 0.5, 1, 0]),
        ("cosine", 0.0, [1, (1 + np.cos(np.pi / 4)) / 2, 0.5, 0]),
    ],
)
def test_it_rises_in_the_warm_up_and_falls_to_nothing(schedule: str, warmup: float, expected: list[float]) -> None:
    found = [float(rate_factor(schedule, warmup, progress)) for progress in (0.0, 0.25, 0.5, 1.0)]
    assert found == pytest.approx(expected, abs=1e-6)


def test_cosine_begins_its_fall_where_the_warm_up_ends() -> None:
    assert float(rate_factor("cosine", 0.2, 0.2)) == pytest.approx(1, abs=1e-6)
    assert float(rate_factor("cosine", 0.2, 0.6)) == pytest.approx(0.5, abs=1e-6)
