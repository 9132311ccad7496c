"""What is for containers: the Containerfile and the manifest for Kubernetes.

No image is built, and no cluster asked: tools that know the rules read the files, and what these
say to each other and to the daemon is compared.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sockreply.commands.tap import Options
from sockreply.config import read
from sockreply.settings import ListenerSettings, Settings
from tests.end_to_end.daemons import ROOT, SCRIPTS

CONTAINERFILE = ROOT / "etc" / "Containerfile"
MANIFEST = ROOT / "etc" / "kubernetes" / "sockreply.yaml"


def instructions() -> list[tuple[str, str]]:
    """Those of the last stage of the Containerfile, in order."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", "").splitlines()
    found = [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]
    last = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def instruction(name: str) -> str:
    """What stands behind the one instruction of this name."""
    (value,) = [rest for each, rest in instructions() if each == name]
    return value


def manifest(kind: str) -> Any:
    """The one resource of this kind."""
    (found,) = [each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == kind]
    return found


def pod() -> Any:
    """What the deployment says of each pod."""
    return manifest("Deployment")["spec"]["template"]["spec"]


def container() -> Any:
    """The one container of each pod."""
    (found,) = pod()["containers"]
    return found


def settings_of(words: list[str]) -> Settings:
    """What the words behind the image's name ask the daemon for."""
    options = Options()
    options.parseOptions(words)
    return options.settings()


@pytest.fixture
def mounted(tmp_path: Path) -> Settings:
    """The settings in the manifest's file."""
    (file,) = manifest("ConfigMap")["data"].items()
    path = tmp_path / file[0]
    path.write_text(file[1])
    return read(path)


def test_containerfile_pleases_its_linter() -> None:
    """Hadolint has no complaint about the Containerfile."""
    done = subprocess.run(
        [SCRIPTS / "hadolint", CONTAINERFILE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_image_starts_the_daemon_without_a_shell() -> None:
    """The image runs `sockreply serve` as process 1, as a numbered user, until SIGTERM."""
    entry = json.loads(instruction("ENTRYPOINT"))
    assert [Path(entry[0]).name, *entry[1:]] == ["sockreply", "serve"]
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", instruction("USER"))
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_image_listens_where_it_says() -> None:
    """The ports that the image names are those of its command, and are open to others."""
    settings = settings_of(json.loads(instruction("CMD")))
    assert settings.services["default"].listen == (ListenerSettings("tcp:12345:interface=0.0.0.0"),)
    assert settings.metrics == "tcp:9464:interface=0.0.0.0"
    assert instruction("EXPOSE").split() == ["12345", "9464"]


def test_image_is_built_from_files_that_are_there() -> None:
    """All that the Containerfile copies is in this tree, and what pip needs is among it."""
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE.read_text(), re.MULTILINE)
    names = [name for each in copied for name in shlex.split(each)]
    assert {"pyproject.toml", "src", "twisted_plugins"} <= set(names)
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    """Pip takes what is named there, and nothing with another hash."""
    lines = (ROOT / "etc" / "locks" / "build.txt").read_text()
    (pin,) = re.findall(r"^pluggy==\S+ (?:\\\n +--hash=\S+ ?)+", lines, re.MULTILINE)
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    for text, status in ((pin, 0), (re.sub("sha256:........", "sha256:00000000", pin), 1)):
        (tmp_path / "lock.txt").write_text(text)
        done = subprocess.run(
            [*words, "--dest", tmp_path / str(status), "-r", tmp_path / "lock.txt"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_manifest_is_what_kubernetes_knows(version: str) -> None:
    """The manifest is valid for this version of Kubernetes, with no key that it does not know."""
    done = subprocess.run(
        [SCRIPTS / "kubernetes-validate", "--strict", "--quiet", "-k", version, MANIFEST],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_pod_has_time_to_drain(mounted: Settings) -> None:
    """Before a pod is killed, its time to be forgotten and its time to drain are over."""
    waits = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    drains = mounted.services["default"].limits.drain_timeout
    assert waits + drains < pod()["terminationGracePeriodSeconds"]


def test_ports_of_the_manifest_are_the_files(mounted: Settings) -> None:
    """The pod's ports are those on which its file has the daemon listen, for the whole network."""
    ports = {each["name"]: each["containerPort"] for each in container()["ports"]}
    assert mounted.services["default"].listen == (
        ListenerSettings(f"tcp:{ports['reply']}:interface=0.0.0.0"),
    )
    assert mounted.metrics == f"tcp:{ports['metrics']}:interface=0.0.0.0"
    (served,) = manifest("Service")["spec"]["ports"]
    assert served["targetPort"] == "reply"
    for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        assert container()[probe]["httpGet"] == {"path": path, "port": "metrics"}


def test_pod_runs_the_image_as_it_is() -> None:
    """The pod's user is the image's, its words are the daemon's, and its file is mounted there."""
    context = pod()["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == instruction("USER")
    (mount,) = container()["volumeMounts"]
    (name,) = manifest("ConfigMap")["data"]
    assert container()["args"] == ["--config", f"{mount['mountPath']}/{name}"]
