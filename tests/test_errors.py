"""The tree of exceptions: what the drawing says is what there is."""

from __future__ import annotations

import builtins
import inspect
import re

import pytest

from convvision import errors

CLASSES = {
    name: thing
    for name, thing in vars(errors).items()
    if inspect.isclass(thing) and issubclass(thing, Exception) and thing.__module__ == errors.__name__
}
ERRORS = {name: thing for name, thing in CLASSES.items() if not issubclass(thing, Warning)}


def drawn_tree(drawing: str) -> dict[str, tuple[str | None, str | None]]:
    """Read a drawing: name -> the name it hangs on, and the built-in exception in parentheses."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    above: list[str] = []
    for line in drawing.splitlines():
        drawn = re.fullmatch(r" {4}((?:│   |    )*)(?:[├└]── )?(\w+(?:Error))\b[^(]*(?:\((\w+)\))?", line)
        if drawn is None:
            continue
        branches, name, builtin = drawn.groups()
        # The trunk has no branch before it; each further level is indented by four signs.
        depth = 0 if not tree else 1 + len(branches) // 4
        del above[depth:]
        tree[name] = (above[-1] if above else None, builtin)
        above.append(name)
    return tree


def real_tree() -> dict[str, tuple[str | None, str | None]]:
    tree: dict[str, tuple[str | None, str | None]] = {}
    for name, error in ERRORS.items():
        ours = [base.__name__ for base in error.__bases__ if base.__module__ == errors.__name__]
        foreign = [base.__name__ for base in error.__bases__ if base.__module__ == builtins.__name__]
        assert len(ours) <= 1
        tree[name] = (ours[0] if ours else None, foreign[0] if foreign else None)
    return tree


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = drawn_tree(inspect.getdoc(errors) or "")
    real = real_tree()
    assert real.pop("ConvvisionError") == (None, "Exception")
    assert drawn.pop("ConvvisionError") == (None, None)
    assert drawn == real


def test_a_wrong_drawing_is_noticed() -> None:
    drawing = inspect.getdoc(errors) or ""
    for right, wrong in (
        ("├── DownloadError        no", "├── DownloadErrors       no"),
        ("(LookupError)", "(KeyError)"),
        ("│   ├── ShapeError", "├── ShapeError    "),
        ("(FileNotFoundError)", ""),
    ):
        assert right in drawing
        assert drawn_tree(drawing.replace(right, wrong)) != drawn_tree(drawing)


def test_every_class_is_public() -> None:
    assert set(errors.__all__) == CLASSES.keys()
    assert errors.__all__ == sorted(errors.__all__)


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_is_caught_as_ours_and_as_the_builtin_it_says(name: str) -> None:
    error = ERRORS[name]
    family = [error, *(ERRORS[each.__name__] for each in error.__mro__ if each.__name__ in ERRORS)]
    builtin = [drawn for each in family if (drawn := real_tree()[each.__name__][1])]
    for caught in (errors.ConvvisionError, *(getattr(builtins, each) for each in builtin)):
        with pytest.raises(caught, match="what came and what to do"):
            raise error("what was expected, what came and what to do")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.UnknownNameError, LookupError),
        (errors.DuplicateNameError, ValueError),
        (errors.DataNotFoundError, FileNotFoundError),
        (errors.DownloadError, OSError),
        (errors.CorruptDataError, ValueError),
        (errors.ShapeError, ValueError),
        (errors.LabelError, ValueError),
        (errors.NonFiniteLossError, RuntimeError),
        (errors.RunFormatError, ValueError),
        (errors.OutputError, OSError),
    ],
)
def test_code_that_catches_builtin_exceptions_keeps_working(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, builtin)


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - ERRORS.keys()))
def test_warnings_are_user_warnings_and_no_errors_of_ours(name: str) -> None:
    assert issubclass(CLASSES[name], UserWarning)
    assert not issubclass(CLASSES[name], errors.ConvvisionError)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_message_is_shown_as_it_was_given(name: str) -> None:
    # KeyError would show it in quotes, and OSError with an error number where it is given two arguments.
    assert str(CLASSES[name]("a 'message'")) == "a 'message'"
