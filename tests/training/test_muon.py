"""Muon against singular values and against Keras's Adam."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from convvision.training import Muon
from convvision.training._muon import is_convolution, orthogonalise


@pytest.mark.parametrize("shape", [(9, 32), (288, 48), (48, 288), (5, 5)])
def test_newton_schulz_keeps_the_directions_and_evens_out_their_lengths(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    left, before, right = np.linalg.svd(matrix, full_matrices=False)
    found = np.asarray(orthogonalise(matrix, 5))
    # In the basis of the matrix's own singular vectors the result is diagonal.
    diagonal = left.T @ found @ right.T
    np.testing.assert_allclose(diagonal - np.diag(np.diag(diagonal)), 0, atol=2e-3)
    after = np.diag(diagonal)
    assert after[before > before.max() / 20].min() > 0.5
    assert after.max() < 1.4


def test_a_step_of_a_kernel_is_as_computed_by_hand() -> None:
    rng = np.random.default_rng(1)
    start, first, second = (rng.normal(size=(3, 3, 2, 4)).astype(np.float32) for _ in range(3))
    kernel = keras.Variable(start)
    optimizer = Muon(0.1, momentum=0.9, newton_schulz_steps=3)
    expected, mean = start, np.zeros_like(start)
    for gradient in (first, second):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
        mean = 0.9 * mean + gradient
        step = np.asarray(orthogonalise((gradient + 0.9 * mean).reshape(18, 4), 3)).reshape(start.shape)
        expected = expected * np.sqrt(8) / np.linalg.norm(expected) - 0.1 * step
    np.testing.assert_allclose(kernel.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (6, 3), (3, 3, 6, 1)])
def test_everything_else_is_left_to_adam(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    start = rng.normal(size=shape).astype(np.float32)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    muon = Muon(0.04, adam_ratio=0.25, beta_1=0.9, beta_2=0.99, epsilon=1e-8)
    adam = keras.optimizers.Adam(0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-8)
    for _ in range(4):
        gradient = keras.ops.convert_to_tensor(rng.normal(size=shape).astype(np.float32))
        muon.apply([gradient], [ours])
        adam.apply([gradient], [theirs])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)
    assert not is_convolution(ours)


def test_weight_decay_is_for_the_matrices_of_adam() -> None:
    matrix, bias = keras.Variable(np.ones((2, 2), "float32")), keras.Variable(np.ones(2, "float32"))
    optimizer = Muon(1.0, adam_ratio=0.5, adam_weight_decay=0.2)
    nothing = [keras.ops.zeros((2, 2)), keras.ops.zeros(2)]
    optimizer.apply(nothing, [matrix, bias])
    np.testing.assert_allclose(matrix.numpy(), 0.9)
    np.testing.assert_allclose(bias.numpy(), 1.0)


def test_its_configuration_makes_another_of_its_kind() -> None:
    optimizer = Muon(0.03, momentum=0.7, newton_schulz_steps=4, adam_ratio=0.5, adam_weight_decay=0.1)
    again = Muon.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert again.momentum == 0.7
