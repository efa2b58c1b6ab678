"""One way to register, list, look up and suggest by name: data sets, models and recipes all use it.

A thing gets its name from a decorator in this process, or from an entry point of an installed package::

    [project.entry-points."convvision.models"]
    their_net = "their_package.nets:their_net"

Listing reads the names of entry points and loads none of them; a plugin is imported when it is first asked for.
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import importlib.metadata
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from convvision.errors import DuplicateNameError, InputError, PluginError, PluginWarning, UnknownNameError

T = TypeVar("T")

__all__ = ["Registry", "unknown_name"]

_WILDCARDS = "*?["


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Ask for the names that look like one that is not known; an empty string where none does."""
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=3)
    return f"Did you mean {' or '.join(repr(folded[match]) for match in close)}?" if close else ""


def unknown_name(kind: str, name: object, known: Iterable[str], *, of: str = "", hint: str = "") -> UnknownNameError:
    """Make the error for a name that is not known, with what may have been meant.

    Args:
        kind: What the name stands for, as in "model" or "layer".
        name: The name that was given.
        known: The names that would have been accepted.
        of: To what it would belong, as in "'conv_64_64'" for a layer.
        hint: A last sentence that says where to look.

    Returns:
        The error, to be raised by the caller.

    Example:
        >>> from convvision.registry import unknown_name
        >>> print(unknown_name("kernel", "egde", ["edge", "blur"]))
        Unknown kernel 'egde'. Did you mean 'edge'? Known: 'blur', 'edge'.
    """
    known = sorted(known)
    parts = [f"Unknown {kind} {name!r}{f' of {of}' if of else ''}."]
    if question := did_you_mean(name, known):
        parts.append(question)
    if known:
        parts.append(f"Known: {', '.join(map(repr, known))}.")
    if hint:
        parts.append(hint)
    return UnknownNameError(" ".join(parts))


class Registry(Generic[T]):
    """Named things of one kind: ours, those registered in this process, and those of installed plugins.

    Args:
        kind: What one entry is called in messages, as in "model".
        group: The entry-point group that plugins use, as in "convvision.models".
        builtins: Modules that register our own entries when they are imported. They are imported on first use.
        adapt: Makes an entry from the object that a plugin's entry point names, given the name and the object; raises
            :class:`~convvision.errors.InputError` for an object that cannot serve. It is not called when loading the
            entry point has already registered that name with a decorator.

    Example:
        >>> from convvision.registry import Registry
        >>> games = Registry("game", group="my_package.games", adapt=lambda name, loaded: loaded)
        >>> games.register("chess", {"players": 2})
        >>> games.names("ch*"), games.get("chess")
        (['chess'], {'players': 2})
    """

    def __init__(
        self, kind: str, *, group: str, builtins: Sequence[str] = (), adapt: Callable[[str, object], T]
    ) -> None:
        self.kind = kind
        self.group = group
        self._builtins = tuple(builtins)
        self._adapt = adapt
        self._entries: dict[str, T] = {}
        self._plugins: dict[str, importlib.metadata.EntryPoint] | None = None
        # Never held during an import: a module that another thread is importing may be waiting here to register.
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Registry of {len(self.names())} {self.kind}s>"

    def __contains__(self, name: object) -> bool:
        return name in self._all_names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._all_names())

    def register(self, name: str, entry: T, *, overwrite: bool = False) -> None:
        """Give an entry its name.

        Args:
            name: The name; no white space and no wildcard characters.
            entry: The entry.
            overwrite: Replace an entry of the same name instead of refusing.

        Raises:
            InputError: The name cannot be used.
            DuplicateNameError: The name is taken, here or by a plugin, and ``overwrite`` is false.
        """
        if not isinstance(name, str) or not name or any(c.isspace() or c in _WILDCARDS + "]/\\" for c in name):
            raise InputError(
                f"The name of a {self.kind} is a non-empty string without white space, slashes, '*', '?' and brackets. "
                f"Received: name={name!r}"
            )
        self._import_builtins(wait=False)
        with self._lock:
            if not overwrite and (name in self._entries or self._is_promised(name)):
                raise DuplicateNameError(
                    f"A {self.kind} named {name!r} is registered already. "
                    f"Choose another name, or pass overwrite=True to replace it."
                )
            self._entries[name] = entry

    def unregister(self, name: str) -> None:
        """Forget an entry that was registered in this process.

        Raises:
            UnknownNameError: No such entry.
        """
        self._import_builtins()
        with self._lock:
            if name not in self._entries:
                raise unknown_name(self.kind, name, self._entries)
            del self._entries[name]

    def names(self, pattern: str | Sequence[str] = "*") -> list[str]:
        """List names in alphabetical order, without loading any plugin.

        Args:
            pattern: One shell-style pattern (``*``, ``?``, ``[seq]``), or several of them, of which any may match.

        Raises:
            UnknownNameError: A pattern matches nothing, so that a typo does not pass for an empty list.
        """
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        known = self._all_names()
        found: set[str] = set()
        for one in patterns:
            matches = [name for name in known if fnmatch.fnmatchcase(name, one)]
            if not matches and one != "*":
                raise unknown_name(self.kind, one, known)
            found.update(matches)
        return sorted(found)

    def get(self, name: str) -> T:
        """Look an entry up, loading its plugin where that has not happened yet.

        Raises:
            UnknownNameError: No entry and no plugin has this name.
            PluginError: The plugin of this name does not load.
        """
        if not isinstance(name, str):
            raise unknown_name(self.kind, name, self._all_names())
        self._import_builtins()
        if name not in self._entries:
            plugin = self._discovered().get(name)
            if plugin is None:
                raise unknown_name(self.kind, name, self._all_names())
            self._load(plugin)
        return self._entries[name]

    def pending_plugin(self, name: str) -> str | None:
        """Name the distribution that a plugin comes from, or None once it is loaded (or is no plugin)."""
        plugin = self._discovered().get(name)
        return None if plugin is None or name in self._entries else _distribution(plugin)

    def _all_names(self) -> set[str]:
        plugins = self._discovered()
        with self._lock:
            return {*self._entries, *plugins}

    def _import_builtins(self, *, wait: bool = True) -> None:
        # Python's import sees to it that this happens once, and waits for a module that another thread is importing.
        # To register, nobody waits: it may be a module of ours, half imported, that registers.
        for module in self._builtins:
            if wait or module not in sys.modules:
                importlib.import_module(module)

    def _discovered(self) -> dict[str, importlib.metadata.EntryPoint]:
        self._import_builtins()
        if self._plugins is None:
            found = sorted(importlib.metadata.entry_points(group=self.group), key=_distribution)
            plugins: dict[str, importlib.metadata.EntryPoint] = {}
            left_out = []
            with self._lock:
                for plugin in found:
                    owner = self._owner(plugin, plugins)
                    if owner is None:
                        plugins[plugin.name] = plugin
                    else:
                        left_out.append(
                            f"The {self.kind} plugin {plugin.name!r} of {_distribution(plugin)!r} is left out: "
                            f"{owner} already has a {self.kind} of that name."
                        )
                self._plugins = plugins
            # Last, since where warnings are errors the others must not be lost.
            for message in left_out:
                warnings.warn(message, PluginWarning, stacklevel=5)
        return self._plugins

    def _owner(
        self, plugin: importlib.metadata.EntryPoint, plugins: dict[str, importlib.metadata.EntryPoint]
    ) -> str | None:
        """Tell who had a plugin's name before it."""
        if plugin.name in plugins:
            return repr(_distribution(plugins[plugin.name]))
        # A plugin whose package is imported already has registered itself.
        if plugin.name in self._entries and not _is_imported(plugin):
            return "convvision or this process"
        return None

    def _is_promised(self, name: str) -> bool:
        """Tell whether a plugin has the name, other than the one that is registering itself."""
        plugin = (self._plugins or {}).get(name)
        return plugin is not None and not _is_imported(plugin)

    def _load(self, plugin: importlib.metadata.EntryPoint) -> None:
        try:
            loaded = plugin.load()
            if plugin.name not in self._entries:
                entry = self._adapt(plugin.name, loaded)
                with self._lock:
                    self._entries.setdefault(plugin.name, entry)
        except Exception as error:
            raise PluginError(
                f"The {self.kind} plugin {plugin.name!r} of {_distribution(plugin)!r} ({plugin.value}) does not load: "
                f"{type(error).__name__}: {error}"
            ) from error


def _distribution(plugin: importlib.metadata.EntryPoint) -> str:
    return (plugin.dist and plugin.dist.name) or "an unknown distribution"


def _is_imported(plugin: importlib.metadata.EntryPoint) -> bool:
    return plugin.value.partition(":")[0].partition(".")[0].strip() in sys.modules
