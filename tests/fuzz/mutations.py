"""Files that lie: one seeded way to damage the bytes of a good file, for every format."""

from __future__ import annotations

import numpy as np

# What headers are full of: no length, one, the largest of a byte, of 16, 32 and 64 bits, and 2⁴⁰, in both byte orders.
_COUNTS = [
    count.to_bytes(width, order)
    for width in (1, 2, 4, 8)
    for count in {0, 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1, 2**40 % 2 ** (8 * width)}
    for order in ("big", "little")
]
# Formats keep their promises at the start, and archives at the end as well.
_HEADER = 64


def mutate(payload: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to four ways: what a bad line, a bad disk or a bad program may have done to it.

    A way is one of: flip a bit, replace, insert or delete some bytes, write another count into the header or the
    trailer, cut the end off, repeat a chunk, move one over another, or zero one. The same generator in the same state
    does the same damage.

    Args:
        payload: The file.
        rng: A seeded generator; it is advanced.

    Returns:
        The damaged file. It may be the same as the payload, where two damages undo each other, or be empty.
    """
    mutant = bytearray(payload)
    for _ in range(rng.integers(1, 5)):
        if mutant:
            _WAYS[rng.integers(len(_WAYS))](mutant, rng)
    return bytes(mutant)


def _flip_bit(mutant: bytearray, rng: np.random.Generator) -> None:
    mutant[rng.integers(len(mutant))] ^= 1 << int(rng.integers(8))


def _replace(mutant: bytearray, rng: np.random.Generator) -> None:
    chunk = _chunk(mutant, rng)
    mutant[chunk] = rng.bytes(chunk.stop - chunk.start)


def _insert(mutant: bytearray, rng: np.random.Generator) -> None:
    position = int(rng.integers(len(mutant) + 1))
    mutant[position:position] = rng.bytes(int(rng.integers(1, 17)))


def _delete(mutant: bytearray, rng: np.random.Generator) -> None:
    del mutant[_chunk(mutant, rng)]


def _edit_header(mutant: bytearray, rng: np.random.Generator) -> None:
    count = _COUNTS[rng.integers(len(_COUNTS))]
    position = int(rng.integers(min(_HEADER, len(mutant))))
    if rng.random() < 0.25:
        position = len(mutant) - 1 - position
    mutant[position : position + len(count)] = count


def _truncate(mutant: bytearray, rng: np.random.Generator) -> None:
    del mutant[int(rng.integers(len(mutant))) :]


def _repeat(mutant: bytearray, rng: np.random.Generator) -> None:
    chunk = _chunk(mutant, rng)
    mutant[chunk.stop : chunk.stop] = mutant[chunk]


def _move(mutant: bytearray, rng: np.random.Generator) -> None:
    source, target = _chunk(mutant, rng), _chunk(mutant, rng)
    mutant[target] = mutant[source]


def _zero(mutant: bytearray, rng: np.random.Generator) -> None:
    chunk = _chunk(mutant, rng)
    mutant[chunk] = bytes(chunk.stop - chunk.start)


def _chunk(mutant: bytearray, rng: np.random.Generator) -> slice:
    """Choose a run of bytes, most often a short one."""
    start = int(rng.integers(len(mutant)))
    longest = 16 if rng.random() < 0.75 else 4096
    return slice(start, min(len(mutant), start + int(rng.integers(1, longest + 1))))


_WAYS = (_flip_bit, _replace, _insert, _delete, _edit_header, _truncate, _repeat, _move, _zero)
