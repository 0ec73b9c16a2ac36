# SPDX-License-Identifier: MIT
"""Gameservers that die, hang and lie."""

import os
import signal

import pytest

from harness.gameserver import Gameserver, debug, health, misbehave
from harness.waiting import hold_during, wait_until

UNUSABLE = ["hang", "slow=2000", "wrong-json", "huge", "never-ready", "drip", "redirect"]


@pytest.fixture
def fleet_of_three(stack, players):
    """Addresses of three gameservers with a player each."""
    stack.configure(MIN_SERVERS=3)
    stack.start_scalerd()
    addresses = stack.wait_serving(3)
    for address in addresses:
        players.join(address)
    wait_until(lambda: all(row["seats"] == 9 for row in stack.rows()), 5, "all were polled")
    return addresses



def test_a_killed_gameserver_is_replaced(stack, fleet_of_three, players):
    victim, *others = fleet_of_three
    pids = stack.pids()
    os.kill(stack.pid_of(victim), signal.SIGKILL)
    wait_until(lambda: stack.state(victim) == "gone", 5, "its end was noticed")
    wait_until(lambda: len(stack.serving()) == 3, 5, "it was replaced")
    assert [player.address for player in players.cut] == [victim]
    assert {pid for pid, address in pids.items() if address in others} < set(stack.pids())
    [row] = stack.query("SELECT reason FROM gameserver WHERE state = 'gone'")
    assert row["reason"] == "died"


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_gameserver_is_replaced_and_its_players_stay(
    stack, fleet_of_three, players, kind
):
    victim = fleet_of_three[0]
    misbehave(victim, kind)
    wait_until(lambda: victim not in stack.serving(), 5, "it gets no players")
    wait_until(lambda: len(stack.serving()) == 3, 10, "it was replaced")
    assert stack.row(victim)["health"] == "bad"
    assert "dead_with_players" in stack.alarms()
    [inside] = [player for player in players.playing if player.address == victim]
    players.ping(inside)
    wait_until(lambda: inside.pongs == 1, 3, "its player plays on")
    misbehave(victim, "none")
    wait_until(lambda: stack.row(victim)["health"] == "good", 5, "it is good again")
    assert not players.cut
    assert stack.ended_with_players() == []


def test_a_suspended_gameserver_is_replaced_and_comes_back(stack, fleet_of_three, players):
    victim = fleet_of_three[0]
    pid = stack.pid_of(victim)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: len(stack.serving()) == 3 and victim not in stack.serving(), 10,
               "it was replaced")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: stack.row(victim)["health"] == "good", 5, "it is good again")
    assert not players.cut
    assert stack.ended_with_players() == []


def test_hanging_gameservers_do_not_delay_the_others(stack, players):
    """Forty answer once a second, whatever ten others do."""
    stack.configure(MIN_SERVERS=50, MAX_SERVERS=60, LAUNCHES_PER_TURN=50, DOWNSCALE_MARGIN=900)
    stack.start_scalerd()
    everybody = stack.wait_serving(50, timeout=20)
    for address in everybody[:10]:
        misbehave(address, "hang")
    others = everybody[10:]
    wait_until(lambda: not set(everybody[:10]) & set(stack.serving()), 5, "they are out")
    before = {address: debug(address)["polled"] for address in others}
    joined = players.join(others[0])
    wait_until(lambda: stack.row(joined.address)["seats"] == 9, 3, "a player is seen in time")
    hold_during(lambda: set(others) <= set(stack.serving()), 5, "the others serve")
    polled = [debug(address)["polled"] - before[address] for address in others]
    assert min(polled) >= 4, "each was asked once a second"
    assert not players.cut


def test_negative_seats_hide_nobody_elses(stack, fleet_of_three):
    victim = fleet_of_three[0]
    misbehave(victim, "negative")
    wait_until(lambda: stack.row(victim)["seats"] == -5, 5, "it said so")
    wait_until(
        lambda: stack.query("SELECT free FROM fleet")[0]["free"] == 18, 3, "the others count"
    )
    assert stack.row(victim)["health"] == "good"


def test_a_gameserver_that_lies_ready_with_players_inside_is_not_stopped(
    stack, fleet_of_three, players
):
    for address in fleet_of_three:
        misbehave(address, "lie-ready")
    stack.configure(MIN_SERVERS=1)
    stack.scalerd.send(signal.SIGHUP)
    [victim] = wait_until(lambda: stack.addresses("standby"), 10, "one went to standby")
    hold_during(lambda: stack.state(victim) == "standby", 8, "it is kept")
    assert not players.cut
    assert stack.ended_with_players() == []


def test_when_all_hang_nothing_is_stopped_and_launches_are_few(stack, fleet_of_three, players):
    for address in fleet_of_three:
        misbehave(address, "hang")
    wait_until(lambda: stack.query("SELECT panic FROM fleet")[0]["panic"], 5, "panic")
    hold_during(lambda: len(stack.launches()) <= 4, 6, "at most one was launched")
    assert "panic" in stack.alarms()
    for address in fleet_of_three:
        misbehave(address, "none")
    wait_until(lambda: set(fleet_of_three) <= set(stack.serving()), 5, "all are good again")
    wait_until(lambda: not stack.query("SELECT panic FROM fleet")[0]["panic"], 3, "no panic")
    assert not players.cut
    assert stack.testimony("terminating") == []


def test_failing_launches_back_off_and_heal_by_themselves(stack):
    stack.configure(LOCAL_COMMAND=stack.gameserver_command("refuse-start"), MIN_SERVERS=2)
    stack.start_scalerd()
    wait_until(lambda: "launch_failing" in stack.alarms(), 15, "the alarm is raised")
    # 1, 2, 4, ... seconds apart, two at once.
    hold_during(lambda: len(stack.launches()) <= 10, 4, "launches are few")
    assert stack.query("SELECT limited_by FROM fleet")[0]["limited_by"] == "backoff"
    stack.configure(LOCAL_COMMAND=None)
    stack.scalerd.send(signal.SIGHUP)
    stack.wait_serving(2, timeout=20)
    wait_until(lambda: "launch_failing" not in stack.alarms(), 15, "the alarm is over")


def test_a_command_that_does_not_exist_backs_off_too(stack):
    stack.configure(LOCAL_COMMAND="/nonexistent/gameserver {port}")
    stack.start_scalerd()
    wait_until(lambda: "launch_failing" in stack.alarms(), 15, "the alarm is raised")
    launches = len(stack.query("SELECT id FROM operation WHERE kind = 'launch'"))
    assert launches <= 6
    assert stack.scalerd.running()


def test_one_that_never_becomes_ready_is_stopped_after_start_grace(stack):
    stack.configure(
        LOCAL_COMMAND=stack.gameserver_command("never-ready"), START_GRACE=2, MAX_SERVERS=2
    )
    stack.start_scalerd()
    wait_until(
        lambda: stack.query("SELECT id FROM operation WHERE kind = 'stop'"
                            " AND reason = 'start_grace' AND result = 'done'"),
        10,
        "it was stopped",
    )
    assert stack.serving() == []
    assert len(stack.pids()) <= 2


def test_one_that_ignores_sigterm_is_killed(stack):
    stack.configure(
        LOCAL_COMMAND=stack.gameserver_command("ignore-term"), MIN_SERVERS=3, LOCAL_STOP_TIMEOUT=1
    )
    stack.start_scalerd()
    stack.wait_serving(3)
    stack.configure(MIN_SERVERS=1)
    stack.scalerd.send(signal.SIGHUP)
    wait_until(lambda: len(stack.pids()) == 1, 20, "the surplus ended")
    assert stack.ended_with_players() == []


def test_a_gameserver_that_somebody_started_is_served_and_never_stopped(stack, players, tmp_path):
    """It bears the fleet's name, but no operation of ours."""
    stack.configure(MIN_SERVERS=2)
    stack.start_scalerd()
    stack.wait_serving(2)
    mark = next(iter(stack.environments().values()))["GAMESERVER_FLEET"]
    port = stack.spare_port()
    foreign = Gameserver(
        tmp_path,
        "--port",
        str(port),
        "--capacity",
        "10",
        env={
            "GAMESERVER_FLEET": mark,
            "GAMESERVER_ADDRESS": "127.0.0.1",
            "GAMESERVER_PORT": str(port),
        },
    )
    try:
        wait_until(lambda: foreign.address in stack.serving(), 5, "it serves")
        stack.configure(MIN_SERVERS=1)
        stack.scalerd.send(signal.SIGHUP)
        wait_until(lambda: len(stack.pids()) < 3, 20, "ours are released, one or both at once")
        hold_during(lambda: stack.state(foreign.address) == "available", 3, "it stays")
        assert health(foreign.address)["ready_to_close"] is True
        assert "terminating" not in foreign.output()
    finally:
        foreign.close()
