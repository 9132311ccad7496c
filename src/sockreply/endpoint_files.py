"""The files that endpoint strings name: keys and certificates, looked at before Twisted does.

Twisted says of one what Python or OpenSSL says, which is not which parameter names it; and some it
does not look at before there is a connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

from sockreply.pem import certificate_fault, contents_of, key_fault

_PARTS = re.compile(r"(?:^|:)((?:[^:\\]|\\.)*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DH_PARAMETERS = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*DH PARAMETERS-----")


class UnusableFile(OSError):
    """A file that an endpoint string names is missing, unreadable or not what it should be."""


def check_server_files(description: str) -> None:
    """Look at the files that an endpoint to listen on names.

    Raises:
        UnusableFile: One line that names the parameter and the file.
    """
    values = ssl_parameters(description)
    if values is None:
        return
    _check(values, {"privateKey": _key, "certKey": _certificate, "extraCertChain": _certificate})
    _check(values, {"dhParameters": _dh_parameters})


def ssl_parameters(description: str) -> dict[str, str] | None:
    """The parameters of an `ssl:` endpoint to listen on, with their defaults; None: it is none."""
    kind, values = _parsed(description, ("port", "privateKey", "certKey"))
    if kind != "ssl":
        return None
    values.setdefault("privateKey", "server.pem")  # Twisted's default
    values.setdefault("certKey", values["privateKey"])
    return values


def check_client_files(description: str) -> None:
    """Look at the files that an endpoint to connect to names.

    Raises:
        UnusableFile: One line that names the parameter and the file.
    """
    kind, values = _parsed(description, ())
    certificate = {"ssl": "certKey", "tls": "certificate"}.get(kind)
    if certificate is None:
        return
    if certificate in values:
        values.setdefault("privateKey", values[certificate])
    _check(values, {certificate: _certificate, "privateKey": _key})
    _check(values, {"caCertsDir" if kind == "ssl" else "trustRoots": _trust_roots})


def verified_client_parameters(description: str) -> dict[str, str] | None:
    """The parameters of an endpoint to connect to that verifies the server's name.

    Returns:
        Those of `tls:`, also for an `ssl:` with `hostname`; None: it is neither.
    """
    kind, values = _parsed(description, ("host", "port"))
    if kind == "tls":
        return {**values, "hostname": values.get("host", "")}
    if kind == "ssl" and "hostname" in values:
        others = {"certKey": "certificate", "caCertsDir": "trustRoots"}
        return {others.get(name, name): value for name, value in values.items()}
    return None


def trusted_files(directory: str) -> list[str]:
    """The files of a directory of certificates, which has some."""
    return [str(path) for path in _pem_files(Path(directory))]


def _parsed(description: str, names: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The kind of an endpoint, in small letters, and its parameters.

    Args:
        description: The endpoint string.
        names: Of the first parameters, whose names may be left out.
    """
    kind, *parts = _PARTS.findall(description)
    values: dict[str, str] = {}
    unnamed = count()
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals:
            at = next(unnamed)
            name, value = names[at] if at < len(names) else "", part
        values[name] = _ESCAPED.sub(r"\1", value)
    return kind.lower(), values


def _check(values: Mapping[str, str], looks: Mapping[str, Callable[[Path], str | None]]) -> None:
    for name, look in looks.items():
        if name not in values:
            continue
        path = values[name]
        try:
            wrong = look(Path(path))
        except (OSError, ValueError) as error:  # ValueError: no file can have that name
            reason = getattr(error, "strerror", None) or str(error)
            raise UnusableFile(f"{name}: cannot read {path or repr(path)}: {reason}") from None
        if wrong is not None:
            raise UnusableFile(f"{name}: {path} {wrong}")


def _key(path: Path) -> str | None:
    return key_fault(contents_of(path))


def _certificate(path: Path) -> str | None:
    return certificate_fault(contents_of(path))


def _dh_parameters(path: Path) -> str | None:
    found = _DH_PARAMETERS.search(contents_of(path))
    return "holds no Diffie-Hellman parameters in PEM" if found is None else None


def _trust_roots(path: Path) -> str | None:
    if not path.is_dir():
        path.stat()  # says why
        return "is not a directory of certificates"
    certificates = list(_pem_files(path))
    if not certificates:
        return "has no file that ends in .pem"
    for each in certificates:
        if (wrong := _certificate(each)) is not None:
            return f"has {each.name}, which {wrong}"
    return None


def _pem_files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.suffix.lower() == ".pem":
            yield path
