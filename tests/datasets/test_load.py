"""load_dataset, from the name to what a network reads, on small data sets."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convvision
from convvision.datasets import DATASETS, Dataset, DatasetInfo, Split, register_dataset
from convvision.datasets._data_file import DataFile
from convvision.errors import DuplicateNameError, InputError, LabelError, ShapeError, UnknownNameError

# Three classes of 40, 20 and 10 colour images; the test images are one of each.
COUNTS = (40, 20, 10)
LABELS = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], COUNTS))
# Every image has a colour by which it is recognised: the red of image i is i, and its green ten times its class.
IMAGES = np.zeros((70, 4, 5, 3), np.uint8)
IMAGES[..., 0] = np.arange(70)[:, None, None]
IMAGES[..., 1] = 10 * LABELS[:, None, None]
TEST_IMAGES = np.full((3, 4, 5, 3), 255, np.uint8)
TEST_LABELS = np.arange(3)
MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.4, 0.25)


@pytest.fixture
def calls() -> Iterator[list[dict[str, Any]]]:
    """Register "coloured_cards", and return what its loader was called with."""
    received: list[dict[str, Any]] = []

    @register_dataset(DatasetInfo("coloured_cards", "Cards.", (4, 5, 3), ("a", "b", "c"), 70, 3, MEAN, STD))
    def load(**options: Any) -> tuple[Split, Split]:
        received.append(options)
        return Split(IMAGES, LABELS), Split(TEST_IMAGES, TEST_LABELS)

    yield received
    DATASETS.unregister("coloured_cards")


def reds(images: np.ndarray) -> list[int]:
    """Tell which images these are, whatever their scale, given in units of 1 / 255."""
    return np.rint(images[:, 0, 0, 0].astype(np.float64)).astype(int).tolist()


# Shapes, types and ranges


@pytest.mark.usefixtures("calls")
def test_none_gives_what_is_stored() -> None:
    data = convvision.load_dataset("coloured_cards", scale=None)
    assert data.train.images.dtype == np.uint8
    np.testing.assert_array_equal(data.train.images, IMAGES)
    np.testing.assert_array_equal(data.train.labels, LABELS)
    np.testing.assert_array_equal(data.test.images, TEST_IMAGES)
    assert data.validation is None


@pytest.mark.usefixtures("calls")
def test_unit_is_the_default() -> None:
    data = convvision.load_dataset("coloured_cards")
    assert data.scaling.scale == "unit"
    assert data.train.images.dtype == data.test.images.dtype == np.float32
    np.testing.assert_allclose(data.train.images, IMAGES / 255, rtol=1e-6)
    assert (data.test.images == 1).all()


@pytest.mark.usefixtures("calls")
def test_standard_uses_the_mean_and_deviation_of_the_facts() -> None:
    data = convvision.load_dataset("coloured_cards", scale="standard", validation_split=0.5)
    for split in (data.train, data.validation):
        numbers = np.rint((split.images[:, 0, 0, 0] * STD[0] + MEAN[0]) * 255).astype(int)
        np.testing.assert_allclose(split.images, (IMAGES[numbers] / 255 - MEAN) / STD, rtol=1e-5, atol=1e-6)
    # (1 - 0.1) / 0.5, (1 - 0.2) / 0.4, (1 - 0.3) / 0.25
    np.testing.assert_allclose(data.test.images[0, 0, 0], [1.8, 2.0, 2.8], rtol=1e-6)


@pytest.mark.usefixtures("calls")
def test_a_split_unpacks_into_images_and_labels() -> None:
    train = convvision.load_dataset("coloured_cards").train
    images, labels = train
    assert images is train.images
    assert labels is train.labels
    assert len(train) == 70
    assert repr(train) == "Split(images=float32(70, 4, 5, 3), labels=int64(70,))"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [([3, 0], [3, 0]), (np.array([True, False, False, True]), [0, 3]), (slice(1, None, 2), [1, 3])],
)
def test_images_are_chosen_with_their_labels_and_paths(chosen: Any, expected: list[int]) -> None:
    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    some = Split(pixels, np.arange(4) * 10, [Path(f"{number}.png") for number in range(4)]).take(chosen)
    assert some.images.ravel().tolist() == expected
    assert some.labels.tolist() == [10 * number for number in expected]
    assert [str(path) for path in some.paths] == [f"{number}.png" for number in expected]
    assert Split(pixels, np.arange(4)).take(chosen).paths == ()


@pytest.mark.parametrize(
    "chosen",
    [[70], [-71], [True, False], 3, [[0, 1]], [0.5], "first"],
    ids=["beyond", "before", "bools", "one", "nested", "floats", "text"],
)
def test_what_chooses_no_images(chosen: Any) -> None:
    said = "Images are chosen by their positions, integers below 70; by 70 bools; or by a slice. Received: "
    with pytest.raises(InputError, match=re.escape(f"{said}{chosen!r}")):
        Split(IMAGES, LABELS).take(chosen)


def test_a_slice_is_a_view_and_positions_are_a_copy() -> None:
    split = Split(IMAGES, LABELS)
    assert np.shares_memory(split.take(slice(3)).images, IMAGES)
    assert not np.shares_memory(split.take((0, 1, 2)).images, IMAGES)
    assert len(split.take([])) == 0


def test_paths_may_be_an_array_and_are_kept_as_they_are_now() -> None:
    files = [Path(f"{number}.png") for number in range(70)]
    assert Split(IMAGES, LABELS, np.array(files)).take([-1]).paths == (files[-1],)
    split = Split(IMAGES, LABELS, files)
    files.append(Path("late.png"))
    assert len(split.paths) == 70


def test_a_split_has_a_path_for_each_image_or_none() -> None:
    said = "the file of each image, or none. Received: 1 paths for 70 images"
    with pytest.raises(InputError, match=re.escape(said)):
        Split(IMAGES, LABELS, [Path("one.png")])


@pytest.mark.usefixtures("calls")
def test_a_data_set_introduces_itself() -> None:
    data = convvision.load_dataset("coloured_cards", validation_split=0.1)
    assert repr(data) == (
        "Dataset('coloured_cards', train=63, validation=7, test=3, image_shape=(4, 5, 3), scale='unit')"
    )


# Validation


@pytest.mark.usefixtures("calls")
def test_validation_takes_its_part_of_each_class() -> None:
    data = convvision.load_dataset("coloured_cards", scale=None, validation_split=0.3)
    assert np.bincount(data.validation.labels).tolist() == [12, 6, 3]
    assert np.bincount(data.train.labels).tolist() == [28, 14, 7]
    np.testing.assert_array_equal(data.test.images, TEST_IMAGES)


@pytest.mark.usefixtures("calls")
def test_training_and_validation_images_are_a_partition_with_their_labels() -> None:
    data = convvision.load_dataset("coloured_cards", scale=None, validation_split=0.3)
    assert sorted([*reds(data.train.images), *reds(data.validation.images)]) == list(range(70))
    for images, labels in (data.train, data.validation):
        assert labels.tolist() == [LABELS[number] for number in reds(images)]
        np.testing.assert_array_equal(images[:, 0, 0, 1], 10 * labels)


@pytest.mark.usefixtures("calls")
def test_validation_depends_on_the_seed_alone() -> None:
    def chosen(**options: Any) -> list[int]:
        data = convvision.load_dataset("coloured_cards", validation_split=0.3, **options)
        return reds(data.validation.images * (255 if data.scaling.scale else 1))

    assert chosen(seed=5) == chosen(seed=5) == chosen(seed=5, scale=None)
    assert chosen(seed=5) != chosen(seed=6)


@pytest.mark.parametrize("fraction", [1, 1.0, -0.1, 2, float("nan"), "0.1", None, True])
@pytest.mark.usefixtures("calls")
def test_a_validation_split_that_is_no_fraction_is_refused(fraction: Any) -> None:
    with pytest.raises(InputError, match=r"validation_split is a fraction: at least 0 and below 1\. Received: v"):
        convvision.load_dataset("coloured_cards", validation_split=fraction)


@pytest.mark.usefixtures("calls")
def test_a_validation_split_without_an_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"A fraction of 0\.001 of each class leaves one of the two parts"):
        convvision.load_dataset("coloured_cards", validation_split=0.001)


@pytest.mark.usefixtures("calls")
def test_a_seed_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"seed is a whole number from 0 to 4294967295\. Received: seed=-1"):
        convvision.load_dataset("coloured_cards", validation_split=0.1, seed=-1)


# The loader


def test_a_loader_is_told_where_and_whether_and_the_seed(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    convvision.load_dataset("coloured_cards", data_home=str(tmp_path), download=False, seed=9)
    assert calls == [{"data_home": tmp_path, "download": False, "seed": 9}]


def test_arguments_are_checked_before_anything_is_loaded(calls: list[dict[str, Any]]) -> None:
    for wrong in ({"scale": "zero"}, {"validation_split": 1}):
        with pytest.raises(InputError):
            convvision.load_dataset("coloured_cards", **wrong)
    assert not calls


@pytest.mark.usefixtures("calls")
def test_an_unknown_name_is_corrected() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown data set 'colored_cards'\. Did you mean 'coloured_c"):
        convvision.load_dataset("colored_cards")


@pytest.mark.usefixtures("calls")
def test_the_name_of_a_folder_leads_to_the_functions_for_folders(tmp_path: Path) -> None:
    for folder in (tmp_path, str(tmp_path)):
        with pytest.raises(UnknownNameError, match=r"from_folder, from_idx and from_csv read data of your own\.$"):
            convvision.load_dataset(folder)
    for name in ("nowhere", "n" * 5000, 0, None):
        with pytest.raises(UnknownNameError, match=r"'mnist'\.$"):
            convvision.load_dataset(name)


def test_a_registered_data_set_is_listed_and_known_without_loading(calls: list[dict[str, Any]]) -> None:
    assert convvision.list_datasets("*_cards") == ["coloured_cards"]
    assert convvision.get_dataset_info("coloured_cards").num_classes == 3
    assert not calls


def test_a_name_that_is_taken_is_refused_unless_it_is_overwritten(calls: list[dict[str, Any]]) -> None:
    info = DatasetInfo("coloured_cards", "Others.", (4, 5, 3), ("a", "b", "c"), 3, 3, MEAN, STD)

    def load(**_: Any) -> tuple[Split, Split]:
        return Split(TEST_IMAGES, TEST_LABELS), Split(TEST_IMAGES, TEST_LABELS)

    with pytest.raises(DuplicateNameError, match="A data set named 'coloured_cards' is registered already"):
        register_dataset(info)(load)
    assert register_dataset(info, overwrite=True)(load) is load
    assert len(convvision.load_dataset("coloured_cards").train) == 3
    assert not calls


@pytest.mark.parametrize(
    ("split", "error", "said"),
    [
        (Split(IMAGES[..., :1], LABELS), ShapeError, r"Images have the shape \(N, 4, 5, 3\) here"),
        (Split(IMAGES[..., 0], LABELS), ShapeError, r"Received: shape \(70, 4, 5\)\. Add the channel axis"),
        (Split(IMAGES, LABELS[:-1]), LabelError, r"Expected one label an image: shape \(70,\)"),
        (Split(IMAGES, LABELS + 1), LabelError, r"class indices from 0 to 2\. Received: 3"),
        (Split(IMAGES, LABELS.astype(float)), LabelError, "Received: dtype float64"),
    ],
    ids=["channels", "axes", "count", "range", "type"],
)
def test_a_loader_that_does_not_keep_its_word_is_refused(
    calls: list[dict[str, Any]], split: Split, error: type[Exception], said: str
) -> None:
    info = convvision.get_dataset_info("coloured_cards")
    register_dataset(info, overwrite=True)(lambda **_: (split, Split(TEST_IMAGES, TEST_LABELS)))
    with pytest.raises(error, match=said):
        convvision.load_dataset("coloured_cards", scale=None)


def test_facts_need_a_mean_and_a_deviation_a_channel() -> None:
    with pytest.raises(InputError, match=r"mean and std have one value a channel, 3 here\. Received: mean=\(0\.1,\)"):
        DatasetInfo("cards", "Cards.", (4, 5, 3), ("a", "b"), 1, 1, mean=(0.1,), std=(0.1, 0.2, 0.3))


# The fingerprint


@pytest.mark.usefixtures("calls")
def test_the_fingerprint_of_the_same_data_is_the_same() -> None:
    one, other = (convvision.load_dataset("coloured_cards", validation_split=0.3) for _ in range(2))
    assert one.fingerprint == other.fingerprint == one.fingerprint
    assert len(one.fingerprint) == 64
    assert set(one.fingerprint) <= set("0123456789abcdef")


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("what", ["images", "labels"])
@pytest.mark.usefixtures("calls")
def test_one_pixel_or_one_label_changes_the_fingerprint(part: str, what: str) -> None:
    before = convvision.load_dataset("coloured_cards", scale=None, validation_split=0.3)
    after = convvision.load_dataset("coloured_cards", scale=None, validation_split=0.3)
    array = getattr(getattr(after, part), what)
    splits = {name: getattr(after, name) for name in ("train", "validation", "test")}
    changed = array.copy()
    # A pixel by one; a label to another class.
    changed.flat[-1] = changed.flat[-1] ^ 1 if what == "images" else (changed.flat[-1] + 1) % 3
    arrays = {"images": splits[part].images, "labels": splits[part].labels, what: changed}
    splits[part] = Split(**arrays)
    after = Dataset(after.info, splits["train"], splits["test"], splits["validation"], after.scaling)
    assert before.fingerprint != after.fingerprint


@pytest.mark.usefixtures("calls")
def test_scale_split_and_seed_are_part_of_the_fingerprint() -> None:
    options: list[dict[str, Any]] = [
        {},
        {"scale": None},
        {"scale": "standard"},
        {"validation_split": 0.3},
        {"validation_split": 0.3, "seed": 1},
    ]
    fingerprints = {convvision.load_dataset("coloured_cards", **some).fingerprint for some in options}
    assert len(fingerprints) == len(options)


@pytest.mark.usefixtures("calls")
def test_memory_layout_is_no_part_of_the_fingerprint() -> None:
    plain = convvision.load_dataset("coloured_cards", scale=None)
    turned = Split(np.asfortranarray(plain.train.images), plain.train.labels)
    assert Dataset(plain.info, turned, plain.test, scaling=plain.scaling).fingerprint == plain.fingerprint


# Memory


@pytest.fixture(scope="module", params=[False, True], ids=["raw", "gzip"])
def large(
    request: pytest.FixtureRequest,
    published: Any,
    idx_bytes: Callable[[np.ndarray], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[DataFile]]:
    """50,000 images: so many that a copy too many, or one in float64, is plainly more than what may be taken."""
    home = tmp_path_factory.mktemp("large")
    (home / "fashion_mnist").mkdir()
    arrays = (
        np.zeros((40_000, 28, 28), np.uint8),
        np.arange(40_000, dtype=np.uint8) % 10,
        np.zeros((10_000, 28, 28), np.uint8),
        np.arange(10_000, dtype=np.uint8) % 10,
    )
    files = []
    for file, array in zip(published.files, arrays, strict=True):
        payload = idx_bytes(array)
        stored = gzip.compress(payload, 1) if request.param else payload
        (home / "fashion_mnist" / f"{file.name}.gz").write_bytes(stored)
        files.append(dataclasses.replace(file, sha256=hashlib.sha256(payload).hexdigest(), size=len(payload)))
    return home, files


@pytest.mark.parametrize("options", [{}, {"scale": "standard", "validation_split": 0.2}], ids=["plain", "split"])
def test_loading_takes_what_it_returns_the_stored_bytes_and_one_file(
    large: tuple[Path, list[DataFile]], options: dict[str, Any], memory_of_loading: Callable[..., dict[str, int]]
) -> None:
    home, files = large
    measured = memory_of_loading(home, "fashion_mnist", options, files=files)
    sizes = [file.size for file in files]
    assert measured["returned"] == 50_000 * (28 * 28 * 4 + 8)
    assert measured["taken"] <= measured["returned"] + sum(sizes) + max(sizes) + measured["allowance"]
    # The measure measures: what is returned was taken.
    assert measured["taken"] >= measured["returned"] - measured["allowance"]
