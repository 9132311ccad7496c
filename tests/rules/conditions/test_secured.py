"""What a rule asks of the TLS of a connection."""

from __future__ import annotations

from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from sockreply.pem import certificates_of
from sockreply.replies.session import TLS
from sockreply.rules import AllOf, Contains, Secured
from sockreply.rules.templates.template import compile_template
from tests.end_to_end.certificates import make_certificate
from tests.rules.stand_ins import StandInConnection, asked, session


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> TLS:
    """A client with a certificate."""
    path = make_certificate(
        tmp_path_factory.mktemp("secured") / "a.pem", subject="CN=device-1,O=Example"
    )
    certificate = PEM_cert_to_DER_cert(certificates_of(Path(path).read_bytes()))
    return TLS("TLSv1.3", "TLS_AES_256_GCM_SHA384", certificate, "www.Example.org")


WANTED: list[tuple[dict[str, list[str]], str | None]] = [
    ({}, None),
    ({"version": ["1.3"]}, None),
    ({"version": ["1.2", "1.3"]}, None),
    ({"sni": ["WWW.example.org"]}, None),
    ({"sni": ["*.example.org"], "subject": ["CN=device-*,O=Example"]}, None),
    ({"subject": ["CN=device-1,O=Example"]}, None),
    ({"subject": ["CN=device-1"]}, "tls.subject is CN=device-1,O=Example, not CN=device-1"),
    ({"subject": ["cn=*"]}, "tls.subject is CN=device-1,O=Example, not cn=*"),
    ({"version": ["1.2"]}, "tls.version is 1.3, not 1.2"),
    ({"sni": ["a", "*.b"], "version": ["1.3"]}, "tls.sni is www.Example.org, not a or *.b"),
    ({"sni": ["www.example.or."]}, "tls.sni is www.Example.org, not www.example.or."),
]


@pytest.mark.parametrize(("wanted", "why_not"), WANTED)
def test_over_tls(known: TLS, wanted: dict[str, list[str]], why_not: str | None) -> None:
    """All that is asked has to fit, in one of the ways that are named."""
    condition, of = Secured(wanted), asked(of=session(connection=StandInConnection(tls=known)))
    assert condition.holds(of) is (why_not is None)
    if why_not is not None:
        assert condition.why_not(of).reason == why_not
    clear = asked(of=session())
    assert not condition.holds(clear)
    assert condition.why_not(clear).reason == "the connection has no TLS"


def test_in_clear(known: TLS) -> None:
    """It can be asked that there is none."""
    condition, over_tls = Secured(None), asked(of=session(connection=StandInConnection(tls=known)))
    assert condition.holds(asked(of=session()))
    assert not condition.holds(over_tls)
    assert condition.why_not(over_tls).reason == "the connection is over TLS"


def test_client_without_a_certificate() -> None:
    """Its subject is empty, and so is the name of one that asked for none."""
    of = asked(of=session(connection=StandInConnection(tls=TLS("TLSv1.2", "x", None))))
    assert not Secured({"subject": ["CN=*"]}).holds(of)
    assert Secured({"subject": ["CN=*"]}).why_not(of).reason == "tls.subject is empty, not CN=*"
    assert Secured({"subject": [""], "sni": ["*"]}).holds(of)


def test_in_words() -> None:
    """What it asks, as `check` prints it."""
    assert str(Secured(None)) == "no TLS"
    assert str(Secured({})) == "TLS"
    wanted = {"sni": ["a", "b"], "version": ["1.3"]}
    assert str(Secured(wanted)) == "TLS with sni a or b and version 1.3"


def test_nearest_by_the_message() -> None:
    """TLS says nothing of how close a message is."""
    miss = AllOf([Secured({}), Contains(b"a")]).why_not(asked(b"a"))
    assert miss.reason == "the connection has no TLS"
    assert miss.closeness == 1.0


@pytest.mark.parametrize("join", [True, False])
@pytest.mark.parametrize(
    ("template", "over_tls", "in_clear"),
    [
        ("{{ tls }}", b"1.3", b""),
        ("{{ tls.version }}/{{ tls.cipher }}", b"1.3/TLS_AES_256_GCM_SHA384", b"/"),
        ("{{ tls.subject }}", b"CN=device-1,O=Example", b""),
        ("{{ tls.sni }}!", b"www.Example.org!", b"!"),
        ("{% if tls.subject %}known{% endif %}", b"known", b""),
    ],
)
def test_templates(known: TLS, template: str, over_tls: bytes, in_clear: bytes, join: bool) -> None:
    """Templates know the same, and nothing of a connection without TLS."""
    data = compile_template(template, encoding="utf-8", groups=None, join=join)
    connection = StandInConnection(tls=known)
    assert data.bytes_for(asked(of=session(connection=connection))) == over_tls
    assert data.bytes_for(asked(of=session())) == in_clear


def test_no_name_can_forge_a_line() -> None:
    """What a client chose is shown in one line."""
    of = asked(of=session(connection=StandInConnection(tls=TLS("TLSv1.3", "x", None, "a\nb"))))
    assert Secured({"sni": ["c"]}).why_not(of).reason == r"tls.sni is a\nb, not c"
