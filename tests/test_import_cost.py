"""Importing convvision loads next to nothing; what is asked for loads what it needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "keras", "matplotlib", "numpy", "scipy", "PIL", "requests", "rich", "click", "pip"}


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter; return the packages that it loaded besides the interpreter's own."""
    script = (
        "import sys\nbefore = set(sys.modules)\n"
        f"{code}\n"
        "import json\nprint(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_convvision_loads_none_of_the_libraries_it_stands_on() -> None:
    loaded = loaded_by("import convvision")
    assert "convvision" in loaded
    foreign = {name for name in loaded if name not in sys.stdlib_module_names}
    assert foreign == {"convvision", "lazy_loader"}


def test_looking_at_what_there_is_loads_none_either() -> None:
    assert not HEAVY & loaded_by("import convvision\nconvvision.__version__, dir(convvision), convvision.__all__")
    assert not HEAVY & loaded_by("import convvision\ntry:\n    convvision.nothing\nexcept AttributeError:\n    pass")


@pytest.mark.parametrize(
    "code",
    [
        "convvision.list_models(), convvision.list_datasets(), convvision.list_recipes()",
        "convvision.get_model_info('conv_64'), convvision.get_dataset_info('mnist'), convvision.get_recipe('lesson')",
        "convvision.load_run, convvision.Run, convvision.Comparison, convvision.Recipe",
        "convvision.create_model, convvision.summary, convvision.models.conv, convvision.models.dense",
        "convvision.kernels.apply(np.zeros((8, 8)), 'edge')",
        "convvision.datasets.from_arrays(np.zeros((10, 8, 8, 1), np.uint8), np.arange(10) % 2)",
        "[getattr(convvision.visualize, name) for name in convvision.visualize.__all__]",
        "dir(convvision.callbacks)",
    ],
)
def test_what_needs_no_tensorflow_and_no_matplotlib_loads_neither(code: str) -> None:
    loaded = loaded_by(f"import convvision\nimport numpy as np\n{code}")
    assert not {"tensorflow", "keras", "matplotlib"} & loaded


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["models"], ["datasets"], ["train", "conv_9"]])
def test_the_command_line_answers_without_tensorflow(arguments: list[str]) -> None:
    loaded = loaded_by(f"from convvision.cli import run\nrun({arguments})")
    assert "click" in loaded
    assert not {"tensorflow", "keras", "matplotlib"} & loaded


@pytest.mark.parametrize(
    ("code", "library"),
    [
        ("convvision.kernels.apply", "numpy"),
        ("convvision.visualize.plot_kernels([[0, 1], [1, 0]], 'identity')", "matplotlib"),
        ("convvision.callbacks.AccuracyThresholdStop", "tensorflow"),
    ],
)
def test_what_needs_a_library_is_seen_to_load_it(code: str, library: str) -> None:
    # The same look at the modules as above, which would not be worth much if it never found anything.
    assert library in loaded_by(f"import convvision\n{code}")
