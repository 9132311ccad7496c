"""The certificates that listeners present to clients."""

from __future__ import annotations

from pathlib import Path

from sockreply.endpoint_files import ssl_parameters
from sockreply.pem import Certificate, described
from sockreply.settings import ListenerSettings


def certificates_of(listener: ListenerSettings) -> tuple[Certificate, ...]:
    """What the certificates of a listener say; their files were readable when it was set up."""
    if listener.tls is not None:
        return listener.tls.certificates
    parameters = ssl_parameters(listener.endpoint)
    if parameters is None:
        return ()
    name = parameters["certKey"]
    told = described(Path(name).read_bytes(), name)
    return () if told is None else (told,)
