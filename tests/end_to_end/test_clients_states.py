"""Clients whose messages end in several ways on one connection: mail programs and a tracker."""

from __future__ import annotations

import re
import smtplib
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_all, read_bytes
from tests.end_to_end.daemons import ROOT, Daemon, Start, needs_program
from tests.end_to_end.waiting import PATIENCE

TRACKER = """
[services.tracker]
listen = "tcp:0:interface=127.0.0.1"
keep_alive = true
framing = [
    { starts_with.hex = "00000000", framing = "length:bytes=4,offset=4,adjust=4,strip=no" },
    { framing = "length:bytes=2,strip=no" },
]
[[services.tracker.rules]]
when = { starts_with.hex = "000f", length = 17 }
reply = { hex = "01" }
[[services.tracker.rules]]
when.starts_with.hex = "00000000"
reply = { template = "{{ message[9] | pack('>I') }}", as = "hex" }
"""
LOGIN = bytes.fromhex("000f333532303933303831343532323531")
PACKET = bytes.fromhex(
    "000000000000003608010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f1"
    "0000601a014e0000000000000000010000c7cf"
)
ONE = bytes.fromhex("00000001")

DOTS = b"Subject: dots\r\n\r\n.\r\n..\r\n.end\r\n"
"""A mail that has, among others, a line of a single dot. Each line that begins with a dot has one
more on the wire (RFC 5321, section 4.5.2)."""
STUFFED = len(DOTS) + 3  # the line end before the last dot is not counted in a mail's size
FROM, TO = "a@example.org", "b@example.org"


@pytest.fixture(scope="module")
def daemon(start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    """Serves the mail server of the examples, and a tracker's."""
    mail = (ROOT / "examples" / "smtp.toml").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("states") / "states.toml"
    path.write_text(re.sub(r"\btcp:\d+", "tcp:0", mail) + TRACKER, encoding="utf-8")
    return start_shared_daemon("--config", str(path))


@pytest.fixture
def mail(daemon: Daemon) -> int:
    """The port of the mail server."""
    return daemon.ports(2)[0]


@pytest.fixture
def tracker(daemon: Daemon) -> int:
    """The port of the tracker's server."""
    return daemon.ports(2)[1]


def run(*words: str) -> str:
    """What a program prints that has done its work."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def test_smtplib(mail: int) -> None:
    """Python's smtplib sends mail after mail, whatever lines are in them, and an empty one."""
    with smtplib.SMTP("127.0.0.1", mail, "client", PATIENCE) as server:
        for text, size in ((DOTS, STUFFED - 2), (b"", 0), (b".", 2), (DOTS * 9, 9 * STUFFED - 2)):
            server.ehlo_or_helo_if_needed()
            server.mail(FROM)
            server.rcpt(TO)
            code, said = server.data(text)
            assert (code, said.split(b" as ")[0]) == (250, b"2.0.0 Queued %d bytes" % size)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            server.sendmail(FROM, TO, b"Subject: Lottery\r\n\r\n.\r\n")
        assert refused.value.smtp_code == 550
        assert server.sendmail(FROM, TO, DOTS) == {}


@needs_program("swaks")
def test_swaks(mail: int, tmp_path: Path) -> None:
    """swaks, which ends each text with a line of its own, is content."""
    text = tmp_path / "text"
    text.write_bytes(DOTS)
    said = run("swaks", "--server", f"127.0.0.1:{mail}", "-f", FROM, "-t", TO, "--data", f"@{text}")
    assert f"<-  250 2.0.0 Queued {STUFFED} bytes" in said
    assert "<-  221 2.0.0 Bye" in said


@needs_program("curl")
@pytest.mark.parametrize(("text", "size"), [(DOTS, STUFFED - 2), (b"", 0), (b".", 2)])
def test_curl(mail: int, tmp_path: Path, text: bytes, size: int) -> None:
    """curl, which sends an empty mail as a dot and a line end right after DATA, is content."""
    path = tmp_path / "text"
    path.write_bytes(text)
    where = ["--noproxy", "*", f"smtp://127.0.0.1:{mail}", "--upload-file", str(path)]
    said = run("curl", "-sv", *where, "--mail-from", FROM, "--mail-rcpt", TO)
    assert f"< 250 2.0.0 Queued {size} bytes" in said


def test_pipelined_mails(mail: int) -> None:
    """A client that waits for nothing has the same answers as one that does."""
    commands = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
    texts = (b".\r\n", b"MAIL FROM:<a@b>\r\n.\r\n", b"\r\n.\r\n")
    with connect(mail) as client:
        client.sendall(b"EHLO x\r\n" + b"".join(commands + text for text in texts) + b"QUIT\r\n")
        lines = read_all(client).decode().splitlines()
    codes = [line[:3] for line in lines]
    assert codes == ["220", *["250"] * 3, *["250", "250", "354", "250"] * 3, "221"]
    queued = [line.split()[3] for line in lines if "Queued" in line]
    assert queued == ["0", "15", "0"]


def test_tracker(tracker: int) -> None:
    """A tracker's packets are acknowledged once each, two in one write and one in two writes."""
    with connect(tracker) as client:
        client.sendall(LOGIN)
        assert read_bytes(client, 1) == b"\1"
        client.sendall(PACKET + PACKET)
        assert read_bytes(client, 8) == ONE + ONE
        for cut in (2, 20, len(PACKET) - 1):
            client.sendall(PACKET[:cut])
            time.sleep(0.15)
            client.sendall(PACKET[cut:] + LOGIN[:1])
            time.sleep(0.15)
            client.sendall(LOGIN[1:])
            assert read_bytes(client, 5) == ONE + b"\1"
