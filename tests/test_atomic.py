"""Writing whole or not at all, with every kind of failure in between."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from convvision._atomic import check_new_directory, new_directory, remove_abandoned, replace_file
from convvision.errors import DataNotFoundError, OutputError


def contents(folder: Path) -> dict[str, str | None]:
    """Everything below a folder, hidden or not: path -> text, or None for a folder."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") if path.is_file() else None
        for path in folder.rglob("*")
    }


def write_file(path: Path) -> None:
    with replace_file(path) as partial:
        partial.write_text("new", encoding="utf-8")


def write_directory(path: Path) -> None:
    with new_directory(path) as partial:
        (partial / "first").write_text("1", encoding="utf-8")
        (partial / "inner").mkdir()
        (partial / "inner" / "second").write_text("2", encoding="utf-8")


WRITTEN = {"first": "1", "inner": None, "inner/second": "2"}


class UnrelatedError(Exception):
    """Something that has nothing to do with writing."""


Writer = Callable[[Path], AbstractContextManager[Path]]
both = pytest.mark.parametrize("writer", [replace_file, new_directory])


@pytest.fixture(params=[0o022, 0o077, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_new_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with replace_file(path) as partial:
        partial.write_text("half", encoding="utf-8")
        assert not path.exists()
        partial.write_text("whole", encoding="utf-8")
    assert contents(tmp_path) == {"picture.png": "whole"}


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text("old", encoding="utf-8")
    with replace_file(path) as partial:
        partial.write_text("half", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert contents(tmp_path) == {"picture.png": "half"}


@pytest.mark.parametrize("name", ["picture.png", "labels.idx1-ubyte.gz", "README"])
def test_writers_may_go_by_the_ending(tmp_path: Path, name: str) -> None:
    with replace_file(tmp_path / name) as partial:
        assert partial.suffix == Path(name).suffix
        assert partial.parent == tmp_path
        partial.touch()


def test_a_new_directory_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with new_directory(path) as partial:
        (partial / "first").write_text("1", encoding="utf-8")
        assert not path.exists()
    assert contents(path) == {"first": "1"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_are_strings_or_paths(tmp_path: Path, kind: type[str] | type[Path]) -> None:
    with replace_file(kind(tmp_path / "file")) as partial:
        partial.touch()
    with new_directory(kind(tmp_path / "folder")):
        pass
    check_new_directory(kind(tmp_path / "folder"))
    assert contents(tmp_path) == {"file": "", "folder": None}


@both
def test_missing_folders_above_are_made(tmp_path: Path, writer: Writer) -> None:
    with writer(tmp_path / "a" / "b" / "c"):
        pass
    assert (tmp_path / "a" / "b" / "c").exists()


@both
@pytest.mark.parametrize(
    "failure", [UnrelatedError, KeyboardInterrupt, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]
)
@pytest.mark.parametrize("name", ["run", "a/b/run"])
def test_a_failure_in_the_block_leaves_nothing(
    tmp_path: Path, writer: Writer, failure: type[BaseException] | BaseException, name: str
) -> None:
    (tmp_path / "bystander").write_text("untouched", encoding="utf-8")

    def write_and_fail() -> None:
        with writer(tmp_path / name) as partial:
            half = partial / "half" if partial.is_dir() else partial
            half.write_text("half", encoding="utf-8")
            raise failure

    with pytest.raises((UnrelatedError, KeyboardInterrupt, OutputError)):
        write_and_fail()
    assert contents(tmp_path) == {"bystander": "untouched"}


def test_a_failure_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text("old", encoding="utf-8")

    def write_and_fail() -> None:
        with replace_file(path) as partial:
            partial.write_text("half", encoding="utf-8")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    message = f"Cannot write {path}: No space left on device. Nothing was left behind."
    with pytest.raises(OutputError, match=re.escape(message)) as caught:
        write_and_fail()
    assert isinstance(caught.value.__cause__, OSError)
    assert contents(tmp_path) == {"picture.png": "old"}


def test_a_folder_that_somebody_else_uses_meanwhile_stays(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with replace_file(tmp_path / "a" / "b" / "file"):
            (tmp_path / "a" / "theirs").write_text("kept", encoding="utf-8")
            raise UnrelatedError

    with pytest.raises(UnrelatedError):
        write_and_fail()
    assert contents(tmp_path) == {"a": None, "a/theirs": "kept"}


@both
def test_errors_of_ours_pass_as_they_are(tmp_path: Path, writer: Writer) -> None:
    # This one is an OSError too, but tells of another file.
    error = DataNotFoundError("There is no image file cat.png.")

    def write_and_fail() -> None:
        with writer(tmp_path / "run"):
            raise error

    with pytest.raises(DataNotFoundError) as caught:
        write_and_fail()
    assert caught.value is error
    assert contents(tmp_path) == {}


def test_an_error_without_a_reason_of_the_system_is_repeated(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with replace_file(tmp_path / "file"):
            raise OSError("the printer is on fire")

    with pytest.raises(OutputError, match=r"file: the printer is on fire\. Nothing"):
        write_and_fail()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    def write_to_a_full_disk() -> None:
        with replace_file(tmp_path / "file") as partial:
            partial.unlink()
            partial.symlink_to("/dev/full")
            partial.write_text("no room for this", encoding="utf-8")

    with pytest.raises(OutputError, match="file: No space left on device"):
        write_to_a_full_disk()
    assert contents(tmp_path) == {}


@both
@pytest.mark.parametrize("name", ["file/run", "file/a/run"])
def test_a_file_in_the_way_is_said_plainly(tmp_path: Path, writer: Writer, name: str) -> None:
    (tmp_path / "file").write_text("theirs", encoding="utf-8")
    with (
        pytest.raises(OutputError, match=re.escape(f"Cannot write {tmp_path / name}: ")),
        writer(tmp_path / name),
    ):
        pytest.fail("there is nowhere to write")
    assert contents(tmp_path) == {"file": "theirs"}


@both
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, a folder where not even root can write")
def test_a_folder_that_cannot_be_written_is_said_plainly(writer: Writer) -> None:
    with pytest.raises(OutputError, match="Cannot write /proc/run: "), writer(Path("/proc/run")):
        pytest.fail("there is nowhere to write")


@pytest.mark.parametrize("name", ["file/run", "file/a/run"])
def test_a_file_in_the_way_is_noticed_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("theirs", encoding="utf-8")
    with pytest.raises(OutputError, match=re.escape(f"Cannot write {tmp_path / name}: Not a directory")):
        check_new_directory(tmp_path / name)
    assert contents(tmp_path) == {"file": "theirs"}


@pytest.mark.parametrize("name", ["run", "a/b/run"])
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, a folder where not even root can write")
def test_a_folder_that_cannot_be_written_is_noticed_before_the_work(name: str) -> None:
    with pytest.raises(OutputError, match=f"Cannot write /proc/{name}: "):
        check_new_directory(Path("/proc") / name)


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write .*run: Is a directory"):
        write_file(tmp_path / "run")
    assert contents(tmp_path) == {"run": None}


def test_a_folder_that_holds_something_is_refused_before_the_block(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("theirs", encoding="utf-8")
    message = f"The target must be a new or an empty folder, and nothing is overwritten. Received: {tmp_path}"
    with pytest.raises(OutputError, match=re.escape(message)), new_directory(tmp_path):
        pytest.fail("the block must not run")
    with pytest.raises(OutputError, match=re.escape(message)):
        check_new_directory(tmp_path)
    assert contents(tmp_path) == {".hidden": "theirs"}


def test_a_file_is_refused_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("theirs", encoding="utf-8")
    with pytest.raises(OutputError, match="The target must be a new or an empty folder"):
        write_directory(tmp_path / "run")
    assert contents(tmp_path) == {"run": "theirs"}


def test_checking_a_new_folder_makes_nothing(tmp_path: Path) -> None:
    check_new_directory(tmp_path / "a" / "b")
    check_new_directory(tmp_path)
    assert contents(tmp_path) == {}


def test_an_empty_folder_is_filled_and_stays_the_same_folder(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir(mode=0o700)
    before = path.stat()
    check_new_directory(path)
    with new_directory(path) as partial:
        # Not beside it, where there may be another disk, or no permission.
        assert partial.parent == path
        (partial / "first").write_text("1", encoding="utf-8")
    assert contents(path) == {"first": "1"}
    assert (path.stat().st_ino, path.stat().st_mode) == (before.st_ino, before.st_mode)


def test_a_failure_leaves_an_empty_folder_empty(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with new_directory(tmp_path) as partial:
            (partial / "half").touch()
            raise UnrelatedError

    with pytest.raises(UnrelatedError):
        write_and_fail()
    assert contents(tmp_path) == {}


def test_contents_that_do_not_all_arrive_leave_an_empty_folder_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def rename_but_one(source: Path, target: Path) -> Path:
        if target == tmp_path / "inner":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(source, target)

    # "first" has arrived by then.
    monkeypatch.setattr(Path, "rename", rename_but_one)
    with pytest.raises(OutputError, match="Input/output error"):
        write_directory(tmp_path)
    assert contents(tmp_path) == {}


def test_the_current_folder_is_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_new_directory(".")
    write_directory(Path())
    assert contents(Path.cwd()) == WRITTEN


def test_an_empty_folder_behind_a_link_is_a_target(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    write_directory(tmp_path / "link")
    assert contents(tmp_path / "disk") == WRITTEN
    assert (tmp_path / "link").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into every folder")
def test_an_empty_folder_in_a_folder_of_others_is_a_target(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    tmp_path.chmod(0o500)
    try:
        write_directory(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)
    assert contents(tmp_path / "run") == WRITTEN


def test_of_two_that_write_one_folder_the_second_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"

    def write_twice() -> None:
        with new_directory(path) as partial:
            (partial / "mine").touch()
            write_directory(path)

    with pytest.raises(OutputError, match=r"Cannot write .*run: Directory not empty"):
        write_twice()
    assert contents(path) == WRITTEN
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_results_get_the_permissions_of_any_new_file(tmp_path: Path, umask: int) -> None:
    write_file(tmp_path / "file")
    write_directory(tmp_path / "run")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((tmp_path / "run" / "first").stat().st_mode) == 0o666 & ~umask


def test_what_a_killed_process_left_is_removed_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    now = time.time()
    left: dict[str, Path] = {}
    for age, hours in (("old", 25), ("young", 23)):
        # A killed process leaves its neighbour; here it is put back once the block has removed it.
        with replace_file(tmp_path / "data[1].npz") as partial:
            pass
        partial.touch()
        os.utime(partial, (now - hours * 3600,) * 2)
        left[age] = partial
    others = [".data[1]-note.npz", ".data[1]-0123abcd.txt", ".data1-0123abcd.npz", "data[1]-0123abcd.npz"]
    for name in others:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now - 99 * 3600,) * 2)
    remove_abandoned(tmp_path / "data[1].npz")
    assert {path.name for path in tmp_path.iterdir()} == {"data[1].npz", left["young"].name, *others}
    remove_abandoned(tmp_path / "nowhere" / "data.npz")
