"""Why there is no connection, or no longer one: each in a line."""

from __future__ import annotations

import ssl

from twisted.internet import error
from twisted.python.failure import Failure


def why_not_connected(failure: Failure) -> str:
    """What kept an endpoint from connecting."""
    cause = failure.value
    if isinstance(cause, error.TimeoutError):
        return "no answer in time"
    if isinstance(cause, error.ConnectError) and cause.osError:
        return str(cause.args[0])  # the system's words, without Twisted's and without the number
    return failure.getErrorMessage().rstrip(".") or type(cause).__name__


def why_ended(failure: Failure) -> str:
    """What ended a connection."""
    if failure.check(error.ConnectionDone):
        return "the peer closed it"
    if failure.check(error.ConnectionLost):  # Twisted does not say which
        return "reset or lost"
    return _why_refused(failure.value)


def _why_refused(cause: BaseException | None) -> str:
    match cause:
        case ssl.SSLCertVerificationError(verify_message=said):
            return f"TLS: {said[:1].lower()}{said[1:].rstrip('.')}"
        case ssl.SSLError(reason=str(reason)):
            return f"TLS: {reason.replace('_', ' ').lower()}"
    from OpenSSL.SSL import Error as TLSError  # not before TLS is used: it takes its time
    from service_identity import CertificateError, VerificationError

    match cause:
        case TLSError(args=([(_, _, _), *_] as errors,)):
            return f"TLS: {', '.join(reason for _, _, reason in errors)}"
        case VerificationError():
            return "TLS: the certificate is another host's"
        case CertificateError():
            return "TLS: the certificate is for no host: it has no subjectAltName"
    return f"{type(cause).__name__}: {cause}"
