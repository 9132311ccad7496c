#!/usr/bin/env bash
# mosquitto_pub exits with 0 when an MQTT 5 broker refuses the message.
#
# Seen with mosquitto-clients 2.0.11-1.2+deb12u2 (Debian 12). In MQTT 5, the acknowledgement of a message carries a reason code
# (PUBACK, section 3.4.2.1 of the standard); 0x80 or more means that the broker has not accepted the message. mosquitto_pub
# -V mqttv5 -q 1 prints "Warning: Publish 1 failed: ..." and exits with 0, as if the message had been delivered. The exit status
# does change if the connection is refused, or lost before the acknowledgement. A script has to look at standard error as well.
set -euo pipefail

version=2.0.11-1.2+deb12u2
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
chmod 755 .

# Downloaded with the dependencies that are missing, and unpacked here; nothing is installed.
mkdir -p cache/archives/partial
apt-get -qq -o "Dir::Cache=$here/cache" install --reinstall --download-only --no-install-recommends -y \
    "mosquitto-clients=$version" "libmosquitto1=$version" > apt.log 2>&1
for package in cache/archives/*.deb; do dpkg-deb --extract "$package" root; done
libraries=$(find "$here/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)

# A broker for one client: it accepts the connection, and acknowledges the message with the given reason code, or leaves.
cat > broker.py <<'PYTHON'
import os, socket, subprocess, sys
what = sys.argv[1]
with socket.create_server(("127.0.0.1", 0)) as server:
    server.settimeout(30)
    port = str(server.getsockname()[1])
    command = ["timeout", "30", "root/usr/bin/mosquitto_pub", "-V", "mqttv5", "-h", "127.0.0.1", "-p", port]
    command += ["-q", "1", "-t", "door/state", "-m", "open"]
    environment = {**os.environ, "LD_LIBRARY_PATH": sys.argv[2]}
    client = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peer, _ = server.accept()
    with peer:
        peer.settimeout(30)
        peer.recv(1000)  # CONNECT
        peer.sendall(bytes.fromhex("20 03 00 00 00"))
        publish = peer.recv(1000)
        at = 4 + publish[3]
        if what != "gone":
            peer.sendall(b"\x40\x03" + publish[at:at + 2] + bytes.fromhex(what))
            peer.recv(1000)  # DISCONNECT
    out, err = client.communicate(timeout=60)
print(f"reason {what}: exit status {client.returncode}, standard error {err.decode().strip()!r}")
PYTHON
for what in 00 87 97 gone; do python3 broker.py "$what" "$libraries"; done | tee seen

cat > expected <<'TEXT'
reason 00: exit status 0, standard error ''
reason 87: exit status 0, standard error 'Warning: Publish 1 failed: Not authorized.'
reason 97: exit status 0, standard error 'Warning: Publish 1 failed: Quota exceeded.'
TEXT
head -n 3 seen | cmp -s - expected && ! grep -q 'gone: exit status 0' seen || { echo "this has changed" >&2; exit 1; }
