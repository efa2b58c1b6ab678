"""A real package with entry points, installed by pip beside the environment, and used by fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import convvision

EXAMPLE = Path(__file__).parent / "convvision_plugin_example"
PLUGINS = {"example_broken", "example_decorated", "example_plain"}


@pytest.fixture(scope="session")
def run_with_plugin(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Run code in an interpreter that sees the plugin; return what the code binds to ``result``."""
    folder = tmp_path_factory.mktemp("installed")
    # hatchling is at hand, so nothing is fetched.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(folder), str(EXAMPLE)],
        check=True,
        # In a folder of its own, should a build leave something where it runs.
        cwd=tmp_path_factory.mktemp("build"),
    )

    def run(code: str, *options: str) -> Any:
        head = "import json, sys\nPLUGIN = 'convvision_plugin_example'\n"
        script = head + code + "\nprint(json.dumps(result))"
        done = subprocess.run(
            [sys.executable, *options, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


LISTEN = """
import warnings
def listen(use):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use()
    return [[warning.category.__name__, str(warning.message)] for warning in caught]
import convvision
"""
QUIET = LISTEN + "listen(convvision.list_models)\n"


def test_the_plugin_is_not_installed_here(run_with_plugin: Callable[..., Any]) -> None:
    assert not PLUGINS & set(convvision.list_models())


def test_importing_convvision_warns_of_nothing(run_with_plugin: Callable[..., Any]) -> None:
    code = "import convvision.datasets, convvision.models, convvision.training\nresult = PLUGIN in sys.modules"
    assert run_with_plugin(code, "-W", "error") is False


def test_listing_shows_every_plugin_and_imports_none(run_with_plugin: Callable[..., Any]) -> None:
    code = QUIET + (
        "names = convvision.list_models(), convvision.list_datasets(), convvision.list_recipes()\n"
        "result = [names, PLUGIN in sys.modules, 'keras' in sys.modules]"
    )
    (models, datasets, recipes), plugin_imported, keras_imported = run_with_plugin(code)
    assert set(models) > PLUGINS
    assert models == sorted(models)
    assert models.count("conv_64_64") == 1
    assert {"example_stripes", "fashion_mnist"} < set(datasets)
    assert {"example_short", "lesson"} <= set(recipes)
    assert not plugin_imported
    assert not keras_imported


def test_a_clash_with_ours_is_one_warning_that_names_plugin_and_distribution(
    run_with_plugin: Callable[..., Any],
) -> None:
    code = LISTEN + (
        "warned = [listen(convvision.list_models) for _ in range(2)]\n"
        "info = convvision.get_model_info('conv_64_64')\n"
        "result = [warned, info.family, 'convvision_plugin_example.clashing_net' in sys.modules]"
    )
    (first, second), family, imported = run_with_plugin(code)
    message = (
        "The model plugin 'conv_64_64' of 'convvision-plugin-example' is left out: "
        "convvision or this process already has a model of that name."
    )
    assert first == [["PluginWarning", message]]
    assert second == []
    assert family == "conv"
    assert not imported


def test_asking_for_one_plugin_imports_only_that_one(run_with_plugin: Callable[..., Any]) -> None:
    code = QUIET + (
        "def imported():\n"
        "    return [name for name in sys.modules if name.startswith(f'{PLUGIN}.')]\n"
        "facts = vars(convvision.get_model_info('example_decorated')), imported(), 'keras' in sys.modules\n"
        "decorated = convvision.create_model('example_decorated')\n"
        "plain = convvision.create_model('example_plain', input_shape=(12, 12, 3), num_classes=4)\n"
        "plain_facts = vars(convvision.get_model_info('example_plain'))\n"
        "result = [facts, decorated.count_params(), plain.name, plain.output_shape, plain_facts, imported()]"
    )
    (info, first, keras_imported), parameters, name, output_shape, plain_info, both = run_with_plugin(code)
    assert first == ["convvision_plugin_example.decorated_net"]
    assert not keras_imported
    assert both == [*first, "convvision_plugin_example.plain_net"]
    assert info == {
        "name": "example_decorated",
        "family": "example",
        "summary": "Four filters.",
        "parameters": parameters,
        "min_size": 4,
        "reference": "",
    }
    # (3 × 3 + 1) × 4 + (13 × 13 × 4 + 1) × 10 + (10 + 1) × 10
    assert parameters == 6_920
    assert name == "plain_net"
    assert output_shape == [None, 4]
    # The first line of the builder's docstring; what its author did not say is not known.
    assert plain_info["summary"] == "Average each channel, then a linear classifier."
    assert plain_info["family"] == "plugin"
    assert plain_info["parameters"] is None


def test_a_broken_plugin_is_an_error_only_where_it_is_asked_for(run_with_plugin: Callable[..., Any]) -> None:
    code = QUIET + (
        "try:\n"
        "    convvision.create_model('example_broken')\n"
        "except convvision.errors.PluginError as error:\n"
        "    message = str(error)\n"
        "result = [message, convvision.list_models('example_*'), convvision.get_model_info('conv_64_64').parameters]"
    )
    message, names, parameters = run_with_plugin(code)
    assert message == (
        "The model plugin 'example_broken' of 'convvision-plugin-example' "
        "(convvision_plugin_example.broken_net:broken_net) does not load: "
        "ImportError: No module named 'missing_dependency'"
    )
    assert names == sorted(PLUGINS)
    assert parameters == 243_786


def test_a_plugin_imported_by_its_own_name_is_listed_without_a_warning(run_with_plugin: Callable[..., Any]) -> None:
    code = LISTEN + (
        "import convvision_plugin_example.decorated_net\n"
        "result = [listen(convvision.list_models), convvision.get_model_info('example_decorated').family]"
    )
    assert run_with_plugin(code) == [[], "example"]


def test_a_data_set_of_a_plugin_is_loaded(run_with_plugin: Callable[..., Any]) -> None:
    code = QUIET + (
        "data = convvision.load_dataset('example_stripes', scale='standard')\n"
        "images, labels = data.train\n"
        "result = [images.shape, labels[:2].tolist(), images[:2, :2, :2, 0].tolist(), 'keras' in sys.modules]"
    )
    shape, labels, corners, keras_imported = run_with_plugin(code)
    assert shape == [20, 8, 8, 1]
    assert labels == [0, 1]
    # Rows alternate in the first image and columns in the second; black and white lie one deviation from the mean.
    assert corners == [[[-1, -1], [1, 1]], [[-1, 1], [-1, 1]]]
    assert not keras_imported


def test_a_recipe_of_a_plugin_is_looked_up(run_with_plugin: Callable[..., Any]) -> None:
    code = QUIET + "recipe = convvision.get_recipe('example_short')\nresult = [recipe.learning_rate, recipe.epochs]"
    assert run_with_plugin(code) == [0.01, 1]


def test_the_command_line_lists_plugins_and_their_distribution(run_with_plugin: Callable[..., Any]) -> None:
    code = (
        "import contextlib, io\n"
        "from convvision.cli import run\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:\n"
        "    statuses = [run(['models']), run(['recipes'])]\n"
        "result = [statuses, out.getvalue(), err.getvalue(), PLUGIN in sys.modules]"
    )
    statuses, out, err, imported = run_with_plugin(code)
    assert statuses == [0, 0]
    for name in ("example_plain", "example_short"):
        (line,) = (line for line in out.splitlines() if line.startswith(name))
        assert line.split(maxsplit=1)[1] == "plugin of convvision-plugin-example"
    assert "conv_64_64" in err
    assert err.count("Warning:") == 1
    assert not imported
