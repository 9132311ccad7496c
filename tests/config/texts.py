"""Texts of configuration files, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from sockreply.config import read
from sockreply.errors import BadFile
from sockreply.replies import Reply
from sockreply.settings import ServiceSettings, Settings
from tests.rules.stand_ins import session

SERVICE = "[services.s]\nlisten = 'tcp:0'\n"
"""A service that lacks only what answers."""

TLS = """
certificate = 'cert.pem'
key = 'key.pem'
client_ca = 'other.pem'
require_client = true
min_version = '1.3'
alpn = ['one', 'two']
starttls = true
sni.'*.Example.org'.certificate = 'other.pem'
"""
"""All that the TLS of a listener can have; its files are not there."""

SECURED = "when = { tls = { subject = 'CN=*', sni = ['a', 'b'], version = '1.3' } }"
"""All that a condition can say of TLS."""

EVERYTHING = r"""
[log]
level = "debug"
exchanges_per_second = 0
json = "-"
record = "record.jsonl"

[metrics]
listen = "tcp:9464"

[ready]
file = "ready.json"

[services.scale]
listen = [
    "tcp:12345:interface=127.0.0.1",
    { endpoint = "unix:/run/sockreply/scale.sock", proxy_from = "unix" },
]
framing = "line:ending=crlf"
encoding = "latin-1"
show = "hex"
greeting = [{ delay = 0.1 }, "READY"]
keep_alive = true
idle_timeout = 1
message_timeout = 2.5
reply_timeout = 0
write_timeout = 3
close_timeout = 4
drain_timeout = 5
drain_delay = 6
max_connections = 7
max_connections_per_peer = 8
max_message = 900
allow = ["127.0.0.0/8", "::1"]
amplification = 2.5
initial_state = "idle"
seed = -1
otherwise = { echo = true }

[services.scale.states.ready]
framing = [
    { starts_with = [{ hex = "02 ??" }, "A"], framing = "line" },
    { framing = "netstring" },
]

[services.scale.per_peer]
connections_per_second = 0.5
connections_burst = 20
messages_per_second = 2.5
bytes_per_second = 1_000_000
bytes_burst = 65_536
messages_burst = 1
over = "refuse"
ipv6_prefix = 56

[[services.scale.rules]]
name = "identify"
when = { equals = "*IDN?", ignore_case = true }
reply = "ACME"

[[services.scale.rules]]
name = "unit"
when = { regex = '^UNIT (?P<unit>kg|lb)$' }
reply = { template = "UNIT {{ match.unit }}" }

[[services.scale.rules]]
when = [
  { starts_with = { hex = "02 41 ?? 03" }, ends_with = { base64 = "QUI=" } },
  { contains = "RESET", length = { min = 3, max = 9 }, peer = ["10.0.0.0/8", "::/0"] },
  { not = [{ length = 5 }, { equals = "x", ignore_case = false }] },
]
state = "idle"
next_state = "ready"
chance = 0.5
reply = [
  { raw = { hex = "06" } }, { delay = [0.1, 0.5] }, { drip = "abc", size = 2, every = 1 },
  { truncate = { echo = true }, at = 5 }, { corrupt = { template = "41", as = "hex" }, bits = 3 },
  { command = ["true"], timeout = 1.5, env = { A = "b", C = true } }, { close = "half" },
]

[[services.scale.rules]]
name = "in turn"
state = ["idle", "ready"]
replies = ["a", ["b", { reset = true }], [], [{ stall = true, read = false }]]
after_last = "cycle"
scope = "service"

[services.code]
listen = "tcp:0"
responder = "tests.config.texts:shout"
"""
"""Every key there is."""


def shout(message: bytes, _: object) -> bytes:
    """A responder."""
    return message.upper()


def settings_of(text: str | bytes, directory: Path | None = None) -> Settings:
    """What a file with this text asks for.

    Args:
        text: The text.
        directory: Where the file is; None: in one that is empty.
    """
    if directory is None:
        with TemporaryDirectory() as made:
            return settings_of(text, Path(made))
    file = directory / "s.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(file)


def problems_of(text: str | bytes, directory: Path | None = None) -> tuple[str, ...]:
    """What is wrong with it, a line each; nothing: it is right."""
    try:
        settings_of(text, directory)
    except BadFile as error:
        return error.problems
    return ()


def short(value: object) -> str:
    """A name for a case."""
    return repr(value)[:40]


def service(text: str, directory: Path | None = None) -> ServiceSettings:
    """The one service of a file that begins like SERVICE."""
    return settings_of(f"{SERVICE}keep_alive = true\n{text}", directory).services["s"]


def answer(built: ServiceSettings, message: bytes) -> bytes | Reply:
    """The reply to a connection's first message."""
    return built.responder.respond(message, session())


def rule(text: str) -> str:
    """One more rule."""
    return f"\n[[services.s.rules]]\n{text}\n"


def begins(problems: tuple[str, ...], expected: str) -> bool:
    """Is it among them, or the beginning of one?"""
    return any(problem.startswith(expected) for problem in problems)
