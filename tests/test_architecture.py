"""The floors of the house, read from the imports: each part stands on those below it, and nothing reaches up."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import convvision
from convvision import errors

PACKAGE = Path(convvision.__file__).parent

# From the ground up. A part imports parts of lower floors only, so two on one floor know nothing of each other. Of the
# ground floor are, besides, all underscored modules beside these: they serve everybody. "convvision" is the package
# itself, whose public names come from every floor but the roof.
FLOORS = (
    ("errors",),
    ("ground",),
    ("registry",),
    ("kernels", "datasets"),
    ("layers",),
    ("models",),
    ("visualize",),
    ("callbacks",),
    ("training",),
    ("testing",),
    ("convvision",),
    ("cli",),
)
HEIGHT = {part: height for height, floor in enumerate(FLOORS) for part in floor}

# The only modules that may import these by name. Everybody else writes ``from convvision._keras import keras``.
DOORS: Mapping[str, frozenset[str]] = {
    # The command line loads Keras ahead of its use, to keep TensorFlow's start-up lines off standard error.
    "keras": frozenset({"convvision._keras", "convvision.cli._output"}),
    # Keras has no automatic differentiation of its own, and no compiled graphs.
    "tensorflow": frozenset({"convvision._keras"}),
    "jax": frozenset({"convvision._gradients"}),
    "torch": frozenset({"convvision._gradients"}),
}
SECONDS_TO_LOAD = ("keras", "tensorflow", "jax", "torch", "matplotlib")
UNPICKLERS = ("pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve")
# The command line raises click's, too.
ALLOWED_ERRORS = (*errors.__all__, "KeyboardInterrupt")


@dataclass(frozen=True)
class Import:
    """One imported name, dotted: ``from a.b import c`` imports "a.b.c"."""

    name: str
    line: int
    runs_at_import: bool

    def of(self, library: str) -> bool:
        return self.name == library or self.name.startswith(f"{library}.")


def read_imports(source: str) -> list[Import]:
    return list(_imports_below(ast.parse(source), runs_at_import=True))


def _imports_below(node: ast.AST, *, runs_at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        runs = runs_at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        match child:
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                for statement in child.body:
                    yield from _imports_below(ast.Module([statement], []), runs_at_import=False)
                for statement in child.orelse:
                    yield from _imports_below(ast.Module([statement], []), runs_at_import=runs)
                continue
            case ast.Import(names=aliases):
                yield from (Import(alias.name, child.lineno, runs) for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                start = "." * level + (module or "")
                yield from (Import(f"{start}.{alias.name}", child.lineno, runs) for alias in aliases)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _called(child) in _IMPORTERS:
                yield Import(name, child.lineno, runs)
        yield from _imports_below(child, runs_at_import=runs)


_IMPORTERS = ("import_module", "__import__")


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def part_of(name: str) -> str:
    """Tell to which part of the house a module or one of its names belongs."""
    inner = name.removeprefix("convvision").removeprefix(".").partition(".")[0]
    if inner == "__main__":
        return "cli"
    if inner.startswith("_"):
        return "ground"
    return inner if inner in HEIGHT else "convvision"


# Each rule takes a module's dotted name and its source, and gives what is wrong with them.


def reaches_up(module: str, source: str) -> Iterator[str]:
    part = part_of(module)
    for each in read_imports(source):
        if each.of("convvision"):
            below = part_of(each.name)
            if below != part and HEIGHT[below] >= HEIGHT[part]:
                yield f"{module}:{each.line}: {part} stands below or beside {below}, and imports {each.name}"


def imports_relatively(module: str, source: str) -> Iterator[str]:
    # It would pass the other rules by.
    for each in read_imports(source):
        if each.name.startswith("."):
            yield f"{module}:{each.line}: a relative import"


def passes_by_a_door(module: str, source: str) -> Iterator[str]:
    for each in read_imports(source):
        for library, doors in DOORS.items():
            if each.of(library) and module not in doors:
                yield f"{module}:{each.line}: imports {each.name}, which is for {', '.join(sorted(doors))}"


def loads_what_takes_seconds(module: str, source: str) -> Iterator[str]:
    for each in read_imports(source):
        if each.runs_at_import and any(each.of(library) for library in SECONDS_TO_LOAD):
            yield f"{module}:{each.line}: imports {each.name} at its top, not inside the function that uses it"


def uses_pyplot(module: str, source: str) -> Iterator[str]:
    for each in read_imports(source):
        if each.of("matplotlib.pyplot") or each.of("pylab") or each.of("matplotlib.use"):
            yield f"{module}:{each.line}: imports {each.name}, whose state belongs to the user"


def unpickles(module: str, source: str) -> Iterator[str]:
    for each in read_imports(source):
        if any(each.of(library) for library in UNPICKLERS):
            yield f"{module}:{each.line}: imports {each.name}"
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="allow_pickle", value=value) if not _is_constant(value, False):
                yield f"{module}:{node.lineno}: allow_pickle is not False"
            case ast.keyword(arg="safe_mode", value=value) if not _is_constant(value, True):
                yield f"{module}:{node.lineno}: safe_mode is not True"
            case ast.Attribute(attr="enable_unsafe_deserialization"):
                yield f"{module}:{node.lineno}: {node.attr}"


def _is_constant(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def raises_foreign_errors(module: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised)
            # Functions that make an error, and variables that hold one, are written small.
            is_class = name.rpartition(".")[2][:1].isupper()
            of_click = name.startswith("click.") and part_of(module) == "cli"
            if is_class and not of_click and name.removeprefix("errors.") not in ALLOWED_ERRORS:
                yield f"{module}:{node.lineno}: raises {name}, which is no error of convvision.errors"


Rule = Callable[[str, str], Iterator[str]]
RULES: list[Rule] = [
    reaches_up,
    imports_relatively,
    passes_by_a_door,
    loads_what_takes_seconds,
    uses_pyplot,
    unpickles,
    raises_foreign_errors,
]


def read_modules() -> dict[str, str]:
    """Read every module of the package: dotted name -> source."""
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = [PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts]
        modules[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return modules


MODULES = read_modules()


def module_graph(modules: Mapping[str, str], homes: Mapping[str, str]) -> dict[str, set[str]]:
    """Tell which module imports which; ``homes`` names the module behind a name that a package gives lazily."""
    graph: dict[str, set[str]] = {}
    for module, source in modules.items():
        imported = {homes.get(each.name, each.name) for each in read_imports(source) if each.of("convvision")}
        known = {name if name in modules else name.rpartition(".")[0] for name in imported}
        # The package itself is imported before any of its modules, and holds but lazy names.
        graph[module] = known - {module, "convvision"}
    return graph


def lazy_homes() -> dict[str, str]:
    """Read the stubs: public name -> the module that holds it."""
    homes = {}
    for stub in PACKAGE.rglob("__init__.pyi"):
        package = ".".join([PACKAGE.name, *stub.parent.relative_to(PACKAGE).parts])
        for line in re.finditer(r"^from (\.\w*) import (\w+) as", stub.read_text(encoding="utf-8"), re.MULTILINE):
            start, name = line.groups()
            homes[f"{package}.{name}"] = f"{package}{start}" if start != "." else f"{package}.{name}"
    # A name at the top may come from a package that has it from one of its modules in turn.
    return {name: homes.get(f"{home}.{name.rpartition('.')[2]}", home) for name, home in homes.items()}


def test_the_modules_are_found() -> None:
    assert {"convvision", "convvision.registry", "convvision.models._conv", "convvision.cli"} <= MODULES.keys()


def test_every_part_has_a_floor() -> None:
    parts = {name.split(".")[1] for name in MODULES if "." in name}
    assert {part for part in parts if not part.startswith("_")} <= HEIGHT.keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    assert [wrong for module, source in MODULES.items() for wrong in rule(module, source)] == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graphlib.TopologicalSorter(module_graph(MODULES, lazy_homes())).prepare()


def test_lazy_names_are_followed_to_their_module() -> None:
    graph = module_graph(MODULES, lazy_homes())
    assert "convvision.datasets._types" in graph["convvision.training._train"]
    assert lazy_homes()["convvision.train"] == "convvision.training._train"
    assert lazy_homes()["convvision.kernels"] == "convvision.kernels"


# Each rule can fail, and does not where nothing is wrong.
CONV, GRID, RUN = "convvision.models._conv", "convvision.visualize._grid", "convvision.training._run"
BROKEN: list[tuple[Rule, str, str]] = [
    (reaches_up, "convvision.errors", "from convvision._checks import check_images"),
    (reaches_up, "convvision._checks", "from convvision.registry import Registry"),
    (reaches_up, "convvision.kernels", "import convvision.datasets"),
    (reaches_up, "convvision.datasets._load", "from convvision.models import conv"),
    (reaches_up, CONV, "from convvision import visualize"),
    (reaches_up, GRID, "def draw():\n    from convvision.training import Run"),
    (reaches_up, GRID, "if TYPE_CHECKING:\n    from convvision.training import Run"),
    (reaches_up, "convvision.callbacks._stop", "import importlib\nimportlib.import_module('convvision.training')"),
    (reaches_up, "convvision.training._train", "import convvision"),
    (reaches_up, "convvision.training._train", "from convvision import load_dataset"),
    (reaches_up, "convvision", "from convvision.cli import main"),
    (imports_relatively, CONV, "from . import _dense"),
    (imports_relatively, CONV, "from ..training import train"),
    (passes_by_a_door, CONV, "import keras"),
    (passes_by_a_door, CONV, "from keras import layers"),
    (passes_by_a_door, CONV, "import keras.layers as layers"),
    (passes_by_a_door, CONV, "def build():\n    import keras"),
    (passes_by_a_door, CONV, "if TYPE_CHECKING:\n    import keras"),
    (passes_by_a_door, CONV, "import importlib\nimportlib.import_module('keras.layers')"),
    (passes_by_a_door, CONV, "__import__('keras')"),
    (passes_by_a_door, "convvision.training._train", "import tensorflow as tf"),
    (passes_by_a_door, "convvision.training._train", "def step():\n    from tensorflow.data import Dataset"),
    (loads_what_takes_seconds, "convvision._gradients", "import tensorflow as tf"),
    (loads_what_takes_seconds, GRID, "import matplotlib"),
    (loads_what_takes_seconds, GRID, "from matplotlib.figure import Figure"),
    (loads_what_takes_seconds, GRID, "try:\n    import matplotlib\nexcept ImportError:\n    pass"),
    (loads_what_takes_seconds, GRID, "class Display:\n    from matplotlib import colormaps"),
    (loads_what_takes_seconds, GRID, "if TYPE_CHECKING:\n    pass\nelse:\n    import matplotlib"),
    (uses_pyplot, GRID, "def plot():\n    import matplotlib.pyplot as plt"),
    (uses_pyplot, GRID, "def plot():\n    from matplotlib import pyplot"),
    (unpickles, RUN, "import pickle"),
    (unpickles, RUN, "from joblib import load"),
    (unpickles, RUN, "def load():\n    import marshal"),
    (unpickles, RUN, "numpy.load(path, allow_pickle=True)"),
    (unpickles, RUN, "numpy.load(path, allow_pickle=trusted)"),
    (unpickles, RUN, "keras.models.load_model(path, safe_mode=False)"),
    (unpickles, RUN, "keras.config.enable_unsafe_deserialization()"),
    (raises_foreign_errors, CONV, "raise ValueError('wrong')"),
    (raises_foreign_errors, CONV, "raise ValueError"),
    (raises_foreign_errors, CONV, "raise click.UsageError('wrong')"),
    (raises_foreign_errors, CONV, "raise errors.InputErrors('wrong')"),
]
WHOLE: list[tuple[Rule, str, str]] = [
    (reaches_up, "convvision.registry", "from convvision.errors import InputError"),
    (reaches_up, "convvision._atomic", "from convvision import _checks\nfrom convvision import errors"),
    (reaches_up, "convvision.__main__", "from convvision.cli import main"),
    (reaches_up, "convvision.cli._train", "def train():\n    from convvision import load_dataset"),
    (reaches_up, CONV, "from convvision.models._dense import dense\nimport convvision_plugin"),
    (passes_by_a_door, "convvision._keras", "import keras"),
    (passes_by_a_door, CONV, "from convvision._keras import keras\nimport keras_tuner"),
    (loads_what_takes_seconds, GRID, "def plot():\n    from matplotlib.figure import Figure"),
    (loads_what_takes_seconds, GRID, "if TYPE_CHECKING:\n    from matplotlib.axes import Axes"),
    (uses_pyplot, GRID, "def plot():\n    from matplotlib.figure import Figure"),
    (unpickles, RUN, "numpy.load(path, allow_pickle=False)\nload_model(path, safe_mode=True)"),
    (raises_foreign_errors, CONV, "raise InputError('wrong') from error"),
    (raises_foreign_errors, CONV, "raise unknown_name('model', name, known)"),
    (raises_foreign_errors, CONV, "try:\n    build()\nexcept InputError as error:\n    raise"),
    (raises_foreign_errors, "convvision.cli._train", "raise click.UsageError('wrong')\nraise KeyboardInterrupt"),
]


@pytest.mark.parametrize(("rule", "module", "source"), BROKEN)
def test_a_module_that_breaks_a_rule_is_noticed(rule: Rule, module: str, source: str) -> None:
    wrong = list(rule(module, source))
    assert wrong
    assert all(message.startswith(f"{module}:") for message in wrong)


@pytest.mark.parametrize(("rule", "module", "source"), WHOLE)
def test_a_module_that_keeps_a_rule_passes(rule: Rule, module: str, source: str) -> None:
    assert list(rule(module, source)) == []


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


@pytest.mark.parametrize(
    "second",
    [
        "from convvision.models._conv import conv",
        "def build():\n    from convvision.models._conv import conv",
        "from convvision.models import conv",
        "import convvision.models._conv",
    ],
)
def test_a_circle_is_noticed(second: str) -> None:
    modules = {"convvision.models._conv": "import convvision.models._dense", "convvision.models._dense": second}
    graph = module_graph(modules, {"convvision.models.conv": "convvision.models._conv"})
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(graph).prepare()
