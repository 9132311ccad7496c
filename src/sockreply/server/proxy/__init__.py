"""PROXY headers: what a proxy sends first, so that we know for whom it connects.

The specification is `doc/proxy-protocol.txt` of HAProxy. `header` and the modules under it read a
header and know no connection; `arriving` waits for it before the connection begins; `believed` says
whose headers count.
"""
