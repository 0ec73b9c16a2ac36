# SPDX-License-Identifier: MIT
"""scalerd killed, its database lost, two of them: the fleet stays the same."""

import os
import random
import signal
import sqlite3
from contextlib import closing

import pytest

from harness.gameserver import misbehave
from harness.players import Refused
from harness.processes import kill_fleet
from harness.waiting import hold_during, wait_until

EXIT_LOST = 70
EXIT_LOCKED = 75
EXIT_CONFIG = 78
MOMENTS_S = [0.0, 0.02, 0.1, 0.3, 0.9, 1.7]  # between a start and a kill


@pytest.fixture
def fleet(stack, players):
    """Three gameservers with a player each, one of them in standby."""
    stack.configure(MIN_SERVERS=3)
    stack.start_scalerd()
    for address in stack.wait_serving(3):
        players.join(address)
    wait_until(lambda: all(row["seats"] == 9 for row in stack.rows()), 5, "all were polled")
    stack.configure(MIN_SERVERS=1)
    stack.scalerd.send(signal.SIGHUP)
    wait_until(lambda: stack.addresses("standby"), 10, "one went to standby")
    return stack


def who(stack):
    """What must survive: {address: (id, state)} and the processes."""
    rows = {row["address"]: (row["id"], row["state"]) for row in stack.rows()}
    return rows, stack.pids()


def assert_untouched(stack, players, before):
    wait_until(lambda: who(stack) == before, 10, f"the fleet is as before: {before}")
    hold_during(lambda: who(stack) == before, 2, "the fleet stays as it was")
    assert not players.cut
    assert stack.testimony("terminating") == []


# ---- scalerd ends


def test_sigterm_ends_scalerd_and_touches_no_gameserver(fleet, players):
    before = who(fleet)
    assert fleet.scalerd.end(signal.SIGTERM) == 0
    assert fleet.pids() == before[1]
    assert not players.cut
    fleet.start_scalerd()
    assert_untouched(fleet, players, before)


def test_killed_at_once_again_and_again_it_changes_nothing(fleet, players):
    before = who(fleet)
    for _ in range(10):
        fleet.scalerd.end(signal.SIGKILL)
        fleet.scalerd = fleet.spawn_scalerd()
    fleet.restart_scalerd()
    assert_untouched(fleet, players, before)


def churn(players, chance, addresses):
    """Some players leave, some come."""
    for player in players.playing:
        if chance.random() < 0.2:
            players.leave(player)
    for address in addresses:
        for _ in range(chance.randrange(8)):
            try:
                players.join(address)
            except (Refused, OSError):
                pass


def at_rest(stack):
    """Nothing is under way, and rows and processes are the same."""
    pending = stack.query("SELECT id FROM operation WHERE result = 'pending'")
    rows = {row["address"] for row in stack.rows()}
    return not pending and rows == set(stack.pids().values())


def kill_under_load(stack, players, times):
    chance = random.Random(times)
    stack.configure(MIN_SERVERS=2, MAX_SERVERS=8)
    stack.start_scalerd()
    stack.wait_serving(2)
    for _ in range(times):
        churn(players, chance, stack.addresses())
        hold_during(lambda: True, chance.choice(MOMENTS_S), "some time passes")
        stack.scalerd.end(signal.SIGKILL)
        stack.scalerd = stack.spawn_scalerd()
        marks = stack.operations()
        assert len(marks) == len(set(marks)), "two processes of one operation"
        assert len(stack.pids()) <= 8
    stack.restart_scalerd()
    wait_until(lambda: at_rest(stack), 15, "rows and processes are the same")
    assert len(stack.launches()) > 2, "the fleet had to grow"
    assert not players.cut
    assert stack.ended_with_players() == []


def test_killed_under_load_nobody_is_cut_and_none_is_doubled(stack, players):
    kill_under_load(stack, players, 12)


@pytest.mark.long
def test_killed_a_hundred_times_under_load(stack, players):
    kill_under_load(stack, players, 100)


def test_a_launch_that_was_cut_short_is_not_repeated(stack):
    """Killed while gameservers are being made: each operation has at most one
    process, and no more run than are wanted."""
    stack.configure(MIN_SERVERS=4)
    for moment in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        process = stack.spawn_scalerd()
        hold_during(process.running, moment, "scalerd runs")
        process.end(signal.SIGKILL)
    stack.start_scalerd()
    stack.wait_serving(4)
    hold_during(lambda: len(stack.pids()) == 4, 2, "four gameservers run")
    marks = [start["operation"] for start in stack.launches()]
    assert len(marks) == len(set(marks)) == 4


def test_gameservers_that_died_while_scalerd_was_away_are_replaced(fleet, players):
    fleet.scalerd.end(signal.SIGKILL)
    victim = fleet.addresses()[0]
    os.kill(fleet.pid_of(victim), signal.SIGKILL)
    fleet.start_scalerd()
    wait_until(lambda: fleet.state(victim) == "gone", 10, "its end was noticed")
    assert [player.address for player in players.cut] == [victim]


# ---- the database is lost


def remove_database(stack):
    for suffix in ("", "-wal", "-shm"):
        stack.database.with_name(stack.database.name + suffix).unlink(missing_ok=True)


def aside(stack):
    """Databases that were moved out of the way; not the rescue's own files."""
    names = [path.name for path in stack.run_dir.iterdir()]
    return [
        name for name in names
        if name.startswith("state.db.") and not name.endswith(("-wal", "-shm", ".lock"))
        and ".rescu" not in name
    ]


def everywhere(stack):
    """The addresses of those with players, wherever they stand."""
    return set(stack.addresses("available")) | set(stack.addresses("standby"))


def test_deleted_while_running_it_is_written_anew(fleet, players):
    before = who(fleet)
    events = fleet.query("SELECT count(*) AS n FROM event")[0]["n"]
    remove_database(fleet)
    wait_until(fleet.database.exists, 5, "the database is back")
    assert_untouched(fleet, players, before)
    assert fleet.scalerd.running()
    assert fleet.query("SELECT count(*) AS n FROM event")[0]["n"] >= events
    fleet.restart_scalerd()
    assert_untouched(fleet, players, before)


@pytest.mark.parametrize("what", ["text", "another database", "older copy"])
def test_replaced_while_running_it_is_written_anew(fleet, players, what):
    before = who(fleet)
    other = fleet.directory / "other.db"
    if what == "text":
        other.write_text("this is not a database\n" * 1000)
    elif what == "older copy":
        with closing(sqlite3.connect(fleet.database)) as source:
            with closing(sqlite3.connect(other)) as copy:
                source.backup(copy)
                copy.execute("UPDATE gameserver SET state = 'available'")
                copy.commit()
    else:
        with closing(sqlite3.connect(other)) as database:
            database.execute("CREATE TABLE fleet_state (id)")
            database.commit()
    os.replace(other, fleet.database)
    # Between the two the path is nobody's for a moment.
    wait_until(
        lambda: aside(fleet) and fleet.rows(), 5, "what was put there is moved aside"
    )
    assert_untouched(fleet, players, before)
    assert fleet.scalerd.running()


def test_deleted_while_stopped_it_is_rebuilt_without_a_duplicate(fleet, players):
    pids = fleet.pids()
    launched = len(fleet.launches())
    fleet.scalerd.end(signal.SIGKILL)
    remove_database(fleet)
    fleet.start_scalerd()
    wait_until(lambda: everywhere(fleet) == set(pids.values()), 10, "all were found again")
    hold_during(lambda: fleet.pids() == pids, 4, "the same processes")
    assert len(fleet.launches()) == launched
    assert not players.cut


@pytest.mark.parametrize("damage", ["header", "middle", "truncated", "empty"])
def test_damaged_while_stopped_it_is_moved_aside_and_rebuilt(fleet, players, damage):
    pids = fleet.pids()
    assert fleet.scalerd.end(signal.SIGTERM) == 0
    with closing(sqlite3.connect(fleet.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = fleet.database.stat().st_size
    with open(fleet.database, "r+b") as file:
        if damage == "header":
            file.write(b"\xff" * 512)
        elif damage == "middle":
            file.seek(4096)
            file.write(os.urandom(size - 4096))
        elif damage == "truncated":
            file.truncate(size // 2)
        else:
            file.truncate(0)
    fleet.start_scalerd()
    wait_until(lambda: everywhere(fleet) == set(pids.values()), 10, "all were found again")
    hold_during(lambda: fleet.pids() == pids, 3, "the same processes")
    if damage != "empty":
        assert aside(fleet), "the damaged one was kept"
        assert "event=database_damaged" in fleet.scalerd.output()
    assert not players.cut


def test_damaged_while_running_it_is_rebuilt_by_the_next_start(fleet, players):
    pids = fleet.pids()
    with closing(sqlite3.connect(fleet.database)) as database:
        database.execute("PRAGMA wal_checkpoint")
    with open(fleet.database, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(fleet.database.stat().st_size - 4096))
    hold_during(lambda: fleet.pids() == pids, 3, "the same processes")
    fleet.scalerd.end(signal.SIGKILL)
    fleet.start_scalerd()
    wait_until(lambda: everywhere(fleet) == set(pids.values()), 15, "all were found again")
    hold_during(lambda: fleet.pids() == pids, 3, "the same processes")
    assert aside(fleet), "the damaged one was kept"
    assert not players.cut


def test_after_a_reboot_the_fleet_is_made_anew(fleet, players):
    """Everything is gone but the database."""
    before = fleet.pids()
    fleet.scalerd.end(signal.SIGKILL)
    kill_fleet(fleet.database)
    fleet.start_scalerd()
    fleet.wait_serving(1)
    wait_until(lambda: len(fleet.rows()) == len(fleet.pids()) == 1, 10, "one serves")
    assert not set(before) & set(fleet.pids())
    gone = fleet.query("SELECT reason FROM gameserver WHERE state = 'gone'")
    assert {row["reason"] for row in gone} == {"died"}


def test_a_newer_database_is_refused_and_left_alone(fleet, players):
    pids = fleet.pids()
    assert fleet.scalerd.end(signal.SIGTERM) == 0
    with closing(sqlite3.connect(fleet.database)) as database:
        database.execute("PRAGMA user_version = 9999")
        database.commit()
    process = fleet.spawn_scalerd(log="refused.log")
    assert process.wait() == EXIT_CONFIG
    assert "9999" in process.output() and "newer" in process.output()
    with closing(sqlite3.connect(fleet.database)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (9999,)
    assert not aside(fleet)
    assert fleet.pids() == pids and not players.cut


def test_another_fleets_database_is_refused(fleet, players):
    pids = fleet.pids()
    assert fleet.scalerd.end(signal.SIGTERM) == 0
    fleet.configure(FLEET_NAME="other")
    process = fleet.spawn_scalerd(log="refused.log")
    assert process.wait() == EXIT_CONFIG
    assert "other" in process.output() and "FLEET_NAME" in process.output()
    assert fleet.pids() == pids and not players.cut


# ---- two of them


def test_a_second_scalerd_says_who_holds_it_and_ends(fleet, players):
    before = who(fleet)
    second = fleet.spawn_scalerd(log="second.log")
    assert second.wait() == EXIT_LOCKED
    assert f"pid {fleet.scalerd.pid}" in second.output()
    assert_untouched(fleet, players, before)


def test_ensure_is_silent_while_the_holder_lives(fleet, players):
    before = who(fleet)
    second = fleet.spawn_scalerd("--ensure", log="ensure.log")
    assert second.wait() == 0
    assert second.output() == ""
    assert_untouched(fleet, players, before)


def test_ensure_takes_the_place_of_one_that_died(fleet, players):
    before = who(fleet)
    fleet.scalerd.end(signal.SIGKILL)
    beat = fleet.heartbeat()
    fleet.scalerd = fleet.spawn_scalerd("--ensure", log="ensure.log")
    wait_until(lambda: fleet.heartbeat() > beat, 10, "it turns")
    assert_untouched(fleet, players, before)


def test_ensure_replaces_one_that_hangs(fleet, players):
    fleet.configure(HUNG_AFTER=5)
    before = who(fleet)
    first = fleet.scalerd
    first.send(signal.SIGSTOP)
    beat = fleet.heartbeat()

    def ensured():
        if fleet.scalerd is first or not fleet.scalerd.running():
            fleet.scalerd = fleet.spawn_scalerd("--ensure", log="ensure.log")
        return fleet.heartbeat() > beat + 1000 and fleet.scalerd.running()

    wait_until(ensured, 40, "another one turns")
    wait_until(lambda: not first.running(), 3, "the hung one was ended")
    assert_untouched(fleet, players, before)


def test_a_removed_lock_file_makes_no_two_writers(fleet, players):
    before = who(fleet)
    lock = fleet.database.with_name(fleet.database.name + ".lock")
    lock.unlink()
    wait_until(lock.exists, 5, "the lock file is back")
    second = fleet.spawn_scalerd(log="second.log")
    assert second.wait() == EXIT_LOCKED
    assert fleet.scalerd.running()
    assert_untouched(fleet, players, before)


def test_a_removed_lock_file_and_a_second_one_at_once_leave_one_writer(fleet, players):
    before = who(fleet)
    fleet.database.with_name(fleet.database.name + ".lock").unlink()
    second = fleet.spawn_scalerd(log="second.log")
    wait_until(
        lambda: [fleet.scalerd.running(), second.running()].count(True) == 1, 10, "one is left"
    )
    loser = fleet.scalerd if second.running() else second
    assert loser.wait() in (EXIT_LOST, EXIT_LOCKED)
    assert_untouched(fleet, players, before)


def test_a_writer_that_was_suspended_cannot_write_again(fleet, players):
    before = who(fleet)
    first = fleet.scalerd
    first.send(signal.SIGSTOP)
    fleet.database.with_name(fleet.database.name + ".lock").unlink()
    fleet.start_scalerd()
    first.send(signal.SIGCONT)
    assert first.wait() == EXIT_LOST
    assert fleet.scalerd.running()
    assert_untouched(fleet, players, before)


def test_a_writer_that_was_suspended_alone_goes_on(fleet, players):
    before = who(fleet)
    fleet.scalerd.send(signal.SIGSTOP)
    hold_during(lambda: not players.cut, 6, "nobody is cut")
    beat = fleet.heartbeat()
    fleet.scalerd.send(signal.SIGCONT)
    wait_until(lambda: fleet.heartbeat() > beat, 5, "it turns")
    assert_untouched(fleet, players, before)


# ---- SIGHUP


def reload(stack, **options):
    stack.configure(**options)
    stack.scalerd.send(signal.SIGHUP)


def test_sighup_takes_over_a_good_configuration(fleet):
    reload(fleet, MIN_SERVERS=4)
    fleet.wait_serving(4)
    assert fleet.query("SELECT min_servers FROM fleet")[0]["min_servers"] == 4


@pytest.mark.parametrize(
    "options, names",
    [
        ({"MIN_SERVERS": "many"}, ["MIN_SERVERS", "many"]),
        ({"DOWNSCALE_MARGIN": 10}, ["DOWNSCALE_MARGIN", "UPSCALE_MARGIN", "SERVER_CAPACITY"]),
        ({"FLEET_NAME": "other"}, ["FLEET_NAME", "needs a restart"]),
        ({"DATABASE": "/tmp/elsewhere.db"}, ["DATABASE", "needs a restart"]),
        ({"LEDGER": "/tmp/elsewhere"}, ["LEDGER", "needs a restart"]),
    ],
    ids=["value", "margins", "identity", "open-file", "mapped-file"],
)
def test_sighup_refuses_a_bad_configuration_and_keeps_the_old(fleet, players, options, names):
    before = who(fleet)
    reload(fleet, **options)
    wait_until(lambda: "event=reload_refused" in fleet.scalerd.output(), 5, "it was refused")
    [line] = [
        line for line in fleet.scalerd.output().splitlines() if "event=reload_refused" in line
    ]
    assert all(name in line for name in names), line
    assert fleet.scalerd.running()
    assert_untouched(fleet, players, before)


# ---- beside all this


def test_history_survives_a_restart_and_is_readable_meanwhile(fleet):
    events = fleet.query("SELECT * FROM events")
    fleet.scalerd.end(signal.SIGKILL)
    assert fleet.query("SELECT * FROM events")[-1] == events[-1]
    fleet.start_scalerd()
    assert fleet.query("SELECT * FROM events")[-1] == events[-1]
    for view in ("fleet", "gameservers", "operations", "capacity_history"):
        assert fleet.query(f"SELECT * FROM {view}"), view


def test_a_copy_of_the_database_elsewhere_is_another_fleet(fleet, players, tmp_path):
    """The mark holds the database's path: a copy must not stop these."""
    pids = fleet.pids()
    beside = tmp_path / "beside"
    beside.mkdir()
    with closing(sqlite3.connect(fleet.database)) as source:
        with closing(sqlite3.connect(beside / "state.db")) as copy:
            source.backup(copy)
    second = fleet.spawn_scalerd(
        log="second.log",
        DATABASE=beside / "state.db",
        LEDGER=beside / "ledger",
        MIN_SERVERS=0,
    )
    try:
        hold_during(lambda: fleet.pids() == pids, 4, "the same processes")
        assert not players.cut
        assert fleet.testimony("terminating") == []
    finally:
        second.close()
        kill_fleet(beside / "state.db")


def test_a_bad_gameserver_with_players_survives_a_restart_of_scalerd(fleet, players):
    victim = fleet.addresses()[0]
    misbehave(victim, "hang")
    wait_until(lambda: fleet.row(victim)["health"] == "bad", 10, "it is bad")
    fleet.restart_scalerd()
    hold_during(lambda: victim in fleet.pids().values(), 4, "it is kept")
    misbehave(victim, "none")
    wait_until(lambda: fleet.row(victim)["health"] == "good", 5, "it is good again")
    assert not players.cut
