# SPDX-License-Identifier: MIT
"""The reference gameserver's players: seats, WebSocket frames, and many of them."""

import asyncio
import os
import resource
import socket
import struct
from pathlib import Path

import pytest
import websockets

from harness.gameserver import debug, health
from harness.http import raw, split_address
from harness.players import CLOSE, PING, PONG, Refused, frame, handshake, parse_frame
from harness.waiting import hold_during, wait_until

TEXT = 1
BINARY = 2


def receive(sock, data=b""):
    """The next frame: (opcode, payload, what came behind it)."""
    while (found := parse_frame(data)) is None:
        more = sock.recv(65536)
        assert more, "the gameserver ended the connection"
        data += more
    opcode, payload, size = found
    return opcode, payload, data[size:]


def test_a_seat_is_taken_while_the_connection_is_open(gameserver, players):
    one = gameserver("--capacity", "5")
    first, _ = players.join(one.address), players.join(one.address)
    assert health(one.address) == {"available_capacity": 3, "ready_to_close": False}
    players.leave(first)
    wait_until(lambda: health(one.address)["available_capacity"] == 4, 3, "a seat is free")


def test_a_connection_over_the_limit_is_refused(gameserver, players):
    one = gameserver("--capacity", "1")
    players.join(one.address)
    with pytest.raises(Refused) as refused:
        players.join(one.address)
    assert refused.value.status == 503
    assert debug(one.address)["refused"] == 1
    assert health(one.address)["available_capacity"] == 0
    assert not players.cut


def test_a_reset_connection_frees_its_seat(gameserver):
    one = gameserver("--capacity", "2")
    sock, _ = handshake(one.address)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    wait_until(lambda: health(one.address)["ready_to_close"], 3, "nobody plays")


def test_a_foreign_client_talks_pings_and_leaves(gameserver):
    one = gameserver()

    async def play():
        async with websockets.connect(f"ws://{one.address}/ws/connect/") as client:
            for text in ("", "hello", "x" * 125, "y" * 126, "z" * 65535, "w" * 65536):
                await client.send(text)
                assert await client.recv() == text
            await client.send(b"\0\1\2")
            assert await client.recv() == b"\0\1\2"
            await client.send(iter(["in ", "three ", "frames"]))
            assert await client.recv() == "in three frames"
            await asyncio.wait_for(await client.ping(), 3)
        return client.close_code

    assert asyncio.run(asyncio.wait_for(play(), 20)) == 1000
    wait_until(lambda: health(one.address)["ready_to_close"], 3, "the seat is free")


WRONG_FRAMES = {
    "not-masked": (bytes([0x81, 0x01]) + b"a", 1002),
    "unknown-opcode": (frame(3), 1002),
    "reserved-bit": (bytes([0xC1, 0x80]) + bytes(4), 1002),
    "long-ping": (frame(PING, b"x" * 126), 1002),
    "fragmented-ping": (frame(PING, fin=False), 1002),
    "continues-nothing": (frame(0, b"the middle of nothing"), 1002),
    "message-in-message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "close-of-one-byte": (frame(CLOSE, b"x"), 1002),
    "close-with-wrong-status": (frame(CLOSE, struct.pack("!H", 999)), 1002),
    "too-large": (frame(BINARY, b"x" * 65537), 1009),
    "huge": (bytes([0x82, 0xFF]) + b"\xff" * 8 + bytes(4), 1009),
}


@pytest.mark.parametrize("data, status", WRONG_FRAMES.values(), ids=WRONG_FRAMES)
def test_a_wrong_frame_closes_with_its_status(gameserver, data, status):
    sock, rest = handshake(gameserver().address)
    with sock:
        sock.sendall(data)
        opcode = None
        while opcode != CLOSE:
            opcode, payload, rest = receive(sock, rest)
        assert int.from_bytes(payload[:2], "big") == status
        assert sock.recv(100) == b""


def test_a_close_is_answered_with_its_own_status(gameserver):
    sock, rest = handshake(gameserver().address)
    with sock:
        sock.sendall(frame(CLOSE, struct.pack("!H", 3333) + b"bye"))
        opcode, payload, _ = receive(sock, rest)
        assert (opcode, payload) == (CLOSE, struct.pack("!H", 3333) + b"bye")
        assert sock.recv(100) == b""


def test_a_ping_between_fragments_is_answered(gameserver):
    sock, rest = handshake(gameserver().address)
    with sock:
        sock.sendall(frame(TEXT, b"a", fin=False) + frame(PING, b"?") + frame(0, b"b"))
        seen = []
        for _ in range(3):
            opcode, payload, rest = receive(sock, rest)
            seen.append((opcode, payload))
    assert seen == [(TEXT, b"a"), (PONG, b"?"), (0, b"b")]


def test_a_client_that_never_reads_cannot_make_it_grow(gameserver):
    one = gameserver()
    sock, _ = handshake(one.address)
    with sock:
        sock.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):
            while sent < 1 << 26:
                sent += sock.send(frame(BINARY, b"x" * 60000))
        assert health(one.address)["ready_to_close"] is False
        status = Path(f"/proc/{one.pid}/status").read_text()
        if "libasan" not in Path(f"/proc/{one.pid}/maps").read_text():
            assert int(status.split("VmRSS:")[1].split()[0]) < 4096


@pytest.mark.parametrize("version, status", [("13", 101), ("8", 426)])
def test_only_version_13_is_spoken(gameserver, version, status):
    headers = {
        "Upgrade": "WebSocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": version,
    }
    answer = raw(
        gameserver().address,
        b"GET /ws/connect/ HTTP/1.1\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        + b"\r\n",
        timeout=0.5,
    )
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    # The example of RFC 6455.
    assert (b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer) == (status == 101)


# ---- many of them


def _cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_running_out_of_descriptors_neither_spins_nor_stops_it(gameserver, tmp_path):
    one = gameserver()
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (16, 16))
    crowd = [socket.create_connection(split_address(one.address)) for _ in range(40)]
    wait_until(
        lambda: len(os.listdir(f"/proc/{one.pid}/fd")) == 16, 3, "no descriptor is left"
    )
    before = _cpu_s(one.pid)
    hold_during(one.running, 1, "it runs")
    assert _cpu_s(one.pid) - before < 0.2
    for sock in crowd:
        sock.close()
    wait_until(lambda: health(one.address)["ready_to_close"], 5, "it answers again")


def test_holds_hundreds_of_players_in_little_memory(gameserver, players):
    one = gameserver("--capacity", "300")
    for _ in range(300):
        players.join(one.address)
    assert health(one.address)["available_capacity"] == 0
    rollup = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
    if "libasan" not in Path(f"/proc/{one.pid}/maps").read_text():
        private = sum(
            int(line.split()[1])
            for line in rollup.splitlines()
            if line.startswith("Private_")
        )
        assert private < 1024, "kB of its own"
    assert not players.cut
