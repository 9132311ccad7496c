#!/usr/bin/env bash
# TCP_USER_TIMEOUT resets a connection whose peer reads steadily, if its window is small.
#
# Seen on Linux 6.18 with Python 3.11.7, over loopback. tcp(7) says that the option limits how long data may stay
# unacknowledged, or unsent because the window is zero. A peer that reads 2,000 bytes four times a second from a receive buffer
# of 16 KiB makes steady progress, and yet its connection is reset, and the rest of the data is lost. Without the option, it is
# served for as long as it reads. Instruments and embedded hosts have such small windows. A server that wants to disconnect peers
# that take nothing has to check their progress itself (SIOCOUTQ).
set -euo pipefail

command -v python3 > /dev/null || exit 2

said=$(python3 - <<'PYTHON'
import platform, socket, sys, threading, time

LIMIT, READS, PAUSE, LASTS = 4.0, 2_000, 0.25, 20.0

def reader(timeout):
    """Seconds for which a steady reader was served, LASTS at most, and the bytes that it got."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_400)
        client.connect(server.getsockname())
        sender, _ = server.accept()
        if timeout:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout * 1000))

        def send():
            try:
                sender.sendall(bytes(12_000_000))
            except OSError:
                pass

        thread = threading.Thread(target=send)
        thread.start()
        begun = time.monotonic()
        taken = 0
        try:
            while time.monotonic() - begun < LASTS:
                time.sleep(PAUSE)
                taken += len(client.recv(READS))
        except ConnectionResetError:
            pass
        lasted = time.monotonic() - begun
        client.close()
        sender.close()
        thread.join()
        return lasted, taken

lasted, taken = reader(LIMIT)
print(f"{platform.system()} {platform.release()}: with TCP_USER_TIMEOUT = {LIMIT:g} s, a peer that reads {READS} bytes "
      f"every {PAUSE} s is reset after {lasted:.1f} s and {taken} bytes", file=sys.stderr)
without, _ = reader(0)
print(f"without the option: served for {without:.1f} s, when the test ends", file=sys.stderr)
print("reset" if lasted < LASTS <= without else "served")
PYTHON
) || exit 2

[ "$said" = reset ] || { echo "this has changed" >&2; exit 1; }
