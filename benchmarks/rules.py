"""Files of rules for the daemon."""

from __future__ import annotations

SERVICE = """\
[log]
level = "warn"

[services.default]
listen = "tcp:{port}:interface=127.0.0.1"
framing = "line:ending=crlf"
keep_alive = true
otherwise = "+OK" # the load asks for more than PING first, and waits
"""
RULE = """
[[services.default.rules]]
when = {{ equals = "{request}" }}
reply = {reply}
"""


def rules(count: int, port: int) -> str:
    """So many exact rules, of which the last one answers PING."""
    others = (_rule(f"COMMAND {number}", f'"+{number}"') for number in range(1, count))
    return SERVICE.format(port=port) + "".join(others) + _rule("PING", '"+PONG"')


def template(port: int) -> str:
    """One exact rule, which answers with a template that shows the request."""
    return SERVICE.format(port=port) + _rule("PING", '{ template = "+{{ message }}" }')


def _rule(request: str, reply: str) -> str:
    return RULE.format(request=request, reply=reply)
