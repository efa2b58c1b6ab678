"""A server on this machine, which answers as well, or as badly, as a test wants."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

__all__ = [
    "Answer",
    "Server",
    "drips",
    "drips_its_header",
    "endless",
    "falls_silent",
    "hangs_up",
    "in_small_chunks",
    "in_turn",
    "redirects_to",
    "redirects_with_an_endless_body",
    "refuses",
    "running",
    "slowly",
    "start",
    "whole",
]

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Any], None]


class Server(http.server.ThreadingHTTPServer):
    """Answers each path as it was told to, anything else with 404, and remembers what it was asked for."""

    daemon_threads = True
    request_queue_size = 64

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
            self.answers[f"/{folder}/{name}.gz"] = whole(gzip.compress(payload, mtime=0))
        return f"{self.address}/{folder}"

    def answer_all(self, folder: str, answer: Answer) -> str:
        """Answer whatever is asked of a folder in the same way; return its address."""
        self.answers[f"/{folder}/*"] = answer
        return f"{self.address}/{folder}"

    def handle_error(self, *_: object) -> None:
        """A client that has seen enough hangs up; tests print nothing."""


@contextlib.contextmanager
def running(server: Server | None = None) -> Iterator[Server]:
    """Run a server in a thread until the block ends; whatever hangs then is let go."""
    with server or Server() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            served.closing.set()
            served.shutdown()
            thread.join()


class _Handler(Handler):
    server: Server

    def do_GET(self) -> None:  # noqa: N802
        # A proxy is asked for whole addresses.
        self.server.requests.append(self.path)
        answers = self.server.answers
        answer = answers.get(self.path) or answers.get(f"{self.path.rpartition('/')[0]}/*")
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


def start(handler: Any, headers: Mapping[str, str], status: int = 200) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def whole(body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """Answer properly, with these headers among the others."""

    def answer(handler: Any) -> None:
        start(handler, {"Content-Length": str(len(body)), **headers})
        handler.send(body)

    return answer


def refuses(status: int, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """Answer with an error."""
    return lambda handler: start(handler, {"Content-Length": "0", **headers}, status)


def in_turn(*answers: Answer) -> Answer:
    """Give one answer after the other, and the last for ever."""
    left = list(answers)
    lock = threading.Lock()

    def answer(handler: Any) -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(handler)

    return answer


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


def drips(handler: Any) -> None:
    """Promise a body and send a byte now and then, so that no wait for the next is long."""
    start(handler, {"Content-Length": "10000"})
    _drip(handler)


def drips_its_header(handler: Any) -> None:
    """Send a byte of the header now and then."""
    handler.send(b"HTTP/1.0 200 OK\r\nX-Patience: ")
    _drip(handler)


def _drip(handler: Any) -> None:
    """Send a byte now and then until the test is over; 20 seconds stand for ever."""
    for _ in range(400):
        if handler.server.closing.wait(0.05):
            break
        handler.send(b"x")


def slowly(body: bytes, seconds: float) -> Answer:
    """Send a body in ten pieces over some seconds."""

    def answer(handler: Any) -> None:
        start(handler, {"Content-Length": str(len(body))})
        step = len(body) // 10 + 1
        for position in range(0, len(body), step):
            time.sleep(seconds / 10)
            handler.send(body[position : position + step])

    return answer


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


def redirects_to(address: str | None = None) -> Answer:
    """Send elsewhere, or in a circle."""
    return lambda handler: start(handler, {"Location": address or handler.path, "Content-Length": "0"}, 302)


def redirects_with_an_endless_body(address: str) -> Answer:
    """Send elsewhere, and talk on."""

    def answer(handler: Any) -> None:
        start(handler, {"Location": address}, 302)
        for _ in range(256):
            handler.send(bytes(1 << 20))

    return answer
