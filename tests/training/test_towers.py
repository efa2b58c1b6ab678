"""How many parts a batch is shared into."""

from __future__ import annotations

import pytest

from convvision.training import _towers
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
