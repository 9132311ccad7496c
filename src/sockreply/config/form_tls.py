"""The form of what a configuration says of TLS; see `form`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Version: TypeAlias = Literal["1.0", "1.1", "1.2", "1.3"]


@dataclass(frozen=True)
class Secured:
    """What is known of a connection over TLS; None says nothing of it."""

    subject: str | list[str] | None = None
    sni: str | list[str] | None = None
    version: Version | list[Version] | None = None


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate; without `key`, its private key is in the same file."""

    certificate: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class TLS(Certificate):
    """TLS of a listener."""

    client_ca: str | None = None
    require_client: bool = False
    min_version: Literal["1.2", "1.3"] = "1.2"
    alpn: list[str] = field(default_factory=list)
    sni: dict[str, Certificate] = field(default_factory=dict)
    starttls: bool = False
