# SPDX-License-Identifier: MIT
"""Seats are granted by the ledger, whatever becomes of it or of fcgi-api."""

import json
import os
import signal
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from harness.fcgi import SEEN_S, START_S, Api, Site, ask
from harness.http import request
from harness.state import (
    ADDRESS,
    EPOCH,
    OTHER,
    gameserver_sql,
    granted,
    heartbeat_sql,
    make_ledger,
    set_cell,
    shortage,
)
from harness.waiting import wait_until


def test_no_more_seats_are_granted_than_there_are(tmp_path, database, closing_later):
    database.change(gameserver_sql(ADDRESS, seats=50))
    api = closing_later(Api(tmp_path, database.path))
    api.start()
    site = closing_later(Site(tmp_path, api.socket))
    sources = [
        request(site.public, "/available-gameserver/").headers["x-gameserver-source"]
        for _ in range(60)
    ]
    assert sources == ["fleet"] * 50 + ["backup"] * 10
    assert granted(database.ledger) == 50
    assert shortage(database.ledger) == 10
    assert request(site.public, "/available-gameserver/", method="HEAD").status == 200
    assert shortage(database.ledger) == 10
    metrics = request(site.operators, "/metrics").body.decode()
    assert "\ngsm_refusals_total 10\n" in metrics
    assert "\ngsm_ledger_usable 1\n" in metrics


@pytest.mark.parametrize("how", ["removed before the start", "of another epoch", "cut"])
def test_without_its_ledger_it_grants_on_and_follows_the_next(site, api, database, how):
    if how == "removed before the start":
        database.ledger.unlink()
        api.end()
        api.start()
    elif how == "of another epoch":
        database.write(f"UPDATE fleet_state SET ledger_epoch = {EPOCH + 1}")
    else:
        os.truncate(database.ledger, 0)

    def told_age():
        answer = request(site.public, "/available-gameserver/")
        assert answer.json() == {"available": ADDRESS}
        return "x-gameserver-state-age" in answer.headers

    wait_until(told_age, SEEN_S, "the state is stale")
    assert request(site.operators, "/readyz").status == 503
    make_ledger(database.ledger, EPOCH + 1)
    database.write(f"UPDATE fleet_state SET ledger_epoch = {EPOCH + 1}")
    wait_until(lambda: not told_age(), SEEN_S, "the new ledger is used")
    before = granted(database.ledger)
    assert not told_age()
    assert granted(database.ledger) == before + 1
    assert api.process.poll() is None


class Burst:
    """Kept connections to nginx, by which it is asked all at once."""

    def __init__(self, site, size):
        host, port = site.public.split(":")
        self._clients = [HTTPConnection(host, port, timeout=START_S) for _ in range(size)]
        self.ask()
        assert {source for source, _ in self.answers()} == {"fleet"}

    def ask(self):
        for client in self._clients:
            client.request("GET", "/available-gameserver/")

    def answers(self):
        """[(source, address)], none of a stale state."""
        answers = []
        for client in self._clients:
            response = client.getresponse()
            body = response.read()
            assert response.status == 200, body
            assert response.headers["X-Gameserver-State-Age"] is None
            answers.append((response.headers["X-Gameserver-Source"], json.loads(body)["available"]))
        return answers

    def close(self):
        for client in self._clients:
            client.close()


def reloads(api):
    metrics = ask(api.socket, "/metrics", LISTENER="operators")[1].decode()
    return int(metrics.split("\ngsm_state_reloads_total ")[1].split()[0])


def is_stopped(pid):
    stats = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rsplit(")", 1)[1].split()[0] == "T" for stat in stats)


BURST = 200
STOPPED_S = 3  # more than REFRESH_LATE_MS
SOON_STALE = "UPDATE fleet_state SET stale_after_ms = 1000"
LEFT = 3


@pytest.mark.parametrize(
    "meanwhile",
    ["nothing happens", "walk-ins take what is left", "another gameserver gets the slot"],
)
def test_a_stopped_handler_comes_back_and_sends_nobody_to_a_full_gameserver(
    site, api, database, closing_later, meanwhile
):
    burst = closing_later(Burst(site, BURST))
    before = reloads(api)
    limit = BURST if meanwhile == "nothing happens" else 2 * BURST
    database.change(SOON_STALE, heartbeat_sql(), gameserver_sql(ADDRESS, limit=limit))
    wait_until(lambda: reloads(api) > before, SEEN_S, "the limit is known")
    api.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: is_stopped(api.process.pid), SEEN_S, "every thread stands still")
        burst.ask()
        if meanwhile == "walk-ins take what is left":
            database.change(gameserver_sql(ADDRESS, limit=BURST))
        if meanwhile == "another gameserver gets the slot":
            set_cell(database.ledger, 0, generation=2, count=0)
            database.change(gameserver_sql(OTHER, generation=2, limit=LEFT))
        stopped_until = time.monotonic() + STOPPED_S
        while time.monotonic() < stopped_until:
            database.write(heartbeat_sql())
    finally:
        api.process.send_signal(signal.SIGCONT)
    addresses = [address for _, address in burst.answers()]
    left = LEFT if meanwhile == "another gameserver gets the slot" else 0
    assert (addresses.count(ADDRESS), addresses.count(OTHER)) == (0, left)
