"""One answer of one server: bounded in size and in time, and what went wrong in plain words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import requests
import urllib3
from requests.adapters import HTTPAdapter

from convvision._version import __version__
from convvision.errors import DownloadError

__all__ = ["TransferError", "transfer"]

# Seconds to wait for a connection and for each further piece of the answer.
_TIMEOUT = (10, 30)
# A transfer has this many seconds, and one more for every so many bytes that have come. The slowest of our mirrors
# has been seen to send 66 kB a second, for months.
_GRACE = 30.0
_SLOWEST = 20_000
_CHUNK = 1 << 16
_MOST_REDIRECTS = 10
# Requests that a server may well answer the next time: a timeout, too early, too many (RFC 9110, 8470, 6585).
_TRANSIENT = {408, 425, 429}


class TransferError(DownloadError):
    """The answer of one server did not come, or not whole.

    Attributes:
        transient: Whether the same server may well deliver the file a little later.
        wait: Seconds that the server asks to be left alone; None where it asks for nothing.
    """

    def __init__(self, reason: str, *, transient: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.transient = transient
        self.wait = wait


def transfer(url: str, target: BinaryIO, *, limit: int, report: Callable[[int, int | None], None]) -> None:
    """Copy what a server answers into an open file, as it is sent.

    The environment's proxies and ``REQUESTS_CA_BUNDLE`` are honoured, as requests does.

    Args:
        url: The address.
        target: Written to.
        limit: The most bytes the answer may have.
        report: Told the bytes that have come, and how many there will be where the server says so.

    Raises:
        TransferError: The answer did not come, or not whole.
        OSError: The file cannot be written.
    """
    with _Watch() as watch, _session(watch) as session:
        # The bytes as they are: some servers take .gz for an encoding of the transfer.
        headers = {"Accept-Encoding": "identity", "User-Agent": f"convvision/{__version__}"}
        with (
            _said_plainly(watch),
            session.get(url, stream=True, timeout=_TIMEOUT, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise _refused(answer)
            watch.total = answer.raw.length_remaining
            if watch.total is not None and watch.total > limit:
                raise _too_large(limit)
            for piece in answer.raw.stream(_CHUNK, decode_content=False):
                watch.received += len(piece)
                if watch.received > limit:
                    raise _too_large(limit)
                target.write(piece)
                report(watch.received, watch.total)
        if watch.expired:  # An answer of no known length ends, for requests, where the connection does.
            raise _too_slow(watch)


class _Watch:
    """Cuts the connections of a transfer that takes too long.

    The timeouts of sockets are for each piece, however small: a server that drips a byte now and then passes them.
    """

    def __init__(self) -> None:
        self.received = 0
        self.total: int | None = None
        self.expired = False
        self._sockets: list[Any] = []
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def adopt(self, socket: Any) -> None:
        self._sockets.append(socket)
        if self.expired:
            self._cut()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._begun

    def _run(self) -> None:
        while not self._over.wait(max(0.0, self._left())):
            if self._left() <= 0:
                self.expired = True
                self._cut()
                return

    def _left(self) -> float:
        return _GRACE + self.received / _SLOWEST - self.elapsed

    def _cut(self) -> None:
        for socket in self._sockets:
            with suppress(OSError):  # It is closed already.
                socket.shutdown(2)


def _session(watch: _Watch) -> requests.Session:
    session = _Session()
    session.max_redirects = _MOST_REDIRECTS
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(watch))
    return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target: str | None = super().get_redirect_target(resp)
        if target is not None:
            # Nobody reads the body of a redirect; requests would, to its end, if there is one.
            resp.close()
        return target


class _Adapter(HTTPAdapter):
    """Shows every connection to the watch, those of proxies too."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **options)
        watch, kind = self._watch, type(pool).ConnectionCls

        class Watched(kind):  # type: ignore[misc, valid-type]
            def connect(self) -> None:
                super().connect()
                watch.adopt(self.sock)

        pool.ConnectionCls = Watched
        return pool


def _refused(answer: requests.Response) -> TransferError:
    reason = f"{answer.status_code} {answer.reason}".strip()
    transient = answer.status_code in _TRANSIENT or answer.status_code >= 500
    wait = None
    if transient:
        with suppress(urllib3.exceptions.InvalidHeader):
            wait = urllib3.Retry().get_retry_after(answer.raw)
    if wait is not None:
        reason += f", and asks to wait {wait:.0f} s"
    return TransferError(reason, transient=transient, wait=wait)


@contextmanager
def _said_plainly(watch: _Watch) -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        if watch.expired:
            raise _too_slow(watch) from error
        raise _failed(error, watch) from error


def _failed(error: Exception, watch: _Watch) -> TransferError:
    transient = True
    match error:
        case requests.TooManyRedirects():
            reason, transient = f"redirected more than {_MOST_REDIRECTS} times", False
        case requests.exceptions.SSLError() | urllib3.exceptions.SSLError():
            reason = (
                f"its certificate is not accepted ({_root(error)}). Where a proxy puts its own in its place, set "
                f"REQUESTS_CA_BUNDLE to the file of certificates that your network trusts"
            )
            transient = False
        case requests.exceptions.ProxyError():
            reason = f"the proxy of your environment does not lead there ({_root(error)})"
        case requests.exceptions.ConnectTimeout():
            reason = f"no connection within {_TIMEOUT[0]} s"
        case requests.exceptions.Timeout() | urllib3.exceptions.ReadTimeoutError():
            reason = f"timed out: nothing came for {_TIMEOUT[1]} s"
        case requests.exceptions.ConnectionError():
            reason = f"no connection ({_root(error)})"
        case urllib3.exceptions.ProtocolError():
            promised = "" if watch.total is None else f" of {watch.total}"
            reason = f"the transfer was cut after {watch.received}{promised} bytes"
        case _:
            reason, transient = f"{type(error).__name__}: {error}", False
    return TransferError(reason, transient=transient)


def _root(error: BaseException) -> str:
    """Give the operating system's own words for what libraries wrap several times over."""
    said, cause = str(error), error.__cause__ or error.__context__
    while cause is not None:
        said = getattr(cause, "strerror", None) or str(cause) or said
        cause = cause.__cause__ or cause.__context__
    return said


def _too_large(limit: int) -> TransferError:
    return TransferError(f"the answer is larger than {limit} bytes, so it is another file")


def _too_slow(watch: _Watch) -> TransferError:
    return TransferError(f"too slow: {watch.received} bytes came in {watch.elapsed:.0f} s")
