"""The services of examples/ and etc/, asked by programs and libraries that nobody here wrote."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from sockreply.config import read
from tests.end_to_end.clients import connect, read_all, read_bytes
from tests.end_to_end.daemons import ROOT, SCRIPTS, Daemon, Start
from tests.end_to_end.examples import on_free_ports
from tests.end_to_end.waiting import PATIENCE, eventually

FILES = sorted((ROOT / "etc").glob("*.toml"))
"""Those of examples/ are looked at in test_example_devices."""

POSTMAP = shutil.which("postmap") or shutil.which("postmap", path="/usr/sbin")


def finished(
    program: str | Path, *words: str, told: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that is to end by itself; the test is skipped if there is none."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run(
        [program, *words], input=told, capture_output=True, timeout=PATIENCE, check=False
    )


def curl(port: int, *words: str, told: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Ask for a page with curl."""
    return finished(
        "curl", "-sS", "--noproxy", "*", *words, f"http://127.0.0.1:{port}/shop", told=told
    )


def start_example(name: str, start: Start, directory: Path) -> Daemon:
    """Start what an example's file says."""
    return start("--config", str(on_free_ports(name, directory)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_file_is_sound(file: Path) -> None:
    """A file that an operator copies is right, without warnings, and says how it is started."""
    assert read(file).warnings == ()
    assert f"twistd sockreply --config {file.name}\n" in file.read_text(encoding="utf-8")


# maintenance.toml, by curl and http.client


@pytest.fixture(scope="module")
def maintenance(start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The port of the maintenance page."""
    directory = tmp_path_factory.mktemp("maintenance")
    return start_example("maintenance.toml", start_shared_daemon, directory).port


def test_maintenance_page_for_curl(maintenance: int) -> None:
    """Curl gets status 503, when to come back, and the page; with --fail it fails for that."""
    told = curl(maintenance, "--write-out", "%{stderr}%{http_code} %header{retry-after}")
    assert (told.returncode, told.stderr) == (0, b"503 600")
    assert told.stdout.startswith(b"<!doctype html>")
    assert told.stdout.endswith(b"</html>\n")
    assert curl(maintenance, "--fail").returncode == 22


def test_maintenance_page_without_the_page(maintenance: int) -> None:
    """HEAD gets the head of what GET gets, and `curl --head` waits for no more."""
    whole = curl(maintenance, "--include").stdout
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    assert curl(maintenance, "--head").stdout == head
    with connect(maintenance) as client:  # a byte too much would go unseen by curl
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_all(client) == head


@pytest.mark.parametrize("words", [(), ("-H", "Expect:")], ids=["asks first", "sends at once"])
def test_maintenance_page_for_an_upload(maintenance: int, words: tuple[str, ...]) -> None:
    """Who uploads 8 MB that nobody reads gets the page and no reset."""
    told = curl(maintenance, "--data-binary", "@-", *words, told=bytes(8_000_000))
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith(b"</html>\n")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_maintenance_page_for_a_library(maintenance: int, method: str) -> None:
    """For http.client the length is right, in bytes, and the connection is not to be used again."""
    with closing(HTTPConnection("127.0.0.1", maintenance, timeout=PATIENCE)) as connection:
        connection.request(method, "/", body=b"x=1" if method == "POST" else None)
        response = connection.getresponse()
        page = response.read()
        assert (response.status, response.will_close) == (503, True)
        assert response.headers["Retry-After"] == "600"
    if method == "HEAD":
        assert page == b""
        assert int(response.headers["Content-Length"]) > 100
    else:
        assert int(response.headers["Content-Length"]) == len(page)
        assert "점검 중입니다" in page.decode()


# classics.toml, by ncat and socat


@pytest.fixture(scope="module")
def classics(
    start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The ports of the classic services, by their names."""
    directory = tmp_path_factory.mktemp("classics")
    ports = start_example("classics.toml", start_shared_daemon, directory).ports(4)
    return dict(zip(("daytime", "quote", "echo", "discard"), map(str, ports), strict=True))


def test_daytime(classics: dict[str, str]) -> None:
    """Whoever connects is told the time in the form of RFC 867, without asking."""
    told = finished("ncat", "--recv-only", "127.0.0.1", classics["daytime"]).stdout.decode()
    time = re.fullmatch(r"(.+:\d\d)-\S+\r\n", told)
    assert time is not None, told
    then = datetime.strptime(time[1], "%A, %B %d, %Y %H:%M:%S").astimezone()
    assert abs(datetime.now(UTC) - then) < timedelta(seconds=PATIENCE)


def test_daytime_for_one_who_talks(classics: dict[str, str]) -> None:
    """Who sends something first is told the time all the same, and nothing else."""
    told = finished("ncat", "127.0.0.1", classics["daytime"], told=b"what time is it?\n" * 1000)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count(b"\n") == 1


def test_quote_of_the_day(classics: dict[str, str]) -> None:
    """Each of twenty who connect gets a quote that RFC 865 allows, and not always the same."""
    with_socat = [
        finished("socat", "-u", f"TCP:127.0.0.1:{classics['quote']}", "-").stdout for _ in range(20)
    ]
    assert all(re.fullmatch(rb'".+" [A-Z].+\r\n', quote) for quote in with_socat)
    assert max(map(len, with_socat)) <= 512
    assert 1 < len(set(with_socat)) <= 3


def test_echo(classics: dict[str, str]) -> None:
    """All that ncat and socat send comes back, whatever the bytes are."""
    data = bytes(range(256)) * 2000
    port = classics["echo"]
    assert finished("ncat", "127.0.0.1", port, told=data).stdout == data
    assert finished("socat", "-t5", "-", f"TCP:127.0.0.1:{port}", told=data).stdout == data


def test_discard(classics: dict[str, str]) -> None:
    """A megabyte is taken and nothing comes back."""
    told = finished("ncat", "127.0.0.1", classics["discard"], told=bytes(1_000_000))
    assert (told.returncode, told.stdout) == (0, b"")


# flaky.toml, by curl


@pytest.fixture
def flaky(start_daemon: Start, tmp_path: Path) -> Daemon:
    """The flaky service, of which nothing was asked yet."""
    return start_example("flaky.toml", start_daemon, tmp_path)


def test_flaky_for_one_who_does_not_try_again(flaky: Daemon) -> None:
    """Three times curl gets a reset, three bytes of nine, and all; and all from then on."""
    told = [curl(flaky.port) for _ in range(6)]
    assert [each.returncode for each in told] == [56, 18, 0, 0, 0, 0]
    assert [each.stdout for each in told] == [b"", b"all", *[b"all well\n"] * 4]


def test_flaky_for_one_who_tries_again(flaky: Daemon, tmp_path: Path) -> None:
    """Curl that tries again twice gets it all, and the daemon saw three requests."""
    page = tmp_path / "page"
    words = ("--retry", "2", "--retry-all-errors", "--retry-delay", "1", "--output", str(page))
    told = curl(flaky.port, *words)
    assert told.returncode == 0, told.stderr
    assert page.read_bytes() == b"all well\n"
    assert flaky.log.count("received from") == 3


def test_flaky_again(flaky: Daemon) -> None:
    """After a SIGHUP it fails anew."""
    assert [curl(flaky.port).returncode for _ in range(3)] == [56, 18, 0]
    flaky.signal(signal.SIGHUP)
    eventually(lambda: curl(flaky.port).returncode == 56)
    assert [curl(flaky.port).returncode for _ in range(2)] == [18, 0]


# slow_drip.toml, by redis-cli and by clients as textbooks have them

READS_ONCE = """\
import socket
import sys

client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
for message in sys.argv[2:]:
    client.sendall(message.encode() + b"\\n")
for _ in sys.argv[2:]:
    print(client.recv(1024))
"""
"""Takes a read for a message."""

READS_LINES = """\
import socket
import sys

client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
for message in sys.argv[2:]:
    client.sendall(message.encode() + b"\\n")
lines = client.makefile("rb")
for _ in sys.argv[2:]:
    print(lines.readline())
"""
"""The same, but for that: a line is a message."""


def python(program: str, port: str, *messages: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program on what it is to send."""
    return finished(sys.executable, "-c", program, port, *messages)


@pytest.fixture(scope="module")
def drip_and_glue(
    start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The ports of the service that drips and of the one that glues."""
    directory = tmp_path_factory.mktemp("slow_drip")
    return list(map(str, start_example("slow_drip.toml", start_shared_daemon, directory).ports(2)))


def test_drip_for_redis_cli(drip_and_glue: list[str]) -> None:
    """Redis-cli puts the bytes of a dripping reply together."""
    drip, _ = drip_and_glue
    assert finished("redis-cli", "-p", drip, "ping").stdout == b"PONG\n"


def test_drip_for_a_reader_of_lines(drip_and_glue: list[str]) -> None:
    """So does a program that reads lines, and `sockreply send`."""
    drip, _ = drip_and_glue
    assert python(READS_LINES, drip, "PING").stdout == b"b'+PONG\\r\\n'\n"
    words = ("send", "--port", drip, "--framing", "line:ending=crlf", "PING", "PING")
    assert finished(SCRIPTS / "sockreply", *words).stdout == b"+PONG\n+PONG\n"


def test_drip_for_one_who_reads_once(drip_and_glue: list[str]) -> None:
    """A program that takes a read for a reply has only the beginning of it."""
    drip, _ = drip_and_glue
    told = python(READS_ONCE, drip, "PING").stdout.decode()
    assert re.fullmatch(r"b'\+(P(O(NG?)?)?)?'\n", told)


def test_glue_for_a_reader_of_lines(drip_and_glue: list[str]) -> None:
    """A program that reads lines has each reply by itself, and so has `sockreply send`."""
    _, glue = drip_and_glue
    assert python(READS_LINES, glue, "a", "b").stdout == b"b'reply 1\\n'\nb'reply 2\\n'\n"
    words = ("send", "--port", glue, "--framing", "line", "a", "b", "c", "d")
    told = finished(SCRIPTS / "sockreply", *words).stdout
    assert told == b"reply 1\nreply 2\n" * 2


def test_glue_holds_the_first_reply(drip_and_glue: list[str]) -> None:
    """Nothing comes for the first request until the second, and then both replies at once."""
    _, glue = drip_and_glue
    with connect(int(glue)) as client:
        client.sendall(b"a\n")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1024)
        client.settimeout(PATIENCE)
        client.sendall(b"b\n")
        assert client.recv(1024) == b"reply 1\nreply 2\n"


def test_glue_for_one_who_reads_once(drip_and_glue: list[str]) -> None:
    """A program that takes a read for a reply has both in one, and waits in vain for the other."""
    _, glue = drip_and_glue
    told = python(READS_ONCE, glue, "a", "b")
    assert told.stdout == b"b'reply 1\\nreply 2\\n'\n"
    assert b"TimeoutError" in told.stderr


# postfix_table.toml, by Postfix's own postmap


class Tables:
    """The lookup tables, as Postfix names them.

    Args:
        directory: Where Postfix finds its configuration, an empty one.
        tcp: The port of the service that speaks as tcp_table(5) says.
        socketmap: The port of the one that speaks as socketmap_table(5) says.
    """

    def __init__(self, directory: Path, tcp: int, socketmap: int) -> None:
        settings = directory / "main.cf"
        settings.write_text("compatibility_level = 3.6\n", encoding="ascii")
        os.utime(settings, (0, 0))  # Postfix waits seconds for a new file "to cool down"
        self.tcp = tcp
        self._directory = directory
        self._socketmap = socketmap

    def query(self, key: str, table: str | None = None) -> tuple[int, str, str]:
        """What postmap makes of a key.

        Args:
            key: What is looked up.
            table: The one of socketmap_table(5); None: the one of tcp_table(5).

        Returns:
            Its status, what it prints, and what it complains of.
        """
        if POSTMAP is None:
            pytest.skip("postmap is not installed")
        server = "tcp:127.0.0.1:{}" if table is None else "socketmap:inet:127.0.0.1:{}:{}"
        where = server.format(self.tcp if table is None else self._socketmap, table)
        done = finished(POSTMAP, "-c", str(self._directory), "-q", key, where)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def tables(start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Both services of the file."""
    directory = tmp_path_factory.mktemp("postfix")
    daemon = start_example("postfix_table.toml", start_shared_daemon, directory)
    return Tables(directory, *daemon.ports(2))


BOTH = pytest.mark.parametrize("table", [None, "aliases"], ids=["tcp", "socketmap"])


@BOTH
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sales@example.org", "kim@example.org,lee@example.org"),
        ("Sales@Example.org", "kim@example.org,lee@example.org"),
        ("front desk@example.org", "kim@example.org"),
        ("joe@old.example", "joe@new.example"),
        ("joe 100%@old.example", "joe 100%@new.example"),
    ],
)
def test_postmap_finds(tables: Tables, table: str | None, key: str, value: str) -> None:
    """Postmap gets the values of keys, also of those that tcp_table(5) writes as %XX."""
    assert tables.query(key, table) == (0, f"{value}\n", "")


@BOTH
@pytest.mark.parametrize("key", ["nobody@example.org", "sales@example.org.evil", "@", "spam"])
def test_postmap_finds_nothing(tables: Tables, table: str | None, key: str) -> None:
    """What is not in the table is not found, which is no error."""
    assert tables.query(key, table) == (1, "", "")


@BOTH
def test_postmap_is_told_to_try_later(tables: Tables, table: str | None) -> None:
    """A table that cannot tell yet is an error, so that mail waits and is not refused."""
    status, printed, complaint = tables.query("kim@later.example", table)
    assert (status, printed) == (1, "")
    assert "query error" in complaint


def test_postmap_has_several_tables(tables: Tables) -> None:
    """A socketmap server tells its tables apart by their names."""
    assert tables.query("spam@example.com", "senders")[1] == "REJECT We know you\n"
    assert tables.query("spam@example.com", "aliases") == (1, "", "")
    assert tables.query("spam@example.com")[1] == "REJECT We know you\n"


def test_tcp_table_answers_one_after_the_other(tables: Tables) -> None:
    """On one connection, as Postfix's daemons have it, each request gets its line."""
    keys = (b"front%20desk@example.org", b"spam@example.com", b"x")
    lines = b"200 kim@example.org\n200 REJECT%20We%20know%20you\n500 not%20found\n"
    with connect(tables.tcp) as client:
        for _ in range(3):
            client.sendall(b"".join(b"get %s\n" % key for key in keys))
            assert read_bytes(client, len(lines)) == lines
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
