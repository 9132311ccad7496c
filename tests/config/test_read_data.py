"""Data, in all the ways in which a configuration can say them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockreply.framing import Message
from tests.config.texts import SERVICE, answer, problems_of, settings_of, short


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ("'text\\n'", b"text\\n"),
        ('"caf\\u00e9\\n"', b"caf\xe9\n"),
        ("''", b""),
        ("{ hex = '00 ff\n 0A' }", None),
        ("{ hex = '00 ff 0A' }", b"\x00\xff\n"),
        ("{ hex = '' }", b""),
        ("{ base64 = 'QUI =' }", b"AB"),
        ("{ file = 'data/reply.bin' }", b"\x00from a file\r\n"),
        ("{ echo = true }", b"hello"),
        ("{ template = '<{{ message }}>' }", b"<hello>"),
        ("{ template = '{{ message }} 0d', as = 'hex' }", b"hello\r"),
    ],
    ids=short,
)
def test_data(data: str, sent: bytes | None, tmp_path: Path) -> None:
    """Data are text in the service's encoding, hex, base64, a file, a template or an echo."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reply.bin").write_bytes(b"\x00from a file\r\n")
    text = f"{SERVICE}encoding = 'latin-1'\notherwise = {data}"
    if sent is None:
        assert problems_of(text, tmp_path)
        return
    assert answer(settings_of(text, tmp_path).services["s"], b"hello") == sent


def test_warning_of_byte_order_marks() -> None:
    """An encoding that marks each text would be a surprise in conditions."""
    text = f"{SERVICE}otherwise = 'x'\n"
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        (warning,) = settings_of(f"{text}encoding = '{encoding}'").warnings
        assert warning.startswith(f"services.s.encoding: {encoding} puts a byte order mark before")
    assert settings_of(f"{text}encoding = 'utf-16-le'").warnings == ()


def test_warning_of_text_that_looks_like_a_template() -> None:
    """Text is sent as it is, also if it was meant to be filled in."""
    text = "'a {{ message }}'"
    (warning,) = settings_of(f"{SERVICE}otherwise = {text}").warnings
    assert warning.startswith(f"services.s.otherwise: {text} is sent literally; ")
    for quiet in ("{ template = 'a {{ message }}' }", """'{"a": {"b": {}}}'""", "'{{}} {'"):
        assert settings_of(f"{SERVICE}otherwise = {quiet}").warnings == ()


ASTM = r"framing = 'enclosed:start=<,end=>|!,trailer=2'"


def test_templates_know_what_the_framing_knows() -> None:
    """The name is known to all templates of that service, and to no others."""
    template = "{ template = '{{ message }}{{ end }}' }"
    written = f"{SERVICE}{ASTM}\ngreeting = {template}\notherwise = {template}\n"
    service = settings_of(written).services["s"]
    assert answer(service, b"a12") == b"a12>"
    assert answer(service, Message(b"a12", facts={"end": b"!"})) == b"a12!"
    (problem,) = problems_of(f"{written}{SERVICE.replace('.s', '.t')}otherwise = {template}")
    assert problem.startswith("services.t.otherwise.template: unknown name 'end'; known: message, ")
    assert not problem.endswith(", end")
    (problem,) = problems_of(written.replace("{ end", "{ ende"))[:1]
    assert problem.startswith("services.s.otherwise.template: unknown name 'ende'; known: message")
    assert problem.endswith(", end")


def test_templates_know_the_words_of_a_command() -> None:
    """With `resp`, the words are those that came; without a wire, they stand between spaces."""
    template = "{ template = '{{ words | length }} {{ words[1] }}' }"
    service = settings_of(f"{SERVICE}framing = 'resp'\notherwise = {template}").services["s"]
    framer = service.framing.framer(100)
    framer.receive_data(b"get 'a b'\n")
    message = framer.next_message()
    assert message == b"get a b"
    assert answer(service, message) == b"2 a b"
    assert answer(service, bytes(message)) == b"3 a"


def test_a_wrong_framing_is_one_problem() -> None:
    """It is not known which names there would be."""
    text = f"{SERVICE}framing = 'enclosd:start=<'\notherwise = {{ template = '{{{{ end }}}}' }}"
    (problem,) = problems_of(text)
    assert problem.startswith("services.s.framing: unknown framing 'enclosd'")
