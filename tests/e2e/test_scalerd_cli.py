# SPDX-License-Identifier: MIT
"""scalerd's command line, exit codes and signals, as an operator, cron and a
service manager meet them."""

import os
import re
import signal
import socket
import subprocess

import pytest

from harness.processes import BIN, Process, environment
from harness.waiting import hold_during, wait_until

EX_USAGE = 64
EX_SOFTWARE = 70
EX_OSERR = 71
EX_TEMPFAIL = 75
EX_CONFIG = 78
END_S = 10
EVENT_S = 10


def run(*argv, **how):
    return subprocess.run(
        [BIN / "scalerd", *argv], capture_output=True, text=True, timeout=END_S, **how
    )


def errors(process):
    return [line for line in process.output().splitlines() if " level=error " in line]


def wait_event(process, event, count=1):
    """The line with the count-th event of that name."""

    def find():
        found = re.findall(rf"^.* event={event}(?: .*)?$", process.output(), re.MULTILINE)
        return len(found) >= count and found[count - 1]

    return wait_until(find, EVENT_S, f"event={event}, {count} times")


def assert_turns(stack):
    before = stack.heartbeat()
    wait_until(lambda: stack.heartbeat() > before, EVENT_S, "the loop turns")


# ---- command line


@pytest.mark.parametrize(
    "argv", [["--bogus"], ["start"], ["--config"], ["--ensure", "x"], ["-x"], ["--ensure=1"]]
)
def test_a_wrong_command_line_is_answered_with_the_usage(argv):
    ended = run(*argv)
    assert ended.returncode == EX_USAGE
    assert "usage: scalerd" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    "option, text",
    [
        ("--version", r"^scalerd \d+\.\d+\.\d+$"),
        ("--help", r"^usage: scalerd "),
        ("--options", r"\bUPSCALE_MARGIN\b"),
    ],
)
def test_what_only_informs_goes_to_standard_output(option, text):
    ended = run(option, env={})
    assert ended.returncode == 0
    assert re.search(text, ended.stdout, re.MULTILINE)
    assert ended.stderr == ""


def test_output_that_can_not_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        ended = subprocess.run([BIN / "scalerd", "--version"], stdout=full, timeout=END_S)
    assert ended.returncode == EX_OSERR


# ---- configuration


@pytest.mark.parametrize(
    "options, words",
    [
        ({"UPSCALE_MARGIN": "many"}, ["UPSCALE_MARGIN", "many"]),
        ({"SERVER_CAPACITY": "0"}, ["SERVER_CAPACITY", "0"]),
        ({"MAX_SERVERS": "1.5"}, ["MAX_SERVERS", "1.5"]),
        ({"HEALTH_TIMEOUT_MS": "-1"}, ["HEALTH_TIMEOUT_MS", "-1"]),
        ({"LOCAL_PORTS": "9-2"}, ["LOCAL_PORTS", "9-2"]),
        ({"HEALTH_URL": "ftp://{ip}/"}, ["HEALTH_URL", "ftp"]),
        ({"PROVIDER": "cloud"}, ["PROVIDER", "cloud"]),
        ({"PROVIDER": "ecs", "ECS_CLUSTER": "a.b"}, ["ECS_CLUSTER=a.b", "ARN"]),
        (
            {"UPSCALE_MARGIN": 4, "DOWNSCALE_MARGIN": 13, "SERVER_CAPACITY": 10},
            ["UPSCALE_MARGIN", "DOWNSCALE_MARGIN", "SERVER_CAPACITY", "13"],
        ),
    ],
)
def test_a_bad_value_is_refused_with_one_clear_line(stack, options, words):
    stack.configure(**options)
    scalerd = stack.spawn_scalerd()
    assert scalerd.wait() == EX_CONFIG
    lines = errors(scalerd)
    assert len(lines) == 1
    for word in words:
        assert word in lines[0]
    assert not stack.database.exists()


def test_a_configuration_file_that_is_missing_is_refused(stack):
    stack.configure()
    stack.config.unlink()
    stack.config = stack.config.with_name("nowhere.env")
    ended = run("--config", stack.config, env={})
    assert ended.returncode == EX_CONFIG
    assert "nowhere.env" in ended.stderr


def test_a_database_without_a_directory_is_refused(stack):
    stack.configure(DATABASE=stack.directory / "nowhere" / "state.db")
    scalerd = stack.spawn_scalerd()
    assert scalerd.wait() == EX_OSERR
    assert len(errors(scalerd)) == 1
    assert "nowhere" in errors(scalerd)[0]


def test_another_fleets_database_is_refused(stack):
    stack.start_scalerd()
    stack.wait_serving(1)
    stack.scalerd.end()
    other = stack.spawn_scalerd(log="other.log", FLEET_NAME="other")
    assert other.wait() == EX_CONFIG
    assert len(errors(other)) == 1
    assert "other" in errors(other)[0]
    assert len(stack.pids()) == 1


def test_a_warning_does_not_keep_it_from_running(stack):
    stack.configure(UPSCALE_MARGN="4")
    stack.start_scalerd()
    assert "UPSCALE_MARGN" in wait_event(stack.scalerd, "config")


# ---- one scalerd per database


def test_a_second_one_names_the_holder_and_ends(stack):
    stack.start_scalerd()
    second = stack.spawn_scalerd(log="second.log")
    assert second.wait() == EX_TEMPFAIL
    assert len(errors(second)) == 1
    assert re.search(rf"\b{stack.scalerd.pid}\b", errors(second)[0])
    assert_turns(stack)


def test_ensure_is_silent_while_the_holder_turns(stack):
    stack.configure(UPSCALE_MARGN="a warning for those who start")
    stack.start_scalerd()
    ensured = stack.spawn_scalerd("--ensure", log="ensure.log")
    assert ensured.wait() == 0
    assert ensured.output() == ""
    assert_turns(stack)


def test_ensure_runs_when_nobody_does(stack):
    scalerd = stack.spawn_scalerd("--ensure")
    wait_until(lambda: stack.heartbeat() > 0, EVENT_S, "it turns")
    assert scalerd.end() == 0


def test_one_that_was_suspended_ends_when_another_has_taken_over(stack):
    stack.start_scalerd()
    old = stack.scalerd
    stack.wait_serving(1)
    before = stack.pids()
    old.send(signal.SIGSTOP)
    os.unlink(f"{stack.database}.lock")
    new = stack.spawn_scalerd(log="new.log")
    wait_event(new, "loaded")
    assert_turns(stack)
    old.send(signal.SIGCONT)
    assert old.wait() == EX_SOFTWARE
    assert len(errors(old)) == 1
    assert_turns(stack)
    assert new.running()
    assert stack.pids() == before


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_signal_that_ends_it_touches_no_gameserver(stack, players, number):
    stack.start_scalerd()
    address = stack.wait_serving(1)[0]
    player = players.join(address)
    before = stack.pids()
    assert stack.scalerd.end(number) == 0
    assert number.name in wait_event(stack.scalerd, "stop")
    assert errors(stack.scalerd) == []
    hold_during(lambda: stack.pids() == before, 1, "the gameserver lives on")
    assert player.cut is None
    stack.start_scalerd()
    stack.wait_serving(1)
    assert stack.pids() == before


def test_a_broken_pipe_of_its_log_does_not_end_it(stack):
    stack.configure()
    reader, writer = os.pipe()
    popen = subprocess.Popen(
        [BIN / "scalerd", "--config", stack.config],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer,
    )
    try:
        os.close(writer)
        os.close(reader)
        wait_until(lambda: stack.heartbeat() > 0, EVENT_S, "it turns")
        popen.send_signal(signal.SIGHUP)
        assert_turns(stack)
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(END_S) == 0
    finally:
        popen.kill()
        popen.wait()


def test_sighup_takes_over_a_good_configuration(stack):
    stack.start_scalerd()
    stack.wait_serving(1)
    stack.configure(MIN_SERVERS=2)
    stack.scalerd.send(signal.SIGHUP)
    wait_event(stack.scalerd, "reload")
    stack.wait_serving(2)
    assert errors(stack.scalerd) == []


def test_sighup_keeps_the_old_configuration_when_the_new_is_bad(stack):
    stack.start_scalerd()
    stack.wait_serving(1)
    stack.configure(MIN_SERVERS=3, HEALTH_FALL="often")
    stack.scalerd.send(signal.SIGHUP)
    line = wait_event(stack.scalerd, "reload_refused")
    assert "HEALTH_FALL" in line and "often" in line
    stack.configure(MIN_SERVERS=2, HEALTH_FALL=3)
    stack.scalerd.send(signal.SIGHUP)
    wait_event(stack.scalerd, "reload")
    stack.wait_serving(2)
    assert len(stack.launches()) == 2  # never 3


@pytest.mark.parametrize(
    "name, value", [("FLEET_NAME", "another"), ("DATABASE", "/nowhere/state.db"), ("PROVIDER", "ecs")]
)
def test_sighup_refuses_what_needs_a_restart(stack, name, value):
    stack.start_scalerd()
    stack.configure(MIN_SERVERS=3, **{name: value})
    stack.scalerd.send(signal.SIGHUP)
    line = wait_event(stack.scalerd, "reload_refused")
    assert name in line and "needs a restart" in line
    assert_turns(stack)
    assert len(stack.rows()) == 1


def test_sighup_changes_the_log_level(stack):
    stack.configure(LOG_LEVEL="error")
    stack.start_scalerd()
    assert stack.scalerd.output() == ""
    stack.configure(LOG_LEVEL="info")
    stack.scalerd.send(signal.SIGHUP)
    wait_event(stack.scalerd, "reload")


# ---- its surroundings


def test_closed_standard_descriptors_never_become_the_database(stack):
    stack.configure()
    scalerd = Process(
        ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', BIN / "scalerd", "--config", stack.config],
        stack.directory / "closed.log",
    )
    try:
        wait_until(lambda: stack.heartbeat() > 0, EVENT_S, "it turns")
        for fd in range(3):
            assert os.readlink(f"/proc/{scalerd.pid}/fd/{fd}") == "/dev/null"
        stack.wait_serving(1)
        assert scalerd.end() == 0
    finally:
        scalerd.close()
    assert stack.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_the_service_manager_hears_of_readiness_and_of_each_turn(stack):
    path = str(stack.run_dir / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(EVENT_S)
        stack.environment["NOTIFY_SOCKET"] = path
        stack.start_scalerd()
        assert b"READY=1" in manager.recv(256).split(b"\n")
        assert manager.recv(256) == b"WATCHDOG=1"
        stack.wait_serving(1)
        (pid,) = stack.pids()
        assert "NOTIFY_SOCKET" not in environment(pid)
        assert stack.scalerd.end() == 0


def test_a_service_manager_that_is_away_is_reported_once(stack):
    stack.environment["NOTIFY_SOCKET"] = str(stack.run_dir / "nobody")
    stack.start_scalerd()
    wait_event(stack.scalerd, "notify")
    for _ in range(3):
        assert_turns(stack)
    assert stack.scalerd.output().count("event=notify ") == 1
