"""What is said of endpoint strings that describe none."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactorClock

from sockreply.endpoint_errors import why_bad
from sockreply.errors import BadEndpoint
from sockreply.server.endpoints import endpoint_from
from tests.end_to_end.certificates import make_certificate


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("tcp:5901-5999", "'5901-5999' is not a whole number"),
        ("tcp:", "'' is not a whole number"),
        ("tcp:80:backlog=many", "'many' is not a whole number"),
        ("unix:/a:mode=999", "'999' is not an octal number, such as 660"),
        ("unix:/a:lockfile=maybe", "'maybe' is not a whole number"),
        ("tcp", "it needs a value for port"),
        ("tcp6", "it needs a value for port"),
        ("unix", "it needs a value for address"),
        ("tcp:80:odd=1", "there is no parameter 'odd'"),
        ("tcp:80:1.2.3.4:5:6", "it has too many parts"),
        ("ssl:0:privateKey=KEY:sslmethod=ODD", "there is no sslmethod 'ODD'"),
        (
            "ssl:0:privateKey=KEY:certKey=KEY",
            "what it names as a key or as a certificate is not one",
        ),
        ("odd:1", "Unknown endpoint type: 'odd'"),
    ],
)
def test_what_was_wanted(tmp_path: Path, description: str, says: str) -> None:
    """Each says what is wrong with the string, and nothing of Python."""
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n")
    description = description.replace("KEY", str(key))
    with pytest.raises(BadEndpoint) as raised:
        endpoint_from(MemoryReactorClock(), description)
    assert str(raised.value) == f"endpoint {description}: {says}"


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    """Both are good, but not together."""
    key, certificate = make_certificate(tmp_path / "a.pem"), tmp_path / "b.pem"
    certificate.write_bytes(
        make_certificate(certificate).read_bytes().partition(b"END PRIVATE KEY-----\n")[2]
    )
    with pytest.raises(BadEndpoint) as raised:
        endpoint_from(MemoryReactorClock(), f"ssl:0:privateKey={key}:certKey={certificate}")
    assert raised.value.reason == "the key is not the certificate's"


def test_errors_that_speak_for_themselves() -> None:
    """What is not known is said as it is."""
    assert why_bad(LookupError("no such plugin")) == "LookupError: no such plugin"
