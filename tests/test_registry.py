"""Names: given, listed, looked up and suggested."""

from __future__ import annotations

import importlib
import re
import string
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convvision.errors import DuplicateNameError, InputError, UnknownNameError
from convvision.registry import Registry, unknown_name

FRUITS = {"apple": 1, "apricot": 2, "banana": 3, "Cherry": 4}


def never_adapted(name: str, loaded: object) -> int:
    raise AssertionError(f"{name} is no plugin")


def empty_registry(*, builtins: tuple[str, ...] = ()) -> Registry[int]:
    return Registry("fruit", group="convvision.tests.none", builtins=builtins, adapt=never_adapted)


@pytest.fixture
def registry() -> Registry[int]:
    made = empty_registry()
    for name, entry in FRUITS.items():
        made.register(name, entry)
    return made


def test_what_is_registered_is_looked_up(registry: Registry[int]) -> None:
    assert {name: registry.get(name) for name in FRUITS} == FRUITS


def test_it_counts_iterates_and_contains(registry: Registry[int]) -> None:
    assert len(registry) == 4
    assert list(registry) == ["Cherry", "apple", "apricot", "banana"]
    assert "apple" in registry
    assert "pear" not in registry
    assert repr(registry) == "<Registry of 4 fruits>"


def test_a_duplicate_is_refused_and_changes_nothing(registry: Registry[int]) -> None:
    with pytest.raises(DuplicateNameError, match=r"A fruit named 'apple' is registered already\..*overwrite=True"):
        registry.register("apple", 5)
    assert registry.get("apple") == 1


def test_overwrite_replaces(registry: Registry[int]) -> None:
    registry.register("apple", 5, overwrite=True)
    assert registry.get("apple") == 5
    assert len(registry) == 4


def test_overwrite_of_a_new_name_registers_it(registry: Registry[int]) -> None:
    registry.register("pear", 5, overwrite=True)
    assert registry.get("pear") == 5


def test_what_is_unregistered_is_unknown_and_its_name_is_free(registry: Registry[int]) -> None:
    registry.unregister("apple")
    assert "apple" not in registry
    with pytest.raises(UnknownNameError, match="Unknown fruit 'apple'"):
        registry.get("apple")
    registry.register("apple", 6)
    assert registry.get("apple") == 6


def test_unregistering_the_unknown_suggests(registry: Registry[int]) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown fruit 'aple'\. Did you mean 'apple'"):
        registry.unregister("aple")


UNUSABLE = [
    "",
    " ",
    "two words",
    "tab\t",
    "line\n",
    "a*",
    "a?",
    "a[",
    "a]",
    "a/b",
    "a\\b",
    None,
    5,
    b"apple",
    ["apple"],
]


@pytest.mark.parametrize("name", UNUSABLE)
def test_names_that_cannot_be_are_refused(registry: Registry[int], name: object) -> None:
    message = (
        "The name of a fruit is a non-empty string without white space, slashes, '*', '?' and brackets. "
        f"Received: name={name!r}"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        registry.register(name, 1)  # type: ignore[arg-type]
    assert len(registry) == 4


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ["Cherry", "apple", "apricot", "banana"]),
        ("ap*", ["apple", "apricot"]),
        ("*a*", ["apple", "apricot", "banana"]),
        ("appl?", ["apple"]),
        ("[bC]*", ["Cherry", "banana"]),
        ("apple", ["apple"]),
        (["banana", "ap*"], ["apple", "apricot", "banana"]),
        (("ap*", "*pl*"), ["apple", "apricot"]),
        ([], []),
    ],
)
def test_patterns_list_names_in_order_and_once(
    registry: Registry[int], pattern: str | list[str], names: list[str]
) -> None:
    assert registry.names(pattern) == names


def test_patterns_tell_capitals_apart_on_every_system(registry: Registry[int], monkeypatch: pytest.MonkeyPatch) -> None:
    # On Windows, where file names do not, this is what fnmatch goes by.
    monkeypatch.setattr("os.path.normcase", str.lower)
    with pytest.raises(UnknownNameError, match="Did you mean 'Cherry'"):
        registry.names("cherry")


def test_a_string_is_one_pattern_and_not_its_letters() -> None:
    registry = empty_registry()
    for letter in "abc":
        registry.register(letter, 0)
    with pytest.raises(UnknownNameError, match="Unknown fruit 'abc'"):
        registry.names("abc")
    assert registry.names(list("abc")) == ["a", "b", "c"]


@pytest.mark.parametrize("pattern", ["pear*", ["ap*", "pear*"], ["pear*", "ap*"]])
def test_a_pattern_that_matches_nothing_is_no_empty_list(registry: Registry[int], pattern: str | list[str]) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown fruit 'pear\*'\. Known: 'Cherry', 'apple'"):
        registry.names(pattern)


def test_nothing_is_listed_where_nothing_is_registered() -> None:
    assert empty_registry().names() == []


@pytest.mark.parametrize("name", [None, 5, ["apple"], {}])
def test_what_is_no_string_is_an_unknown_name(registry: Registry[int], name: object) -> None:
    with pytest.raises(UnknownNameError, match=re.escape(f"Unknown fruit {name!r}.")):
        registry.get(name)  # type: ignore[arg-type]


NAME = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=8)


@given(st.sets(NAME, max_size=12), NAME)
def test_a_star_at_the_end_is_a_prefix(names: set[str], prefix: str) -> None:
    registry = empty_registry()
    for name in names:
        registry.register(name, 0)
    expected = sorted(name for name in names if name.startswith(prefix))
    if expected:
        assert registry.names(f"{prefix}*") == expected
    else:
        with pytest.raises(UnknownNameError):
            registry.names(f"{prefix}*")


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("conv_6464", ["conv_64_64", "dense_128"], "Did you mean 'conv_64_64'? Known: 'conv_64_64', 'dense_128'."),
        ("CONV_64_64", ["conv_64_64", "dense_128"], "Did you mean 'conv_64_64'? Known: 'conv_64_64', 'dense_128'."),
        ("lenet", ["LeNet", "AlexNet"], "Did you mean 'LeNet' or 'AlexNet'? Known: 'AlexNet', 'LeNet'."),
        ("zzz", ["conv_64_64", "dense_128"], "Known: 'conv_64_64', 'dense_128'."),
        (5, ["a"], "Known: 'a'."),
        ("a", [], ""),
    ],
)
def test_an_unknown_name_says_what_may_have_been_meant(name: object, known: list[str], message: str) -> None:
    assert str(unknown_name("model", name, known)) == f"Unknown model {name!r}. {message}".rstrip()


def test_a_hint_is_the_last_sentence() -> None:
    error = unknown_name("layer", "conv", ["conv_1"], hint="summary(model) lists them.")
    assert str(error) == "Unknown layer 'conv'. Did you mean 'conv_1'? Known: 'conv_1'. summary(model) lists them."


def test_the_known_names_may_be_given_once_through() -> None:
    assert str(unknown_name("layer", "b", iter(["b1", "a1"]))).endswith("Known: 'a1', 'b1'.")


@given(st.lists(NAME, min_size=1, max_size=6, unique=True), st.data())
def test_a_name_in_other_capitals_is_always_suggested(known: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(known))
    message = str(unknown_name("model", name.upper(), known))
    if name.upper() in known:  # Digits have no capitals.
        return
    suggestion = re.search(r"Did you mean (.*?)\?", message)
    assert suggestion is not None
    assert repr(name) in suggestion[1]


class Orchard:
    """A registry with entries of its own, in modules that register when they are imported and note that they were."""

    def __init__(self, folder: Path, bodies: dict[str, str]) -> None:
        self.imported: list[str] = []
        self.seen: Any = None
        for module, body in bodies.items():
            source = f"from orchard import ORCHARD\nORCHARD.imported.append(__name__)\n{body}\n"
            (folder / f"{module}.py").write_text(source, encoding="utf-8")
        self.registry = empty_registry(builtins=tuple(bodies))


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Orchard]]:
    """Write modules that register in a new registry; their bodies reach it as ``ORCHARD.registry``."""
    planted: list[str] = []

    def make(**bodies: str) -> Orchard:
        orchard = Orchard(tmp_path, bodies)
        planted.extend(bodies)
        monkeypatch.setitem(sys.modules, "orchard", SimpleNamespace(ORCHARD=orchard))
        return orchard

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    for module in planted:
        sys.modules.pop(module, None)


REGISTER_APPLE = "ORCHARD.registry.register('apple', 1)"
REGISTER_PEAR = "ORCHARD.registry.register('pear', 2)"


def test_builtins_are_imported_on_first_use_and_once(plant: Callable[..., Orchard]) -> None:
    orchard = plant(apples=REGISTER_APPLE, pears=REGISTER_PEAR)
    assert orchard.imported == []
    for _ in range(2):
        assert orchard.registry.names() == ["apple", "pear"]
        assert orchard.registry.get("apple") == 1
    assert orchard.imported == ["apples", "pears"]


@pytest.mark.parametrize(
    "use",
    [
        lambda registry: registry.names(),
        lambda registry: registry.get("apple"),
        lambda registry: "apple" in registry,
        len,
        repr,
        lambda registry: registry.register("quince", 3),
        lambda registry: registry.unregister("apple"),
        lambda registry: registry.pending_plugin("apple"),
    ],
    ids=["names", "get", "in", "len", "repr", "register", "unregister", "pending_plugin"],
)
def test_every_first_use_imports_the_builtins(
    plant: Callable[..., Orchard], use: Callable[[Registry[int]], object]
) -> None:
    orchard = plant(apples=REGISTER_APPLE)
    use(orchard.registry)
    assert orchard.imported == ["apples"]


def test_a_builtin_name_is_taken_before_anything_was_listed(plant: Callable[..., Orchard]) -> None:
    orchard = plant(apples=REGISTER_APPLE)
    with pytest.raises(DuplicateNameError):
        orchard.registry.register("apple", 5)
    orchard.registry.register("apple", 5, overwrite=True)
    assert orchard.registry.get("apple") == 5


def test_a_builtin_that_was_unregistered_does_not_come_back(plant: Callable[..., Orchard]) -> None:
    orchard = plant(apples=REGISTER_APPLE)
    orchard.registry.unregister("apple")
    assert orchard.registry.names() == []


def test_a_builtin_module_may_be_imported_directly_first(plant: Callable[..., Orchard]) -> None:
    orchard = plant(apples=REGISTER_APPLE, pears=REGISTER_PEAR)
    importlib.import_module("pears")
    assert orchard.registry.names() == ["apple", "pear"]
    assert sorted(orchard.imported) == ["apples", "pears"]


def test_a_builtin_module_may_use_the_registry_while_it_is_imported(plant: Callable[..., Orchard]) -> None:
    body = f"{REGISTER_APPLE}\nORCHARD.seen = ORCHARD.registry.names(), ORCHARD.registry.get('apple')"
    orchard = plant(apples=body)
    assert orchard.registry.get("apple") == 1
    assert orchard.seen == (["apple"], 1)


def run_together(*jobs: Callable[[], object]) -> list[object]:
    """Run jobs in threads that begin at once; a job that hangs fails the test and does not hold it up."""
    start = threading.Barrier(len(jobs))
    results: list[object] = ["hangs"] * len(jobs)

    def run(position: int) -> None:
        start.wait()
        try:
            results[position] = jobs[position]()
        except Exception as error:
            results[position] = error

    threads = [threading.Thread(target=run, args=(position,), daemon=True) for position in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return results


def test_threads_that_list_at_once_see_all_builtins(plant: Callable[..., Orchard]) -> None:
    orchard = plant(apples=f"import time\ntime.sleep(0.1)\n{REGISTER_APPLE}\ntime.sleep(0.1)", pears=REGISTER_PEAR)
    assert run_together(*[orchard.registry.names] * 8) == [["apple", "pear"]] * 8
    assert orchard.imported == ["apples", "pears"]


@pytest.mark.parametrize("module", ["apples", "pears"])
def test_a_thread_may_list_while_another_imports_a_builtin_directly(plant: Callable[..., Orchard], module: str) -> None:
    # The import holds Python's lock of the module when it registers; the listing needs that lock to import.
    pause = "import time\ntime.sleep(0.2)\n"
    orchard = plant(apples=pause + REGISTER_APPLE, pears=pause + REGISTER_PEAR)

    def list_a_little_later() -> list[str]:
        time.sleep(0.1)
        return orchard.registry.names()

    imported, listed = run_together(lambda: importlib.import_module(module), list_a_little_later)
    assert isinstance(imported, ModuleType)
    assert listed == ["apple", "pear"]


def test_of_threads_that_register_one_name_one_succeeds(registry: Registry[int]) -> None:
    results = run_together(*[lambda entry=entry: registry.register("pear", entry) for entry in range(8)])
    assert sum(isinstance(result, DuplicateNameError) for result in results) == 7
    assert results[registry.get("pear")] is None
