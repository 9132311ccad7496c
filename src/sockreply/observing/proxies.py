"""What a PROXY header said, as the record has it."""

from __future__ import annotations

from sockreply.observing.json_text import json_text
from sockreply.replies.proxy import TLV, Proxy
from sockreply.shown import show_address

_NAMES = {
    0x01: "alpn",
    0x02: "authority",
    0x05: "unique_id",
    0x20: "ssl",
    0x30: "netns",
}
_NAMES_IN_SSL = {
    0x21: "version",
    0x22: "cn",
    0x23: "cipher",
    0x24: "sig_alg",
    0x25: "key_alg",
    0x26: "group",
    0x27: "sig_scheme",
    0x28: "client_cert",
}
"""Those of the specification, in small letters, without PP2_TYPE_ and PP2_SUBTYPE_SSL_."""

_BITS = {1: "ssl", 2: "cert_conn", 4: "cert_sess"}
_TEXTS = {*_NAMES.values(), *_NAMES_IN_SSL.values()} - {"unique_id", "client_cert"}
"""What the specification has as text; it may still be none."""


def proxy_json(proxy: Proxy | None) -> str:
    """The proxy of a connection as a member of a JSON object, after others; empty: there is none.

    Example:
        `, "proxy": {"address": "127.0.0.1:4711", "version": 2, "own": false, "tlvs": []}`
    """
    if proxy is None:
        return ""
    address = json_text(show_address(proxy.address))
    tlvs = ", ".join(_tlv(each, _NAMES) for each in proxy.tlvs)
    own = "true" if proxy.own else "false"
    return (
        f', "proxy": {{"address": {address}, "version": {proxy.version}, "own": {own}, '
        f'"tlvs": [{tlvs}]}}'
    )


def _tlv(tlv: TLV, names: dict[int, str]) -> str:
    name = names.get(tlv.type, f"0x{tlv.type:02x}")
    if name == "ssl":
        client, verify = tlv.value[0], int.from_bytes(tlv.value[1:5])
        shown = ", ".join(json_text(said) for bit, said in _BITS.items() if client & bit)
        parts = ", ".join(_tlv(each, _NAMES_IN_SSL) for each in tlv.parts)
        what = f'"client": [{shown}], "verify": {verify}, "tlvs": [{parts}]'
    else:
        what = _value(name, tlv.value)
    return f'{{"type": "{name}", {what}}}'


def _value(name: str, value: bytes) -> str:
    try:
        text = value.decode() if name in _TEXTS else None
    except UnicodeDecodeError:
        text = None
    return f'"hex": "{value.hex()}"' if text is None else f'"text": {json_text(text)}'
