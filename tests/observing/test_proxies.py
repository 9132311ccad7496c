"""What the record says of a proxy."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress

from sockreply.observing.proxies import proxy_json
from sockreply.replies.proxy import TLV, Proxy
from tests.server.proxy.headers import KEPT


def told(proxy: Proxy) -> Any:
    """What a line says, in which nothing drives a screen."""
    text = proxy_json(proxy)
    assert text.isprintable()
    return json.loads("{" + text.removeprefix(", ") + "}")["proxy"]


def test_none() -> None:
    """Without a header there is nothing to say."""
    assert proxy_json(None) == ""


def test_every_field() -> None:
    """Fields are told by the names of the specification, as text if they are, or else in hex."""
    proxy = Proxy(IPv4Address("TCP", "127.0.0.1", 7), 2, False, KEPT)
    assert told(proxy) == {
        "address": "127.0.0.1:7",
        "version": 2,
        "own": False,
        "tlvs": [
            {"type": "alpn", "text": "h2"},
            {"type": "authority", "text": "example.com"},
            {"type": "unique_id", "hex": bytes(range(128)).hex()},
            {
                "type": "ssl",
                "client": ["ssl"],
                "verify": 0,
                "tlvs": [
                    {"type": "version", "text": "TLSv1.3"},
                    {"type": "cn", "text": "client.example"},
                ],
            },
            {"type": "netns", "text": "blue"},
            {"type": "0xe0", "hex": "1b5b324a0a"},
        ],
    }


def test_nothing_raw() -> None:
    """A text that is none is told in hex; escapes do not reach a screen."""
    fields = (TLV(0x02, b"\xff"), TLV(0x02, "\u202e\x1b[2J\n".encode()), TLV(0x20, b"\x06\0\0\1\0"))
    assert told(Proxy(UNIXAddress("/run/\x1b\n"), 2, True, fields)) == {
        "address": r"unix:/run/\x1b\n",
        "version": 2,
        "own": True,
        "tlvs": [
            {"type": "authority", "hex": "ff"},
            {"type": "authority", "text": "\u202e\x1b[2J\n"},
            {"type": "ssl", "client": ["cert_conn", "cert_sess"], "verify": 256, "tlvs": []},
        ],
    }
