"""A private authority and the certificates of a cluster's scheduler, workers and clients.

Whoever reaches a Dask port can run any program there. With these files, both ends of every
connection prove that this authority has signed them, and nothing is readable on the way.
"""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runner.errors import RunnerError
from runner.errors.messages import printable
from runner.errors.paths import local_path

ROLES = ("scheduler", "worker", "client")
"""Each gets one file, named after it, which is all that its machines need."""

_BACKDATED = datetime.timedelta(hours=1)  # clocks of other hosts may be late


def make_certificates(folder: Path | str, days: int = 365) -> Path:
    """Make an authority and one certificate per role.

    Parameters
    ----------
    folder : Path or str
        Made new, or empty; ``authority.key`` in it signs, and goes nowhere.
    days : int
        How long the certificates are valid.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunnerError
        If there is something in the folder already, or it cannot be made, as it is a URI.
    """
    folder = local_path(folder, RunnerError)
    where = printable(str(folder))
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        used = any(folder.iterdir())
    except OSError as error:
        message = f"{where}: cannot make the folder: {error.strerror}."
        raise RunnerError(message) from error
    if used:
        message = (
            f"{where} is there already; expected a new or empty folder, so that no certificate in "
            "use is lost. Choose another, or remove it."
        )
        raise RunnerError(message)
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key, until)
    _write(folder / "authority.pem", _pem(ca), 0o644)
    _write(folder / "authority.key", _secret(ca_key), 0o600)
    for role in ROLES:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(role, key, ca, ca_key, until)
        _write(folder / f"{role}.yaml", _settings(role, ca, certificate, key), 0o600)
    return folder


def _authority(key: ec.EllipticCurvePrivateKey, until: datetime.datetime) -> x509.Certificate:
    name = _name("runner authority")
    return (
        _builder(name, name, key, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    role: str,
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    until: datetime.datetime,
) -> x509.Certificate:
    # A client only ever calls; with its key nobody can pose as a scheduler or a worker.
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if role != "client":
        uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
    authority = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(_name(f"runner {role}"), ca.subject, key, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.now(datetime.UTC) - _BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _secret(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _settings(
    role: str, ca: x509.Certificate, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return a role's settings for Dask, certificates and key included: one file, no paths."""
    # A worker's process is also a client of the scheduler and of other workers, under its own name.
    own = {"cert": _pem(certificate).decode(), "key": _secret(key).decode()}
    tls: dict[str, Any] = {"ca-file": _pem(ca).decode()} | dict.fromkeys(ROLES, own)
    tls["min-version"] = 1.3  # every Python that runs this has it
    settings = {"distributed": {"comm": {"require-encryption": True, "tls": tls}}}
    head = f"# Dask's settings for a {role}. A secret. Read where DASK_CONFIG names this file.\n"
    # JSON is YAML, and keeps the line ends of a certificate
    return (head + json.dumps(settings, indent=1) + "\n").encode()


def _write(path: Path, content: bytes, mode: int) -> None:
    # never readable by others, not even for a moment
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
