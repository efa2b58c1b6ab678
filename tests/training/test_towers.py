"""How many parts a batch is shared into."""

from __future__ import annotations

import pytest

from convvision.training import _threads, _towers
from convvision.training._towers import count_towers


@pytest.mark.parametrize(
    ("cores", "batch_size", "expected"), [(2, 96, 2), (32, 96, 6), (32, 32, 2), (4, 20, 1), (2, 8, 1)]
)
def test_a_part_has_16_images_at_least(
    cores: int, batch_size: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_towers, "side_by_side", lambda: cores)
    assert count_towers({9600}, batch_size) == expected


def test_the_last_batch_has_an_image_for_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_towers, "side_by_side", lambda: 4)
    assert count_towers({96 * 3 + 2}, 96) == 2
    assert count_towers({960, 96 * 3 + 1}, 96) == 1
    assert count_towers({7}, 96) == 4


def test_only_cores_that_the_process_may_use_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_threads.os, "sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    assert _threads.side_by_side() == 3
    # Where no system says which, all of them.
    monkeypatch.delattr(_threads.os, "sched_getaffinity")
    monkeypatch.setattr(_threads.os, "cpu_count", lambda: 7)
    assert _threads.side_by_side() == 7
