"""An object store, such as S3: the objects below one URL, and what goes wrong with them in words.

Nothing else here imports obstore, which is there only where studies in object stores are wanted.
Its own errors have many lines, of which the first says all; what may be a credential is cut out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import redacted

_Answer = TypeVar("_Answer")

MAX_OBJECTS = 10**7
"""Most objects below a URL that are listed: twice as many as a log can name shards."""

TIMEOUT_S = 120.0
"""Longest that one request may take, a shard's bytes included."""

_S3 = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")  # the first that is set
_AZURE = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")

_CAUSES = {
    "404 Not Found": "there is no such bucket, or container",
    "169.254.169.254": "the environment has no credentials (AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY for s3://)",
    "Account must be specified": "the environment names no account (AZURE_STORAGE_ACCOUNT_NAME "
    "and AZURE_STORAGE_ACCOUNT_KEY for az://)",
}
"""What the library says of a store, and what it means: without credentials it asks a machine of the
store's own clouds for them. Only listings are answered by 404: other requests raise an error of
their own."""

# What obstore 0.12.1 says of a list that ends too early, in an error of the class of most others.
# Should it be reworded, such a list ends the command, and the test of lists that break off fails.
_BROKEN_OFF = "list response body"

_CONNECT_S, _RETRIES, _RETRY_S = 10.0, 4, 60.0  # a store that is gone is told within minutes


@dataclass(frozen=True)
class Meta:
    """What a store tells of an object."""

    size: int
    """In bytes."""
    e_tag: str | None
    """Changes with the object's content; None where the store has none."""
    version: str | None = None
    """What some stores want in place of it."""

    @property
    def condition(self) -> dict[str, str]:
        """The very state of the object, as the condition of a write."""
        both = {"e_tag": self.e_tag, "version": self.version}
        # obstore refuses its own None
        return {name: value for name, value in both.items() if value is not None}


@dataclass(frozen=True)
class Level:
    """What is right below a prefix of names, as if that were a folder."""

    name: str
    """The prefix, without its last slash; empty for the URL itself."""
    folders: tuple[str, ...]
    """Longer prefixes, without their last slash."""
    objects: Mapping[str, datetime]
    """When each object was last written, by what its name has behind the prefix."""


class TooLargeError(StudyError):
    """An object has more bytes than it may have."""


class Changed(Exception):
    """An object is there already, or is no longer what it was: the write did not happen."""


class ObjectStore:
    """The objects below a URL.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/prefix``; see `runner.errors.paths.store_url`.

    Notes
    -----
    Every method is one operation on the store and raises StudyError where the store refuses, is
    not reached or does not answer in time.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def _library(self) -> Any:
        try:
            import obstore
            import obstore.store
        except ImportError:
            message = (
                f"{self.url}: studies in object stores need the package obstore. Install "
                "requirements/objects.txt, or `pip install 'restart-runner[objects]'`."
            )
            raise StudyError(message) from None
        return obstore

    @cached_property
    def _store(self) -> Any:
        options: dict[str, Any] = {
            "client_options": {
                "timeout": timedelta(seconds=TIMEOUT_S),
                "connect_timeout": timedelta(seconds=_CONNECT_S),
            },
            "retry_config": {
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_RETRY_S),
            },
        }
        if self.url.startswith("s3:") and (endpoint := _endpoint()):
            _require_address(self.url, endpoint)
            # Not Amazon's own: there the bucket is a part of the path, and may be without TLS.
            options |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
            options["client_options"]["allow_http"] = endpoint.startswith("http://")
        library = self._library
        with self._told("cannot be used"):
            return library.store.from_url(self.url, **options)

    def listing(self) -> dict[str, Meta]:
        """Return every object below the URL by its name, which is relative to the URL.

        A bucket that is not there is an error here, and a missing object for `get`.
        """
        store = self._store

        def listed() -> dict[str, Meta]:
            found: dict[str, Meta] = {}
            for chunk in self._library.list(store):
                for each in chunk:
                    found[each["path"]] = _meta(each)
                if len(found) > MAX_OBJECTS:
                    message = (
                        f"{self.url} has more than {MAX_OBJECTS:,} objects; expected those of one "
                        "study. Give the URL of one."
                    )
                    raise StudyError(message)
            return found

        with self._told("cannot be listed"):
            return self._whole(listed)

    def level(self, name: str) -> Level:
        """Return what is right below a prefix, which has no slash at its end."""
        store = self._store
        with self._told("cannot be listed"):
            prefix = f"{name}/" if name else None
            found = self._whole(lambda: self._library.list_with_delimiter(store, prefix))
        objects = {o["path"].rpartition("/")[2]: o["last_modified"] for o in found["objects"]}
        folders = tuple(prefix.rstrip("/") for prefix in found["common_prefixes"])
        return Level(name, folders, objects)

    def get(self, name: str, most: int) -> tuple[bytes, Meta]:
        """Return an object's content and state.

        Parameters
        ----------
        name : str
        most : int
            Bytes; what is larger is refused before it is read.

        Raises
        ------
        FileNotFoundError
            If there is none, or no such bucket.
        TooLargeError
            If it is larger.
        """
        store = self._store
        with self._told(f"{name} cannot be read"):
            result = self._library.get(store, name)
            meta = _meta(result.meta)
            if meta.size > most:
                message = (
                    f"{self.url}: {printable(name)} has {meta.size:,} bytes; expected at most "
                    f"{most:,}. Look at what has written it."
                )
                raise TooLargeError(message)
            return bytes(result.bytes()), meta

    def head(self, name: str) -> Meta:
        """Return an object's state, unread; FileNotFoundError if there is none."""
        store = self._store
        with self._told(f"{name} cannot be asked for"):
            return _meta(self._library.head(store, name))

    def put(self, name: str, data: bytes, mode: str | Mapping[str, str] = "overwrite") -> Meta:
        """Write an object, whole or not at all.

        Parameters
        ----------
        name : str
        data : bytes
        mode : str or mapping
            ``create`` writes no object that is there already; a `Meta.condition` writes only what
            is still in that state.

        Returns
        -------
        Meta

        Raises
        ------
        Changed
            If ``mode`` does not hold. Perhaps this very write was done before, and its answer lost.
        """
        library, store = self._library, self._store
        with self._told(f"{name} cannot be written"):
            try:
                condition = mode if isinstance(mode, str) else dict(mode)
                done = library.put(store, name, data, mode=condition, use_multipart=False)
            except (library.exceptions.AlreadyExistsError, library.exceptions.PreconditionError):
                raise Changed(name) from None
            return Meta(len(data), done.get("e_tag"), done.get("version"))

    def delete(self, name: str) -> None:
        """Remove an object; it need not be there."""
        store = self._store
        with self._told(f"{name} cannot be removed"):
            try:
                self._library.delete(store, name)
            except FileNotFoundError:
                return

    def _whole(self, ask: Callable[[], _Answer]) -> _Answer:
        """Ask once more if an answer breaks off: the library does so of objects, not of lists."""
        try:
            return ask()
        except self._library.exceptions.GenericError as error:
            if _BROKEN_OFF not in str(error):
                raise
            return ask()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what the library raises into one line."""
        errors = (self._library.exceptions.BaseError, OSError, ValueError)
        try:
            yield
        except FileNotFoundError:
            raise
        except errors as error:
            line = _first_line(error)
            reason = next((words for sign, words in _CAUSES.items() if sign in line), line)
            message = (
                f"{self.url}: {printable(what)}: {reason}. Nothing is lost; look at the URL, the "
                "store and what the environment says of it, then run the same command again."
            )
            raise StudyError(message) from None


def place(url: str) -> str:
    """Return a URL with what the environment says of its server: the same URL is many places."""
    if url.startswith("s3:"):
        return f"{redacted(_endpoint())} {url}"
    named = [os.environ.get(name, "") for name in _AZURE] if url.startswith("az:") else []
    return " ".join([*(redacted(value) for value in named), url])


def _endpoint() -> str:
    """Return the address of a server that speaks S3; empty, it is Amazon's own."""
    return next(filter(None, (os.environ.get(name) for name in _S3)), "")


def _require_address(url: str, endpoint: str) -> None:
    """Raise StudyError if an endpoint is no plain address, at which the library would panic."""
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in endpoint or "?" in endpoint or "#" in endpoint:
        message = (
            f"{url}: the endpoint that the environment names (AWS_ENDPOINT_URL) is no plain "
            "address; expected http:// or https://, a host, and perhaps a port. Credentials belong "
            "into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
        raise StudyError(message)


def _meta(told: Mapping[str, Any]) -> Meta:
    return Meta(int(told["size"]), told.get("e_tag"), told.get("version"))


def _first_line(error: BaseException) -> str:
    """Return the first line of an error, without the XML that some stores answer in.

    Of addresses, user and query are left out: there a credential may stand.
    """
    line = str(error).partition("\n")[0].partition("<?xml")[0]
    line = re.sub(r"(?<=://)\S+", lambda found: redacted(f"://{found[0]}")[3:], line)
    line = re.sub(r"\s+", " ", line).strip().rstrip(":. ")
    return printable(line[:300]) or type(error).__name__
