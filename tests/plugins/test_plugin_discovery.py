"""Plugins in every state, as the registry meets them: importable folders with the metadata of a distribution."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from convvision.errors import DuplicateNameError, InputError, PluginError, PluginWarning, UnknownNameError
from convvision.registry import Registry

GROUP = "convvision.tests.fruits"


def to_fruit(name: str, loaded: object) -> str:
    if not isinstance(loaded, str):
        raise InputError(f"A fruit is a string. Received: {loaded!r}")
    return f"{loaded} by the name of {name}"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry[str]:
    made: Registry[str] = Registry("fruit", group=GROUP, adapt=to_fruit)
    # Where the modules of plugins find it, to register in it while they are imported.
    monkeypatch.setattr(sys, "fruits_of_this_test", made, raising=False)
    return made


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put a distribution on the import path: its entry points, and the source of its modules."""
    installed: set[str] = set()

    def write(distribution: str, entry_points: dict[str, str], **modules: str) -> None:
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
        for module, source in modules.items():
            (tmp_path / f"{module}.py").write_text(source)
        installed.update(modules)
        importlib.invalidate_caches()

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for module in installed:
        sys.modules.pop(module, None)


@pytest.fixture
def listen() -> Callable[[Callable[[], object]], list[str]]:
    """Call something and return the messages of its PluginWarnings."""

    def collect(use: Callable[[], object]) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            use()
        assert all(warning.category is PluginWarning for warning in caught)
        return [str(warning.message) for warning in caught]

    return collect


REGISTERS_ITSELF = "import sys\nsys.fruits_of_this_test.register('{0}', 'a decorated {0}')\n{0} = object()\n"


def test_listing_loads_no_plugin_and_looking_one_up_loads_that_one(
    registry: Registry[str], install: Callable[..., None]
) -> None:
    install("orchard", {"apple": "apples:apple", "pear": "pears:pear"}, apples="apple = 'red'", pears="pear = 'green'")
    assert registry.names() == ["apple", "pear"]
    assert registry.names("p*") == ["pear"]
    assert "apple" in registry
    assert len(registry) == 2
    assert not {"apples", "pears"} & sys.modules.keys()
    assert registry.get("pear") == "green by the name of pear"
    assert "pears" in sys.modules
    assert "apples" not in sys.modules


def test_a_plugin_is_pending_until_it_is_loaded(registry: Registry[str], install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 'red'")
    registry.register("plum", "ours")
    assert registry.pending_plugin("apple") == "orchard"
    registry.get("apple")
    assert registry.pending_plugin("apple") is None
    assert registry.pending_plugin("plum") is None
    assert registry.pending_plugin("unknown") is None


def test_a_plugin_is_loaded_and_adapted_once(registry: Registry[str], install: Callable[..., None]) -> None:
    source = "import sys\nsys.fruits_of_this_test.imports += 1\napple = 'red'"
    vars(registry)["imports"] = 0
    install("orchard", {"apple": "apples:apple"}, apples=source)
    assert registry.get("apple") is registry.get("apple")
    assert vars(registry)["imports"] == 1


def test_a_plugin_that_registers_itself_is_not_adapted(registry: Registry[str], install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"}, apples=REGISTERS_ITSELF.format("apple"))
    registry.names()
    assert registry.get("apple") == "a decorated apple"


@pytest.mark.parametrize("names_first", [False, True])
def test_a_plugin_whose_module_is_imported_directly_does_not_clash_with_itself(
    registry: Registry[str],
    install: Callable[..., None],
    listen: Callable[[Callable[[], object]], list[str]],
    names_first: bool,
) -> None:
    install("orchard", {"apple": "apples:apple"}, apples=REGISTERS_ITSELF.format("apple"))
    if names_first:
        registry.names()
    importlib.import_module("apples")
    assert listen(registry.names) == []
    assert registry.names() == ["apple"]
    assert registry.get("apple") == "a decorated apple"


def test_a_plugin_may_register_in_another_module_than_its_entry_point_names(
    registry: Registry[str], install: Callable[..., None], listen: Callable[[Callable[[], object]], list[str]]
) -> None:
    install("orchard", {"apple": "apples.api:apple"}, apples=REGISTERS_ITSELF.format("apple"))
    importlib.import_module("apples")
    assert listen(registry.names) == []
    assert registry.get("apple") == "a decorated apple"


@pytest.mark.parametrize(
    ("value", "source", "reason"),
    [
        ("apples:apple", "import a_module_that_is_not_there", "ModuleNotFoundError: No module named 'a_module_that_is"),
        ("apples:apple", "raise RuntimeError('no licence key')", "RuntimeError: no licence key"),
        ("apples:apple", "apple =", "SyntaxError: invalid syntax"),
        ("apples:apple", "", "AttributeError: module 'apples' has no attribute 'apple'"),
        ("apples:apple", "apple = 5", "InputError: A fruit is a string. Received: 5"),
        ("nowhere:apple", "", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
    ids=["missing dependency", "raises", "syntax", "no such object", "not adaptable", "no such module"],
)
def test_a_broken_plugin_breaks_only_itself(
    registry: Registry[str], install: Callable[..., None], value: str, source: str, reason: str
) -> None:
    install("orchard", {"apple": value, "pear": "pears:pear"}, apples=source, pears="pear = 'green'")
    assert registry.names() == ["apple", "pear"]
    message = f"The fruit plugin 'apple' of 'orchard' ({value}) does not load: {reason}"
    for _ in range(2):
        with pytest.raises(PluginError, match=re.escape(message)) as caught:
            registry.get("apple")
        assert isinstance(caught.value.__cause__, Exception)
        assert registry.names() == ["apple", "pear"]
    assert registry.get("pear") == "green by the name of pear"


def test_an_entry_point_that_is_no_reference_is_a_broken_plugin(
    registry: Registry[str], install: Callable[..., None]
) -> None:
    install("orchard", {"apple": "not a reference!"})
    assert registry.names() == ["apple"]
    with pytest.raises(PluginError, match=r"'apple' of 'orchard' \(not a reference!\) does not load"):
        registry.get("apple")


def test_an_unknown_name_suggests_plugins_that_are_not_loaded(
    registry: Registry[str], install: Callable[..., None]
) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 'red'")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'apple'\? Known: 'apple'"):
        registry.get("aple")
    assert "apples" not in sys.modules


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_plugins_of_one_name_the_first_distribution_in_the_alphabet_counts(
    registry: Registry[str],
    install: Callable[..., None],
    listen: Callable[[Callable[[], object]], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    reverse: bool,
) -> None:
    install("zoo", {"apple": "zoo_apples:apple"}, zoo_apples="apple = 'of the zoo'")
    install("garden", {"apple": "garden_apples:apple"}, garden_apples="apple = 'of the garden'")
    # In whichever order the file system lists them.
    found = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda each: each.value, reverse=reverse)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found)
    message = "The fruit plugin 'apple' of 'zoo' is left out: 'garden' already has a fruit of that name."
    assert listen(registry.names) == [message]
    assert listen(registry.names) == []
    assert registry.pending_plugin("apple") == "garden"
    assert registry.get("apple") == "of the garden by the name of apple"


def test_a_plugin_of_a_name_that_is_registered_is_left_out(
    registry: Registry[str], install: Callable[..., None], listen: Callable[[Callable[[], object]], list[str]]
) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 'red'")
    registry.register("apple", "ours")
    (message,) = listen(registry.names)
    assert message.startswith("The fruit plugin 'apple' of 'orchard' is left out: convvision or this process already")
    assert registry.names() == ["apple"]
    assert registry.get("apple") == "ours"
    assert registry.pending_plugin("apple") is None
    assert "apples" not in sys.modules


def test_the_warning_points_at_the_line_that_listed(registry: Registry[str], install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"})
    registry.register("apple", "ours")

    # As convvision.list_models does, in another file.
    package: dict[str, Any] = {}
    exec(compile("def list_fruits(registry): return registry.names()", "package.py", "exec"), package)  # noqa: S102
    with pytest.warns(PluginWarning) as caught:
        package["list_fruits"](registry)
    assert caught[0].filename == __file__


def test_where_warnings_are_errors_the_other_plugins_are_not_lost(
    registry: Registry[str], install: Callable[..., None]
) -> None:
    install("garden", {"apple": "apples:apple"})
    install("orchard", {"pear": "pears:pear"}, pears="pear = 'green'")
    registry.register("apple", "ours")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning, match="'apple' of 'garden'"):
            registry.names()
        assert registry.names() == ["apple", "pear"]


def test_the_name_of_a_plugin_that_is_known_is_taken(registry: Registry[str], install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 'red'")
    registry.names()
    with pytest.raises(DuplicateNameError, match="A fruit named 'apple' is registered already"):
        registry.register("apple", "ours")
    registry.register("apple", "ours", overwrite=True)
    assert registry.get("apple") == "ours"
    assert "apples" not in sys.modules


def test_what_a_plugin_gave_is_not_unregistered_for_good(registry: Registry[str], install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 'red'")
    with pytest.raises(UnknownNameError):
        registry.unregister("apple")
    registry.get("apple")
    registry.unregister("apple")
    assert registry.pending_plugin("apple") == "orchard"
    assert registry.get("apple") == "red by the name of apple"


def test_plugins_of_other_groups_are_not_ours(registry: Registry[str], install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"})
    assert Registry("tree", group="convvision.tests.trees", adapt=to_fruit).names() == []
    assert registry.names() == ["apple"]


def test_entry_points_are_read_once_and_not_before_they_are_needed(
    registry: Registry[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = importlib.metadata.entry_points

    def note(*, group: str) -> importlib.metadata.EntryPoints:
        asked.append(group)
        return read(group=group)

    monkeypatch.setattr(importlib.metadata, "entry_points", note)
    registry.register("apple", "ours")
    registry.get("apple")
    assert asked == []
    registry.names()
    registry.names()
    assert asked == [GROUP]


def test_a_distribution_without_a_name_is_listed_all_the_same(
    registry: Registry[str], install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 5")
    nameless = importlib.metadata.EntryPoint("pear", "pears:pear", GROUP)
    named = importlib.metadata.entry_points(group=GROUP)
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: importlib.metadata.EntryPoints([nameless, *named])
    )
    assert registry.names() == ["apple", "pear"]
    assert registry.pending_plugin("pear") == "an unknown distribution"
    with pytest.raises(PluginError, match="'pear' of 'an unknown distribution'"):
        registry.get("pear")


@pytest.mark.parametrize("decorated", [False, True])
def test_threads_that_look_a_plugin_up_while_another_imports_it_all_get_it(
    registry: Registry[str], install: Callable[..., None], decorated: bool
) -> None:
    # Whoever imports the module holds Python's lock of it when the module registers; looking it up needs that lock.
    source = REGISTERS_ITSELF.format("apple") if decorated else "apple = 'red'"
    pause = "import time\ntime.sleep(0.2)\n"
    install("orchard", {"apple": "apples:apple"}, apples=pause + source)
    registry.names()
    found: list[str] = []

    def look_up() -> None:
        time.sleep(0.1)
        found.append(registry.get("apple"))

    importing = threading.Thread(target=importlib.import_module, args=("apples",), daemon=True)
    looking = [threading.Thread(target=look_up, daemon=True) for _ in range(4)]
    for thread in (importing, *looking):
        thread.start()
    for thread in (importing, *looking):
        thread.join(timeout=20)
    assert found == ["a decorated apple" if decorated else "red by the name of apple"] * 4
    assert len(set(map(id, found))) == 1


def test_threads_that_adapt_a_plugin_at_once_get_the_same_entry(install: Callable[..., None]) -> None:
    install("orchard", {"apple": "apples:apple"}, apples="apple = 'red'")
    both = threading.Barrier(2)

    def adapt(name: str, loaded: object) -> object:
        both.wait(timeout=20)
        return object()

    registry: Registry[object] = Registry("fruit", group=GROUP, adapt=adapt)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(registry.get("apple"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(found) == 2
    assert found[0] is found[1]
