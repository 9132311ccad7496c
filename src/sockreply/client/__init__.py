"""The client: asks a service, and gets its replies in order."""

from sockreply.client.connect import connect
from sockreply.client.factory import RequestFactory
from sockreply.client.persistent import PersistentClient
from sockreply.client.protocol import CLOSE_TIMEOUT, MAX_REPLY, RequestProtocol
from sockreply.client.tls import ClientTLS, client_context

__all__ = [
    "CLOSE_TIMEOUT",
    "MAX_REPLY",
    "ClientTLS",
    "PersistentClient",
    "RequestFactory",
    "RequestProtocol",
    "client_context",
    "connect",
]
