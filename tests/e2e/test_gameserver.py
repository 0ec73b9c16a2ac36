# SPDX-License-Identifier: MIT
"""The reference gameserver speaks the real one's protocol, ends when it is told, and
misbehaves as told."""

import signal
import socket
import subprocess

import pytest

from harness.gameserver import debug, health, misbehave
from harness.http import raw, request, split_address
from harness.players import handshake
from harness.processes import BIN
from harness.waiting import hold_during, wait_until


# ---- HTTP


def test_health_says_free_seats_and_that_nobody_plays(gameserver):
    assert health(gameserver("--capacity", "7").address) == {
        "available_capacity": 7,
        "ready_to_close": True,
    }


def test_health_without_slash_redirects_to_it(gameserver):
    answer = request(gameserver().address, "/health")
    assert (answer.status, answer.headers["location"]) == (301, "/health/")


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/nothing", 404),
        ("POST", "/health/", 405),
        ("DELETE", "/ws/connect/", 405),
        ("GET", "/debug/misbehave", 405),
        ("GET", "/ws/connect/", 400),
        ("GET", "/health/?a=b", 200),
    ],
)
def test_requests_get_their_status(gameserver, method, path, status):
    answer = request(gameserver().address, path, method=method)
    assert answer.status == status
    assert ("allow" in answer.headers) == (status == 405)


def test_head_answers_without_a_body(gameserver):
    answer = raw(
        gameserver().address, b"HEAD /health/ HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 0" not in answer


def test_requests_in_one_piece_are_answered_in_order(gameserver):
    answer = raw(
        gameserver().address,
        b"GET /health/ HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n"
        b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
    )
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"301"]


def test_http_1_0_ends_the_connection(gameserver):
    answer = raw(gameserver().address, b"GET /health/ HTTP/1.0\r\n\r\n")
    assert b"Connection: close" in answer and answer.endswith(b"}")


def test_a_request_in_single_bytes_is_understood(gameserver):
    with socket.create_connection(split_address(gameserver().address), 3) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /health/ HTTP/1.1\r\n\r\n":
            sock.sendall(bytes([byte]))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")


BAD_REQUESTS = {
    "nonsense": (b"nonsense\r\n\r\n", 400),
    "version": (b"GET /health/ HTTP/3.0\r\n\r\n", 400),
    "target": (b"GET health HTTP/1.1\r\n\r\n", 400),
    "header": (b"GET /health/ HTTP/1.1\r\nno colon\r\n\r\n", 400),
    "nul": (b"GET /health/ HTTP/1.1\r\nX: \0\r\n\r\n", 400),
    "length": (b"GET /health/ HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400),
    "chunked": (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "long-head": (b"GET /" + b"a" * 9000, 413),
    "long-body": (b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
}


@pytest.mark.parametrize("data, status", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_bad_requests_are_refused_and_closed(gameserver, data, status):
    one = gameserver()
    answer = raw(one.address, data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert health(one.address)["available_capacity"] == 1000


def test_the_state_that_the_poll_told_is_reported(gameserver):
    one = gameserver()
    request(one.address, "/health/", headers={"X-Gameserver-State": "standby"})
    assert debug(one.address)["state"] == "standby"
    assert debug(one.address)["polled"] == 1


def test_defaults_come_from_the_environment(gameserver):
    assert health(gameserver(env={"SERVER_CAPACITY": "3"}).address)["available_capacity"] == 3


def test_listens_on_ipv6(gameserver):
    one = gameserver("--address", "::1")
    assert one.address.startswith("[::1]:")
    assert health(one.address)["ready_to_close"] is True


@pytest.mark.parametrize(
    "options",
    ["--port x", "--port 65536", "--misbehave well", "--misbehave slow", "--capacity -1", "more"],
)
def test_wrong_options_are_refused(options):
    done = subprocess.run([BIN / "gameserver", *options.split()], capture_output=True, timeout=5)
    assert done.returncode == 64 and b"usage:" in done.stderr


def test_a_taken_port_is_said(gameserver):
    port = split_address(gameserver().address)[1]
    done = subprocess.run(
        [BIN / "gameserver", "--port", str(port)], capture_output=True, timeout=5
    )
    assert done.returncode == 1 and b"can't listen" in done.stderr


def test_serves_without_standard_descriptors(tmp_path):
    """Else a socket could become stdout, and be written to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shell = subprocess.Popen(
        ["sh", "-c", f"exec {BIN}/gameserver --port {port} <&- >&- 2>&-"]
    )
    try:
        answer = wait_until(
            lambda: health(f"127.0.0.1:{port}"), 5, "it answers"
        )
        assert answer["ready_to_close"] is True
    finally:
        shell.terminate()
        assert shell.wait(5) == 0


# ---- the end


def test_sigterm_closes_players_with_1001_and_says_how_many(gameserver, players, tmp_path):
    one = gameserver()
    for _ in range(3):
        players.join(one.address)
    idle = socket.create_connection(split_address(one.address))
    assert one.end(timeout=1) == 0
    idle.close()
    wait_until(lambda: len(players.cut) == 3, 3, "all were cut")
    assert {player.cut for player in players.cut} == {"close 1001"}
    assert f"terminating connections=3 pid={one.pid} " in one.output()
    port = split_address(one.address)[1]
    audit = (tmp_path / f"{port}-{one.pid}.log").read_text()
    assert audit.startswith(f"started pid={one.pid} port={port} ")
    assert f"terminating connections=3 pid={one.pid} port={port}\n" in audit


def test_sigterm_ends_it_within_a_second_whatever_its_clients_do(gameserver):
    one = gameserver()
    deaf, _ = handshake(one.address)
    hung = socket.create_connection(split_address(one.address))
    misbehave(one.address, "hang")
    hung.sendall(b"GET /health/ HTTP/1.1\r\n\r\n")
    assert one.end(timeout=1) == 0
    deaf.close()
    hung.close()


def test_a_player_who_just_left_is_not_counted_as_cut(gameserver, players):
    one = gameserver()
    players.leave(players.join(one.address))
    wait_until(lambda: health(one.address)["ready_to_close"], 3, "nobody plays")
    one.end()
    assert "terminating connections=0 " in one.output()


# ---- misbehaviour


def test_hang_answers_nothing_new_and_keeps_its_players(gameserver, players):
    one = gameserver()
    player = players.join(one.address)
    misbehave(one.address, "hang")
    with pytest.raises(OSError):
        request(one.address, "/health/", timeout=0.3)
    with pytest.raises(OSError):
        handshake(one.address, timeout=0.3)
    players.ping(player)
    wait_until(lambda: player.pongs == 1, 3, "the player has a pong")
    misbehave(one.address, "none")
    assert health(one.address)["ready_to_close"] is False
    assert not players.cut


def test_slow_answers_late(gameserver):
    one = gameserver("--misbehave", "slow=400")
    with pytest.raises(OSError):
        request(one.address, "/health/", timeout=0.2)
    assert request(one.address, "/health/", timeout=3).status == 200


def test_wrong_json_is_not_an_answer(gameserver):
    one = gameserver("--misbehave", "wrong-json")
    assert health(one.address) == {"available_capacity": "many"}
    misbehave(one.address, "wrong-json=[1, 2")
    assert request(one.address, "/health/").body == b"[1, 2"


def test_huge_never_ends(gameserver):
    one = gameserver("--misbehave", "huge")
    with socket.create_connection(split_address(one.address), 3) as sock:
        sock.sendall(b"GET /health/ HTTP/1.1\r\n\r\n")
        got = 0
        while got < 4 << 20:
            got += len(sock.recv(1 << 20))
    assert debug(one.address)["misbehave"] == "huge"


def test_drip_sends_a_byte_a_second(gameserver):
    with socket.create_connection(
        split_address(gameserver("--misbehave", "drip").address), 5
    ) as sock:
        sock.sendall(b"GET /health/ HTTP/1.1\r\n\r\n")
        assert (sock.recv(100), sock.recv(100)) == (b"H", b"T")


@pytest.mark.parametrize(
    "kind, status, member, value",
    [
        ("never-ready", 503, "ready_to_close", True),
        ("negative", 200, "available_capacity", -5),
        ("none", 200, "ready_to_close", True),
    ],
)
def test_other_faults(gameserver, kind, status, member, value):
    answer = request(gameserver("--misbehave", kind).address, "/health/")
    assert answer.status == status
    assert answer.json()[member] == value


def test_lie_ready_says_so_with_players_inside(gameserver, players):
    one = gameserver("--misbehave", "lie-ready")
    players.join(one.address)
    assert health(one.address)["ready_to_close"] is True
    assert request(one.address, "/debug/health").json()["ready_to_close"] is False


def test_redirect_leads_to_a_good_answer(gameserver):
    one = gameserver("--misbehave", "redirect")
    answer = request(one.address, "/health/")
    assert answer.status == 302
    assert "available_capacity" in request(one.address, answer.headers["location"]).json()


def test_refuse_start_ends_at_once_and_testifies(tmp_path):
    done = subprocess.run(
        [BIN / "gameserver", "--port", "7", "--misbehave", "refuse-start"],
        env={"GAMESERVER_LOG": str(tmp_path), "GAMESERVER_OPERATION": "abc"},
        timeout=5,
    )
    assert done.returncode == 1
    assert "operation=abc" in next(tmp_path.iterdir()).read_text()


def test_ignore_term_notes_it_and_goes_on(gameserver):
    one = gameserver("--misbehave", "ignore-term")
    one.send(signal.SIGTERM)
    wait_until(lambda: "terminating connections=0" in one.output(), 3, "it noted the signal")
    hold_during(one.running, 0.3, "it runs")
    assert health(one.address)["ready_to_close"] is True


def test_an_unknown_fault_is_refused(gameserver):
    answer = request(gameserver().address, "/debug/misbehave", method="POST", body="dance")
    assert answer.status == 400
