"""The configuration files of examples/, asked by clients that nobody here wrote."""

from __future__ import annotations

import csv
import re
import shutil
import signal
import smtplib
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeAlias

import hl7  # type: ignore[import-untyped]  # it has no types to be checked
import iso8583
import pytest
import pyvisa
from hl7.client import MLLPClient  # type: ignore[import-untyped]  # as above
from iso8583.specs import default_ascii
from pymodbus.client import ModbusTcpClient
from pyvisa.resources import MessageBasedResource

from sockreply.config import read
from tests.end_to_end.certificates import DAY, make_certificate
from tests.end_to_end.clients import connect, connect_unix, read_all, read_bytes
from tests.end_to_end.daemons import ROOT, Daemon, Start
from tests.end_to_end.waiting import PATIENCE, eventually

FILES = sorted((ROOT / "examples").glob("*.toml"))

PortOf: TypeAlias = Callable[[str], int]
"""The port of an example, by the name of its file."""


def certified(directory: Path) -> Path:
    """The directory, with the certificate and the key that an example names."""
    pair = make_certificate(directory / "cert.pem", names=("localhost", "127.0.0.1"), ends=90 * DAY)
    (directory / "key.pem").write_bytes(pair.read_bytes())
    return directory


def on_free_ports(name: str, directory: Path) -> Path:
    """A copy of an example that listens on ports that the kernel chooses."""
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    copy = directory / name
    copy.write_text(re.sub(r"\btcp:\d+", "tcp:0", text), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def port_of(start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory) -> PortOf:
    """Starts the examples that are asked for, once: what they remember is a connection's."""
    directory = certified(tmp_path_factory.mktemp("examples"))
    daemons: dict[str, Daemon] = {}

    def port(name: str) -> int:
        if name not in daemons:
            copy = on_free_ports(name, directory)
            daemons[name] = start_shared_daemon("--config", str(copy))
        return daemons[name].port

    return port


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the directory, with what its files need."""
    return certified(Path(shutil.copytree(ROOT / "examples", tmp_path / "examples")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_is_sound(examples: Path, file: Path) -> None:
    """An example is right and without warnings, fits on a screen, and says how it is started."""
    assert read(examples / file.name).warnings == ()
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") < 60
    assert f"\n#     twistd -n --pidfile= sockreply --config {file.name}\n" in text


def test_all_can_run_at_once(examples: Path) -> None:
    """No two examples listen on the same port, and none but on this machine."""
    listening = [
        listener.endpoint
        for file in FILES
        for service in read(examples / file.name).services.values()
        for listener in service.listen
    ]
    assert len(set(listening)) == len(listening)
    assert all(re.fullmatch(r"tcp:\d+:interface=127\.0\.0\.1", each) for each in listening)


# scpi.toml, by PyVISA


@pytest.fixture
def supply(port_of: PortOf) -> Iterator[MessageBasedResource]:
    """The power supply, as a program for laboratories opens it."""
    with closing(pyvisa.ResourceManager("@py")) as manager:
        resource = manager.open_resource(
            f"TCPIP::127.0.0.1::{port_of('scpi.toml')}::SOCKET",
            read_termination="\n",
            write_termination="\n",
            timeout=PATIENCE * 1000,
        )
        assert isinstance(resource, MessageBasedResource)
        yield resource


def test_scpi_identity(supply: MessageBasedResource) -> None:
    """The supply names its maker, model, serial number and version, also in small letters."""
    assert supply.query("*IDN?").split(",") == ["ACME", "PS2", "0001", "1.0"]
    assert supply.query("*idn?") == supply.query("*IDN?")


def test_scpi_output(supply: MessageBasedResource) -> None:
    """Commands without an answer change what is measured: nothing while the output is off."""
    supply.write("*RST")
    for volts in (3.3, 5):
        supply.write(f"VOLT {volts:.3f}")
        assert supply.query_ascii_values("VOLT?") == [volts]
        assert supply.query("OUTP?") == "0"
        assert supply.query_ascii_values("MEAS:VOLT?") == [0]
        supply.write("OUTP ON")
        assert supply.query("OUTP?") == "1"
        measured = [supply.query_ascii_values("MEAS:VOLT?")[0] for _ in range(10)]
        assert measured == pytest.approx([volts] * 10, abs=0.0101)
        assert len(set(measured)) > 1
        supply.write("OUTP OFF")
        assert supply.query_ascii_values("MEAS:VOLT?") == [0]


def test_scpi_error(supply: MessageBasedResource) -> None:
    """A voltage that the supply does not have is an error, which is told once or cleared."""
    assert supply.query("SYST:ERR?") == '0,"No error"'
    supply.write("VOLT 12")
    supply.write("OUTP ON")
    assert supply.query("OUTP?") == "0"
    assert supply.query("SYST:ERR?") == '-222,"Data out of range"'
    assert supply.query("SYST:ERR?") == '0,"No error"'
    supply.write("VOLT 12")
    supply.write("*CLS")
    assert supply.query("SYST:ERR?") == '0,"No error"'
    supply.write("OUTP ON")
    assert supply.query("*OPC?") == "1"
    assert supply.query("OUTP?") == "1"


# hl7.toml, by the MLLP client and the parser of hl7

ADMISSION = "\r".join(
    (
        r"MSH|^~\&|WARD|NORTH|LAB|SOUTH|20260102030405||ADT^A01^ADT_A01|MSG-1|T|2.5",
        "EVN|A01|20260102030405",
        "PID|||4711||Kim^Minjun",
        "",
    )
)


def acknowledged(port: int, *messages: str) -> list[Any]:
    """What each message is answered with, parsed."""
    with MLLPClient("127.0.0.1", port) as client:
        client.socket.settimeout(PATIENCE)
        replies = [client.send_message(message) for message in messages]
    for reply in replies:
        assert (reply[:1], reply[-2:]) == (b"\x0b", b"\x1c\r")
    return [hl7.parse(reply[1:-2].decode()) for reply in replies]


def test_hl7_message(port_of: PortOf) -> None:
    """A message is accepted: by its control id, from its receiver to its sender."""
    (reply,) = acknowledged(port_of("hl7.toml"), ADMISSION)
    head, result = reply.segment("MSH"), reply.segment("MSA")
    assert [str(head[field]) for field in range(3, 7)] == ["LAB", "SOUTH", "WARD", "NORTH"]
    assert str(head[9]) == "ACK^A01"
    assert [str(head[field]) for field in (11, 12)] == ["T", "2.5"]
    assert [str(result[field]) for field in (1, 2)] == ["AA", "MSG-1"]
    assert hl7.parse_datetime(str(head[7])) is not None


def test_hl7_messages_on_one_connection(port_of: PortOf) -> None:
    """A connection carries message after message, of whatever type and in whatever alphabet."""
    second = ADMISSION.replace("MSG-1", "메시지-2").replace("^A01^ADT_A01", "")
    replies = acknowledged(port_of("hl7.toml"), ADMISSION, second)
    assert [str(reply.segment("MSA")[2]) for reply in replies] == ["MSG-1", "메시지-2"]
    assert str(replies[1].segment("MSH")[9]) == "ACK"


def test_hl7_segments_that_end_with_lf(port_of: PortOf) -> None:
    """Line feeds in the place of CR are not copied into the answer."""
    (reply,) = acknowledged(port_of("hl7.toml"), ADMISSION.replace("\r", "\n"))
    assert "\n" not in str(reply)
    assert str(reply.segment("MSA")[2]) == "MSG-1"


def test_hl7_that_begins_anew(port_of: PortOf) -> None:
    """A message that a sender broke off to begin another one is not acknowledged as one."""
    (reply,) = acknowledged(port_of("hl7.toml"), f"{ADMISSION[:40]}\x0b{ADMISSION}")
    assert str(reply.segment("MSA")[1]) == "AE"


def test_hl7_without_header(port_of: PortOf) -> None:
    """What has no MSH segment, or one without a control id, is an application error."""
    headless = ADMISSION.partition("\r")[2]
    anonymous = ADMISSION.replace("MSG-1", "")
    replies = acknowledged(port_of("hl7.toml"), headless, anonymous, ADMISSION)
    assert [str(reply.segment("MSA")[1]) for reply in replies] == ["AE", "AE", "AA"]
    assert [str(reply.segment("ERR")[3][0][0]) for reply in replies[:2]] == ["100", "101"]


# iso8583.toml, by pyiso8583

BINARY = {"data_enc": "b", "max_len": 8}
SPEC = default_ascii | {"p": default_ascii["p"] | BINARY, "1": default_ascii["1"] | BINARY}
"""Text in ASCII, bitmaps in binary."""

ECHO_TEST = {"t": "0800", "7": "0102030405", "11": "000042", "70": "301"}
PURCHASE = {
    "t": "0200",
    "2": "4111111111111111",
    "3": "000000",
    "4": "000000001999",
    "7": "0102030405",
    "11": "000043",
    "12": "030405",
    "41": "TERMINAL",
    "49": "410",
}


def host_asked(port: int, *requests: dict[str, str]) -> list[dict[str, str]]:
    """What the host answers, without the bitmaps."""
    replies = []
    with connect(port) as client:
        for request in requests:
            message, _ = iso8583.encode(dict(request), SPEC)
            client.sendall(len(message).to_bytes(2, "big") + message)
            size = int.from_bytes(read_bytes(client, 2), "big")
            reply, _ = iso8583.decode(read_bytes(client, size), SPEC)
            replies.append({field: reply[field] for field in reply if field not in "hp1"})
    return replies


def test_iso8583_echo_test(port_of: PortOf) -> None:
    """Echo tests are answered with their own fields and a response code of 00."""
    second = {**ECHO_TEST, "11": "000043"}
    assert host_asked(port_of("iso8583.toml"), ECHO_TEST, second) == [
        {**ECHO_TEST, "t": "0810", "39": "00"},
        {**second, "t": "0810", "39": "00"},
    ]


def test_iso8583_other_network_request(port_of: PortOf) -> None:
    """A request that the host does not know is not supported."""
    request = {**ECHO_TEST, "70": "161"}
    assert host_asked(port_of("iso8583.toml"), request) == [{**request, "t": "0810", "39": "40"}]


@pytest.mark.parametrize(
    "request_fields",
    [
        PURCHASE,
        {**PURCHASE, "t": "0100", "2": "4" * 19},
        {**PURCHASE, "70": "001", "102": "a second bitmap"},
    ],
    ids=["purchase", "authorisation with a long number", "with a second bitmap"],
)
def test_iso8583_payment(port_of: PortOf, request_fields: dict[str, str]) -> None:
    """Payments are declined, by their time and number."""
    (reply,) = host_asked(port_of("iso8583.toml"), request_fields)
    type_ = request_fields["t"][:2] + "10"
    assert reply == {"t": type_, "7": "0102030405", "11": "000043", "39": "05"}


def test_iso8583_what_cannot_be_read(port_of: PortOf) -> None:
    """What is neither gets no answer, and what follows gets one."""
    with connect(port_of("iso8583.toml")) as client:
        message, _ = iso8583.encode(dict(ECHO_TEST), SPEC)
        client.sendall(b"\x00\x040420" + len(message).to_bytes(2, "big") + message)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client)[2:6] == b"0810"


# modbus.toml, by pymodbus


@pytest.fixture
def pump(port_of: PortOf) -> Iterator[ModbusTcpClient]:
    """The pump controller, as a program that speaks Modbus connects to it."""
    client = ModbusTcpClient("127.0.0.1", port=port_of("modbus.toml"), timeout=PATIENCE, retries=0)
    with client:
        yield client


def test_modbus_registers(pump: ModbusTcpClient) -> None:
    """Any of the eight registers can be read, of whatever unit."""
    assert pump.read_holding_registers(0, count=3).registers == [230, 55, 1000]
    assert pump.read_holding_registers(2, count=6, device_id=7).registers == [1000, 0, 1, 2, 3, 4]
    assert pump.read_holding_registers(7).registers == [4]


@pytest.mark.parametrize(("first", "count"), [(8, 1), (7, 2), (65535, 125)])
def test_modbus_no_such_register(pump: ModbusTcpClient, first: int, count: int) -> None:
    """There is no register behind them: exception 2."""
    reply = pump.read_holding_registers(first, count=count)
    assert (reply.isError(), reply.exception_code) == (True, 2)


def test_modbus_coil(pump: ModbusTcpClient) -> None:
    """The pump runs when it was started, until it is stopped."""
    running: list[bool] = []
    for switch in (None, True, False):
        if switch is not None:
            assert pump.write_coil(0, switch).bits[:1] == [switch]
        running += pump.read_coils(0).bits[:1]
    assert running == [False, True, False]


def test_modbus_no_such_function(pump: ModbusTcpClient) -> None:
    """Whatever else is asked is no function of this device: exception 1."""
    for reply in (pump.read_input_registers(0), pump.read_coils(3), pump.write_register(0, 1)):
        assert (reply.isError(), reply.exception_code) == (True, 1)


# smtp.toml, by the smtplib of Python

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nQUIT\r\n.\r\n..\r\nend\r\n"


@pytest.fixture
def mail_server(port_of: PortOf) -> Iterator[smtplib.SMTP]:
    """The mail server, greeted by nobody yet."""
    with smtplib.SMTP("127.0.0.1", port_of("smtp.toml"), "client", PATIENCE) as server:
        yield server


def test_smtp_mail(mail_server: smtplib.SMTP) -> None:
    """Mails are taken, one after the other, whatever stands in them."""
    for _ in range(2):
        assert mail_server.sendmail("a@example.org", ["b@example.org", "c@d.example"], MAIL) == {}
    assert mail_server.esmtp_features == {"8bitmime": "", "size": "1000000"}
    assert mail_server.noop()[0] == 250


def test_smtp_long_mail(mail_server: smtplib.SMTP) -> None:
    """Ten thousand lines are one text, and get one answer."""
    text = b"".join(b"line %d\r\n" % number for number in range(10_000))
    assert mail_server.sendmail("a@example.org", "b@example.org", text) == {}


def test_smtp_refused_recipient(mail_server: smtplib.SMTP) -> None:
    """One recipient is refused; without another the mail is not taken."""
    to = ["nobody@example.org", "b@example.org"]
    refused = {"nobody@example.org": (550, b"5.1.1 No such user")}
    assert mail_server.sendmail("a@example.org", to, MAIL) == refused
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail_server.sendmail("a@example.org", to[:1], MAIL)
    assert mail_server.sendmail("a@example.org", to[1:], MAIL) == {}


def test_smtp_out_of_turn(mail_server: smtplib.SMTP) -> None:
    """What has its turn later is put off, and what is no command refused."""
    assert mail_server.docmd("MAIL", "FROM:<a@example.org>")[0] == 503
    assert mail_server.helo() == (250, b"mail.example")
    assert mail_server.docmd("RCPT", "TO:<b@example.org>")[0] == 503
    assert mail_server.mail("a@example.org")[0] == 250
    assert mail_server.docmd("DATA")[0] == 503
    assert mail_server.rset()[0] == 250
    assert mail_server.rcpt("b@example.org")[0] == 503
    assert mail_server.docmd("SPAM")[0] == 500


# agent_check.toml and etc/haproxy/agent-check.cfg, by HAProxy


class HAProxy:
    """One that asks the agent, in front of web servers that are there and answer nothing.

    Args:
        directory: Where its socket is.
        daemon: The agent.
        file: What that was told, and is told again.
    """

    def __init__(self, directory: Path, daemon: Daemon, file: Path) -> None:
        self._stats = str(directory / "stats")
        self._daemon = daemon
        self._file = file

    def servers(self) -> dict[str, tuple[str, str]]:
        """The status and the weight of each server."""
        with connect_unix(self._stats) as client:
            client.sendall(b"show stat -1 4 -1\n")  # of all proxies, the servers
            answer = read_all(client).decode().removeprefix("# ").strip()
        rows = csv.DictReader(answer.splitlines())
        return {row["svname"]: (row["status"], row["weight"]) for row in rows}

    def wait_for(self, *servers: tuple[str, str]) -> None:
        """Wait until this is what it knows."""
        known = dict(zip(("web1", "web2", "web3"), servers, strict=True))
        eventually(lambda: self.servers() == known, lambda: str(self.servers()))

    def tell(self, replies: dict[str, str]) -> None:
        """Put other replies into the agent's file, and let it be read again."""
        text = self._file.read_text(encoding="utf-8")
        for old, new in replies.items():
            assert f'"{old}"' in text
            text = text.replace(f'"{old}"', f'"{new}"')
        self._file.write_text(text, encoding="utf-8")
        self._daemon.signal(signal.SIGHUP)


def configured(directory: Path, agents: Sequence[int], servers: Sequence[int]) -> Path:
    """HAProxy's file with the ports and the pace of a test."""
    text = (ROOT / "etc" / "haproxy" / "agent-check.cfg").read_text(encoding="utf-8")
    for old, new in {
        "/run/haproxy/admin.sock": f"{directory}/stats",
        "bind 127.0.0.1:8080": f"bind {directory}/web",
        "agent-inter 2s": "agent-inter 300ms",  # over the 0.2 s that it may put an ACK off
        **{f"agent-port 970{7 + at}": f"agent-port {port}" for at, port in enumerate(agents)},
        **{f"127.0.0.1:800{1 + at}": f"127.0.0.1:{port}" for at, port in enumerate(servers)},
    }.items():
        assert old in text
        text = text.replace(old, new)
    copy = directory / "haproxy.cfg"
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.fixture
def haproxy(start_daemon: Start, tmp_path: Path) -> Iterator[HAProxy]:
    """HAProxy and its agent, as their files have them."""
    file = on_free_ports("agent_check.toml", tmp_path)
    daemon = start_daemon("--config", str(file))
    with ExitStack() as servers:
        sockets = [servers.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [server.getsockname()[1] for server in sockets]
        words = ["haproxy", "-db", "-f", str(configured(tmp_path, daemon.ports(2), ports))]
        process = servers.enter_context(subprocess.Popen(words))
        servers.callback(process.kill)
        eventually((tmp_path / "stats").exists, lambda: f"haproxy: {process.poll()}")
        yield HAProxy(tmp_path, daemon, file)


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
def test_haproxy(haproxy: HAProxy) -> None:
    """The agent gives servers their weights, takes them out of use, and brings them back."""
    haproxy.wait_for(("UP", "100"), ("UP", "50"), ("UP", "75"))
    before = ("up ready 100%", "up ready 50%", "up ready 75%")
    after = ("down #disk full", "drain", "maint")
    haproxy.tell(dict(zip(before, after, strict=True)))
    haproxy.wait_for(("DOWN (agent)", "100"), ("DRAIN (agent)", "50"), ("MAINT", "75"))
    haproxy.tell(dict(zip(after, before, strict=True)))
    haproxy.wait_for(("UP", "100"), ("UP", "50"), ("UP", "75"))
