"""Downloads from a server on this machine, which answers as well, or as badly, as a test wants."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gzip
import importlib
import json
import os
import random
import re
import shutil
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convvision
from convvision.datasets import DATASETS, _download, _fashion_mnist, _transfer
from convvision.datasets._data_file import DataFile
from convvision.datasets._download import download_files
from convvision.datasets._files import fetch, load_idx_splits
from convvision.errors import CorruptDataError, DataNotFoundError, DownloadError
from faulty_server import (
    Answer,
    Server,
    drips,
    drips_its_header,
    endless,
    falls_silent,
    hangs_up,
    in_small_chunks,
    in_turn,
    redirects_to,
    redirects_with_an_endless_body,
    refuses,
    running,
    slowly,
    whole,
)

TRAIN_IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with running() as served:
        yield served


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for nothing between tries, and say how long it would have been."""
    asked: list[float] = []
    monkeypatch.setattr(_download, "_sleep", asked.append)
    return asked


def download_file(file: DataFile, folder: Path) -> None:
    download_files([file], folder)


def refused(file: DataFile, folder: Path) -> str:
    """Try to download, and return why it failed once nothing was seen to be left behind."""
    with pytest.raises(DownloadError) as caught:
        download_file(file, folder)
    assert not list(folder.iterdir())
    return str(caught.value)


def our_files() -> dict[str, tuple[DataFile, ...]]:
    """Give the published files of each of our own modules of data sets."""
    modules = [importlib.import_module(name) for name in DATASETS._builtins]
    return {
        module.__name__.rpartition("._")[2]: getattr(module, "_FILES", None) or (module._FILE,)
        for module in modules
        if hasattr(module, "_FILES") or hasattr(module, "_FILE")
    }


# A server that answers well


def test_a_data_set_is_downloaded_verified_and_loaded(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fashion_mnist, "_FILES", published.at(server.offer("good", published.payloads)))
    data = convvision.load_dataset("fashion_mnist", scale=None, data_home=tmp_path / "home")
    np.testing.assert_array_equal(data.train.images[..., 0], published.train_images)
    np.testing.assert_array_equal(data.test.labels, published.test_labels)
    folder = tmp_path / "home" / "fashion_mnist"
    assert {path.name: gzip.decompress(path.read_bytes()) for path in folder.iterdir()} == {
        f"{name}.gz": payload for name, payload in published.payloads.items()
    }


def test_what_is_there_is_not_downloaded_again(server: Server, published: Any, tmp_path: Path) -> None:
    files = published.at(server.offer("good", published.payloads))
    published.write(tmp_path, without=(TRAIN_IMAGES,))
    for _ in range(2):
        fetch(files, tmp_path, download=True)
    assert server.requests == [f"/good/{TRAIN_IMAGES}.gz"]


def test_without_leave_to_download_the_server_is_not_asked(server: Server, published: Any, tmp_path: Path) -> None:
    files = published.at(server.offer("good", published.payloads))
    with pytest.raises(FileNotFoundError):
        fetch(files, tmp_path, download=False)
    assert not server.requests


def test_progress_goes_to_stderr(
    server: Server, published: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download_file(published.at(server.offer("good", published.payloads))[0], tmp_path)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert TRAIN_IMAGES in printed.err


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}], ids=["plain", "called an encoding"])
def test_the_file_is_kept_as_it_is_served(
    server: Server, published: Any, tmp_path: Path, headers: dict[str, str]
) -> None:
    """Some servers take .gz for an encoding of the transfer; unpacked, it would not be the file that was published."""
    body = gzip.compress(published.payloads[TRAIN_IMAGES], mtime=0)
    download_file(published.at(server.answer_all("encoded", whole(body, headers)))[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").read_bytes() == body


def test_a_length_that_is_no_number_is_passed_over(server: Server, published: Any, tmp_path: Path) -> None:
    body = gzip.compress(published.payloads[TRAIN_IMAGES], mtime=0)
    download_file(published.at(server.answer_all("odd", whole(body, {"Content-Length": "many"})))[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").read_bytes() == body


def test_an_answer_in_small_chunks_is_not_taken_for_a_large_one(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_download, "_MOST_OVERHEAD", 1 << 10)
    body = gzip.compress(published.payloads[TRAIN_IMAGES], mtime=0)
    assert len(body) > 10_000
    download_file(published.at(server.answer_all("chunked", in_small_chunks(body)))[0], tmp_path)
    assert published.files[0].read(tmp_path / f"{TRAIN_IMAGES}.gz") == published.payloads[TRAIN_IMAGES]


@pytest.mark.skipif(sys.platform == "win32", reason="Permissions are another matter on Windows.")
def test_a_downloaded_file_may_be_read_by_whom_any_new_file_may(server: Server, published: Any, tmp_path: Path) -> None:
    """A teacher downloads once into a folder that a class shares."""
    (tmp_path / "any").touch()
    download_file(published.at(server.offer("good", published.payloads))[0], tmp_path / "home")
    downloaded = tmp_path / "home" / f"{TRAIN_IMAGES}.gz"
    assert stat.S_IMODE(downloaded.stat().st_mode) == stat.S_IMODE((tmp_path / "any").stat().st_mode)


# Mirrors that answer badly


@pytest.fixture
def body(published: Any) -> bytes:
    return gzip.compress(published.payloads[TRAIN_IMAGES], mtime=0)


def other_pixels(body: bytes) -> bytes:
    payload = bytearray(gzip.decompress(body))
    payload[500] ^= 1
    return gzip.compress(payload)


PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><html><p>Log in" + bytes(50_000)
BAD = {
    "404": (lambda body: refuses(404), "404 Not Found$"),
    "500": (lambda body: refuses(500), r"500 Internal Server Error \(4 tries\)$"),
    "429": (lambda body: refuses(429), r"429 Too Many Requests \(4 tries\)$"),
    "a hang-up": (hangs_up, r"the transfer was cut after (\d+) of (?!\1)\d+ bytes \(4 tries\)$"),
    "a hang-up before the answer": (lambda body: lambda handler: None, r"no connection \(Remote end.*\(4 tries\)$"),
    "a cut file": (lambda body: whole(body[:-500]), "broken gzip file: .* ended before"),
    "a shorter payload": (lambda body: whole(gzip.compress(gzip.decompress(body)[:-9])), "cut short at 23527 of 23536"),
    "other pixels": (lambda body: whole(other_pixels(body)), "another SHA-256.*31 August 2017"),
    "a page": (lambda body: whole(PAGE), f"the answer is a web page that came instead of the file {TRAIN_IMAGES}"),
    "a page in gzip": (lambda body: whole(gzip.compress(PAGE[:60])), "the answer is a web page that came instead"),
    "nothing": (lambda body: whole(b""), "is cut short at 0 of 23536 bytes"),
    "a promise too large": (lambda body: whole(b"", {"Content-Length": str(2**40)}), "larger than .* another file"),
    "a circle": (lambda body: redirects_to(), "redirected more than 10 times$"),
    "somewhere that is no address": (lambda body: redirects_to("ftp://there"), "InvalidSchema: No connection"),
}


@pytest.mark.parametrize(("answer", "reason"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_refused_and_leaves_nothing(
    server: Server, published: Any, tmp_path: Path, body: bytes, answer: Callable[[bytes], Answer], reason: str
) -> None:
    file = published.at(server.answer_all("bad", answer(body)))[0]
    message = refused(file, tmp_path)
    line = message.splitlines()[1]
    assert line.startswith(f"  {file.mirrors[0]}: ")
    assert re.search(reason, line), line


@pytest.mark.parametrize("answer", [answer for answer, _ in BAD.values()], ids=BAD)
def test_after_a_bad_answer_the_next_mirror_is_asked(
    server: Server, published: Any, tmp_path: Path, body: bytes, answer: Callable[[bytes], Answer]
) -> None:
    bad, good = server.answer_all("bad", answer(body)), server.offer("good", published.payloads)
    download_file(published.at(bad, good)[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{TRAIN_IMAGES}.gz"]
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").read_bytes() == body


def test_an_answer_without_end_is_cut_off(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_download, "_MOST_OVERHEAD", 1 << 20)
    file = published.at(server.answer_all("endless", endless))[0]
    limit = 16 + 30 * 28 * 28 + (1 << 20)
    assert f"the answer is larger than {limit} bytes, so it is another file" in refused(file, tmp_path)
    # What lies in the buffers of both ends had been sent too.
    assert server.bytes_sent < limit + (16 << 20)


def test_a_server_that_falls_silent_is_given_up(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transfer, "_TIMEOUT", (0.3, 0.3))
    silent, good = server.answer_all("silent", falls_silent), server.offer("good", published.payloads)
    assert "timed out" in refused(published.at(silent)[0], tmp_path)
    download_file(published.at(silent, good)[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").is_file()


def test_a_server_that_is_not_there_is_named(published: Any, tmp_path: Path, server: Server) -> None:
    # The port of a server that was closed; nobody listens there.
    with Server() as gone:
        address = gone.address
    message = refused(published.at(address)[0], tmp_path)
    assert f"{address}/{TRAIN_IMAGES}.gz: no connection (Connection refused) (4 tries)" in message


def test_when_all_fail_each_mirror_and_the_way_out_are_named(
    server: Server, published: Any, body: bytes, tmp_path: Path
) -> None:
    mirrors = [
        f"{server.address}/nothing",
        server.answer_all("cut", whole(body[:-500])),
        server.answer_all("other", whole(other_pixels(body))),
    ]
    file = published.at(*mirrors)[0]
    message = refused(file, tmp_path)
    first, *tried, way_out, place = message.splitlines()
    assert first == f"{TRAIN_IMAGES} could not be downloaded. Tried:"
    assert [line.split(": ")[0].strip() for line in tried] == list(file.mirrors)
    assert way_out == "Try again later. If you get it by other means, this is what is missing, and where it goes:"
    assert place == (
        f"  {tmp_path / TRAIN_IMAGES}.gz (or without .gz), SHA-256 of the uncompressed bytes {file.sha256}"
    )
    # The neighbour that was downloaded into is gone, so nobody can delete it.
    assert str(tmp_path) not in "".join(tried)
    assert "Delete it" not in message


def test_files_that_were_there_survive_a_failure(server: Server, published: Any, tmp_path: Path) -> None:
    published.write(tmp_path, without=(TRAIN_IMAGES,))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DownloadError):
        fetch(published.at(f"{server.address}/nothing"), tmp_path, download=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_all_that_is_missing_is_listed_and_what_came_stays(server: Server, published: Any, tmp_path: Path) -> None:
    files = published.at(server.offer("good", published.payloads))
    first, second, third, fourth = files
    del server.answers[f"/good/{second.name}.gz"]
    published.write(tmp_path, without=(first.name, second.name, fourth.name))
    with pytest.raises(DownloadError) as caught:
        fetch(files, tmp_path, download=True)
    message = str(caught.value)
    assert message.startswith(f"{second.name} could not be downloaded. Tried:\n  {second.mirrors[0]}: 404 Not Found\n")
    assert "If you get them by other means" in message
    assert message.splitlines()[-2:] == [f"  {file.where(tmp_path)}" for file in (second, fourth)]
    assert first.find(tmp_path)
    assert not any(third.name in line for line in message.splitlines())


# The folder cannot be written


def test_a_file_in_place_of_the_folder_is_said(server: Server, published: Any, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    file = published.at(server.offer("good", published.payloads))[0]
    with pytest.raises(DownloadError, match=r"could not be kept\. Cannot write .*: (File exists|Not a directory)"):
        download_file(file, tmp_path / "home")
    assert (tmp_path / "home").read_text() == "mine"


class _Full:
    """A file that cannot be written."""

    def __init__(self, code: int) -> None:
        self.code = code

    def write(self, piece: bytes) -> int:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "No space left on device. Nothing was left behind. The disk is full: make room, or set "),
        (errno.EDQUOT, "Your part of the disk is used up: make room, or set "),
        (errno.EROFS, "The folder is read-only: let somebody who may write there download once, or set "),
        (errno.EACCES, "You may not write there: let somebody who may download once, or set "),
        (errno.EIO, "Make it a folder that can be written, or set "),
    ],
)
def test_a_folder_that_takes_no_more_is_said_with_what_to_do_and_no_other_mirror_is_asked(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    transfer = _transfer.transfer

    def write_nothing(url: str, target: Any, **options: Any) -> None:
        transfer(url, _Full(code), **options)

    monkeypatch.setattr(_transfer, "transfer", write_nothing)
    file = published.at(server.offer("good", published.payloads), f"{server.address}/other")[0]
    message = refused(file, tmp_path)
    assert message.startswith(f"{TRAIN_IMAGES} (23,536 bytes) could not be kept. Cannot write {tmp_path}")
    assert f"{advice}CONVVISION_DATA_HOME to another folder than {tmp_path.parent}." in message
    assert server.requests == [f"/good/{TRAIN_IMAGES}.gz"]


@pytest.mark.skipif(sys.platform != "linux", reason="Needs /dev/full.")
def test_a_disk_that_is_full_when_the_file_is_closed_is_said_too(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short files wait in memory until they are closed; only then does the disk say no."""
    opened = Path.open

    def open_full(self: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        return opened(Path("/dev/full") if mode == "wb" else self, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", open_full)
    file = published.at(server.offer("good", published.payloads))[0]
    assert "No space left on device" in refused(file, tmp_path)


@pytest.fixture
def shared_folder(published: Any) -> Iterator[Path]:
    """Give a folder that anybody can reach, which those of pytest are not, and that is somebody else's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while, where one is root, who may do anything."""
    if sys.platform == "win32":
        pytest.skip("Permissions are another matter on Windows.")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_leave_to_write_is_said_and_one_that_is_full_of_files_is_read(
    server: Server, published: Any, tmp_path: Path, shared_folder: Path
) -> None:
    files = published.at(server.offer("good", published.payloads))
    download_file(files[0], tmp_path)  # All that is imported on first use is imported.
    shared_folder.chmod(0o555)
    with without_privileges():
        message = refused(files[0], shared_folder)
    assert "Permission denied. Nothing was left behind. You may not write there: let somebody who may do" in message
    shared_folder.chmod(0o755)
    published.write(shared_folder)
    shared_folder.chmod(0o555)
    with without_privileges():
        train, _ = load_idx_splits(files, shared_folder, download=True)
    np.testing.assert_array_equal(train.images[..., 0], published.train_images)


def test_a_folder_that_one_may_not_look_into_and_a_file_that_one_may_not_read_are_said(
    published: Any, shared_folder: Path
) -> None:
    published.write(shared_folder)
    path = shared_folder / f"{TRAIN_IMAGES}.gz"
    path.chmod(0)
    with without_privileges(), pytest.raises(DataNotFoundError, match=r"\.gz cannot be read: Permission denied\."):
        load_idx_splits(published.files, shared_folder, download=False)
    shared_folder.chmod(0)
    with without_privileges(), pytest.raises(DataNotFoundError, match="cannot be looked at") as caught:
        load_idx_splits(published.files, shared_folder, download=True)
    assert "set CONVVISION_DATA_HOME to another folder" in str(caught.value)


def test_an_interruption_leaves_nothing(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: DataFile, path: Path, **_: object) -> bytes:
        assert path.stat().st_size > 0
        raise KeyboardInterrupt

    file = published.at(server.offer("good", published.payloads))[0]
    monkeypatch.setattr(DataFile, "read", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download_file(file, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_download_left_is_removed_by_the_next(server: Server, published: Any, tmp_path: Path) -> None:
    file = published.at(server.offer("good", published.payloads))[0]
    left = tmp_path / f".{TRAIN_IMAGES}-0123abcd.gz"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 48 * 3600,) * 2)
    download_file(file, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{TRAIN_IMAGES}.gz"]


def test_downloads_at_once_do_not_disturb_one_another(server: Server, published: Any, tmp_path: Path) -> None:
    file = published.at(server.offer("good", published.payloads))[0]
    together = threading.Barrier(4)

    def download() -> bytes:
        together.wait(10)
        fetch([file], tmp_path, download=True)
        return file.read(tmp_path / f"{TRAIN_IMAGES}.gz")

    with ThreadPoolExecutor(4) as pool:
        payloads = [future.result() for future in [pool.submit(download) for _ in range(4)]]
    assert payloads == [published.payloads[TRAIN_IMAGES]] * 4
    assert [path.name for path in tmp_path.iterdir()] == [f"{TRAIN_IMAGES}.gz"]


# Patience


def test_what_is_transient_is_tried_again_with_longer_and_longer_waits(
    server: Server, published: Any, tmp_path: Path, body: bytes, waits: list[float]
) -> None:
    answers = in_turn(refuses(503), hangs_up(body), lambda handler: None, whole(body))
    download_file(published.at(server.answer_all("moody", answers))[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").read_bytes() == body
    assert len(server.requests) == 4
    for wait, middle in zip(waits, (1, 2, 4), strict=True):
        assert middle / 2 <= wait <= middle * 1.5


def test_waits_of_two_processes_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random.seed(0)
    state = random.getstate()
    assert len({_download._backoff(1) for _ in range(20)}) > 15
    assert random.getstate() == state


@pytest.mark.parametrize("name", ["404", "a page", "other pixels", "a shorter payload", "a circle"])
def test_what_will_not_change_is_asked_once(
    server: Server, published: Any, tmp_path: Path, body: bytes, waits: list[float], name: str
) -> None:
    refused(published.at(server.answer_all("bad", BAD[name][0](body)))[0], tmp_path)
    assert not waits
    assert len(server.requests) == (11 if name == "a circle" else 1)


@pytest.mark.parametrize(
    ("after", "waited", "said"),
    [
        ("7", [7.0] * 3, r"429 Too Many Requests, and asks to wait 7 s \(4 tries\)$"),
        ("3600", [], "429 Too Many Requests, and asks to wait 3600 s$"),
        ("tomorrow", None, r"429 Too Many Requests \(4 tries\)$"),
    ],
)
def test_a_server_that_asks_to_wait_is_left_alone_within_reason(
    server: Server, published: Any, tmp_path: Path, waits: list[float], after: str, waited: Any, said: str
) -> None:
    message = refused(published.at(server.answer_all("busy", refuses(429, {"Retry-After": after})))[0], tmp_path)
    assert re.search(said, message.splitlines()[1])
    assert waits == waited if waited is not None else len(waits) == 3


@pytest.mark.parametrize("answer", [drips, drips_its_header], ids=["the body", "the header"])
def test_a_server_that_drips_is_given_up_and_the_next_mirror_asked(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(_transfer, "_GRACE", 0.3)
    monkeypatch.setattr(_download, "_MOST_OVERHEAD", 1 << 20)
    dripping, good = server.answer_all("drip", answer), server.offer("good", published.payloads)
    begun = time.monotonic()
    assert re.search(
        r"too slow: \d+ bytes came in \d+ s$", refused(published.at(dripping)[0], tmp_path).splitlines()[1]
    )
    assert time.monotonic() - begun < 10
    assert len(server.requests) == 1
    download_file(published.at(dripping, good)[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").is_file()
    assert threading.active_count() < 10


def test_a_slow_server_that_keeps_its_pace_is_waited_for(
    server: Server, published: Any, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transfer, "_GRACE", 0.4)
    monkeypatch.setattr(_transfer, "_CHUNK", 1024)
    monkeypatch.setattr(_transfer, "_SLOWEST", 5_000)
    # It takes longer than the grace alone allows, and is faster than 5 kB a second.
    download_file(published.at(server.answer_all("slow", slowly(body, 0.8)))[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").read_bytes() == body


def test_the_body_of_a_redirect_is_not_read(server: Server, published: Any, tmp_path: Path) -> None:
    good = server.offer("good", published.payloads)
    moved = server.answer_all("moved", redirects_with_an_endless_body(f"{good}/{TRAIN_IMAGES}.gz"))
    download_file(published.at(moved)[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").is_file()
    assert server.bytes_sent < 32 << 20


# The environment


def test_a_proxy_of_the_environment_is_asked(
    server: Server, published: Any, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, server.address)
    mirror = "http://mirror.invalid/data"
    server.answers[f"{mirror}/*"] = whole(body)
    download_file(published.at(mirror)[0], tmp_path)
    assert server.requests == [f"{mirror}/{TRAIN_IMAGES}.gz"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="A certificate is made with the openssl command.")
def test_certificates_of_the_environment_are_trusted_and_no_others(
    published: Any, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    (tmp_path / "home").mkdir()
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with running() as served:
        served.socket = context.wrap_socket(served.socket, server_side=True, do_handshake_on_connect=False)
        address = served.answer_all("data", whole(body)).replace("http://", "https://")
        file = published.at(address)[0]
        message = refused(file, tmp_path / "home")
        assert "its certificate is not accepted" in message
        assert "set REQUESTS_CA_BUNDLE to the file of certificates that your network trusts" in message
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        download_file(file, tmp_path / "home")
    assert (tmp_path / "home" / f"{TRAIN_IMAGES}.gz").read_bytes() == body


def test_every_mirror_of_ours_is_reached_by_https_and_each_address_is_given_once() -> None:
    addresses = [url for files in our_files().values() for file in files for url in file.mirrors]
    assert addresses
    assert all(re.fullmatch(r"https://[\w.-]+/[\w./~-]+", url) for url in addresses)
    assert len(set(addresses)) == len(addresses)


# Many at once

_LOAD = """
import json, sys
from pathlib import Path
from convvision.datasets._data_file import DataFile
from convvision.datasets import _download, _fashion_mnist, load_dataset
home, files = json.loads(sys.argv[1])
_download._FIRST_WAIT = 0.1
_fashion_mnist._FILES = tuple(DataFile(**{**file, "mirrors": tuple(file["mirrors"])}) for file in files)
print(load_dataset("fashion_mnist", data_home=Path(home)).fingerprint)
"""


def test_eight_processes_that_load_at_once_get_one_result_and_nobody_sees_half_a_file(
    server: Server, published: Any, tmp_path: Path
) -> None:
    bodies = {f"{name}.gz": gzip.compress(payload, mtime=0) for name, payload in published.payloads.items()}
    for number, (name, body) in enumerate(bodies.items()):
        # The first file is refused to some of the eight before they get it.
        refusals = [refuses(503), hangs_up(body), refuses(429, {"Retry-After": "0"})] if number == 0 else []
        server.answers[f"/busy/{name}"] = in_turn(*refusals, slowly(body, 0.3))
    files = published.at(f"{server.address}/busy")
    arguments = json.dumps([str(tmp_path), [dataclasses.asdict(file) for file in files]])
    loads = [
        subprocess.Popen([sys.executable, "-c", _LOAD, arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    folder = tmp_path / "fashion_mnist"
    looks = 0
    while any(load.poll() is None for load in loads):
        for name, body in bodies.items():
            with contextlib.suppress(FileNotFoundError):
                assert (folder / name).read_bytes() == body
                looks += 1
        time.sleep(0.005)
    outputs = [load.communicate() for load in loads]
    assert [load.returncode for load in loads] == [0] * 8, outputs
    assert len({printed for printed, _ in outputs}) == 1
    assert looks > 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == bodies


def test_a_folder_that_another_process_took_away_is_made_again(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that fails removes the folder that it made, if it is empty; one beside it may be about to write."""
    folder, made = tmp_path / "home", Path.touch
    gone: list[Path] = []

    def touch(self: Path, *rest: Any, **options: Any) -> None:
        if not gone:
            gone.append(self.parent)
            self.parent.rmdir()
        made(self, *rest, **options)

    monkeypatch.setattr(Path, "touch", touch)
    file = published.at(server.offer("good", published.payloads))[0]
    download_file(file, folder)
    assert gone == [folder]
    assert file.find(folder)


def test_a_file_that_another_process_brought_is_not_asked_for_again(
    server: Server, published: Any, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = published.at(server.answer_all("busy", refuses(503)))[0]
    target = tmp_path / f"{TRAIN_IMAGES}.gz"
    monkeypatch.setattr(_download, "_sleep", lambda seconds: target.write_bytes(body))
    download_file(file, tmp_path)
    assert len(server.requests) == 1


# The cache is shared with other versions of the library


def test_names_and_hashes_in_the_cache_are_those_of_all_versions() -> None:
    """Another hash under the same name would make two versions refuse each other's files: take another name then."""
    known = {
        f"{module}/{file.served_name}": (file.as_served, file.sha256[:12])
        for module, files in our_files().items()
        for file in files
    }
    assert known == {
        "cifar10/cifar-10-binary.tar.gz": (True, "c4a38c50a1bc"),
        "cifar100/cifar-100-binary.tar.gz": (True, "58a81ae192c2"),
        "emnist/gzip.zip": (True, "fb9bb67e3377"),
        "fashion_mnist/t10k-images-idx3-ubyte.gz": (False, "5b4141f0afba"),
        "fashion_mnist/t10k-labels-idx1-ubyte.gz": (False, "0402a96d92fd"),
        "fashion_mnist/train-images-idx3-ubyte.gz": (False, "c59f468a2f67"),
        "fashion_mnist/train-labels-idx1-ubyte.gz": (False, "bad3541b69d9"),
        "kmnist/t10k-images-idx3-ubyte.gz": (True, "edd7a857845a"),
        "kmnist/t10k-labels-idx1-ubyte.gz": (True, "20bb9a0ef54c"),
        "kmnist/train-images-idx3-ubyte.gz": (True, "51467d22d8cc"),
        "kmnist/train-labels-idx1-ubyte.gz": (True, "e38f9ebcd0f3"),
        "mnist/t10k-images-idx3-ubyte.gz": (False, "0fa7898d5092"),
        "mnist/t10k-labels-idx1-ubyte.gz": (False, "ff7bcfd416de"),
        "mnist/train-images-idx3-ubyte.gz": (False, "ba891046e650"),
        "mnist/train-labels-idx1-ubyte.gz": (False, "65a50cbbf4e9"),
    }


def test_a_version_with_other_facts_neither_takes_nor_changes_what_is_there(
    server: Server, published: Any, tmp_path: Path
) -> None:
    """As if a later version knew another edition of one file: it says so, and the earlier one goes on."""
    ours = published.at(server.offer("good", published.payloads))
    fetch(ours, tmp_path, download=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    later = [dataclasses.replace(ours[0], sha256="0" * 64), *ours[1:]]
    with pytest.raises(CorruptDataError, match="has another SHA-256"):
        load_idx_splits(later, tmp_path, download=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    train, _ = load_idx_splits(ours, tmp_path, download=False)
    np.testing.assert_array_equal(train.images[..., 0], published.train_images)
