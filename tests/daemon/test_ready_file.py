"""A file that tells that a daemon listens, and where."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from sockreply.daemon.daemon import Daemon
from sockreply.daemon.ready_file import ReadyFile
from sockreply.errors import CannotStart
from sockreply.framing import Line
from sockreply.replies import Echo
from sockreply.settings import ListenerSettings, LogSettings, ServiceSettings, Settings
from tests.end_to_end.certificates import make_certificate
from tests.server.ports import NotingReactor
from tests.server.stand_ins import texts, watch


class Site:
    """A daemon on a reactor in memory, with a ready file."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "ready.json"
        self.reactor: Any = NotingReactor()

    def settings(self, file: Path | None = None, **listen: Any) -> Settings:
        """Those of services that listen there."""
        metrics = listen.pop("metrics", None)
        services = {
            name: ServiceSettings(
                listen=tuple(map(ListenerSettings, each)), framing=Line(), responder=Echo()
            )
            for name, each in (listen or {"a": ("tcp:1",)}).items()
        }
        return Settings(services=services, metrics=metrics, ready_file=str(file or self.file))

    def start(self, settings: Settings | None = None) -> None:
        """Run."""
        self.daemon = Daemon(self.reactor, settings or self.settings())
        self.daemon.startService()

    def change(self, settings: Settings) -> list[Any]:
        """Take on these settings; what comes of it."""
        return watch(Deferred.fromCoroutine(self.daemon.apply(settings)))

    def told(self) -> Any:
        """What the file says."""
        return json.loads(self.file.read_text())

    def ports(self) -> list[int]:
        """Of the service, as the file tells them."""
        return [each["port"] for each in self.told()["services"]["a"]]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """One that the test starts."""
    monkeypatch.setattr("sockreply.daemon.serving.fit_descriptors", lambda wanted: wanted)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    made = Site(tmp_path)
    yield made
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_where_it_listens(site: Site, tmp_path: Path) -> None:
    """Each service with its addresses, the one of the metrics, and the process."""
    site.start(site.settings(a=("tcp:1", "unix:s"), b=("tcp:2",), metrics="tcp:9"))
    assert site.told() == {
        "pid": os.getpid(),
        "services": {
            "a": [
                {"host": "127.0.0.1", "port": 1, "tls": False},
                {"path": str(tmp_path / "s"), "tls": False},
            ],
            "b": [{"host": "127.0.0.1", "port": 2, "tls": False}],
        },
        "metrics": {"host": "127.0.0.1", "port": 9, "tls": False},
    }


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL")  # it is Twisted that passes them
@pytest.mark.parametrize("kind", ["ssl", "haproxy:ssl"])
def test_tls(site: Site, kind: str, tmp_path: Path) -> None:
    """It is said that a listener wants it."""
    key = make_certificate(tmp_path / "example.pem")
    site.start(site.settings(a=(f"{kind}:1:privateKey={key}",), metrics=f"ssl:2:privateKey={key}"))
    assert site.told()["services"]["a"][0]["tls"]
    assert site.told()["metrics"]["tls"]


def test_while_it_runs(site: Site) -> None:
    """It is there once the daemon starts, and gone as soon as that is told to stop."""
    daemon = Daemon(site.reactor, site.settings())
    daemon.privilegedStartService()
    assert not site.file.exists()
    daemon.startService()
    assert site.file.exists()
    daemon.stopService()
    assert not site.file.exists()


def test_mode_is_that_of_the_umask(site: Site) -> None:
    """As of any file that is made."""
    before = os.umask(0o027)
    try:
        site.start()
    finally:
        os.umask(before)
    assert site.file.stat().st_mode & 0o777 == 0o640


def test_change_of_listeners(site: Site) -> None:
    """A whole new file tells them, in the order of the settings."""
    site.start()
    before = site.file.stat().st_ino
    with site.file.open() as old:
        assert site.change(site.settings(a=("tcp:3", "tcp:1"))) == [None]
        assert site.file.stat().st_ino != before
        assert json.load(old)["services"]["a"][0]["port"] == 1
    assert site.ports() == [3, 1]
    assert site.change(site.settings(a=("tcp:3",))) == [None]
    assert site.ports() == [3]


def test_change_that_fails(site: Site) -> None:
    """It stays as it is."""
    site.start()
    site.reactor.listenTCP(99, None)
    (failed,) = site.change(site.settings(site.file.with_name("other"), a=("tcp:3", "tcp:99")))
    assert isinstance(failed, CannotStart)
    assert site.ports() == [1]
    assert not site.file.with_name("other").exists()


def test_another_file(site: Site) -> None:
    """The one before it goes; without one none is left."""
    site.start()
    other = site.file.with_name("other")
    assert site.change(site.settings(other)) == [None]
    assert not site.file.exists()
    assert json.loads(other.read_text())["services"]["a"][0]["port"] == 1
    assert site.change(Settings(services=site.settings().services)) == [None]
    assert not other.exists()


def cannot(file: Path, name: str) -> str:
    """Make a file of that name impossible; why it is."""
    if name == "no directory":
        return "No such file or directory"
    file.parent.mkdir()
    if name == "a directory":
        file.mkdir()
        return "Is not a regular file"
    if name == "a pipe":
        os.mkfifo(file)
        return "Is not a regular file"
    file.write_text("[services]")
    return "Already exists, and is not a ready file"


IMPOSSIBLE = ["no directory", "a directory", "a pipe", "another file"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_written(site: Site, name: str) -> None:
    """It ends the start before anything listens; what is there stays there."""
    file = site.file.parent / "run" / "ready"
    why = cannot(file, name)
    with capturedLogs() as events, pytest.raises(CannotStart, match=f"^ready-file: {file}: {why}$"):
        site.start(site.settings(file))
    assert texts(events) == []
    assert site.reactor.ports == []
    assert name != "another file" or file.read_text() == "[services]"


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_change_to_what_cannot_be_written(site: Site, name: str) -> None:
    """Nothing is changed then."""
    file = site.file.parent / "run" / "ready"
    why = cannot(file, name)
    site.start()
    (failed,) = site.change(site.settings(file, a=("tcp:2",)))
    assert str(failed) == f"ready-file: {file}: {why}"
    assert site.ports() == site.reactor.ports == [1]


def test_what_cannot_be_written_any_more(site: Site) -> None:
    """At the start, with the rights that are left then, it is an error, and later it is logged."""
    directory = site.file.parent / "run"
    directory.mkdir()
    daemon = Daemon(site.reactor, site.settings(directory / "ready"))
    daemon.privilegedStartService()
    directory.rmdir()
    with pytest.raises(CannotStart, match="No such file or directory"):
        daemon.startService()
    assert site.reactor.ports == []
    assert not daemon.ready
    directory.mkdir()
    site.start(site.settings(directory / "ready"))
    (directory / "ready").unlink()
    directory.rmdir()
    with capturedLogs() as events:
        assert site.change(site.settings(directory / "ready", a=("tcp:2",))) == [None]
    assert texts(events, "error") == [f"ready-file: {directory}/ready: No such file or directory"]
    assert site.reactor.ports == [2]


def test_full_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half written is left."""

    def write_text(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(CannotStart, match="No space left on device"):
        site.start()
    assert list(site.file.parent.iterdir()) == []


@pytest.mark.parametrize("before", ["", '{"pid": 1, "services": {}}\n'])
def test_file_that_is_there_already(site: Site, before: str) -> None:
    """An empty one, or one that a daemon left behind, is replaced; a link to it stays."""
    target = site.file.with_name("target")
    target.write_text(before)
    site.file.symlink_to(target)
    site.start()
    assert site.file.is_symlink()
    assert json.loads(target.read_text())["pid"] == os.getpid()
    site.daemon.stopService()
    assert not target.exists()


def test_file_of_another_daemon(site: Site) -> None:
    """It is not removed."""
    site.start()
    other = ReadyFile()
    other.prepare(str(site.file)).carry_out()
    other.write(site.daemon.serving, site.daemon.watch)
    site.daemon.stopService()
    assert site.file.exists()


def test_stop_overtakes_the_end_of_a_change(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not written again in a daemon that stops."""
    site.start(site.settings(a=("tcp:1", "tcp:2")))
    closing: Deferred[None] = Deferred()

    async def listen_no_more(*_: object) -> None:
        await closing

    monkeypatch.setattr("sockreply.server.service.ReplyService.listen_no_more", listen_no_more)
    assert site.change(site.settings(a=("tcp:1",))) == []
    site.daemon.stopService()
    closing.callback(None)
    assert not site.file.exists()


def test_logs_go_on_if_it_cannot_be(site: Site, tmp_path: Path) -> None:
    """A change that fails over it opens no logs."""
    site.start()
    wrong = site.settings(tmp_path / "no" / "ready")
    log = LogSettings(json=str(tmp_path / "json"))
    changed = Settings(services=wrong.services, ready_file=wrong.ready_file, log=log)
    (failed,) = site.change(changed)
    assert isinstance(failed, CannotStart)
    assert not site.daemon.outlets.any_files
