"""Recordings: read back as they were written, and nothing that is not one is taken for one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convvision.errors import CorruptDataError, DataNotFoundError, InputError, OutputError, UnknownNameError
from convvision.models import ReceptiveField
from convvision.visualize import RecordedLayer, Recording, load_recording


def a_recording() -> Recording:
    random = np.random.default_rng(0)
    found = tuple(
        RecordedLayer(name, "Conv2D", random.normal(size=(3, 2, size, size, 4)).astype(np.float16), field)
        for name, size, field in (
            ("inner/conv_1", 6, ReceptiveField(3, 3, 1, 1)),
            ("inner/conv_1", 4, ReceptiveField(math.inf, math.inf, math.inf, math.inf)),
            ("conv_2", 2, None),
        )
    )
    logits = random.normal(size=(3, 2, 10)).astype(np.float32)
    return Recording(random.random((2, 8, 8, 1)), np.array([0, 2, 4]), found, logits)


def test_what_is_saved_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    written = a_recording()
    path = tmp_path / "new folder" / "learning.npz"
    assert written.save(str(path)) == path
    read = load_recording(path)
    for name in ("images", "epochs", "logits"):
        one, other = getattr(written, name), getattr(read, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    for left, right in zip(written.layers, read.layers, strict=True):
        assert (left.name, left.kind, left.receptive_field) == (right.name, right.kind, right.receptive_field)
        assert left.maps.dtype == right.maps.dtype == np.float16
        np.testing.assert_array_equal(left.maps, right.maps)


def test_a_recording_without_logits_has_none_when_it_is_read(tmp_path: Path) -> None:
    whole = a_recording()
    read = load_recording(Recording(whole.images, whole.epochs, whole.layers).save(tmp_path / "r.npz"))
    assert read.logits is None


def test_a_layer_is_looked_up_by_its_name() -> None:
    recording = a_recording()
    assert recording["conv_2"] is recording.layers[2]
    assert recording["inner/conv_1"] is recording.layers[0]
    with pytest.raises(UnknownNameError, match=r"Unknown layer 'conv_3'\. Did you mean 'conv_2'"):
        recording["conv_3"]


def test_a_file_that_exists_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_recording().save(tmp_path / "r.npz")
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OutputError, match=r"Cannot write .*r\.npz: No space left on device"):
        a_recording().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.npz\. Received: 'r\.npy'"):
        a_recording().save(tmp_path / "r.npy")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"There is no file .*r\.npz"):
        load_recording(tmp_path / "r.npz")


def with_facts(path: Path, **changes: Any) -> None:
    """Save a recording with other facts."""
    with np.load(path) as file:
        arrays = dict(file)
    facts = json.loads(str(arrays["facts"])) | changes
    np.savez(path, **(arrays | {"facts": np.array(json.dumps(facts))}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2, "convvision": "9.0"}, r"saved by convvision 9\.0 in format 2; .* up to 1\. Upgrade convvision"),
        ({"kind": "activations"}, r"holds no recording of convvision's\. Received: activations"),
        ({"format": None}, "holds no recording of convvision's"),
        ({"layers": [{"name": "conv_1"}]}, r"no whole recording: KeyError"),
        ({"layers": 7}, "no whole recording: TypeError"),
    ],
)
def test_facts_that_are_of_something_else(changes: Any, message: str, tmp_path: Path) -> None:
    path = a_recording().save(tmp_path / "r.npz")
    with_facts(path, **changes)
    with pytest.raises(CorruptDataError, match=message):
        load_recording(path)


def test_files_of_another_origin(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    path.write_bytes(b"no archive at all")
    with pytest.raises(CorruptDataError, match=r"cut short, or no \.npz file"):
        load_recording(path)
    np.savez(path, images=np.zeros(3))
    with pytest.raises(CorruptDataError, match="Received: arrays of another origin"):
        load_recording(path)


def test_an_array_that_is_missing_cut_or_of_another_length(tmp_path: Path) -> None:
    path = a_recording().save(tmp_path / "r.npz")
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{name: array for name, array in arrays.items() if name != "maps_1"})
    with pytest.raises(CorruptDataError, match="no whole recording: KeyError"):
        load_recording(path)
    np.savez(path, **(arrays | {"epochs": np.arange(5)}))
    with pytest.raises(CorruptDataError, match="arrays do not belong together: 'maps_0'"):
        load_recording(path)
    np.savez(path, **arrays)
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(broken))
    with pytest.raises(CorruptDataError, match="no whole recording"):
        load_recording(path)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = a_recording().save(tmp_path / "r.npz")
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {"images": np.array([print], dtype=object)}))
    with pytest.raises(CorruptDataError, match=r"ValueError: Object arrays cannot be loaded when allow_pickle=False"):
        load_recording(path)
