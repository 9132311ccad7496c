#!/usr/bin/env bash
# python-osc's TCP client raises ParseError when a read ends after the first byte of a packet.
#
# Seen with python-osc 1.10.2 from PyPI. In OSC 1.1 over TCP, packets are framed by SLIP (RFC 1055) with an END byte at both ends, so that
# a stream has END END between two packets. SimpleTCPClient in mode "1.1" reads until a read ends with END, and takes this END for the
# end of a packet. TCP may cut the stream between the two ENDs; the first of the next packet then counts as an empty packet,
# which get_messages() parses, and fails. The packet whose END it was is lost with the generator. The same bytes in one
# read are parsed well, so a program works in tests, and fails now and then on a network.
set -euo pipefail

here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check python-osc==1.10.2

cat > client.py <<'PYTHON'
import socket, threading
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.slip import encode
from pythonosc.tcp_client import SimpleTCPClient

def packet(address):
    builder = OscMessageBuilder(address)
    builder.add_arg(1)
    return encode(builder.build().dgram)

stream = packet("/first") + packet("/second")
for name, place in (("in one piece", len(stream)), ("cut between the two ENDs", len(packet("/first")) + 1)):
    with socket.create_server(("127.0.0.1", 0)) as server:
        read = threading.Event()

        def serve():
            peer, _ = server.accept()
            with peer:
                peer.sendall(stream[:place])
                read.wait(20)
                peer.sendall(stream[place:])

        thread = threading.Thread(target=serve)
        thread.start()
        client = SimpleTCPClient("127.0.0.1", server.getsockname()[1], mode="1.1")
        got = []
        try:
            for message in client.get_messages(timeout=5):
                got.append(message.address)
                read.set()
        except Exception as error:
            got.append(type(error).__name__)
        read.set()
        thread.join()
        client.socket.close()
    print(f"{name}: {', '.join(got)}")
PYTHON
env/bin/python client.py | tee seen

cat > expected <<'TEXT'
in one piece: /first, /second
cut between the two ENDs: /first, ParseError
TEXT
cmp -s seen expected || { echo "this has changed" >&2; exit 1; }
