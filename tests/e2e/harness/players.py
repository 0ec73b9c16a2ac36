# SPDX-License-Identifier: MIT
"""WebSocket players: hundreds of connections on one thread, each of which
remembers whether it left by itself or was cut."""

import base64
import os
import selectors
import socket
import struct
import threading

from harness.http import split_address

CONNECT_S = 5
CLOSE = 8
PING = 9
PONG = 10


class Refused(Exception):
    """The gameserver answered the handshake with another status than 101."""

    def __init__(self, status):
        super().__init__(f"refused with {status}")
        self.status = status


def frame(opcode, payload=b"", fin=True):
    """A client's frame, masked."""
    mask = os.urandom(4)
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack("!BH", 0x80 | 126, len(payload))
    else:
        head += struct.pack("!BQ", 0x80 | 127, len(payload))
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + mask + body


def parse_frame(data):
    """(opcode, payload, size of it all) of a server's frame, or None."""
    if len(data) < 2:
        return None
    size, at = data[1] & 0x7F, 2
    if size == 126:
        size, at = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, at = int.from_bytes(data[2:10], "big"), 10
    if len(data) < at + size:
        return None
    return data[0] & 0x0F, bytes(data[at : at + size]), at + size


def handshake(address, timeout=CONNECT_S):
    """A connected socket after 101, and what came behind the head."""
    sock = socket.create_connection(split_address(address), timeout)
    try:
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(
            f"GET /ws/connect/ HTTP/1.1\r\nHost: {address}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(4096)
            if not more:
                raise ConnectionError(f"{address}: closed during the handshake")
            data += more
        status = int(data.split(b" ", 2)[1])
        if status != 101:
            raise Refused(status)
        return sock, data.split(b"\r\n\r\n", 1)[1]
    except BaseException:
        sock.close()
        raise


class Player:
    def __init__(self, address):
        self.address = address
        self.cut = None  # how the connection ended, if we did not end it
        self.left = False
        self.pongs = 0
        self.sock, rest = handshake(address)
        self.sock.setblocking(False)
        self.data = bytearray(rest)

    def take(self):
        """Reads what is there; sets `cut` when the other side ended it."""
        try:
            more = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self.cut = repr(error)
            return
        self.data += more
        while (found := parse_frame(self.data)) is not None:
            opcode, payload, size = found
            del self.data[:size]
            if opcode == CLOSE:
                self.cut = f"close {int.from_bytes(payload[:2], 'big')}"
            elif opcode == PING:
                self.sock.sendall(frame(PONG, payload))
            elif opcode == PONG:
                self.pongs += 1
        if not more and self.cut is None:
            self.cut = "end of stream"


class Players:
    """Everybody who plays. Use as a context manager."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._ending = False
        self._all = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def join(self, address):
        """A new player on this gameserver. Refused, OSError: no seat."""
        player = Player(address)
        with self._lock:
            self._all.append(player)
            self._selector.register(player.sock, selectors.EVENT_READ, player)
        return player

    def leave(self, player):
        with self._lock:
            self._forget(player)
            if player.cut is None:
                try:
                    player.sock.sendall(frame(CLOSE, struct.pack("!H", 1000)))
                except OSError as error:
                    player.cut = repr(error)
            player.sock.close()

    def ping(self, player):
        player.sock.sendall(frame(PING, b"?"))

    @property
    def playing(self):
        return [player for player in self._all if not player.left and player.cut is None]

    @property
    def cut(self):
        """Those whose connection was ended by somebody else."""
        return [player for player in self._all if player.cut is not None]

    def close(self):
        for player in list(self._all):
            if not player.left:
                self.leave(player)
        self._ending = True
        self._thread.join()
        self._selector.close()

    def _forget(self, player):
        player.left = True
        try:
            self._selector.unregister(player.sock)
        except (KeyError, ValueError):
            pass  # it was cut

    def _watch(self):
        while not self._ending:
            with self._lock:
                for key, _ in self._selector.select(0):
                    key.data.take()
                    if key.data.cut is not None:
                        self._selector.unregister(key.fileobj)
            threading.Event().wait(0.02)
