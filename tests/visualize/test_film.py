"""The film strip: which epochs, which channel, and one scale for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convvision.errors import InputError, UnknownNameError
from convvision.visualize import RecordedLayer, Recording, RecordingDisplay, plot_recording


def a_recording(epochs: int = 4) -> Recording:
    """Channel 1 of two is the strongest at the end; each value tells its epoch and its image."""
    maps = np.zeros((epochs, 2, 3, 3, 2), np.float16)
    for epoch in range(epochs):
        for image in range(2):
            maps[epoch, image, 1, 1] = [5 - epoch / epochs, 10 * epoch + image + 1]
    logits = np.zeros((epochs, 2, 3), np.float32)
    logits[:, 0, 2] = 1
    logits[epochs // 2 :, 1, 1] = 4
    return Recording(
        np.random.default_rng(0).random((2, 5, 5, 1)),
        np.arange(epochs),
        (RecordedLayer("conv", "Conv2D", maps),),
        logits,
    )


def shown(axes: Any) -> float:
    return float(axes.get_images()[0].get_array().max())


def test_a_row_an_image_and_a_column_an_epoch_on_one_scale() -> None:
    display = plot_recording(a_recording(), "conv", titles=["a", "b"], class_names=["Boot", "Bag", "Coat"])
    assert display.axes_.shape == (2, 5)
    assert display.channel == 1
    assert [[shown(axes) for axes in row[1:]] for row in display.axes_] == [[1, 11, 21, 31], [2, 12, 22, 32]]
    assert {axes.get_images()[0].get_clim() for axes in display.axes_[:, 1:].flat} == {(0, 32)}
    assert [axes.get_title() for axes in display.axes_[0]] == ["image", "epoch 0", "epoch 1", "epoch 2", "epoch 3"]
    assert [axes.get_xlabel() for axes in display.axes_[0, 1:]] == ["Coat"] * 4
    assert [axes.get_xlabel() for axes in display.axes_[1, 1:]] == ["Boot", "Boot", "Bag", "Bag"]
    assert [row[0].get_ylabel() for row in display.axes_] == ["a", "b"]
    assert len(display.figure_.axes) == display.axes_.size + 1
    assert display._repr_png_().startswith(b"\x89PNG")


def test_many_epochs_are_spread_evenly_and_the_last_is_among_them() -> None:
    display = plot_recording(a_recording(21), "conv", frames=5)
    assert display.moments.tolist() == [0, 5, 10, 15, 20]
    assert [axes.get_title() for axes in display.axes_[0, 1:]] == [f"epoch {epoch}" for epoch in (0, 5, 10, 15, 20)]
    assert shown(display.axes_[1, 3]) == 102
    assert plot_recording(a_recording(2), "conv", frames=5).moments.tolist() == [0, 1]


def test_another_channel_and_no_logits() -> None:
    whole = a_recording()
    display = plot_recording(Recording(whole.images, whole.epochs + 3, whole.layers), "conv", channel=0)
    assert shown(display.axes_[0, 1]) == 5
    assert display.axes_[0, 1].get_title() == "epoch 3"
    assert display.axes_[0, 1].get_xlabel() == ""


def test_a_single_logit_tells_class_1_from_class_0() -> None:
    whole = a_recording()
    recording = Recording(whole.images, whole.epochs, whole.layers, whole.logits[..., 1:2] - 1)
    display = plot_recording(recording, "conv", class_names=["Cat", "Dog"])
    assert [axes.get_xlabel() for axes in display.axes_[1, 1:]] == ["Cat", "Cat", "Dog", "Dog"]
    with pytest.raises(InputError, match="Expected 2 class_names"):
        plot_recording(recording, "conv", class_names=["Dog"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channel": 2}, r"'conv' has the channels 0 to 1, or 'top'\. Received: 2"),
        ({"channel": "mean"}, r"or 'top'\. Received: 'mean'"),
        ({"frames": 0}, "frames is a whole number"),
        ({"titles": ["a"]}, "Expected 2 titles"),
        ({"class_names": ["a", "b"]}, "Expected 3 class_names"),
        ({"cmap": "infermo"}, "'infermo'"),
    ],
)
def test_what_cannot_be_is_refused(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RecordingDisplay(a_recording(), "conv", **options)
    with pytest.raises(UnknownNameError, match="Did you mean 'conv'"):
        RecordingDisplay(a_recording(), "convo", **options)
