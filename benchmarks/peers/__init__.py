"""What sockreply is compared with: `+PONG` for every line, as little code as each of them needs.

All but the C program are started as `python -m benchmarks.peers.NAME PORT`. None has limits,
timeouts, counters or a log.
"""
