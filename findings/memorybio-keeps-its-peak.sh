#!/usr/bin/env bash
# An ssl.MemoryBIO that was emptied keeps the memory for the most that was ever in it, until it is gone itself.
#
# Seen with Python 3.11.2 and 3.11.7, and OpenSSL 3.0. read() and pending say that nothing is left, yet
# a program that sent 1 MB once over each of its TLS connections holds 1 MB for each of them for as long as they are open. Two
# of these buffers belong to every ssl.SSLObject. What helps is to encrypt in pieces and to empty the buffer after each piece.
set -euo pipefail

command -v python3 > /dev/null || exit 2

said=$(python3 - <<'PYTHON'
import ssl, sys

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

COUNT, SIZE = 100, 1_000_000
kept, before = [], resident()
for _ in range(COUNT):
    buffer = ssl.MemoryBIO()
    buffer.write(b"x" * SIZE)
    buffer.read()
    kept.append(buffer)
each = (resident() - before) / COUNT
print(f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}", file=sys.stderr)
print(f"left to read: {sum(buffer.pending for buffer in kept)} bytes", file=sys.stderr)
print("kept: about 1 MB each" if 0.9 * SIZE < each < 1.5 * SIZE else f"kept: {each:.0f} bytes each")
PYTHON
)
printf '%s\n' "$said"

[ "$said" = "kept: about 1 MB each" ] || { echo "this has changed" >&2; exit 1; }
