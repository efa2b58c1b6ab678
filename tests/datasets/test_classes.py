"""Images of each class: counted and averaged by hand."""

from __future__ import annotations

import numpy as np
import pytest

from convvision.datasets import Dataset, class_counts, class_means, from_arrays

NAMES = ("bag", "coat", "shirt")


def made(train: list[int], test: list[int], *, scale: str | None = None) -> Dataset:
    """Images whose every pixel is ten times their position."""
    images = [
        (np.arange(len(labels), dtype=np.uint8) * 10)[:, None, None] + np.zeros((4, 5), np.uint8)
        for labels in (train, test)
    ]
    return from_arrays(images[0], train, images[1], test, class_names=NAMES, scale=scale)


def test_counts_of_each_part() -> None:
    counts = class_counts(made([0, 0, 0, 1, 2, 2], [1, 2]))
    assert {part: values.tolist() for part, values in counts.counts.items()} == {"train": [3, 1, 2], "test": [0, 1, 1]}
    assert counts.imbalance == 3
    assert counts.remark == "'bag' has 3.0 times as many training images as 'coat'."
    assert str(counts).splitlines() == [
        "class  train  test",
        "──────────────────",
        "bag        3     0",
        "coat       1     1",
        "shirt      2     1",
        "──────────────────",
        "           6     2",
        "",
        counts.remark,
    ]


def test_weights_let_every_class_count_alike() -> None:
    counts = class_counts(made([0, 0, 0, 1, 2, 2], [1, 2]))
    assert counts.class_weights == {0: pytest.approx(6 / 9), 1: 2, 2: 1}
    assert [counts.class_weights[label] * n for label, n in enumerate((3, 1, 2))] == pytest.approx([2, 2, 2])


def test_a_little_out_of_balance_is_not_worth_a_sentence() -> None:
    counts = class_counts(made([0, 0, 0, 0, 1, 1, 1, 2, 2, 2], [0]))
    assert counts.imbalance == pytest.approx(4 / 3)
    assert counts.remark == ""
    assert str(counts).endswith("10     1")


def test_a_class_without_training_images() -> None:
    data = made([0, 0, 2], [1])
    counts = class_counts(data)
    assert counts.imbalance == float("inf")
    assert counts.remark == "There are no training images of 'coat'."
    assert counts.class_weights == {0: 0.75, 2: 1.5}
    assert np.isnan(class_means(data)[1]).all()


def test_means_on_the_scale_of_the_data() -> None:
    train = [0, 0, 1, 2, 1, 0]
    means = class_means(made(train, [0]))
    assert means.shape == (3, 4, 5, 1)
    assert means.dtype == np.float64
    expected = np.array([(0 + 10 + 50) / 3, (20 + 40) / 2, 30])
    np.testing.assert_allclose(means, np.broadcast_to(expected[:, None, None, None], means.shape))
    np.testing.assert_allclose(class_means(made(train, [0], scale="unit")), means / 255, rtol=1e-6)
