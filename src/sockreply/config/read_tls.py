"""The TLS of a listener: its certificates are read, and looked at."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sockreply.config import form_tls as form
from sockreply.config.reading import Reading
from sockreply.config.wording import excerpt
from sockreply.errors import ConfigError
from sockreply.pem import (
    OTHER_KEY,
    Certificate,
    certificate_fault,
    certificates_of,
    described,
    key_fault,
)
from sockreply.server.tls_context import ask_clients, choose_by_name, server_context
from sockreply.settings import TLSSettings

SOON = timedelta(days=30)
"""A certificate that expires within this time is warned of: there is time left to renew it."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_OF_CERTIFICATE = {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}
"""What OpenSSL says of a pair when it has something against the certificate, and not the key."""


@dataclass(frozen=True)
class _Asked:
    """What holds for all certificates of a listener.

    Args:
        version: The oldest of TLS.
        alpn: The protocols that are offered.
        authorities: Those whose clients are trusted, in PEM; None: clients are not asked.
        required: Does each client need a certificate?
    """

    version: ssl.TLSVersion
    alpn: list[str]
    authorities: str | None
    required: bool


def read_tls(written: form.TLS, reading: Reading) -> TLSSettings | None:
    """The TLS that a table asks for."""
    problems = reading.problems
    asked = _read_asked(written, reading)
    known: list[Certificate] = []
    context = _read_certificate(written, asked, reading, known)
    others: dict[str, ssl.SSLContext] = {}
    for name, pair in written.sni.items():
        with problems.at("sni", name):
            asked_as = _server_name(name)
            if asked_as in others:
                raise ConfigError("is there already, in another case")
            other = _read_certificate(pair, asked, reading, known, name)
            others |= {asked_as: other} if other else {}
    if context is None or problems.here():
        return None
    if others:
        choose_by_name(context, others)
    return TLSSettings(context, tuple(known), written.starttls)


def warn_of_dates(certificate: Certificate, reading: Reading) -> None:
    """Warn of a certificate that is not valid, or not for long."""
    now = datetime.now(UTC)
    if certificate.ends <= now:
        reading.warn(f"{certificate.file} expired on {certificate.ends:%Y-%m-%d}")
    elif certificate.begins > now:
        reading.warn(f"{certificate.file} is not valid before {certificate.begins:%Y-%m-%d %H:%M}")
    elif certificate.ends <= now + SOON:
        days = (certificate.ends - now).days
        left = f"in {days} day{'s' * (days != 1)}" if days else "today or tomorrow"
        reading.warn(f"{certificate.file} expires {left}, on {certificate.ends:%Y-%m-%d}")


def _read_asked(written: form.TLS, reading: Reading) -> _Asked:
    problems = reading.problems
    alpn: list[str] = []
    for at, name in problems.entries(written.alpn):
        with problems.at("alpn"), at:
            if not name.isascii() or not 0 < len(name) < 256:
                raise ConfigError(f"{excerpt(name)} is not 1 to 255 characters of ASCII")
            alpn.append(name)
    authorities = None
    if written.client_ca is not None:
        with problems.at("client_ca"):
            _looked_at(written.client_ca, reading)
            authorities = certificates_of(reading.files.contents(written.client_ca))
    elif written.require_client:
        problems.add(
            "needs client_ca, the authorities whose clients are accepted", "require_client"
        )
    return _Asked(_VERSIONS[written.min_version], alpn, authorities, written.require_client)


def _read_certificate(
    written: form.Certificate,
    asked: _Asked,
    reading: Reading,
    known: list[Certificate],
    asked_as: str | None = None,
) -> ssl.SSLContext | None:
    """The context with a certificate; what the certificate says is added to what is known."""
    problems, files = reading.problems, reading.files
    certificate = key = None
    with problems.at("certificate"):
        certificate = _looked_at(written.certificate, reading)
    with problems.at("certificate" if written.key is None else "key"):
        name = written.certificate if written.key is None else written.key
        if certificate is not None or written.key is not None:
            key = files.path(name)
            _refuse(key, key_fault(files.contents(name)))
    if certificate is None or key is None or problems.here():
        return None
    try:
        context = server_context(certificate, key, asked.version)
    except OSError as error:
        problems.add(*_why_unusable(error, written, certificate, key))
        return None
    if asked.alpn:
        context.set_alpn_protocols(asked.alpn)
    if asked.authorities is not None:
        ask_clients(context, asked.authorities, required=asked.required)
    told = described(files.contents(written.certificate), written.certificate, asked_as)
    if told is not None:
        known.append(told)
        with problems.at("certificate"):
            warn_of_dates(told, reading)
    return context


def _looked_at(name: str, reading: Reading) -> Path | None:
    """The path of a file that has certificates, all of which OpenSSL can read."""
    path, contents = reading.files.path(name), reading.files.contents(name)
    _refuse(path, certificate_fault(contents))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(
            cadata=certificates_of(contents)
        )
    except ssl.SSLError as error:
        raise ConfigError(
            f"{path} has something in it that OpenSSL cannot read: {_reason(error)}"
        ) from None
    return path


def _refuse(path: Path, fault: str | None) -> None:
    if fault is not None:
        raise ConfigError(f"{path} {fault}")


def _why_unusable(
    error: OSError, written: form.Certificate, certificate: Path, key: Path
) -> tuple[str, str]:
    """What OpenSSL has against a pair, and which key of the table names the cause."""
    place = "certificate" if written.key is None else "key"
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    if reason in OTHER_KEY:
        return f"{key} is not the key of the first certificate in {certificate}", place
    if reason in _OF_CERTIFICATE:
        return f"OpenSSL refuses {certificate}: {_reason(error)}", "certificate"
    return f"OpenSSL cannot use the key in {key}: {_reason(error)}", place


def _reason(error: OSError) -> str:
    """Why, in OpenSSL's words or the system's."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)


def _server_name(name: str) -> str:
    """A name that a client can ask for, in small letters."""
    host = name.removeprefix("*.")
    if not name.isascii():
        try:
            shown = name.encode("idna").decode()
        except UnicodeError:
            shown = "in ASCII"
        raise ConfigError(f"clients ask for names in ASCII; write it as {shown}")
    if not host.strip(".") or "*" in host or not host.isprintable() or " " in host:
        raise ConfigError("is not a server name; for example 'www.example.org', '*.example.org'")
    return name.lower().rstrip(".")
