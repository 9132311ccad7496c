#!/usr/bin/env bash
# memcexist asks whether a key exists by storing it.
#
# Seen with libmemcached-tools 1.1.4-1 and memcached 1.6.18-1 (Debian 12). It sends `add KEY 0 2678400 0`; NOT_STORED means that the
# key exists. Otherwise it has added an empty value that is to last 2,678,400 seconds. That is more than 30 days, so memcached takes
# it for a date in 1970, and the value has expired at once. Nobody can read it, but the server counts one more set. Anything that
# does not know the rule of the 30 days - a proxy, a stand-in, another server that speaks the protocol - keeps an empty value under
# the key for a month. A user who may only read cannot ask at all.
set -euo pipefail

here=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$here"' EXIT
cd "$here"
chmod 755 .

# Downloaded with the dependencies that are missing, and unpacked here; nothing is installed.
mkdir -p cache/archives/partial
apt-get -qq -o "Dir::Cache=$here/cache" install --reinstall --download-only --no-install-recommends -y \
    libmemcached-tools=1.1.4-1 memcached=1.6.18-1 > apt.log 2>&1
for package in cache/archives/*.deb; do dpkg-deb --extract "$package" root; done
libraries=$(find "$here/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH=$libraries

# A proxy between memcexist and the server shows what is asked.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
root/usr/bin/memcached -l 127.0.0.1 -p "$port" -U 0 -u nobody &
server=$!
cat > asking.py <<'PYTHON'
import socket, subprocess, sys, threading, time
port = int(sys.argv[1])

def ask(line):
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as server:
                server.sendall(line)
                return server.recv(65536)
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit(2)

def sets():
    stats = ask(b"stats\r\n").decode().split("\r\n")
    return next(int(line.split()[2]) for line in stats if line.startswith("STAT cmd_set "))

def between(listener):
    client, _ = listener.accept()
    with client, socket.create_connection(("127.0.0.1", port), 5) as server:
        while data := client.recv(65536):
            if not data.startswith(b"quit"):
                print("asked:", data.decode().encode("unicode_escape").decode(), flush=True)
            server.sendall(data)
            if data.startswith(b"quit"):
                return
            client.sendall(server.recv(65536))

ask(b"set there 0 0 1\r\nx\r\n")
for key in ("missing", "there"):
    before = sets()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=between, args=(listener,))
        thread.start()
        done = subprocess.run(["timeout", "20", "root/usr/bin/memcexist", f"--servers=127.0.0.1:{listener.getsockname()[1]}", key])
        thread.join()
    found = ask(b"get " + key.encode() + b"\r\n").startswith(b"VALUE")
    print(f"{key}: exit status {done.returncode}, sets counted {sets() - before}, readable {found}", flush=True)
PYTHON
python3 asking.py "$port" | tee seen

cat > expected <<'TEXT'
asked: add missing 0 2678400 0\r\n\r\n
missing: exit status 1, sets counted 1, readable False
asked: add there 0 2678400 0\r\n\r\n
there: exit status 0, sets counted 1, readable True
TEXT
cmp -s seen expected || { echo "this has changed" >&2; exit 1; }
