# SPDX-License-Identifier: MIT
"""Ports for tests that run in parallel.

LOCAL_PORTS is a range, so "any free port" will not do. Each block of ports
belongs to whoever holds the lock of its file; the kernel lets go of it when
the test process ends, however that happens. Blocks lie below the ephemeral
ports (/proc/sys/net/ipv4/ip_local_port_range begins at 32768).
"""

import fcntl
import os
import socket
import tempfile

FIRST = 12000
LAST = 32000
BLOCK = 100


class PortBlock:
    """BLOCK ports that no other test has, none of them in use."""

    def __init__(self):
        directory = os.path.join(tempfile.gettempdir(), f"gsm-ports-{os.getuid()}")
        os.makedirs(directory, exist_ok=True)
        for first in range(FIRST, LAST, BLOCK):
            self._lock = open(os.path.join(directory, str(first)), "w")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._lock.close()
                continue
            if all(_is_free(port) for port in range(first, first + BLOCK)):
                self.first = first
                self.last = first + BLOCK - 1
                return
            self._lock.close()
        raise RuntimeError(f"no {BLOCK} free ports in {FIRST}..{LAST}")

    def close(self):
        self._lock.close()


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
