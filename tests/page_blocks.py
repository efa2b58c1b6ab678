"""Code that stands on the pages of the site, found and run.

Python stands there in two kinds of fences: ``pycon`` is a session, whose output has to be what is shown, and ``python``
a file. Of a ``console`` fence, the lines ``$ convvision …`` can be run. The blocks of a page run in turn, in one
namespace and one folder. A block that cannot run has a line before it that no reader sees::

    % not run: it would train for hours

``% needs: PACKAGE`` is for one that runs where the package is installed.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convvision import cli

__all__ = ["MARK", "commands", "fences", "run_blocks"]

FENCE = re.compile(
    r"(?:^% (?P<condition>not run|needs): (?P<reason>[^\n]*)\n)?"
    r"^(?P<mark>[`:]{3,})(?P<language>\S*)[^\n]*\n(?P<body>.*?)^(?P=mark)$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"^% (?:not run|needs): .+$", re.MULTILINE)
NUMBER = doctest.register_optionflag("NUMBER")
TRAINED = doctest.register_optionflag("TRAINED")
_NUMBER = re.compile(r"\d+(?:\.(\d+))?")
# Not the digits of a name, as in conv_16_16; and the rules of tables, which are as long as their longest line.
_FIGURE = re.compile(r"(?<!\w)-?\d[\d,]*(?:\.\d+)?(?!\w)|─+")


class Checker(doctest.OutputChecker):
    """With NUMBER, a number that comes from a training may be off by two in its last digit; with TRAINED, by anything.

    The latter is for tables: another machine trains to other figures, and what holds is which ones there are.
    """

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        numbers = list(zip(_NUMBER.finditer(want), _NUMBER.finditer(got), strict=False))
        if optionflags & NUMBER and all(
            abs(float(wanted[0]) - float(found[0])) <= 2.001 * 10 ** -len(wanted[1] or "") for wanted, found in numbers
        ):
            want, got = _NUMBER.sub("0", want), _NUMBER.sub("0", got)
        if optionflags & TRAINED:
            want, got = _FIGURE.sub("0", want), _FIGURE.sub("0", got)
            optionflags |= doctest.NORMALIZE_WHITESPACE
        return super().check_output(want, got, optionflags)


def fences(text: str) -> list[re.Match[str]]:
    """Find the fences that hold code, also those inside of tabs."""
    found = []
    for fence in FENCE.finditer(text):
        found += fences(fence["body"]) if fence["mark"].startswith(":") else [fence]
    return found


def run_blocks(page: str, text: str, *, with_commands: bool = False) -> int:
    """Run the Python of a page, and its commands where ``with_commands`` says so; return how many blocks were run."""
    names: dict[str, Any] = {"__name__": page}
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS)
    parser, report = doctest.DocTestParser(), list[str]()
    languages = ("pycon", "python", "console") if with_commands else ("pycon", "python")
    blocks = [fence for fence in fences(text) if fence["language"] in languages and _can_run(fence)]
    for number, fence in enumerate(blocks, start=1):
        match fence["language"]:
            case "python":
                exec(compile(fence["body"], page, "exec"), names)  # noqa: S102
            case "pycon":
                session = parser.get_doctest(fence["body"], names, f"block {number} of {page}", None, 0)
                runner.run(session, out=report.append, clear_globs=False)
                names = session.globs
            case _:
                for command, shown in commands(fence["body"]):
                    _run_command(command, shown)
    assert not runner.failures, "".join(report)
    return len(blocks)


def commands(session: str) -> Iterator[tuple[str, str]]:
    """Split what a console shows into our commands and what each prints."""
    for block in re.split(r"^\$ ", session.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, _, shown = block.partition("\n")
        if command.startswith("convvision "):
            yield command, shown


def _can_run(fence: re.Match[str]) -> bool:
    if fence["condition"] == "needs":
        return importlib.util.find_spec(fence["reason"].strip()) is not None
    return fence["condition"] is None


def _run_command(command: str, shown: str) -> None:
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        arguments = shlex.split(command, comments=True)[1:]
        status = cli.run([found for argument in arguments for found in _expanded(argument)])
    assert status == 0, f"{command}: exit status {status}. {errors.getvalue()}"
    if shown.strip():
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert Checker().check_output(shown, output.getvalue(), options), f"{command} printed:\n{output.getvalue()}"


def _expanded(argument: str) -> list[str]:
    """Put the files of a pattern in its place, as a shell does."""
    found = sorted(map(str, Path().glob(argument))) if "*" in argument else []
    return found or [argument]
