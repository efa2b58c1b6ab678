"""Downloads from a server on this machine, which answers as well, or as badly, as a test wants."""

from __future__ import annotations

import contextlib
import errno
import gzip
import http.server
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pooch
import pytest

import convvision
from convvision.datasets import _download, _fashion_mnist
from convvision.datasets._data_file import DataFile
from convvision.datasets._download import download_file
from convvision.datasets._files import fetch
from convvision.errors import DownloadError

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], None]

TRAIN_IMAGES = "train-images-idx3-ubyte"


class Server(http.server.ThreadingHTTPServer):
    """Answers each path as it was told to, anything else with 404, and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.bytes_sent = 0
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def offer(self, folder: str, payloads: dict[str, bytes]) -> str:
        """Offer payloads, compressed, in a folder; return its address."""
        for name, payload in payloads.items():
            self.answers[f"/{folder}/{name}.gz"] = whole(gzip.compress(payload))
        return f"{self.address}/{folder}"

    def answer_all(self, folder: str, answer: Answer) -> str:
        """Answer whatever is asked of a folder in the same way; return its address."""
        self.answers[f"/{folder}/*"] = answer
        return f"{self.address}/{folder}"


class _Handler(Handler):
    server: Server

    def do_GET(self) -> None:  # noqa: N802
        self.server.requests.append(self.path)
        answers = self.server.answers
        answer = answers.get(self.path) or answers.get(f"{self.path.rpartition('/')[0]}/*")
        # A client that has seen enough hangs up.
        with contextlib.suppress(ConnectionError):
            if answer is None:
                self.send_error(404)
            else:
                answer(self)

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.bytes_sent += len(data)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


def whole(body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """Answer properly, with these headers among the others."""

    def answer(handler: Any) -> None:
        start(handler, {"Content-Length": str(len(body)), **headers})
        handler.send(body)

    return answer


def start(handler: Any, headers: Mapping[str, str], status: int = 200) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def hangs_up(body: bytes) -> Answer:
    """Promise a body and send half of it."""

    def answer(handler: Any) -> None:
        start(handler, {"Content-Length": str(len(body))})
        handler.send(body[: len(body) // 2])

    return answer


def falls_silent(handler: Any) -> None:
    """Promise a body and send nothing, until the test is over."""
    start(handler, {"Content-Length": "1000"})
    handler.server.closing.wait(20)


def endless(handler: Any) -> None:
    """Send on and on, as is allowed where no length was promised; 256 MB stand for no end."""
    start(handler, {})
    for _ in range(256):
        handler.send(bytes(1 << 20))


def in_small_chunks(body: bytes) -> Answer:
    """Send a body a hundred bytes at a time, as a server does that makes it up as it goes (RFC 9112, section 7.1)."""

    def answer(handler: Any) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.close_connection = True
        start(handler, {"Transfer-Encoding": "chunked"})
        for position in range(0, len(body), 100):
            piece = body[position : position + 100]
            handler.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.send(b"0\r\n\r\n")

    return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


def refused(file: DataFile, folder: Path) -> str:
    """Try to download, and return why it failed once nothing was seen to be left behind."""
    with pytest.raises(DownloadError) as caught:
        download_file(file, folder)
    assert not list(folder.iterdir())
    return str(caught.value)


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


def test_nothing_is_logged_about_hashes_that_pooch_was_not_given(
    server: Server, published: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logger = pooch.get_logger()
    level = logger.level
    # It stands apart from Python's tree of loggers.
    logger.addHandler(caplog.handler)
    try:
        download_file(published.at(server.offer("good", published.payloads))[0], tmp_path)
    finally:
        logger.removeHandler(caplog.handler)
    assert not caplog.records
    assert logger.level == level


@pytest.mark.parametrize("encode", [False, True], ids=["sent as it is", "unpacked by the transfer"])
def test_a_transfer_that_unpacks_is_as_good(server: Server, published: Any, tmp_path: Path, encode: bool) -> None:
    """Some servers take .gz for an encoding of the transfer; then what lands on disk is not compressed."""
    body = gzip.compress(published.payloads[TRAIN_IMAGES])
    headers = {"Content-Encoding": "gzip"} if encode else {}
    address = server.answer_all("encoded", whole(body, headers))
    download_file(published.at(address)[0], tmp_path)
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    assert (path.read_bytes() == published.payloads[TRAIN_IMAGES]) is encode
    assert published.files[0].read(path) == published.payloads[TRAIN_IMAGES]


def test_an_answer_in_small_chunks_is_not_taken_for_a_large_one(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_download, "_MOST_OVERHEAD", 1 << 10)
    body = gzip.compress(published.payloads[TRAIN_IMAGES])
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
    return gzip.compress(published.payloads[TRAIN_IMAGES])


def other_pixels(body: bytes) -> bytes:
    payload = bytearray(gzip.decompress(body))
    payload[500] ^= 1
    return gzip.compress(payload)


BAD = {
    "404": (lambda body: lambda handler: handler.send_error(404), "HTTPError: 404 Client Error"),
    "500": (lambda body: lambda handler: handler.send_error(500), "HTTPError: 500 Server Error"),
    "a hang-up": (hangs_up, "IncompleteRead"),
    "a hang-up before the answer": (lambda body: lambda handler: None, "ConnectionError"),
    "a cut file": (lambda body: whole(body[:-500]), "broken gzip file: .* ended before"),
    "a shorter payload": (lambda body: whole(gzip.compress(gzip.decompress(body)[:-9])), "cut short at 23527 of 23536"),
    "other pixels": (lambda body: whole(other_pixels(body)), "another SHA-256.*31 August 2017"),
    "a page": (lambda body: whole(b"<!DOCTYPE html><p>Log in"), "is cut short at 24 of 23536 bytes"),
    "nothing": (lambda body: whole(b""), "is cut short at 0 of 23536 bytes"),
    "a length that is no number": (lambda body: whole(body, {"Content-Length": "many"}), "ValueError: .*'many'"),
    "a broken encoding": (lambda body: whole(b"plain", {"Content-Encoding": "gzip"}), "ContentDecodingError"),
    "a circle": (lambda body: lambda handler: start(handler, {"Location": handler.path}, 302), "TooManyRedirects"),
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
    monkeypatch.setattr(_download, "_TIMEOUT", (0.3, 0.3))
    silent, good = server.answer_all("silent", falls_silent), server.offer("good", published.payloads)
    assert "timed out" in refused(published.at(silent)[0], tmp_path)
    download_file(published.at(silent, good)[0], tmp_path)
    assert (tmp_path / f"{TRAIN_IMAGES}.gz").is_file()


def test_a_server_that_is_not_there_is_named(published: Any, tmp_path: Path, server: Server) -> None:
    # The port of a server that was closed; nobody listens there.
    with Server() as gone:
        address = gone.address
    message = refused(published.at(address)[0], tmp_path)
    assert f"{address}/{TRAIN_IMAGES}.gz: ConnectionError: " in message


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
    first, *tried, last = message.splitlines()
    assert first == f"{TRAIN_IMAGES} could not be downloaded. Tried:"
    assert [line.split(": ")[0].strip() for line in tried] == list(file.mirrors)
    assert last == (
        f"If you get it by other means, put it at {tmp_path / TRAIN_IMAGES}.gz; "
        f"the SHA-256 of its uncompressed bytes is {file.sha256}."
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


def test_a_file_in_place_of_the_folder_is_said(server: Server, published: Any, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    file = published.at(server.offer("good", published.payloads))[0]
    with pytest.raises(DownloadError, match=r"FileExistsError|NotADirectoryError"):
        download_file(file, tmp_path / "home")
    assert (tmp_path / "home").read_text() == "mine"


def test_a_full_disk_is_said_and_leaves_nothing(
    server: Server, published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_download._BoundedFile, "flush", full)
    file = published.at(server.offer("good", published.payloads))[0]
    assert "No space left on device" in refused(file, tmp_path)


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
