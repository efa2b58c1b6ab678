"""The damage itself: seeded, various, and never none at all for long."""

from __future__ import annotations

import numpy as np
import pytest

from fuzz.mutations import mutate

PAYLOAD = bytes(range(256)) * 20


def mutants(count: int, seed: int = 0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [mutate(PAYLOAD, rng) for _ in range(count)]


def test_the_same_seed_does_the_same_damage_and_another_does_other() -> None:
    assert mutants(50) == mutants(50)
    assert mutants(50) != mutants(50, seed=1)


def test_damage_is_various() -> None:
    made = mutants(500)
    assert len(set(made)) > 450
    assert sum(mutant == PAYLOAD for mutant in made) < 10
    lengths = [len(mutant) for mutant in made]
    assert min(lengths) < len(PAYLOAD) // 4
    assert max(lengths) > len(PAYLOAD)
    # Many keep the length, and so pass the first check of every format.
    assert 50 < lengths.count(len(PAYLOAD)) < 300


def test_the_header_and_the_end_are_damaged_often() -> None:
    made = mutants(500)
    assert sum(mutant[:64] != PAYLOAD[:64] for mutant in made) > 50
    assert sum(mutant[-64:] != PAYLOAD[-64:] for mutant in made) > 50


@pytest.mark.parametrize("payload", [b"", b"x", b"xy"], ids=["empty", "one byte", "two bytes"])
def test_the_shortest_files_can_be_damaged_too(payload: bytes) -> None:
    rng = np.random.default_rng(0)
    assert all(isinstance(mutate(payload, rng), bytes) for _ in range(300))
