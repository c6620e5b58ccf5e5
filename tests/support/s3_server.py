"""An S3 server of this machine, as small as the requests of a study need it: objects in memory.

Of the API of S3 it has buckets, PutObject with If-None-Match and If-Match, GetObject, HeadObject,
DeleteObject(s) and ListObjectsV2 in pages. `make test-objects` asks moto's as well.

Tests look at `objects`, at `log` (an operation and a key each), and may have it misbehave:

- ``fail_from``: from this write on it answers 503.
- ``lose``: it does this write, and closes the connection in place of an answer.
- ``silent``: it answers nothing at all.
- ``before``: called with operation and key before anything is done.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from distributed import Client

URL = "s3://studies/some/gates"
EXPERIMENT = {
    "name": "gates",
    "restarts": 4,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}
"""What tests push and sweep, and where to."""

PAGE = 100
MOMENT = "2026-11-29T00:00:00.000Z"


class S3Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0, handler: type[Handler] | None = None) -> None:
        super().__init__(("127.0.0.1", port), handler or Handler)
        self.buckets = {"studies"}
        self.objects: dict[str, bytes] = {}  # bucket/key -> content
        self.log: list[tuple[str, str]] = []
        self.sent = self.received = 0  # bytes of objects
        self.one_at_a_time = threading.RLock()
        self.be_well()

    def be_well(self) -> None:
        self.fail_from = self.lose = 0
        self.n_writes = 0
        self.silent = False
        self.before: Callable[[str, str], None] = lambda operation, key: None
        self.released = threading.Event()

    def kill_at(self, at: int, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of a process; kill it before its request number ``at`` is answered."""
        count = 0

        def kill(operation: str, key: str) -> None:
            nonlocal count
            count += 1
            if count == at and process.poll() is None:
                process.kill()
                process.wait()

        self.before = kill
        process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def below(self, prefix: str) -> dict[str, bytes]:
        """Objects below a prefix of the bucket ``studies``, by what follows it; not the lease."""
        start = f"studies/{prefix}/"
        found = {k.removeprefix(start): v for k, v in self.objects.items() if k.startswith(start)}
        return {name: data for name, data in found.items() if name != ".lock"}

    def is_free(self, prefix: str) -> bool:
        """Whether nobody has the lease below a prefix."""
        return b"token" not in self.objects.get(f"studies/{prefix}/.lock", b"")

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that has died
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3Server

    def log_message(self, *_: object) -> None:
        pass

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self._send(body)

    def _send(self, body: bytes) -> None:
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<?xml version='1.0'?>\n<Error><Code>{code}</Code></Error>".encode())

    def _hears(self, operation: str) -> bool:
        """Whether to go on with a request."""
        if self.server.silent:
            self.server.released.wait(600)
            self.close_connection = True
            return False
        self.server.before(operation, self._key())
        self.server.log.append((operation, self._key()))
        if self._key().partition("/")[0] not in self.server.buckets:
            self._refuse(404, "NoSuchBucket")
            return False
        return True

    def _write(
        self, operation: str, change: Callable[[], dict[str, str] | None], body: bytes = b""
    ) -> None:
        """Do a write unless it is to fail; answer unless that is to be lost."""
        with self.server.one_at_a_time:
            self.server.n_writes += 1
            n = self.server.n_writes
            if 0 < self.server.fail_from <= n:
                self._refuse(503, "SlowDown")
                return
            headers = change()
        if headers is None:
            self._refuse(412, "PreconditionFailed")
        elif n == self.server.lose:
            self.close_connection = True
        else:
            self._answer(204 if operation == "DELETE" else 200, body, **headers)

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not self._hears("PUT"):
            return
        key, objects = self._key(), self.server.objects

        def change() -> dict[str, str] | None:
            there = objects.get(key)
            if self.headers["If-None-Match"] == "*" and there is not None:
                return None
            match = self.headers["If-Match"]
            if match is not None and (there is None or match != tag(there)):
                return None
            objects[key] = data
            self.server.received += len(data)
            return {"ETag": tag(data)}

        self._write("PUT", change)

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if not self._hears("LIST" if "list-type" in query else self.command):
            return
        if "list-type" in query:
            self._list(query)
            return
        data = self.server.objects.get(self._key())
        if data is None:
            self._refuse(404, "NoSuchKey")
            return
        self.server.sent += len(data)
        modified = "Sun, 29 Nov 2026 00:00:00 GMT"
        self._answer(200, data, ETag=tag(data), Last_Modified=modified)

    do_HEAD = do_GET

    def _list(self, query: dict[str, list[str]]) -> None:
        bucket, prefix = self._key().rstrip("/"), query.get("prefix", [""])[0]
        after = query.get("continuation-token", [""])[0]
        keys = sorted(k.removeprefix(f"{bucket}/") for k in list(self.server.objects))
        found = [k for k in keys if k.startswith(prefix) and k > after]
        if "delimiter" in query:  # all in one page
            self._answer(200, _level(self.server, bucket, prefix, found).encode())
            return
        contents = "".join(
            f"<Contents><Key>{escape(k)}</Key><LastModified>{MOMENT}</LastModified>"
            f"<ETag>{escape(tag(self.server.objects[f'{bucket}/{k}']))}</ETag>"
            f"<Size>{len(self.server.objects[f'{bucket}/{k}'])}</Size></Contents>"
            for k in found[:PAGE]
        )
        more = len(found) > PAGE
        last = escape(found[:PAGE][-1]) if found else ""
        token = f"<NextContinuationToken>{last}</NextContinuationToken>"
        text = f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>{str(more).lower()}"
        text += f"</IsTruncated>{contents}{token if more else ''}</ListBucketResult>"
        self._answer(200, text.encode())

    def do_DELETE(self) -> None:
        if self._hears("DELETE"):

            def change() -> dict[str, str]:
                self.server.objects.pop(self._key(), None)
                return {}

            self._write("DELETE", change)

    def do_POST(self) -> None:
        """DeleteObjects."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if not self._hears("DELETE"):
            return
        bucket = self._key().rstrip("/")
        keys = [part.partition("</Key>")[0] for part in body.split("<Key>")[1:]]

        def change() -> dict[str, str]:
            for key in keys:
                self.server.objects.pop(f"{bucket}/{key}", None)
            return {}

        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._write("POST", change, f"<DeleteResult>{deleted}</DeleteResult>".encode())


def _level(server: S3Server, bucket: str, prefix: str, keys: list[str]) -> str:
    behind = {key: key.removeprefix(prefix).partition("/") for key in keys}
    folders = sorted({f"{prefix}{name}/" for name, slash, _ in behind.values() if slash})
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{MOMENT}</LastModified>"
        f"<ETag>{escape(tag(server.objects[f'{bucket}/{key}']))}</ETag>"
        f"<Size>{len(server.objects[f'{bucket}/{key}'])}</Size></Contents>"
        for key, (_, slash, _) in behind.items()
        if not slash
    )
    below = "".join(
        f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders
    )
    head = f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult>{head}{contents}{below}</ListBucketResult>"


def tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@contextmanager
def serving(server: S3Server | None = None) -> Iterator[S3Server]:
    server = server or S3Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


SECRET = "a-secret-that-nobody-may-see"


@contextmanager
def reached(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the environment name a server, and nothing else of S3."""
    with monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        yield


def tell_workers(address: str) -> None:
    """Have the workers of a cluster reach the server that the environment names here."""
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    with Client(address) as client:
        client.run(_know, found)  # os.environ.update would be that of a copy


def _know(environment: dict[str, str]) -> None:
    os.environ.update(environment)
