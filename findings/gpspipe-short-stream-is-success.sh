#!/usr/bin/env bash
# gpspipe -n 10 exits with 0 when gpsd closes the connection after fewer than ten messages.
#
# Seen with gpsd-clients 3.22-4.1+deb12u1 (Debian 12). -n asks for so many messages; a gpsd that is stopped, or restarted by an
# upgrade, closes its clients in good order, and gpspipe then ends as if it had all of them, without a word on standard error.
# A script that stores positions has to count what it got; the exit status does not say that some are missing.
set -euo pipefail

version=3.22-4.1+deb12u1
here=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$here"' EXIT
cd "$here"
chmod 755 .

# Downloaded with the dependencies that are missing, and unpacked here; nothing is installed.
mkdir -p cache/archives/partial
apt-get -qq -o "Dir::Cache=$here/cache" install --download-only --no-install-recommends -y "gpsd-clients=$version" > apt.log 2>&1
for package in cache/archives/*.deb; do dpkg-deb --extract "$package" root; done
libraries=$(find "$here/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)

# A gpsd that greets, takes the ?WATCH command, reports three positions and is stopped.
cat > stopping.py <<'PYTHON'
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    server.settimeout(30)
    client, _ = server.accept()
    with client:
        client.settimeout(30)
        client.sendall(b'{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\r\n')
        client.recv(1000)
        for seconds in range(3):
            client.sendall(b'{"class":"TPV","mode":3,"time":"2026-01-01T00:00:0%d.000Z","lat":1.0,"lon":2.0}\r\n' % seconds)
PYTHON
python3 stopping.py > port &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done

status=0
LD_LIBRARY_PATH=$libraries timeout 20 root/usr/bin/gpspipe -w -n 10 "127.0.0.1:$(cat port)" > got 2> said || status=$?
wait "$server" || true
server=
printf 'messages asked for: 10\nmessages got: %s\nexit status: %s\nstandard error: %s bytes\n' \
    "$(grep -c class got)" "$status" "$(wc -c < said)"

[ "$(grep -c class got)" = 4 ] && [ "$status" = 0 ] && [ ! -s said ] || { echo "this has changed" >&2; exit 1; }
