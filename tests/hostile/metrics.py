"""What a daemon counts, read as Prometheus reads it."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.clients import connect_unix, read_all


def count(path: Path, name: str, *labels: str) -> int:
    """One of its counts.

    Args:
        path: The UNIX socket of `--metrics`.
        name: The count's, without `sockreply_`.
        labels: The values of all labels but the service, if there are any.
    """
    with connect_unix(str(path)) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = read_all(client).decode().partition("\r\n\r\n")[2]
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return sum(
        int(sample.value)
        for sample in samples
        if sample.name == f"sockreply_{name}" and set(labels) <= set(sample.labels.values())
    )
