"""Archives: members by name, and archives that were made to do harm."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from convvision.datasets._archives import read_tar_members, read_zip_members
from convvision.errors import CorruptDataError

CONTENTS = {"folder/one.bin": b"first" * 100, "folder/two.bin": b"second" * 100}
LIMITS = {name: len(content) for name, content in CONTENTS.items()}


def tar_of(*members: tuple[tarfile.TarInfo | str, bytes], compresslevel: int = 9) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=compresslevel) as archive:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    file.seek(0)
    return file


def zip_of(*members: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for member, content in members:
            archive.writestr(member, content)
    file.seek(0)
    return file


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


READERS = [pytest.param(read_tar_members, tar_of, id="tar"), pytest.param(read_zip_members, zip_of, id="zip")]


@pytest.mark.parametrize(("read", "make"), READERS)
def test_members_are_read_by_name_among_others(read: Callable, make: Callable) -> None:
    archive = make(("folder/readme.html", b"<html>"), *reversed(CONTENTS.items()), ("other/one.bin", b"not this"))
    assert read(archive, LIMITS, source="it") == CONTENTS


def test_gzip_members_of_a_zip_archive_are_unpacked_and_raw_ones_are_not() -> None:
    archive = zip_of(("folder/one.bin", gzip.compress(CONTENTS["folder/one.bin"])), *[list(CONTENTS.items())[1]])
    assert read_zip_members(archive, LIMITS, source="it") == CONTENTS


@pytest.mark.parametrize(("read", "make"), READERS)
def test_a_missing_member_is_named(read: Callable, make: Callable) -> None:
    with pytest.raises(CorruptDataError, match=r"^it lacks folder/two\.bin\.$"):
        read(make(("folder/one.bin", CONTENTS["folder/one.bin"])), LIMITS, source="it")


# Nothing leaves the archive


@pytest.mark.parametrize(("read", "make"), READERS)
@pytest.mark.parametrize("name", ["../escaped", "folder/../../escaped", "/escaped", "C:\\escaped", "..\\escaped"])
def test_members_that_lead_elsewhere_are_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable, make: Callable, name: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert read(make((name, b"harm"), *CONTENTS.items()), LIMITS, source="it") == CONTENTS
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]
    assert not Path("/escaped").exists()


@pytest.mark.parametrize(
    "member",
    [
        special("folder/one.bin", tarfile.SYMTYPE, "/etc/passwd"),
        special("folder/one.bin", tarfile.SYMTYPE, "two.bin"),
        special("folder/one.bin", tarfile.LNKTYPE, "folder/two.bin"),
        special("folder/one.bin", tarfile.LNKTYPE, "../../etc/passwd"),
        special("folder/one.bin", tarfile.CHRTYPE),
        special("folder/one.bin", tarfile.BLKTYPE),
        special("folder/one.bin", tarfile.FIFOTYPE),
        special("folder/one.bin", tarfile.DIRTYPE),
    ],
    ids=["link out", "link in", "hard link in", "hard link out", "device", "disk", "pipe", "folder"],
)
def test_a_tar_member_that_is_no_plain_file_is_refused(member: tarfile.TarInfo) -> None:
    archive = tar_of(("folder/two.bin", CONTENTS["folder/two.bin"]), (member, b""))
    with pytest.raises(CorruptDataError, match=r"it holds folder/one\.bin as a link, a device or a folder"):
        read_tar_members(archive, LIMITS, source="it")


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644, 0o040755], ids=["link", "device", "pipe", "folder"])
def test_a_zip_member_that_is_no_plain_file_is_refused(mode: int) -> None:
    member = zipfile.ZipInfo("folder/one.bin")
    member.create_system, member.external_attr = 3, mode << 16
    archive = zip_of((member, b"/etc/passwd"), ("folder/two.bin", b""))
    with pytest.raises(CorruptDataError, match=r"it holds folder/one\.bin as a link, a device or a folder"):
        read_zip_members(archive, LIMITS, source="it")


def test_a_zip_member_of_unix_and_one_of_elsewhere_are_plain_files() -> None:
    one, two = zipfile.ZipInfo("folder/one.bin"), zipfile.ZipInfo("folder/two.bin")
    one.create_system, one.external_attr = 3, 0o100644 << 16
    two.create_system, two.external_attr = 0, 0x20
    members = [(info, CONTENTS[info.filename]) for info in (one, two)]
    assert read_zip_members(zip_of(*members), LIMITS, source="it") == CONTENTS


# Bombs


def peak_of(read: Callable[[], object], reason: str) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(CorruptDataError, match=reason):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


BOMB = bytes(100_000_000)


def test_a_tar_member_that_is_too_large_is_refused_before_it_is_read() -> None:
    archive = tar_of(("folder/one.bin", BOMB), compresslevel=1)
    assert peak_of(lambda: read_tar_members(archive, LIMITS, source="it"), "holds more than the 500 bytes") < 1 << 20


def test_a_tar_archive_that_unpacks_to_too_much_is_left_at_its_limit() -> None:
    archive = tar_of(("unasked", BOMB), compresslevel=1)
    assert peak_of(lambda: read_tar_members(archive, LIMITS, source="it"), "unpacks to more than the") < 1 << 20


def test_a_tar_header_that_claims_terabytes_allocates_nothing() -> None:
    """An extended header is read as a whole by the library; so its size counts too."""
    info = special("x", tarfile.XHDTYPE)
    info.size = 2**40
    archive = io.BytesIO(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + BOMB, compresslevel=1))
    assert peak_of(lambda: read_tar_members(archive, LIMITS, source="it"), "unpacks to more|broken archive") < 16 << 20


def test_a_tar_archive_of_very_many_members_is_left() -> None:
    archive = tar_of(*[(f"member {number}", b"") for number in range(1_100)])
    with pytest.raises(CorruptDataError, match="it holds more than 1000 members"):
        read_tar_members(archive, LIMITS, source="it")


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lambda bomb: gzip.compress(gzip.compress(bomb))])
def test_a_zip_member_that_unpacks_to_too_much_is_left_at_its_limit(wrap: Callable[[bytes], bytes]) -> None:
    archive = zip_of(("folder/one.bin", wrap(BOMB)), ("folder/two.bin", b""))
    assert (
        peak_of(lambda: read_zip_members(archive, LIMITS, source="it"), r"folder/one\.bin in it holds more") < 1 << 20
    )


# Broken ones


@pytest.mark.parametrize(("read", "make"), READERS)
@pytest.mark.parametrize("keep", [0, 10, 200, -40])
def test_a_cut_archive_is_refused(read: Callable, make: Callable, keep: int) -> None:
    whole = make(*CONTENTS.items(), ("later", bytes(range(256)) * 8)).getvalue()
    cut = io.BytesIO(whole[: len(whole) // 2 if keep == 200 else keep])
    limits = LIMITS | {"later": 2048}
    with pytest.raises(CorruptDataError, match=r"^it (is a broken archive|lacks)"):
        read(cut, limits, source="it")


def test_an_encrypted_zip_member_is_refused() -> None:
    whole = bytearray(zip_of(*CONTENTS.items()).getvalue())
    # Bit 0 of the flags, in the member's own header and in the list of members (APPNOTE 4.4.4).
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(CorruptDataError, match=r"broken archive: .*encrypted"):
        read_zip_members(io.BytesIO(whole), LIMITS, source="it")


def test_a_zip_member_whose_checksum_is_wrong_is_refused() -> None:
    whole = bytearray(zip_of(*CONTENTS.items(), method=zipfile.ZIP_STORED).getvalue())
    whole[whole.index(b"first")] ^= 1
    with pytest.raises(CorruptDataError, match="broken archive: Bad CRC-32"):
        read_zip_members(io.BytesIO(whole), LIMITS, source="it")
