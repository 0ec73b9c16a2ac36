# SPDX-License-Identifier: MIT
"""tests/demo/run, which is what `make run` runs once everything is built."""

import os
import re
import signal
import socket
import subprocess

import pytest

from harness.gameserver import health
from harness.http import request
from harness.ports import PortBlock
from harness.processes import BUILD, ROOT, alive, environment, fleet_processes, kill_fleet
from harness.waiting import wait_until

READY_S = 60
STOP_S = 40
RESTART_S = 20
PROGRAMS = ("nginx", "fcgi-api", "scalerd")
PIPE_BYTES = 1 << 20  # more than any pipe of a terminal's reader holds


class Demo:
    """One run with ports and a RUN_DIR of its own, in a process group of its
    own, as a shell would start it."""

    def __init__(self, directory, **environ):
        self.block = PortBlock()
        first = self.block.first
        self.directory = directory
        self.run_dir = directory / "run"
        self.environ = {
            **os.environ,
            "GSM_BUILD": str(BUILD),
            "PORT": str(first),
            "STATUS_PORT": str(first + 1),
            "RUN_DIR": str(self.run_dir),
            "LOCAL_PORTS": f"{first + 10}-{self.block.last}",
            **environ,
        }
        self.address = f"127.0.0.1:{first}"
        self.url = f"http://{self.address}/available-gameserver/"
        self.process = None

    def start(self, argv=("tests/demo/run",), stdout=None, stderr=None):
        self.out = self.directory / "out.log"
        self.err = self.directory / "err.log"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=stdout or out,
                stderr=stderr or err,
                start_new_session=True,
            )
        return self

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.err.read_text()
            return self.out.read_text() == f"ready: {self.url}\n"

        wait_until(ready, READY_S, "ready:")
        return self

    def wait(self, timeout=STOP_S):
        return self.process.wait(timeout)

    def pid(self, name):
        return int((self.run_dir / f"{name}.pid").read_text().split()[0])

    def answers(self):
        answer = request(self.address, "/available-gameserver/")
        return answer.status == 200 and answer.headers["x-gameserver-source"] == "fleet"

    def gameservers(self):
        return sorted(fleet_processes(self.run_dir / "state.db"))

    def leftovers(self):
        """What is still there of this run: by its ports and its directory."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid() or not alive(entry):
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace")
                working = os.readlink(f"/proc/{entry}/cwd")
            except OSError:
                continue
            variables = environment(entry)
            if (
                str(self.run_dir) in command
                or working.startswith(str(self.run_dir))
                or variables.get("RUN_DIR") == str(self.run_dir)
            ):
                found.append(f"{entry} {command}")
        return found

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
        for name in (*PROGRAMS, "tail"):
            try:
                os.killpg(self.pid(name), signal.SIGKILL)
            except (OSError, ValueError):
                pass
        kill_fleet(self.run_dir / "state.db")
        self.block.close()


@pytest.fixture
def demo(tmp_path):
    made = []

    def make(name="a", **environ):
        directory = tmp_path / name
        directory.mkdir()
        made.append(Demo(directory, **environ))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_it_started(demo, number):
    run = demo().start().wait_ready()
    gameservers = run.gameservers()
    assert len(gameservers) >= 1
    os.killpg(run.process.pid, number)  # Ctrl-C goes to the whole group
    assert run.wait() == 0
    assert run.leftovers() == []
    assert run.gameservers() == []
    # Not even as zombies that wait for their new parent.
    assert not any(os.path.exists(f"/proc/{pid}") for pid in gameservers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_make_stops_everything(demo, number):
    run = demo().start(["make", "--no-print-directory", "run"])
    wait_until(lambda: "ready: " in run.out.read_text(), READY_S, "ready:")
    if number == signal.SIGTERM:
        run.process.send_signal(number)
    else:
        os.killpg(run.process.pid, number)
    run.wait()
    assert run.leftovers() == []
    assert run.gameservers() == []


def test_a_path_with_blanks_and_more_than_a_socket_name_holds(demo):
    run = demo("a path & with | blanks " + "x" * 100).start().wait_ready()
    assert run.answers()


@pytest.mark.parametrize("which", ["PORT", "STATUS_PORT"])
def test_a_taken_port_is_one_line_and_leaves_nothing(demo, which):
    run = demo()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(run.environ[which])))
        taken.listen()
        assert run.start().wait() != 0
    lines = run.err.read_text().splitlines()
    assert len(lines) == 1
    assert f"port {run.environ[which]} is taken" in lines[0]
    assert run.out.read_text() == ""
    assert run.leftovers() == []


def test_a_port_that_cannot_be_bound_is_named_and_leaves_nothing(demo):
    run = demo()
    with socket.socket() as bound:  # but not listening: no connection shows it
        bound.bind(("127.0.0.1", int(run.environ["PORT"])))
        assert run.start().wait() != 0
    assert f"127.0.0.1:{run.environ['PORT']} failed" in run.err.read_text()
    assert run.leftovers() == []
    assert run.gameservers() == []


@pytest.mark.parametrize("bad", ["0", "65536", "http", "8080x", ""])
def test_a_bad_port_is_named(demo, bad):
    run = demo(PORT=bad or "-")
    assert run.start().wait() == 64
    assert f"PORT={bad or '-'} is not a port" in run.err.read_text()


def test_a_second_run_in_the_same_directory_is_refused(demo, tmp_path):
    run = demo().start().wait_ready()
    before = run.gameservers()
    second = demo("b", RUN_DIR=str(run.run_dir))
    assert second.start().wait() != 0
    assert f"already running in {run.run_dir} (pid {run.process.pid}" in second.err.read_text()
    assert run.gameservers() == before
    assert run.answers()


def test_two_runs_side_by_side(demo):
    one, other = demo("one").start(), demo("other").start()
    one.wait_ready()
    other.wait_ready()
    assert not set(one.gameservers()) & set(other.gameservers())
    one.process.terminate()
    assert one.wait() == 0
    assert one.leftovers() == []
    assert len(other.gameservers()) >= 1
    assert other.answers()


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_program_that_ends_is_started_again(demo, name, number):
    run = demo().start().wait_ready()
    before, gameservers = run.pid(name), run.gameservers()
    os.kill(before, number)
    wait_until(lambda: run.pid(name) != before, RESTART_S, f"{name} runs again")
    wait_until(run.answers, RESTART_S, "the API answers")
    assert run.gameservers() == gameservers


def test_options_of_the_environment_reach_the_programs(demo):
    run = demo(SERVER_CAPACITY="7").start().wait_ready()
    for pid in run.gameservers():
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            assert b"--capacity\x007\x00" in command.read()


@pytest.mark.parametrize(
    "environ, code, said",
    [
        ({"UPSCALE_MARGIN": "many"}, 78, r"UPSCALE_MARGIN"),
        ({"DOWNSCALE_MARGIN": "5"}, 78, r"DOWNSCALE_MARGIN"),
        ({"CONFIG": "/nonexistent/demo.env"}, 78, r"/nonexistent/demo.env"),
    ],
)
def test_a_refused_configuration_ends_it(demo, environ, code, said):
    run = demo(**environ).start()
    assert run.wait() == code
    assert re.search(said, run.err.read_text())
    assert run.out.read_text() == ""
    assert run.leftovers() == []


def test_a_run_after_one_that_was_killed_takes_over_its_gameservers(demo):
    run = demo().start().wait_ready()
    gameservers = run.gameservers()
    left = [run.pid(name) for name in PROGRAMS]
    run.process.kill()
    run.wait()
    assert all(alive(pid) for pid in left)
    run.start().wait_ready()
    assert not any(alive(pid) for pid in left)
    assert run.gameservers() == gameservers
    run.process.terminate()
    assert run.wait() == 0
    assert run.leftovers() == []


def test_a_terminal_that_goes_away_does_not_matter(demo):
    reader, writer = os.pipe()
    os.close(reader)
    run = demo().start(stdout=writer, stderr=writer)
    os.close(writer)
    wait_until(run.answers, READY_S, "the API answers")
    before = run.pid("scalerd")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: run.pid("scalerd") != before, RESTART_S, "scalerd runs again")
    run.process.terminate()
    assert run.wait() == 0
    assert run.leftovers() == []


def test_a_terminal_that_nobody_reads_does_not_matter(demo):
    reader, writer = os.pipe()
    run = demo().start(stderr=writer)
    run.wait_ready()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * PIPE_BYTES):
            pass
    except BlockingIOError:
        pass
    # Not O_NONBLOCK for the one that shares the pipe.
    os.set_blocking(writer, True)
    os.close(writer)
    for name in PROGRAMS:
        before = run.pid(name)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: run.pid(name) != before, RESTART_S, f"{name} runs again")
    run.process.terminate()
    assert run.wait() == 0
    assert run.leftovers() == []
    os.close(reader)


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_fleet_on_ecs_outlives_the_run(ecs, where):
    if where == "file":
        ecs.configure(**ecs.cloud.environment())
        ecs.environment.clear()
    ecs.start_demo(["make", "--no-print-directory", "run"])
    address, source = ecs.grant()
    assert source == "fleet" and health(address)
    ecs.wait_at_rest(1)
    before = ecs.tasks(), ecs.instances()
    ecs.demo.end(timeout=STOP_S)
    assert (ecs.tasks(), ecs.instances()) == before and health(address)
    assert not ecs.calls("StopTask") and not ecs.calls("TerminateInstances")
    ecs.start_scalerd()
    assert ecs.wait_at_rest(1) == [address]


def test_a_run_is_ready_when_only_players_can_reach_gameservers(ecs):
    ecs.configure(ADDRESS_TEMPLATE="{dashed_ip}.play.example.com:{port}")
    ecs.start_demo()
    assert re.fullmatch(r"127-1-\d+-\d+\.play\.example\.com:\d+", ecs.grant()[0])
