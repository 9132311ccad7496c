"""Snippets of configuration files that are refused, and why.

Kept apart from the tests, for they are what there is to know about a wrong file.
"""

from __future__ import annotations

from sockreply.framing.registry import FRAMING_NAMES

SERVICE_KEYS = (
    "listen, framing, encoding, show, greeting, keep_alive, idle_timeout, message_timeout, "
    "reply_timeout, write_timeout, close_timeout, drain_timeout, drain_delay, max_connections, "
    "max_connections_per_peer, max_message, allow, per_peer, amplification, responder, "
    "initial_state, states, seed, otherwise, rules"
)
PER_PEER_KEYS = (
    "connections_per_second, connections_burst, messages_per_second, messages_burst, "
    "bytes_per_second, bytes_burst, over, ipv6_prefix"
)
SLIP = "unknown key (did you mean messages_per_second?)"
PER_SECOND = "0 or a number from 0.001 to 2147483647"
TIMES = "0 or a number from 1 to 2147483647"
RULE_KEYS = "name, when, state, next_state, chance, reply, replies, after_last, scope"
WHEN_KEYS = "length, peer, equals, starts_with, ends_with, contains, regex, not, tls, ignore_case"
SECONDS = "a number of seconds from 0 to 2147483647"
SEED = "a whole number from -9223372036854775808 to 9223372036854775807"
COUNT = "a whole number from 1 to 2147483647"
COUNT_OR_NONE = "a whole number from 0 to 2147483647"
STEPS = (
    "a table with hex, base64, file, template, echo, raw, delay, drip, truncate, corrupt, stall, "
    "close, reset, command or starttls"
)
DATA = "text or a table with hex, base64, file, template or echo"
FIXED = "text or a table with hex, base64 or file"

FILES = [
    ("log = 1", "log: expected a table, found number 1"),
    (
        "[log]\nlevel = 'loud'",
        "log.level: expected 'debug' or 'info' or 'warn', found text 'loud'",
    ),
    ("[log]\nlevel = 1", "log.level: expected 'debug' or 'info' or 'warn', found number 1"),
    (
        "[log]\nexchanges_per_second = -1",
        f"log.exchanges_per_second: -1 is not {COUNT_OR_NONE}",
    ),
    ("[log]\njson = ''", "log.json: '' is not a file name"),
    ('[log]\nrecord = "a\\u0000b"', r"log.record: 'a\x00b' is not a file name"),
    (
        "[log]\nx = 1",
        "log.x: unknown key; known: level, exchanges_per_second, json, record",
    ),
    ("[log]\njson = 'a'\nrecord = './a'", "log.record: is the same file as json"),
    (
        "listen = 'tcp:0'",
        "listen: unknown key here; it belongs in a service, before its rules; known: log, metrics,",
    ),
    (
        "[service.s]",
        "service: unknown key (did you mean services?); known: log, metrics, ready, services",
    ),
    (
        f"[services.{'s' * 61}]",
        f"services.'{'s' * 60}'....listen: is missing; for example ",
    ),
    ("[metrics]", "metrics.listen: is missing"),
    ("metrics = []", "metrics: expected a table, found a list"),
    (
        "[metrics]\nlisten = 'udp:1'",
        "metrics.listen: endpoint udp:1: UDP is for services",
    ),
    ("[ready]", "ready.file: is missing"),
    ("[ready]\nfile = ''", "ready.file: '' is not a file name"),
    ("services = []", "services: expected a table, found a list"),
    ("[services]\ns = 5", "services.s: expected a table, found number 5"),
    ("[services.'']", "services.'': '' is not a name: a name is one or more printable characters"),
    (
        '[services."a\\n"]',
        r"services.'a\n': 'a\n' is not a name: a name is one or more printable characters",
    ),
    ("[services.'a.b']", "services.'a.b'.listen: is missing; for example "),
    ("[services.'저울']", "services.저울.listen: is missing; for example "),
    ("[1]", "1: unknown key; known: log, metrics, ready, services"),
]
"""Whole files, of which other parts are missing, too."""

SERVICES = [
    ("x = 1", f"services.s.x: unknown key; known: {SERVICE_KEYS}"),
    (
        "keep-alive = true",
        f"services.s.keep-alive: unknown key (did you mean keep_alive?); known: {SERVICE_KEYS}",
    ),
    ("k" * 50_000 + " = 1", f"services.s.'{'k' * 60}'...: unknown key; known: {SERVICE_KEYS}"),
    ('"x\\n.y" = 1', r"services.s.'x\n.y': unknown key; known: " + SERVICE_KEYS),
    (
        "framing = 'lines'",
        f"services.s.framing: unknown framing 'lines'; known: {', '.join(FRAMING_NAMES)}",
    ),
    ("framing = 5", "services.s.framing: expected text, a table or a list, found number 5"),
    (
        "framing = 'fixed:size=9'\nmax_message = 8",
        "services.s.framing: fixed: size=9 is more than max_message = 8",
    ),
    (
        "encoding = 'utf8000'",
        "services.s.encoding: 'utf8000' is unknown; for example utf-8, latin-1",
    ),
    (
        "encoding = 'base64'",
        "services.s.encoding: 'base64' is not an encoding of text; for example utf-8, latin-1",
    ),
    (
        "encoding = 'undefined'",
        "services.s.encoding: 'undefined' is not an encoding of text; for example utf-8, latin-1",
    ),
    (
        'encoding = "\\u0000"',
        r"services.s.encoding: '\x00' is not an encoding of text; for example utf-8, latin-1",
    ),
    ("encoding = ''", "services.s.encoding: '' is unknown; for example utf-8, latin-1"),
    (
        "encoding = 'ascii'\notherwise = 'café'",
        "services.s.otherwise: ascii cannot encode 'é'",
    ),
    ("keep_alive = 1", "services.s.keep_alive: expected true or false, found number 1"),
    ("keep_alive = 'yes'", "services.s.keep_alive: expected true or false, found text 'yes'"),
    ("idle_timeout = '5'", f"services.s.idle_timeout: expected {SECONDS}, found text '5'"),
    ("idle_timeout = true", f"services.s.idle_timeout: expected {SECONDS}, found true"),
    ("idle_timeout = []", f"services.s.idle_timeout: expected {SECONDS}, found a list"),
    ("idle_timeout = 1979-05-27", f"services.s.idle_timeout: expected {SECONDS}, found a date"),
    ("idle_timeout = 07:32:00", f"services.s.idle_timeout: expected {SECONDS}, found a time"),
    ("message_timeout = -0.5", f"services.s.message_timeout: -0.5 is not {SECONDS}"),
    ("reply_timeout = nan", f"services.s.reply_timeout: nan is not {SECONDS}"),
    ("write_timeout = inf", f"services.s.write_timeout: inf is not {SECONDS}"),
    ("close_timeout = 1e400", f"services.s.close_timeout: inf is not {SECONDS}"),
    ("drain_timeout = 3e9", f"services.s.drain_timeout: 3000000000.0 is not {SECONDS}"),
    (
        "drain_delay = 0x" + "f" * 9000,
        f"services.s.drain_delay: a number that large is not {SECONDS}",
    ),
    ("amplification = -1", f"services.s.amplification: -1 is not {TIMES}"),
    ("amplification = 0.5", f"services.s.amplification: 0.5 is not {TIMES}"),
    ("max_connections = 0", f"services.s.max_connections: 0 is not {COUNT}"),
    ("max_connections = 1.0", f"services.s.max_connections: expected {COUNT}, found number 1.0"),
    (
        "max_connections_per_peer = -1",
        f"services.s.max_connections_per_peer: -1 is not {COUNT_OR_NONE}",
    ),
    ("max_message = 2147483648", f"services.s.max_message: 2147483648 is not {COUNT}"),
    ("per_peer = 5", "services.s.per_peer: expected a table, found number 5"),
    (
        "per_peer = {}",
        "services.s.per_peer: limits nothing without connections_per_second, messages_per_second ",
    ),
    (
        "per_peer = { messages_per_second = 0, over = 'wait' }",
        "services.s.per_peer: limits nothing without",
    ),
    (
        "per_peer = { messages_per_second = -1 }",
        f"services.s.per_peer.messages_per_second: -1 is not {PER_SECOND}",
    ),
    (
        "per_peer = { messages_per_second = 1e-300 }",
        f"services.s.per_peer.messages_per_second: 1e-300 is not {PER_SECOND}",
    ),
    (
        "per_peer = { bytes_per_second = nan, bytes_burst = 5 }",
        f"services.s.per_peer.bytes_per_second: nan is not {PER_SECOND}",
    ),
    (
        "per_peer = { connections_per_second = '5/s' }",
        f"services.s.per_peer.connections_per_second: expected {PER_SECOND}, found text '5/s'",
    ),
    (
        "per_peer = { bytes_per_second = 1, bytes_burst = 0 }",
        f"services.s.per_peer.bytes_burst: 0 is not {COUNT}",
    ),
    (
        "per_peer = { bytes_per_second = 1, messages_burst = 5 }",
        "services.s.per_peer.messages_burst: has no effect without messages_per_second",
    ),
    (
        "per_peer = { bytes_per_second = 1, over = 'drop' }",
        "services.s.per_peer.over: expected 'wait' or 'refuse', found text 'drop'",
    ),
    (
        "per_peer = { bytes_per_second = 1, ipv6_prefix = 129 }",
        "services.s.per_peer.ipv6_prefix: 129 is not a whole number from 1 to 128",
    ),
    (
        "per_peer = { messages_a_second = 1, bytes_per_second = 1 }",
        f"services.s.per_peer.messages_a_second: {SLIP}; known: {PER_PEER_KEYS}",
    ),
    (
        "per_peer = { bytes_per_second = 1, max_message = 1 }",
        "services.s.per_peer.max_message: unknown key here; it belongs in a service, before its",
    ),
    (
        "messages_per_second = 5",
        "services.s.messages_per_second: unknown key here; it belongs in the per_peer of a service",
    ),
    ("allow = 5", "services.s.allow: expected text or a list, found number 5"),
    ("allow = ['::1', 5]", "services.s.allow[2]: expected text, found number 5"),
    (
        "allow = ['::1', '10.0.0.1/8']",
        "services.s.allow[2]: '10.0.0.1/8' has bits set after its mask; the network is 10.0.0.0/8",
    ),
    (
        "allow = 'localhost'",
        "services.s.allow: 'localhost' is not a network; for example 192.0.2.0/24, ::1",
    ),
    (
        "initial_state = ''",
        "services.s.initial_state: '' is not a name: a name is one or more printable characters",
    ),
    (
        "seed = 0x8000000000000000",
        f"services.s.seed: a number that large is not {SEED}",
    ),
    ("otherwise = 5", f"services.s.otherwise: expected text, {STEPS} or a list, found number 5"),
    (
        "greeting = { hex = '0' }",
        "services.s.greeting.hex: '0' at character 0 (from 0) of '0' is no",
    ),
    (
        "greeting = { template = '{{ match[1] }}' }",
        "services.s.greeting.template: match: ",
    ),
    ("responder = 'nothing'", "services.s.responder: responder nothing: no such entry point"),
    ("responder = 'no_such:x'", "services.s.responder: responder no_such:x: ModuleNotFoundError"),
    (
        "responder = 'tests.config.texts:shout'\notherwise = 'x'",
        "services.s.otherwise: responder and otherwise cannot be combined",
    ),
    (
        "responder = 'tests.config.texts:shout'\nseed = 0",
        "services.s.seed: responder and seed cannot be combined",
    ),
    (
        "responder = 'tests.config.texts:shout'\ninitial_state = 'x'",
        "services.s.initial_state: responder and initial_state cannot be combined",
    ),
    (
        "responder = 'tests.config.texts:shout'\nrules = [{ reply = 'x' }]",
        "services.s.rules: responder and rules cannot be combined",
    ),
    (
        "rules = { reply = 'x' }",
        "services.s.rules: expected a list of tables [[services.s.rules]], found a table",
    ),
    ("rules = [5]", "services.s.rules.rule-1: expected a table, found number 5"),
]
"""What stands in a service."""

LISTENS = [
    ("", "services.s.listen: is missing; for example 'tcp:12345:interface=127.0.0.1'"),
    ("listen = ''", "services.s.listen: is missing; for example 'tcp:12345:interface=127.0.0.1'"),
    ("listen = []", "services.s.listen: is missing; for example 'tcp:12345:interface=127.0.0.1'"),
    ("listen = 12345", "services.s.listen: expected text, a table or a list, found number 12345"),
    (
        "listen = '127.0.0.1:80'",
        "services.s.listen: endpoint 127.0.0.1:80: Unknown endpoint type: '127.0.0.1'; for example",
    ),
    (
        "listen = 'unix:/" + "a" * 107 + "'",
        f"services.s.listen: endpoint unix:/{'a' * 107}: a socket's path has 1 to 107 bytes",
    ),
    ("listen = 'unix:'", "services.s.listen: endpoint unix:: a socket's path has 1 to 107 bytes"),
    ("listen = ['tcp:0', {}]", "services.s.listen[2].endpoint: is missing"),
    ("listen = ['tcp:0', '']", "services.s.listen[2]: endpoint : Unknown endpoint type: ''"),
    (
        "listen = 'tcp:http'",
        "services.s.listen: endpoint tcp:http: 'http' is not a whole number; for example ",
    ),
    (
        "listen = 'tcp:70000'",
        "services.s.listen: endpoint tcp:70000: 70000 is not a port from 0 to 65535",
    ),
    ("listen = 'ssl:0:privateKey=/none'", "services.s.listen: endpoint ssl:0:privateKey=/none: "),
    (
        "listen = ['tcp:80', 'tcp:80:interface=::1']",
        "services.s.listen[2]: endpoint tcp:80:interface=::1: it has two values for interface; ",
    ),
    (
        "listen = ['tcp:80', 'tcp:80:interface=127.0.0.1']",
        "services.s.listen[2]: tcp port 80 is already used by services.s.listen[1]",
    ),
    (
        "listen = ['udp:53', 'tcp:53', 'udp:53:interface=127.0.0.1']",
        "services.s.listen[3]: udp port 53 is already used by services.s.listen[1]",
    ),
    (
        "listen = 'udp:domain'",
        "services.s.listen: endpoint udp:domain: 'domain' is not a whole number; for example ",
    ),
    (
        "listen = 'udp:70000'",
        "services.s.listen: endpoint udp:70000: 70000 is not a port from 0 to 65535",
    ),
    (
        "listen = 'udp:53:interface=localhost'",
        "services.s.listen: endpoint udp:53:interface=localhost: 'localhost' is not an IP address",
    ),
    (
        "listen = 'udp:53:backlog=5'",
        "services.s.listen: endpoint udp:53:backlog=5: there is no parameter 'backlog'; ",
    ),
    (
        "listen = 'haproxy:udp:53'",
        "services.s.listen: endpoint haproxy:udp:53: PROXY headers are for streams, not",
    ),
    (
        "listen = { endpoint = 'udp:53', proxy_from = '192.0.2.1' }",
        "services.s.listen.proxy_from: PROXY headers are for streams, not for UDP",
    ),
    (
        "listen = { endpoint = 'udp:53', tls = { certificate = 'x.pem' } }",
        "services.s.listen.tls: TLS is for streams, not for UDP",
    ),
    (
        "listen = ['udp:53', 'tcp:53']\nframing = 'line'",
        "services.s.framing: over UDP each datagram is a message, so the framing is chunk",
    ),
    (
        "listen = 'udp:53'\nkeep_alive = true\ninitial_state = 'a'\nstates.a.framing = 'line'",
        "services.s.states.a: over UDP each datagram is a message in every state",
    ),
    (
        "listen = 'udp:53'\ngreeting = 'hello'",
        "services.s.greeting: a greeting cannot be sent over UDP, because nobody connects",
    ),
    (
        "listen = 'udp:53'\nrules = [{ when = { length = 1 }, reply = ['x', { close = 'half' }] }]",
        "services.s.rules.rule-1.reply[2].close: over UDP there is nothing to half-close",
    ),
    (
        "listen = ['udp:53', 'udp:5']\nrules = [{ when = { length = 1 }, reply = {reset = true} }]",
        "services.s.rules.rule-1.reply.reset: over UDP there is no connection to reset",
    ),
    (
        "listen = 'udp:53'\nrules = [{ when = { length = 1 }, reply = { starttls = true } }]",
        "services.s.rules.rule-1.reply.starttls: no listener of the service has tls with starttls",
    ),
    (
        "listen = ['unix:x', 'tcp:80-99', 'tcp:90-110:interface=127.0.0.1']",
        "services.s.listen[3]: tcp port 90 is already used by services.s.listen[2]",
    ),
    (
        "listen = ['tcp:5999-5901']",
        "services.s.listen[1]: endpoint tcp:5999-5901: the range 5999-5901 runs backwards; write",
    ),
    (
        "listen = { endpoint = 'tcp:0-9' }",
        "services.s.listen.endpoint: endpoint tcp:0-9: 0 in the range is not a port from 1 to ",
    ),
    (
        "listen = 'tcp:1-9:nonsense=1'",
        "services.s.listen: endpoint tcp:1-9:nonsense=1: there is no parameter 'nonsense'; for ",
    ),
    (
        "listen = 'tcp:5901-'",
        "services.s.listen: endpoint tcp:5901-: the range 5901- has no end; for example 5901-5999",
    ),
]
"""Where a service listens."""

RULES = [
    (
        "",
        ": replies with nothing: it takes reply or replies; reply = [] is silence",
    ),
    (
        "reply = 'x'\ncolour = 1",
        f".colour: unknown key; known: {RULE_KEYS}",
    ),
    (
        "reply = 'x'\nkeep_alive = true",
        ".keep_alive: unknown key here; it belongs in a service, before its rules; known: name,",
    ),
    (
        "reply = 'x'\nequals = 'x'",
        ".equals: unknown key here; it belongs in the when of a rule; known: name, when,",
    ),
    ("reply = 'x'\nreplies = ['x']", ".replies: reply and replies cannot be combined"),
    ("reply = 'x'\nscope = 'service'", ".scope: needs replies as well"),
    ("reply = 'x'\nafter_last = 'cycle'", ".after_last: needs replies as well"),
    ("replies = []", ".replies: an empty list; it needs at least one reply"),
    ("replies = 'x'", ".replies: expected a list, found text 'x'"),
    (
        "replies = ['x']\nafter_last = 'again'",
        ".after_last: expected 'repeat' or 'cycle' or 'silence', found text 'again'",
    ),
    ("replies = ['x']\nscope = 1", ".scope: expected 'connection' or 'service', found number 1"),
    ("reply = 'x'\nname = 5", ".name: expected a name, found number 5"),
    (
        "reply = 'x'\nname = ''",
        ".name: '' is not a name: a name is one or more printable characters",
    ),
    ("reply = 'x'\nstate = []", ".state: an empty list; leave it out if the state does not matter"),
    ("reply = 'x'\nstate = 'on'", ".state: no rule leads to state 'on'; known: start"),
    ("reply = 'x'\nchance = 0", ".chance: 0 is not a number above 0 and up to 1"),
    ("reply = 'x'\nchance = 1.1", ".chance: 1.1 is not a number above 0 and up to 1"),
    ("reply = 'x'\nchance = '1'", ".chance: expected a number above 0 and up to 1, found text '1'"),
]
"""What stands in a rule, which has no name."""

CONDITIONS = [
    ("5", ": expected a table or a list, found number 5"),
    ("{}", ": no condition; leave it out if there is none"),
    ("{ ignore_case = true }", ": no condition; leave it out if there is none"),
    ("[]", ": an empty list; leave it out if there is no condition"),
    ("[{ equals = 'x' }, {}]", "[2]: no condition; leave it out if there is none"),
    ("[{ equals = 'x' }, 5]", "[2]: expected a table, found number 5"),
    (
        "{ equal = 'x' }",
        f".equal: unknown key (did you mean equals?); known: {WHEN_KEYS}",
    ),
    ("{ equals = 5 }", f".equals: expected {FIXED}, found number 5"),
    (
        "{ equals = { template = 'x' } }",
        ".equals: expected a table with hex, base64 or file, found one with template",
    ),
    (
        "{ equals = { hex = '41', base64 = 'QQ==' } }",
        ".equals: hex and base64 cannot be in one table",
    ),
    ("{ equals = { hex = '41', x = 1 } }", ".equals.x: unknown key; known: hex"),
    ("{ equals = {} }", ".equals: expected a table with hex, base64 or file, found an empty one"),
    (
        "{ equals = { hex = '4' } }",
        ".equals.hex: '4' at character 0 (from 0) of '4' is no byte: it is written as two hex digi",
    ),
    ("{ equals = { hex = 41 } }", ".equals.hex: expected text, found number 41"),
    ("{ equals = { base64 = 'Q' } }", ".equals.base64: 'Q' is not base64: "),
    ("{ equals = { base64 = 'é' } }", ".equals.base64: 'é' is not base64: "),
    ("{ equals = { file = '' } }", ".equals.file: '' is not a file name"),
    (
        "{ equals = { file = '/none' } }",
        ".equals.file: cannot read /none: No such file or directory",
    ),
    ("{ equals = { file = '/dev/null' } }", ".equals.file: /dev/null is not a file"),
    ("{ equals = { file = '/dev' } }", ".equals.file: /dev is a directory"),
    (
        "{ ends_with = '123456789' }",
        ".ends_with: 9 bytes, but no message has more than max_message = 8",
    ),
    ("{ regex = '(' }", ".regex: missing ), unterminated subpattern at position 0"),
    ("{ regex = '(?u)x' }", ".regex: bad inline flags: cannot use 'u' flag with a bytes pattern"),
    ("{ regex = 'x{99999999999999999999}' }", ".regex: the repetition number is too large"),
    ("{ regex = '" + "(" * 5000 + ")" * 5000 + "' }", ".regex: groups are nested too deeply"),
    ("{ regex = 5 }", ".regex: expected text, found number 5"),
    ("{ length = '5' }", f".length: expected {COUNT_OR_NONE} or a table, found text '5'"),
    ("{ length = -1 }", f".length: -1 is not {COUNT_OR_NONE}"),
    ("{ length = 9 }", ".length: 9 bytes, but no message has more than max_message = 8"),
    ("{ length = {} }", ".length: expected min, max or both"),
    ("{ length = { least = 1 } }", ".length.least: unknown key; known: min, max"),
    (
        "{ length = { min = 9 } }",
        ".length.min: 9 bytes, but no message has more than max_message = 8",
    ),
    ("{ length = { min = 2, max = 1 } }", ".length: no message has at least 2 bytes and at most 1"),
    ("{ peer = 5 }", ".peer: expected text or a list, found number 5"),
    ("{ peer = [] }", ".peer: an empty list; no peer is in it"),
    (
        "{ peer = ['::1', '192.0.2.1/24'] }",
        ".peer[2]: '192.0.2.1/24' has bits set after its mask; the network is 192.0.2.0/24",
    ),
    ("{ not = {} }", ".not: no condition; leave it out if there is none"),
    (
        "{ not = [{ regex = '(' }] }",
        ".not[1].regex: missing ), unterminated subpattern at position 0",
    ),
    ("{ not = { not = { equals = 5 } } }", f".not.not.equals: expected {FIXED}, found number 5"),
    ("{ equals = 'x', ignore_case = 0 }", ".ignore_case: expected true or false, found number 0"),
]
"""What stands in a rule's `when`, in a service with a max_message of 8."""

REPLIES = [
    ("5", f": expected text, {STEPS} or a list, found number 5"),
    ("{}", f": expected {STEPS}, found an empty one"),
    ("{ x = 1 }", f": expected {STEPS}, found one with x"),
    ("['a', 5]", f"[2]: expected text or {STEPS}, found number 5"),
    ("[['a']]", f"[1]: expected text or {STEPS}, found a list"),
    ("{ hex = '??' }", ".hex: ?? stands for any byte, and only a condition can have it"),
    ("{ echo = false }", ".echo: expected true, found false"),
    ("{ echo = 1 }", ".echo: expected true, found number 1"),
    ("{ template = '{{ nothing }}' }", ".template: "),
    ("{ template = '{{' }", ".template: "),
    ("{ template = '41', as = 'text' }", ".as: expected 'hex', found text 'text'"),
    ("{ template = 5 }", ".template: expected text, found number 5"),
    ("{ raw = 5 }", f".raw: expected {DATA}, found number 5"),
    ("{ raw = { hex = 'x' } }", ".raw.hex: 'x' at character 0 (from 0) of 'x' is no byte"),
    ("{ raw = 'x', at = 1 }", ".at: unknown key; known: raw"),
    ("{ raw = { delay = 1 } }", ".raw: expected a table with hex, base64, file, template or echo,"),
    ("{ delay = -1 }", f".delay: -1 is not {SECONDS}"),
    ("{ delay = '1' }", f".delay: expected {SECONDS} or a list, found text '1'"),
    ("{ delay = [1] }", ".delay: expected the least and the most seconds, as in [0.1, 0.5]"),
    ("{ delay = [2, 1] }", ".delay: expected the least and the most seconds, as in [0.1, 0.5]"),
    ("{ delay = [1, nan] }", f".delay[2]: nan is not {SECONDS}"),
    ("{ drip = 'x', size = 0 }", f".size: 0 is not {COUNT}"),
    ("{ drip = 'x', every = -1 }", f".every: -1 is not {SECONDS}"),
    ("{ truncate = 'x' }", ".at: is missing"),
    ("{ truncate = 'x', at = -1 }", f".at: -1 is not {COUNT_OR_NONE}"),
    ("{ corrupt = 'x', bits = 1.5 }", f".bits: expected {COUNT}, found number 1.5"),
    ("{ stall = false }", ".stall: expected true, found false"),
    ("{ close = false }", ".close: expected true or 'half', found false"),
    ("{ close = 'whole' }", ".close: expected true or 'half', found text 'whole'"),
    ("{ reset = 'yes' }", ".reset: expected true, found text 'yes'"),
    ("{ close = true, reset = true }", ": close and reset cannot be in one table"),
    ("['a', { close = true }, 'b']", "[3]: unreachable: nothing can follow close"),
    ("[{ close = 'half' }, { delay = 1 }]", "[2]: unreachable: nothing can follow close"),
    ("[{ reset = true }, { reset = true }]", "[2]: unreachable: nothing can follow reset"),
    ("[{ stall = true }, { close = true }]", "[2]: unreachable: nothing can follow stall"),
    ("{ command = 'date' }", ".command: expected a list, found text 'date'"),
    ("{ command = [] }", ".command: expected a program and its arguments, as in ['date', '-u']"),
    ("{ command = [''] }", ".command: expected a program and its arguments, as in ['date', '-u']"),
    ("{ command = ['date', 5] }", ".command[2]: expected text, found number 5"),
    (
        "{ command = ['no-such-program'] }",
        ".command: no program 'no-such-program' is on the PATH (beside this file it is ./NAME)",
    ),
    ("{ command = ['/none'] }", ".command: there is no program /none"),
    ("{ command = ['/etc/passwd'] }", ".command: /etc/passwd is not executable"),
    ("{ command = ['/dev'] }", ".command: there is no program /dev"),
    (
        '{ command = ["date", "a\\u0000"] }',
        r".command: 'a\x00' cannot be an argument of a program",
    ),
    ("{ command = ['date'], timeout = -1 }", f".timeout: -1 is not {SECONDS}"),
    (
        "{ command = ['date'], env = 'A=b' }",
        ".env: expected a table of variables, as in { NAME = \"value\" }, found text 'A=b'",
    ),
    ("{ command = ['date'], env = { A = 5 } }", ".env: A: expected text or true, found number 5"),
    ("{ command = ['date'], env = { A = false } }", ".env: A: expected text or true, found false"),
    (
        "{ command = ['date'], env = { 'A=' = 'b' } }",
        ".env: 'A=' is not the name of a variable",
    ),
    (
        "{ command = ['date'], env = { SOCKREPLY_PEER = 'b' } }",
        ".env: SOCKREPLY_PEER: names that begin with SOCKREPLY_ are reserved",
    ),
    (
        '{ command = ["date"], env = { A = "b\\u0000" } }',
        r".env: A: 'b\x00' cannot be the value of a variable",
    ),
    ("'" + "x" * 256 + "'", ": the framing cannot carry it: 256 bytes, but the length field"),
    (
        "[{ drip = '" + "x" * 256 + "' }]",
        "[1].drip: the framing cannot carry it: 256 bytes, but the length field can only hold 0 to",
    ),
]
"""What stands in a rule's `reply`, in a service whose framing has a length of one byte."""
