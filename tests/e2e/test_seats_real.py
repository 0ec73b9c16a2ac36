# SPDX-License-Identifier: MIT
"""Seats are exact with everything real: nginx, fcgi-api, scalerd, gameservers
and WebSocket players that ask as fast as they can."""

import os
import random
import signal
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.gameserver import health
from harness.http import request
from harness.players import Refused
from harness.waiting import wait_until

GAMESERVERS = 10
CAPACITY = 100
SEATS = GAMESERVERS * CAPACITY
CLIENTS_AT_ONCE = 16
MOST_REFUSED = 0.001  # of those who were granted a seat
MOST_BACKUP = 0.01  # of all, while there is room
POLL_S = 1
HOLD_S = {"spread": 1, "pack": 2}
HEALED_S = 15
# common/ledger_private.h
LEDGER_PREFACE = 4096
GRANTED_MASK = (1 << 40) - 1


class Crowd:
    """Clients of the API, and what became of them."""

    def __init__(self, stack, players):
        self._stack = stack
        self._players = players
        self._lock = threading.Lock()
        self.granted = self.refused = self.backup = 0
        self.failed = []  # answers that give no address

    def come(self, _number=None):
        """One client: asks, and connects to what it got."""
        try:
            answer = request(self._stack.public, "/available-gameserver/")
        except OSError as error:
            self._note_failure(repr(error))
            return
        if answer.status != 200:
            self._note_failure(f"{answer.status} {answer.body!r}")
        elif answer.headers.get("x-gameserver-source") == "backup":
            with self._lock:
                self.backup += 1
        else:
            self._connect(answer.json()["available"])

    def _connect(self, address):
        refused = 0
        try:
            self._players.join(address)
        except Refused:
            refused = 1
        with self._lock:
            self.granted += 1
            self.refused += refused

    def _note_failure(self, what):
        with self._lock:
            self.failed.append(what)

    def burst(self, clients):
        with ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
            list(pool.map(self.come, range(clients)))

    def leave(self, count):
        for player in random.sample(self._players.playing, count):
            self._players.leave(player)

    def churn(self, clients, per_second):
        """One leaves, one comes, so many times."""
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
            for number in range(clients):
                # The rate is part of what is tested.
                time.sleep(max(0, began + number / per_second - time.monotonic()))
                self.leave(1)
                pool.submit(self.come).add_done_callback(lambda done: done.result())

    def assert_nobody_was_sent_to_a_full_gameserver(self):
        assert self.refused <= MOST_REFUSED * self.granted, vars(self)

    def assert_everybody_was_served(self, most_backup=0):
        self.assert_nobody_was_sent_to_a_full_gameserver()
        assert self.failed == []
        assert self.backup <= most_backup * (self.granted + self.backup), vars(self)


def inside(stack):
    """Players on each gameserver."""
    return [CAPACITY - health(address)["available_capacity"] for address in stack.serving()]


def credit(stack):
    """Seats that may still be granted. `make run` asks for one, too."""
    file = stack.ledger.read_bytes()
    cells = struct.unpack_from(f"={GAMESERVERS}Q", file, LEDGER_PREFACE)
    granted = sum(cell & GRANTED_MASK for cell in cells)
    return sum(row["grant_limit"] for row in stack.rows("available")) - granted


def start(stack, allocation):
    stack.configure(
        ALLOCATION=allocation,
        SERVER_CAPACITY=CAPACITY,
        MIN_SERVERS=GAMESERVERS,
        MAX_SERVERS=GAMESERVERS,
        DOWNSCALE_MARGIN=2 * SEATS,
    )
    stack.start_demo()
    stack.wait_serving(GAMESERVERS)
    wait_until(lambda: credit(stack) == SEATS, 10, "every seat may be granted")


def fast_churn(allocation, room):
    """Clients per second for which 200 free seats are room enough."""
    return 0.2 * SEATS / room / (POLL_S + HOLD_S[allocation])


def burst_and_churn(stack, players, allocation, churn_s, room):
    start(stack, allocation)
    burst = Crowd(stack, players)
    burst.burst(900)
    burst.assert_everybody_was_served()
    by_fill = sorted(inside(stack))
    if allocation == "pack":
        assert by_fill[0] <= 1 and by_fill[1] >= CAPACITY - 1, by_fill
    else:
        assert by_fill[-1] <= 2 * by_fill[0], by_fill
    burst.leave(100)
    wait_until(lambda: credit(stack) == 0.2 * SEATS, 5, "the free seats are known")
    churn = Crowd(stack, players)
    rate = fast_churn(allocation, room)
    churn.churn(int(churn_s * rate), rate)
    churn.assert_everybody_was_served(MOST_BACKUP)
    assert len(players.playing) + churn.refused + churn.backup == 0.8 * SEATS


@pytest.mark.parametrize("allocation", ["spread", "pack"])
def test_nobody_is_refused_in_a_burst_and_in_the_churn_after_it(stack, players, allocation):
    burst_and_churn(stack, players, allocation, churn_s=4, room=1.5)


@pytest.mark.long
@pytest.mark.parametrize("allocation", ["spread", "pack"])
def test_nobody_is_refused_for_long(stack, players, allocation):
    burst_and_churn(stack, players, allocation, churn_s=90, room=1.2)


def test_more_clients_than_seats_get_the_backup_not_a_full_gameserver(stack, players):
    start(stack, "spread")
    crowd = Crowd(stack, players)
    crowd.burst(SEATS + 100)
    crowd.assert_nobody_was_sent_to_a_full_gameserver()
    assert (crowd.backup, crowd.failed) == (100, [])
    assert len(players.playing) == SEATS


def kill_scalerd(stack):
    os.kill(stack.demo_pid("scalerd"), signal.SIGKILL)


def restart_scalerd(stack):
    os.kill(stack.demo_pid("scalerd"), signal.SIGTERM)


def kill_fcgi_api(stack):
    os.kill(stack.demo_pid("fcgi-api"), signal.SIGKILL)


def restart_fcgi_api(stack):
    os.kill(stack.demo_pid("fcgi-api"), signal.SIGTERM)


def delete_ledger(stack):
    stack.ledger.unlink()


def overwrite_ledger(stack):
    with open(stack.ledger, "r+b") as file:
        file.write(os.urandom(stack.ledger.stat().st_size))


def cut_ledger(stack):
    os.truncate(stack.ledger, 0)


def only_long(*faults):
    return [pytest.param(fault, marks=pytest.mark.long) for fault in faults]


@pytest.mark.parametrize(
    "fault",
    [kill_scalerd, overwrite_ledger]
    + only_long(kill_fcgi_api, restart_scalerd, restart_fcgi_api, delete_ledger, cut_ledger),
)
def test_seats_are_right_again_within_seconds(stack, players, fault):
    start(stack, "spread")
    crowd = Crowd(stack, players)
    crowd.burst(int(0.8 * SEATS))
    crowd.assert_everybody_was_served()
    threading.Timer(1, fault, [stack]).start()
    crowd.churn(150, 50)
    crowd.assert_nobody_was_sent_to_a_full_gameserver()
    if fault not in (kill_fcgi_api, restart_fcgi_api):
        assert crowd.failed == []

    def full():
        crowd.burst(SEATS - len(players.playing))
        return len(players.playing) == SEATS

    wait_until(full, HEALED_S, "every seat is taken")
    crowd.assert_nobody_was_sent_to_a_full_gameserver()
