#!/usr/bin/env bash
# clamdscan --ping prints PONG and exits with 0 when it can connect: it does not wait for the answer.
#
# Seen with clamdscan 1.4.6+dfsg-0+deb12u1 (Debian 12). clamd(8) answers PING with PONG, and clamdscan(1) says of --ping
# that it pings clamd "until it responds". A server that accepts, reads the command and answers nothing is reported as alive.
# So a health check with it proves that a port is open, and no more; a check that has to know reads the answer itself.
set -euo pipefail

version=1.4.6+dfsg-0+deb12u1
here=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$here"' EXIT
cd "$here"
chmod 755 .

# Downloaded with the dependencies that are missing, and unpacked here; nothing is installed.
mkdir -p cache/archives/partial
apt-get -qq -o "Dir::Cache=$here/cache" install --download-only --no-install-recommends -y "clamdscan=$version" > apt.log 2>&1
for package in cache/archives/*.deb; do dpkg-deb --extract "$package" root; done
libraries=$(find "$here/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)

# It takes what it is sent, and answers nothing.
cat > silent.py <<'PYTHON'
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    server.settimeout(30)
    client, _ = server.accept()
    with client, open("asked", "wb") as asked:
        client.settimeout(30)
        while data := client.recv(100):
            asked.write(data)
            asked.flush()
PYTHON
python3 silent.py > port &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
printf 'TCPSocket %s\nTCPAddr 127.0.0.1\n' "$(cat port)" > clamd.conf

status=0
said=$(LD_LIBRARY_PATH=$libraries timeout 20 root/usr/bin/clamdscan --config-file=clamd.conf --ping 1 2>&1) || status=$?
wait "$server" || true
server=
printf 'printed: %s\nexit status: %s\nthe server was asked: %s\n' "$said" "$status" "$(tr '\0' '.' < asked)"

[ "$said" = PONG ] && [ "$status" = 0 ] || { echo "this has changed" >&2; exit 1; }
