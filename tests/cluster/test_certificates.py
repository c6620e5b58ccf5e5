from __future__ import annotations

import datetime
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from distributed.security import Security

from runner.cluster.certificates import ROLES, make_certificates
from runner.errors import RunnerError


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("c") / "certificates", days=30)


def tls(folder: Path, role: str) -> dict:
    return yaml.safe_load((folder / f"{role}.yaml").read_text())["distributed"]["comm"]["tls"]


def security(folder: Path, role: str) -> Security:
    """What Dask makes of a role's file."""
    parts = tls(folder, role)
    named = {f"tls_{r}_{k}": v for r in ROLES for k, v in parts[r].items()}
    return Security(
        tls_ca_file=parts["ca-file"],
        tls_min_version={1.3: ssl.TLSVersion.TLSv1_3}[parts["min-version"]],
        require_encryption=True,
        **named,
    )


def test_secrets_are_their_owners_alone(folder) -> None:
    assert sorted(p.name for p in folder.iterdir()) == [
        *("authority.key", "authority.pem"),
        *sorted(f"{role}.yaml" for role in ROLES),
    ]
    for path in folder.iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o644 if path.name == "authority.pem" else 0o600)
    secret = (folder / "authority.key").read_text().splitlines()[1]
    assert not any(secret in (folder / f"{role}.yaml").read_text() for role in ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_the_authority_has_signed_every_role_and_for_as_long_as_asked(folder, role) -> None:
    authority = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
    certificate = x509.load_pem_x509_certificate(tls(folder, role)[role]["cert"].encode())
    certificate.verify_directly_issued_by(authority)
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=29) < left <= datetime.timedelta(days=30)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (x509.oid.ExtendedKeyUsageOID.SERVER_AUTH in usage) == (role != "client")


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    """Send a word from a client to a server over loopback, and return what arrived."""
    here, there = socket.socketpair()
    got: list[bytes] = []

    def serve() -> None:
        try:
            with server.wrap_socket(there, server_side=True) as wrapped:
                got.append(wrapped.recv(10))
                wrapped.send(b"welcome")
        except (ssl.SSLError, OSError):
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(here) as wrapped:
            wrapped.send(b"word")
            wrapped.recv(10)  # TLS 1.3 tells of a refused certificate only with the answer
    finally:
        here.close()
        thread.join()
    return b"".join(got)


def contexts(folder: Path, role: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    found = security(folder, role)
    return (
        found.get_listen_args(role)["ssl_context"],
        found.get_connection_args(role)["ssl_context"],
    )


def test_roles_of_one_authority_trust_each_other(folder) -> None:
    server, _ = contexts(folder, "scheduler")
    _, worker = contexts(folder, "worker")
    _, client = contexts(folder, "client")
    assert shake_hands(server, worker) == shake_hands(server, client) == b"word"


def test_strangers_and_the_nameless_are_refused(folder, tmp_path) -> None:
    server, _ = contexts(folder, "scheduler")
    _, stranger = contexts(make_certificates(tmp_path / "other"), "client")
    with pytest.raises((ssl.SSLError, OSError)):
        shake_hands(server, stranger)
    nameless = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    nameless.check_hostname = False
    with pytest.raises((ssl.SSLError, OSError)):
        shake_hands(server, nameless)


def test_what_cannot_speak_tls_1_3_is_refused(folder) -> None:
    server, _ = contexts(folder, "scheduler")
    _, client = contexts(folder, "client")
    client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, OSError)):
        shake_hands(server, client)


def test_a_client_cannot_pose_as_a_scheduler(folder) -> None:
    posing, _ = contexts(folder, "client")
    _, worker = contexts(folder, "worker")
    with pytest.raises((ssl.SSLError, OSError)):
        shake_hands(posing, worker)


def test_certificates_in_use_are_not_overwritten(folder) -> None:
    before = (folder / "worker.yaml").read_bytes()
    with pytest.raises(RunnerError, match="is there already; expected a new or empty folder"):
        make_certificates(folder)
    assert (folder / "worker.yaml").read_bytes() == before


def test_an_empty_folder_will_do(tmp_path) -> None:
    # as root makes it for the user of the containers
    made = make_certificates(tmp_path)
    assert sorted(p.stem for p in made.glob("*.yaml")) == sorted(ROLES)


def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunnerError, match="cannot make the folder"):
        make_certificates(tmp_path / "file" / "certificates")
