"""PROXY headers: what a proxy sends first, to say which client it connects for.

The specification is `doc/proxy-protocol.txt` of HAProxy. `header` and the modules under it read a
header and know no connection; `arriving` waits for it before the connection begins; `believed` says
whose headers count.
"""
