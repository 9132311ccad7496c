"""Programs that nobody here wrote finish their job with services whose messages have bodies."""

from __future__ import annotations

import asyncio
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import nats
import pytest
import redis
import stomp  # type: ignore[import-untyped]  # it has no types
from pymemcache.client.base import Client  # type: ignore[import-untyped]  # it has no types
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.end_to_end.daemons import SCRIPTS, Start, needs_program
from tests.end_to_end.waiting import PATIENCE

FILE = Path(__file__).with_name("clients_heads.toml")
VALUE = b"quit\r\nget a\r"
"""Looks like commands, and ends with a CR."""


@pytest.fixture(scope="module")
def ports(start_shared_daemon: Start) -> dict[str, int]:
    """Those of a daemon that has all the services, by their names."""
    services = list(tomllib.loads(FILE.read_text(encoding="utf-8"))["services"])
    daemon = start_shared_daemon("--config", str(FILE))
    return dict(zip(services, daemon.ports(len(services)), strict=True))


def run(*words: str, told: bytes = b"") -> bytes:
    """What a program prints that ends well."""
    done = subprocess.run(words, input=told, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done
    return done.stdout


@needs_program("curl")
def test_curl(ports: dict[str, int]) -> None:
    """Curl posts a body with an empty line in it, and then asks over the same connection."""
    url = f"http://127.0.0.1:{ports['http']}/orders"
    post = ("--data-binary", "@-", "-w", "%{response_code} %{num_connects}\n", url)
    get = ("--next", "-s", "-w", "%{response_code} %{num_connects}\n", url)
    said = run("curl", "-s", "--noproxy", "*", *post, *get, told=b"two\r\n\r\nteas")
    assert said == b"coming\n201 1\nteas\n200 0\n"


@needs_program("memcping")
def test_memcping(ports: dict[str, int]) -> None:
    """Memcping finds the server alive."""
    run("memcping", f"--servers=127.0.0.1:{ports['memcached']}")


def test_pymemcache(ports: dict[str, int]) -> None:
    """Values that look like commands are stored, without a reply and with one, and come back."""
    with closing(Client(("127.0.0.1", ports["memcached"]), timeout=PATIENCE)) as client:
        assert client.set("a", VALUE)  # without waiting for a reply
        assert client.get("a") == VALUE
        assert client.set("a", VALUE, noreply=False)
        assert not client.set("b", b"", noreply=False)
        assert client.get("a") == VALUE
        assert client.version() == b"1.6.18"


def test_nats(ports: dict[str, int]) -> None:
    """A payload that looks like a PING is published, and a request gets its answer."""

    async def talk() -> bytes:
        client = await nats.connect(f"nats://127.0.0.1:{ports['nats']}", allow_reconnect=False)
        await client.publish("news", b"PING\r\nPING\r\n")
        await client.publish("news", b"")
        await client.flush(int(PATIENCE))
        answer = await client.request("ask", b"how\r\nmany?\n", timeout=PATIENCE)
        await client.close()
        return answer.data

    assert asyncio.run(talk()) == b"4\r\n2\r\n"


class Bodies(stomp.ConnectionListener):  # type: ignore[misc]  # of which no types are known
    """Keeps the bodies that come, and hears of the end."""

    def __init__(self) -> None:
        self.found: SimpleQueue[str] = SimpleQueue()
        self.ended = Event()

    def on_message(self, frame: stomp.utils.Frame) -> None:
        self.found.put(frame.body)

    def on_receipt(self, frame: stomp.utils.Frame) -> None:
        self.ended.set()


def test_stomp(ports: dict[str, int]) -> None:
    """Bodies with a NUL go both ways, and frames that end at a NUL come in between."""
    bodies, where = Bodies(), [("127.0.0.1", ports["stomp"])]
    client = stomp.Connection(where, timeout=PATIENCE, reconnect_attempts_max=1)
    client.set_listener("", bodies)
    client.connect("kim", "secret", wait=True)
    client.subscribe("/queue/b", "1")
    for _ in range(2):
        client.send("/queue/a", "one\0two\n\nx")
        client.send("/queue/a", "")
    expected = ["4\0002", "empty"] * 2
    assert [bodies.found.get(timeout=PATIENCE) for _ in expected] == expected
    client.disconnect()
    assert bodies.ended.wait(PATIENCE)


@needs_program("redis-cli")
def test_redis_cli(ports: dict[str, int]) -> None:
    """Redis-cli sets and gets a key with a line end in it, and runs a transaction."""
    port = str(ports["redis"])
    assert run("redis-cli", "-p", port, "SET", "a\r\nb", "c\r\nd\r\n") == b"OK\n"
    assert run("redis-cli", "-p", port, "GET", "a\r\nb") == b"c\r\nd\r\n\n"
    several = b'SET "a\\r\\nb" "c\\r\\nd\\r\\n"\nMULTI\nSET a 1\nGET a\nEXEC\nPING\n'
    expected = b"OK\nOK\nQUEUED\nQUEUED\nOK\nc\r\nd\r\n\nPONG\n"
    assert run("redis-cli", "-p", port, told=several) == expected


@needs_program("redis-cli")
def test_redis_cli_in_a_pipe(ports: dict[str, int]) -> None:
    """A thousand commands that redis-cli sends without waiting have a reply each."""
    command = b"*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$6\r\nc\r\nd\r\n\r\n"
    said = run("redis-cli", "-p", str(ports["redis"]), "--pipe", told=command * 1000 + b"PING\r\n")
    assert said.splitlines()[-1] == b"errors: 0, replies: 1001"


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py(ports: dict[str, int], protocol: int) -> None:
    """Keys with line ends, pipelines and a transaction, over either version of the protocol."""
    once = Retry(NoBackoff(), 0)
    with redis.Redis(
        port=ports["redis"], protocol=protocol, socket_timeout=PATIENCE, retry=once
    ) as client:
        assert client.set("a\r\nb", "c\r\nd\r\n")
        assert client.get("a\r\nb") == b"c\r\nd\r\n"
        with client.pipeline(transaction=False) as pipeline:
            for _ in range(100):
                pipeline.set("a\r\nb", "c\r\nd\r\n").get("a\r\nb")
            assert pipeline.execute() == [True, b"c\r\nd\r\n"] * 100
        with client.pipeline() as pipeline:
            assert pipeline.set("a", "1").get("a").execute() == [True, b"c\r\nd\r\n"]
        keys = ["a b", "", "c\r\n", "d"]
        assert client.mget(keys) == [key.encode() for key in keys]
        assert client.ping()
        with pytest.raises(redis.ResponseError, match="not here"):
            client.incr("a")


def test_send_to_a_redis(ports: dict[str, int]) -> None:
    """`sockreply send` asks with words in quotes, and prints each reply as one value."""
    words = (str(SCRIPTS / "sockreply"), "send", "--port", str(ports["redis"]), "-f", "resp")
    said = run(
        *words, 'SET "a\\r\\nb" "c\\r\\nd\\r\\n"', 'get "a\\r\\nb"', 'GET "a\\r\\nb"', "HELLO 3"
    )
    replies = b"+OK\r\n\n-ERR not here\r\n\n$6\r\nc\r\nd\r\n\r\n\n%1\r\n$5\r\nproto\r\n:3\r\n\n"
    assert said == replies
