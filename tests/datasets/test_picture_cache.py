"""Decoded pixels that are kept: used when nothing has changed, and never otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convvision.datasets import Dataset, _picture_cache, _picture_reader, from_folder
from convvision.errors import CorruptDataError, DataWarning


def save(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 6), value).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for number in range(5):
        save(tmp_path / "animals" / "cat" / f"{number}.bmp", 40)
        save(tmp_path / "animals" / "dog" / f"{number}.bmp", 200)
    return tmp_path / "animals"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_picture_cache, "get_data_home", lambda: tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the files that were decoded since the last call."""
    decoded: list[Path] = []
    read_picture = _picture_reader.read_picture

    def counting(path: Path, **options: Any) -> np.ndarray:
        decoded.append(path)
        return read_picture(path, **options)

    def count() -> int:
        number = len(decoded)
        decoded.clear()
        return number

    monkeypatch.setattr(_picture_reader, "read_picture", counting)
    return count


def load(folder: Path, **options: Any) -> Dataset:
    return from_folder(folder, image_size=(6, 6), scale=None, **options)


def test_the_second_time_nothing_is_decoded(animals: Path, home: Path, reads: Callable[[], int]) -> None:
    first = load(animals)
    assert reads() == 10
    second = load(animals)
    assert reads() == 0
    assert second.fingerprint == first.fingerprint
    assert [path.suffix for path in (home / "pictures").iterdir()] == [".npz"]


def test_a_folder_named_from_elsewhere_is_the_same(
    animals: Path, home: Path, reads: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(animals)
    reads()
    monkeypatch.chdir(animals.parent)
    load(Path(animals.name))
    load(animals / ".." / animals.name)
    assert reads() == 0


def test_another_split_and_scale_use_the_same_pixels(animals: Path, home: Path, reads: Callable[[], int]) -> None:
    load(animals)
    reads()
    from_folder(animals, image_size=(6, 6), scale="unit", test_split=0.4, validation_split=0.3, seed=5)
    assert reads() == 0


def change_a_file(animals: Path) -> None:
    """A BMP has the same size whatever it shows, and this one also gets the old time."""
    path = animals / "cat" / "3.bmp"
    facts = path.stat()
    save(path, 77)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def swap_two_names(animals: Path) -> None:
    first, second = animals / "cat" / "3.bmp", animals / "dog" / "3.bmp"
    first.rename(animals / "aside")
    second.rename(first)
    (animals / "aside").rename(second)


@pytest.mark.parametrize(
    "change",
    [
        change_a_file,
        swap_two_names,
        lambda animals: save(animals / "cat" / "5.bmp", 1),
        lambda animals: (animals / "dog" / "0.bmp").unlink(),
        lambda animals: (animals / "dog" / "0.bmp").rename(animals / "dog" / "9.bmp"),
    ],
    ids=["a file", "two names", "one more", "one less", "another name"],
)
def test_whatever_changes_is_noticed(
    animals: Path, home: Path, reads: Callable[[], int], change: Callable[[Path], None]
) -> None:
    load(animals)
    change(animals)
    reads()
    changed = load(animals)
    assert reads() == len(changed.train) + len(changed.test)
    assert changed.fingerprint == load(animals, cache=False).fingerprint
    assert len(list((home / "pictures").iterdir())) == 1


@pytest.mark.parametrize("option", [{"color_mode": "rgb"}, {"aspect": "pad"}, {"image_size": (5, 7)}])
def test_another_way_of_reading_is_kept_beside_it(
    animals: Path, home: Path, reads: Callable[[], int], option: dict[str, Any]
) -> None:
    first = load(animals)
    from_folder(animals, **{"image_size": (6, 6), **option})
    reads()
    assert load(animals).fingerprint == first.fingerprint
    from_folder(animals, **{"image_size": (6, 6), **option})
    assert reads() == 0


def test_folders_of_equal_names_and_times_are_not_confused(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two archives unpack whose files all carry the same date."""
    for folder, value in (("one", 10), ("other", 90)):
        for name in ("a", "b"):
            for number in range(5):
                path = tmp_path / folder / "set" / name / f"{number}.bmp"
                save(path, value)
    # The files of an archive may have the same time everywhere; no test can set ctime, so all is said to be equal.
    monkeypatch.setattr(_picture_cache, "_state", lambda path: "equal")
    for folder, value in (("one", 10), ("other", 90)):
        monkeypatch.chdir(tmp_path / folder)
        assert (load(Path("set")).train.images == value).all()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _flip(path: Path) -> None:
    """Change a pixel of what is kept; zip's checksum tells."""
    with np.load(path) as kept:
        start = path.read_bytes().index(kept["images"].tobytes())
    content = bytearray(path.read_bytes())
    content[start + 5] ^= 255
    path.write_bytes(content)


def _other_shape(path: Path) -> None:
    with np.load(path) as kept:
        np.savez(path, key=kept["key"], images=kept["images"][:, :3])


def _objects(path: Path) -> None:
    with np.load(path) as kept:
        np.savez(path, key=kept["key"], images=np.array([{}], object))


@pytest.mark.parametrize(
    "spoil",
    [_cut, _flip, _other_shape, _objects, lambda path: path.write_bytes(b""), lambda path: path.write_text("x" * 99)],
    ids=["cut", "a flipped bit", "another shape", "pickled objects", "empty", "text"],
)
def test_a_broken_cache_is_read_anew_and_mended(
    animals: Path, home: Path, reads: Callable[[], int], spoil: Callable[[Path], None]
) -> None:
    first = load(animals)
    (path,) = (home / "pictures").iterdir()
    spoil(path)
    reads()
    assert load(animals).fingerprint == first.fingerprint
    assert reads() == 10
    load(animals)
    assert reads() == 0


def test_a_cache_that_cannot_be_written_is_no_error(animals: Path, home: Path) -> None:
    home.write_text("A file where the folder should be.")
    load(animals)
    assert home.is_file()


def test_a_full_disk_is_no_error_and_leaves_nothing(animals: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Any, **arrays: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    load(animals)
    assert not home.exists()


def test_without_cache_nothing_is_kept_or_used(animals: Path, home: Path, reads: Callable[[], int]) -> None:
    load(animals, cache=False)
    assert not home.exists()
    load(animals)
    reads()
    load(animals, cache=False)
    assert reads() == 10


def test_a_folder_with_faults_is_not_kept(animals: Path, home: Path) -> None:
    (animals / "cat" / "lies.png").write_text("no picture")
    for _ in range(2):
        with pytest.warns(DataWarning, match="1 file was skipped in"):
            load(animals, on_error="skip")
    assert not home.exists()
    with pytest.raises(CorruptDataError, match=r"lies\.png"):
        load(animals)


def test_what_a_killed_process_left_is_removed(animals: Path, home: Path) -> None:
    from_folder(animals)
    (kept,) = (home / "pictures").iterdir()
    left = kept.with_name(f".{kept.stem}-0123abcd.npz")
    left.touch()
    os.utime(left, (time.time() - 48 * 3600,) * 2)
    Image.new("L", (28, 28), 90).save(animals / "cat" / "another.bmp")
    from_folder(animals)
    assert list((home / "pictures").iterdir()) == [kept]


def test_several_at_once(animals: Path, home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({data.fingerprint for data in pool.map(lambda _: load(animals), range(16))}) == 1
    assert len(list((home / "pictures").iterdir())) == 1
