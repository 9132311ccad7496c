"""From endpoint strings to endpoints to connect to."""

from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import HostnameEndpoint, clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint

from sockreply.client.tls import ClientTLS, OverTLS, client_context
from sockreply.endpoint_files import check_client_files, trusted_files, verified_client_parameters


def client_endpoint(reactor: Any, description: str) -> IStreamClientEndpoint:
    """The endpoint that a string describes.

    One that verifies the server's name, as `tls:` does, does so as `ClientTLS` does, which takes no
    certificate that names nobody.

    Args:
        reactor: Connects.
        description: A Twisted client endpoint string.

    Raises:
        Exception: It describes none; what reads it may raise anything.
    """
    if description.lower().startswith("udp:"):
        raise ValueError("requests go over streams, not over UDP")
    check_client_files(description)
    endpoint: IStreamClientEndpoint = clientFromString(reactor, description)
    values = verified_client_parameters(description)
    if values is None:
        return endpoint
    roots = values.get("trustRoots")
    context = client_context(
        authorities=None if roots is None else trusted_files(roots),
        certificate=values.get("certificate"),
        key=values.get("privateKey"),
    )
    return OverTLS(_plain(reactor, values), ClientTLS(context, values["hostname"]))


def _plain(reactor: Any, values: dict[str, str]) -> IStreamClientEndpoint:
    """Where an endpoint with TLS connects to."""
    if "endpoint" in values:
        return client_endpoint(reactor, values["endpoint"])
    bind = values.get("bindAddress")
    return HostnameEndpoint(
        reactor,
        values["host"],
        int(values["port"]),
        int(values.get("timeout", 30)),
        None if bind is None else (bind, 0),
    )
