"""Faults put into downloads and data files, and what the user saw of each; no network but this machine's own."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gzip
import hashlib
import io
import os
import struct
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from _report import write_result

import convvision
from convvision.datasets import _cifar10, _download, _fashion_mnist, _transfer, read_idx
from convvision.errors import ConvvisionError

# The server is that of the tests.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import faulty_server as faulty

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
LABELS = np.arange(20, dtype=np.uint8) % 10
PAYLOADS = {
    file.name: struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes()
    for file, array in zip(_fashion_mnist._FILES, (PIXELS, LABELS, PIXELS, LABELS), strict=True)
}
BODY = gzip.compress(PAYLOADS["train-images-idx3-ubyte"], mtime=0)
PAGE = b"<!DOCTYPE html><title>Sign in to the network</title>" + bytes(30_000)
MALFORMED = gzip.compress(bytes(len(PAYLOADS["train-images-idx3-ubyte"])))


def files_at(*mirrors: str) -> tuple[Any, ...]:
    """Give the small data set's files, offered by these mirrors."""
    return tuple(
        dataclasses.replace(
            file,
            sha256=hashlib.sha256(PAYLOADS[file.name]).hexdigest(),
            size=len(PAYLOADS[file.name]),
            mirrors=tuple(f"{mirror}/{file.name}.gz" for mirror in mirrors),
        )
        for file in _fashion_mnist._FILES
    )


# Of a server: the only mirror of the first file, then the same with a good mirror behind it.
ANSWERS: dict[str, faulty.Answer] = {
    "404": faulty.refuses(404),
    "429, asking to wait 5 s": faulty.refuses(429, {"Retry-After": "5"}),
    "429, asking to wait an hour": faulty.refuses(429, {"Retry-After": "3600"}),
    "500": faulty.refuses(500),
    "500 twice, then the file": faulty.in_turn(faulty.refuses(500), faulty.refuses(500), faulty.whole(BODY)),
    "half the file": faulty.hangs_up(BODY),
    "half the file once, then the file": faulty.in_turn(faulty.hangs_up(BODY), faulty.whole(BODY)),
    "another file": faulty.whole(MALFORMED),
    "a web page": faulty.whole(PAGE),
    "an answer without end": faulty.endless,
    "redirects in a circle": faulty.redirects_to(),
    "hangs": faulty.falls_silent,
    "drips a byte now and then": faulty.drips,
    "drips its header": faulty.drips_its_header,
    "hangs up at once": lambda _: None,
}


def of_servers(home: Path) -> Iterator[tuple[str, str]]:
    for name, answer in ANSWERS.items():
        with faulty.running() as server:
            good = server.offer("good", PAYLOADS)
            bad = server.answer_all("bad", answer)
            files = files_at(good)
            first = dataclasses.replace(files[0], mirrors=(f"{bad}/{files[0].name}.gz",))
            yield f"the server: {name}", seen(home / name, (first, *files[1:]), server.address)
            behind = dataclasses.replace(first, mirrors=(*first.mirrors, *files[0].mirrors))
            if name in {"404", "500", "a web page"}:
                yield (
                    f"the server: {name}; a second mirror is good",
                    seen(home / f"{name} 2", (behind, *files[1:]), server.address),
                )
    with faulty.Server() as gone:
        address = gone.address
    yield "the server: nobody listens", seen(home / "gone", files_at(address), address)


def of_folders(home: Path) -> Iterator[tuple[str, str]]:
    for name, code in (("full", errno.ENOSPC), ("over its quota", errno.EDQUOT), ("read-only", errno.EROFS)):
        with faulty.running() as server, mock.patch.object(_transfer, "transfer", write_fails(code)):
            yield f"the disk: {name}", seen(home / name, files_at(server.offer("good", PAYLOADS)), server.address)
    (home / "taken").mkdir()
    (home / "taken" / "fashion_mnist").touch()
    with faulty.running() as server:
        yield (
            "the folder: a file has its name",
            seen(home / "taken", files_at(server.offer("good", PAYLOADS)), server.address),
        )
    yield "no download allowed, nothing there", seen(home / "empty", files_at("https://mirror"), "", download=False)


def write_fails(code: int) -> Callable[..., None]:
    transfer = _transfer.transfer

    broken = mock.Mock(write=mock.Mock(side_effect=OSError(code, os.strerror(code))))
    return lambda url, _, **options: transfer(url, broken, **options)


def of_files(home: Path) -> Iterator[tuple[str, str]]:
    changed = bytearray(PAYLOADS["train-images-idx3-ubyte"])
    changed[1000] ^= 1
    for name, content in {
        "cut short": BODY[:-100],
        "one pixel changed": gzip.compress(changed),
        "empty": b"",
        "a web page": PAGE,
        "a gzip bomb": gzip.compress(bytes(50_000_000)),
    }.items():
        folder = home / name / "fashion_mnist"
        folder.mkdir(parents=True)
        for file, payload in PAYLOADS.items():
            (folder / f"{file}.gz").write_bytes(gzip.compress(payload))
        (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
        yield f"a file in the cache: {name}", seen(home / name, files_at("https://mirror"), "", download=False)
    path = home / "claim"
    path.write_bytes(struct.pack(">HBB3I", 0, 0x08, 3, 2**20, 2**10, 2**10) + bytes(100))
    yield "an IDX header that claims 2^40 images' bytes", said(lambda: read_idx(path), home)


def of_archives(home: Path) -> Iterator[tuple[str, str]]:
    link = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    big = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    big.size = 100_000_000
    out = tarfile.TarInfo("../../escaped")
    for name, member in {
        "a link out of it": link,
        "a member of 100 MB for 30": big,
        "a member that would leave its folder": out,
    }.items():
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
        whole = file.getvalue()
        folder = home / name / "cifar10"
        folder.mkdir(parents=True)
        (folder / _cifar10._FILE.name).write_bytes(whole)
        known = dataclasses.replace(_cifar10._FILE, sha256=hashlib.sha256(whole).hexdigest(), size=len(whole))
        # As if it were the published one: otherwise its hash gives it away before it is opened.
        with mock.patch.object(_cifar10, "_FILE", known):
            yield (
                f"an archive with {name}",
                said(
                    lambda data_home=home / name: convvision.load_dataset("cifar10", data_home=data_home), home / name
                ),
            )
    if list(home.rglob("escaped")):
        sys.exit("A member has left its archive.")


def seen(home: Path, files: tuple[Any, ...], address: str, *, download: bool = True) -> str:
    """Load the data set and tell what the user sees, with the waits that were left out here."""
    waits: list[float] = []
    begun = time.monotonic()
    with (
        mock.patch.object(_fashion_mnist, "_FILES", files),
        mock.patch.object(_download, "_sleep", waits.append),
        mock.patch.object(_download, "_MOST_OVERHEAD", 1 << 14),
        mock.patch.object(_transfer, "_TIMEOUT", (1, 1)),
        mock.patch.object(_transfer, "_GRACE", 1.5),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        message = said(
            lambda: convvision.load_dataset("fashion_mnist", data_home=home, download=download), home, address
        )
    if time.monotonic() - begun > 30:
        sys.exit(f"Held up for {time.monotonic() - begun:.0f} s.")
    return message


def said(load: Callable[[], Any], home: Path, address: str = "") -> str:
    try:
        result = load()
    except ConvvisionError as error:
        text = f"{type(error).__name__}: {error}"
    else:
        text = f"It loads: {result!r}"
    return text.replace(address or "\0", "https://mirror").replace(str(home), "DATA_HOME")


def main() -> None:
    table: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, group in enumerate((of_servers, of_folders, of_files, of_archives)):
            home = Path(folder) / str(number)
            home.mkdir()
            for fault, what in group(home):
                print(f"{fault}\n    {what.replace(chr(10), chr(10) + '    ')}", flush=True)
                table.append({"fault": fault, "seen": what})
    write_result("faults", {"timeouts": "shortened; waits between tries left out", "faults": table})


if __name__ == "__main__":
    main()
