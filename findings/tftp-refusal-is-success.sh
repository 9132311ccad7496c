#!/usr/bin/env bash
# tftp -c exits with 0 when the server refuses the transfer, and leaves an empty or a partial file.
#
# Seen with tftp-hpa 5.2+20150808-1.4 (Debian 12). A server ends a transfer with an ERROR packet (RFC 1350, section 5): no such
# file, no permission, the disk is full. tftp prints the server's text on standard output, not on standard error, and exits with 0.
# The file that it fetched is there, empty or as long as what had come. If the server falls silent instead, the exit status is 69.
# A script that backs up a switch's configuration has to search the output for "Error code", or to check what it got.
set -euo pipefail

version=5.2+20150808-1.4
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
chmod 755 .

# Downloaded with the dependencies that are missing, and unpacked here; nothing is installed.
mkdir -p cache/archives/partial
apt-get -qq -o "Dir::Cache=$here/cache" install --reinstall --download-only --no-install-recommends -y "tftp-hpa=$version" > apt.log 2>&1
for package in cache/archives/*.deb; do dpkg-deb --extract "$package" root; done

# A server that refuses at once, after the first block of 512 bytes, or falls silent after it.
cat > refusing.py <<'PYTHON'
import os, socket, struct, subprocess, sys
how, get = sys.argv[1], sys.argv[2]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("127.0.0.1", 0))
    server.settimeout(20)
    port = str(server.getsockname()[1])
    command = ["timeout", "60", "root/usr/bin/tftp", "-m", "binary", "127.0.0.1", port, "-c"]
    command += ["get", "config", "got"] if get == "get" else ["put", "config", "config"]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peer = server.recvfrom(600)[1]
    if how != "at-once":
        server.sendto(struct.pack("!HH", 3, 1) + b"x" * 512, peer)
        server.recvfrom(600)
    if how != "silence":
        server.sendto(struct.pack("!HH", 5, 3) + b"Disk full\0", peer)
    out, err = client.communicate(timeout=60)
size = os.path.getsize("got") if os.path.exists("got") else "none"
print(f"{how}, {get}: exit status {client.returncode}, output {out.decode().strip()!r}, standard error {len(err)} bytes, file {size}")
PYTHON
echo 'hostname switch' > config
{
    python3 refusing.py at-once get
    rm -f got; python3 refusing.py after-a-block get
    rm -f got; python3 refusing.py at-once put
    rm -f got; python3 refusing.py silence get
} | tee seen

cat > expected <<'TEXT'
at-once, get: exit status 0, output 'Error code 3: Disk full', standard error 0 bytes, file 0
after-a-block, get: exit status 0, output 'Error code 3: Disk full', standard error 0 bytes, file 512
at-once, put: exit status 0, output 'Error code 3: Disk full', standard error 0 bytes, file none
silence, get: exit status 69, output 'Transfer timed out.', standard error 0 bytes, file 512
TEXT
cmp -s seen expected || { echo "this has changed" >&2; exit 1; }
