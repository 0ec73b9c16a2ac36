# SPDX-License-Identifier: MIT
"""The number of gameservers follows the players, and nobody is ever cut."""

import os
import signal

import pytest

from harness.gameserver import debug
from harness.players import Refused
from harness.processes import alive
from harness.stack import BACKUP
from harness.waiting import hold_during, wait_until

FLEET = "fleet"


def join_through_api(stack, players, timeout=10):
    """As a player does: asks for an address, connects, asks again if full."""

    def join():
        address, source = stack.grant()
        if source != FLEET:
            return None
        try:
            return players.join(address)
        except Refused:
            return None

    return wait_until(join, timeout, "a player has a seat")


def alive_pid(stack, name):
    pid = stack.demo_pid(name)
    return alive(pid) and pid


def fill(stack, players, address, leave_free=0):
    """Players on one gameserver until only so many seats are free."""
    row = stack.row(address)
    return [players.join(address) for _ in range(row["seats"] - leave_free)]


def reconfigure(stack, **options):
    stack.configure(**options)
    stack.scalerd.send(signal.SIGHUP)


def test_the_fleet_comes_up_with_min_servers(stack):
    stack.configure(MIN_SERVERS=3)
    stack.start_scalerd()
    stack.wait_serving(3)
    hold_during(lambda: len(stack.pids()) == 3, 2, "three gameservers run")
    assert len(stack.launches()) == 3


def test_the_fleet_follows_its_players_through_the_api(stack, players):
    stack.start_demo()
    for _ in range(25):
        join_through_api(stack, players)
    # 25 players and UPSCALE_MARGIN free seats, ten seats each.
    wait_until(lambda: len(stack.serving()) >= 3, 10, "the fleet grew")
    wait_until(
        lambda: sum(row["seats"] for row in stack.rows("available")) >= 4, 5, "seats are free"
    )
    assert not players.cut
    for player in players.playing:
        players.leave(player)
    wait_until(lambda: len(stack.pids()) == 1, 25, "the surplus was stopped")
    stack.wait_serving(1)
    assert stack.ended_with_players() == []
    reasons = stack.query("SELECT reason, count(*) AS n FROM operation WHERE kind = 'stop'")
    assert [row["reason"] for row in reasons] == ["proven_empty"]


def test_players_come_and_stay_while_scalerd_is_killed_again_and_again(stack, players):
    stack.start_demo()
    for _ in range(5):
        victim = wait_until(lambda: alive_pid(stack, "scalerd"), 5, "scalerd runs")
        os.kill(victim, signal.SIGKILL)
        for _ in range(4):
            join_through_api(stack, players)
    wait_until(lambda: alive_pid(stack, "scalerd"), 5, "scalerd runs")
    wait_until(
        lambda: sum(row["seats"] for row in stack.rows("available")) >= 4, 10, "seats are free"
    )
    assert len(players.playing) == 20
    assert not players.cut
    assert stack.testimony("terminating") == []


def test_max_servers_holds_and_the_backup_is_handed_out(stack, players):
    stack.configure(MAX_SERVERS=2)
    stack.start_demo()
    for _ in range(20):
        join_through_api(stack, players)
    wait_until(lambda: stack.grant() == (BACKUP, "backup"), 5, "the backup is handed out")
    wait_until(
        lambda: stack.query("SELECT limited_by FROM fleet")[0]["limited_by"] == "max_servers",
        5,
        "scalerd has seen it too",
    )
    hold_during(lambda: len(stack.pids()) == 2, 2, "two gameservers run")
    assert "limited" in stack.alarms()
    players.leave(players.playing[0])
    wait_until(lambda: stack.grant()[1] == FLEET, 5, "the free seat is handed out")


def test_booting_gameservers_cause_no_second_launch(stack):
    slow = stack.directory / "slow-start"
    slow.write_text('#!/bin/sh\nsleep 3\nexec "$@"\n')
    slow.chmod(0o755)
    stack.configure(
        LOCAL_COMMAND=f"{slow} {stack.gameserver_command()}", START_GRACE=20, MIN_SERVERS=2
    )
    stack.start_scalerd()
    wait_until(lambda: len(stack.rows("starting")) == 2, 5, "both are starting")
    stack.wait_serving(2)
    assert len(stack.query("SELECT id FROM operation WHERE kind = 'launch'")) == 2


@pytest.fixture
def drained(stack, players):
    """Three gameservers with a player each, one of them in standby."""
    stack.configure(MIN_SERVERS=3, JOIN_GRACE=2)
    stack.start_scalerd()
    for address in stack.wait_serving(3):
        players.join(address)
    wait_until(lambda: all(row["seats"] == 9 for row in stack.rows()), 5, "all were polled")
    reconfigure(stack, MIN_SERVERS=1)
    return wait_until(lambda: stack.addresses("standby"), 10, "one went to standby")[0]


def test_a_standby_gameserver_is_stopped_when_its_last_player_left(stack, players, drained):
    hold_during(lambda: stack.state(drained) == "standby", 7, "it waits for its player")
    [inside] = [player for player in players.playing if player.address == drained]
    players.leave(inside)
    wait_until(lambda: stack.state(drained) == "gone", 10, "it was stopped")
    wait_until(lambda: drained not in stack.pids().values(), 3, "its process ended")
    assert not players.cut
    assert stack.ended_with_players() == []
    assert len(stack.serving()) == 2


def test_a_standby_gameserver_comes_back_before_a_launch(stack, players, drained):
    launched = len(stack.launches())
    for address in stack.serving():
        fill(stack, players, address, leave_free=1)
    wait_until(lambda: stack.state(drained) == "available", 5, "it came back")
    hold_during(lambda: len(stack.launches()) == launched, 1, "none was launched")
    assert not players.cut


def test_a_player_who_was_on_the_way_keeps_a_standby_gameserver(stack, players, drained):
    [inside] = [player for player in players.playing if player.address == drained]
    late = players.join(drained)
    players.leave(inside)
    hold_during(lambda: stack.state(drained) == "standby", 7, "it waits for the late one")
    assert late.cut is None
    assert stack.ended_with_players() == []


def test_no_gameserver_is_stopped_within_join_grace(stack):
    """A player who got the address just before may still be on the way."""
    stack.configure(MIN_SERVERS=3, JOIN_GRACE=4)
    stack.start_scalerd()
    stack.wait_serving(3)
    reconfigure(stack, MIN_SERVERS=1)
    wait_until(lambda: len(stack.pids()) == 1, 25, "the surplus was stopped")
    changes = stack.query(
        "SELECT gameserver, became, at_utc_ms FROM event WHERE kind = 'state' ORDER BY id"
    )
    at = {(row["gameserver"], row["became"]): row["at_utc_ms"] for row in changes}
    waited = [at[one, "stopping"] - at[one, "standby"] for one, to in at if to == "stopping"]
    assert len(waited) == 2
    assert min(waited) >= 4000


def test_a_standby_gameserver_is_told_that_it_is(stack, players, drained):
    wait_until(lambda: debug(drained)["state"] == "standby", 5, "it was told standby")
    assert {debug(address)["state"] for address in stack.serving()} == {"available"}


@pytest.mark.long
def test_a_thousand_players_come_and_go(stack, players):
    stack.configure(MAX_SERVERS=90, SERVER_CAPACITY=20, UPSCALE_MARGIN=50, DOWNSCALE_MARGIN=90)
    stack.start_demo()
    for _ in range(1000):
        join_through_api(stack, players, timeout=30)
    assert not players.cut
    for player in players.playing:
        players.leave(player)
    wait_until(lambda: len(stack.serving()) <= 4, 180, "the surplus was stopped")
    assert stack.ended_with_players() == []
