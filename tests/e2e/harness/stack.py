# SPDX-License-Identifier: MIT
"""The system on one machine: scalerd alone, or all of it as `make run` does.

A test configures it, starts it, looks at it from outside (database, API,
processes, what gameservers testify) and breaks it.
"""

import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from harness.http import request
from harness.ports import PortBlock
from harness.processes import BIN, BUILD, ROOT, Process, fleet_processes, kill_fleet
from harness.waiting import wait_until

READY_S = 20
FLEET = "test"
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:")
BACKUP = "192.0.2.1:8888"

FAST = {
    "PROVIDER": "local",
    "FLEET_NAME": FLEET,
    "SERVER_CAPACITY": 10,
    "UPSCALE_MARGIN": 4,
    "DOWNSCALE_MARGIN": 18,
    "MIN_SERVERS": 1,
    "MAX_SERVERS": 12,
    "LAUNCHES_PER_HOUR": 1000,
    "SLEEP_TIME": 0,
    "HEALTH_TIMEOUT_MS": 500,
    "JOIN_GRACE": 1,
    "SCALE_DOWN_DELAY": 1,
    "START_GRACE": 5,
    "BACKUP_GAMESERVER": BACKUP,
}


class Stack:
    def __init__(self, directory):
        self.directory = Path(directory)
        self.run_dir = self.directory / "run"
        self.run_dir.mkdir()
        self.database = self.run_dir / "state.db"
        self.ledger = self.run_dir / "ledger"
        self.audit_dir = self.directory / "audit"
        self.audit_dir.mkdir()
        self.config = self.directory / "test.env"
        self._ports = PortBlock()
        self.public = f"127.0.0.1:{self._ports.first}"
        self.operators = f"127.0.0.1:{self._ports.first + 1}"
        self.options = dict(FAST)
        self.options["DATABASE"] = self.database
        self.options["LEDGER"] = self.ledger
        self.options["LOCAL_PORTS"] = f"{self._ports.first + 10}-{self._ports.last}"
        self.environment = {}
        self.scalerd = None
        self.demo = None
        self._started = []

    # ---- configuration

    def configure(self, **options):
        """Writes the configuration file; None removes an option."""
        self.options.update(options)
        self.config.write_text(
            "".join(
                f"{name}={value}\n"
                for name, value in self.options.items()
                if value is not None
            )
        )

    def gameserver_command(self, kind=None):
        """LOCAL_COMMAND of the reference gameserver, with a fault."""
        command = (
            f"{BIN}/gameserver --address {{address}} --port {{port}} --capacity {{capacity}}"
        )
        return f"{command} --misbehave {kind}" if kind else command

    def spare_port(self):
        """A port of this test that scalerd does not use."""
        return self._ports.first + 2

    def _environ(self):
        """Nothing of the caller's that would be taken for an option."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "USER", "LANG", "TMPDIR")
            or name.endswith("SAN_OPTIONS")
        }
        return {**kept, "GAMESERVER_LOG": str(self.audit_dir), **self.environment}

    # ---- scalerd alone

    def spawn_scalerd(self, *options, log="scalerd.log", **overrides):
        """A scalerd process, not waited for; overrides go over the file."""
        if not self.config.exists():
            self.configure()
        over = {name: str(value) for name, value in overrides.items()}
        process = Process(
            [BIN / "scalerd", "--config", self.config, *options],
            self.directory / log,
            env={**self._environ(), **over},
            cwd=self.directory,
        )
        self._started.append(process)
        return process

    def start_scalerd(self):
        """Starts the writer and waits until its loop has turned."""
        before = self.heartbeat()
        self.scalerd = self.spawn_scalerd()
        wait_until(lambda: self._scalerd_turned(before), READY_S, "scalerd turns")
        return self.scalerd

    def _scalerd_turned(self, before):
        assert self.scalerd.running(), f"scalerd ended: {self.scalerd.output()[-2000:]}"
        return self.heartbeat() > before

    def restart_scalerd(self, number=signal.SIGKILL):
        self.scalerd.end(number)
        return self.start_scalerd()

    # ---- everything, as `make run`

    def start_demo(self, argv=None):
        """nginx, fcgi-api and scalerd; waits for the line `ready:`."""
        if not self.config.exists():
            self.configure()
        env = {
            **self._environ(),
            "GSM_BUILD": str(BUILD),
            "PORT": self.public.rsplit(":", 1)[1],
            "STATUS_PORT": self.operators.rsplit(":", 1)[1],
            "RUN_DIR": str(self.run_dir),
            "CONFIG": str(self.config),
        }
        argv = argv or [ROOT / "tests/demo/run"]
        self.demo = Process(argv, self.directory / "demo.log", env=env, cwd=ROOT)
        self._started.append(self.demo)
        wait_until(self._demo_ready, 3 * READY_S, "the system is ready")

    def _demo_ready(self):
        output = self.demo.output()
        assert self.demo.running(), f"it ended: {output[-2000:]}"
        return re.search(r"^ready: (\S+)$", output, re.MULTILINE)

    def demo_pid(self, name):
        """The process of one of its programs, now."""
        return int((self.run_dir / f"{name}.pid").read_text().split()[0])

    def grant(self):
        """What a player gets: (address, where it is from)."""
        answer = request(self.public, "/available-gameserver/")
        assert answer.status == 200, f"{answer.status}: {answer.body!r}"
        return answer.json()["available"], answer.headers.get("x-gameserver-source")

    # ---- looking at it

    def query(self, sql, *values):
        """Rows as dicts, from outside, read-only. OSError: it can't be read."""
        uri = f"file:{self.database}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=2)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(sql, values)]
        except sqlite3.DatabaseError as error:
            raise OSError(f"{self.database}: {error}") from error

    def heartbeat(self):
        """When scalerd's loop last turned; 0: there is no database."""
        try:
            rows = self.query("SELECT heartbeat_utc_ms AS at FROM fleet_state")
        except OSError:
            return 0
        return rows[0]["at"] if rows else 0

    def rows(self, state=None):
        """The gameservers that are not gone."""
        return self.query(
            "SELECT * FROM gameserver WHERE state <> 'gone' AND ?1 IN (state, '')"
            " ORDER BY id",
            state or "",
        )

    def row(self, address):
        found = [row for row in self.rows() if row["address"] == address]
        return found[0] if found else None

    def state(self, address):
        row = self.row(address)
        return row["state"] if row else "gone"

    def addresses(self, state="available"):
        return [row["address"] for row in self.rows(state)]

    def serving(self):
        """Addresses of those that players may be sent to."""
        return [
            row["address"]
            for row in self.rows("available")
            if row["health"] == "good"
        ]

    def wait_serving(self, count, timeout=15):
        return wait_until(
            lambda: len(self.serving()) == count and self.serving(),
            timeout,
            f"{count} gameservers serve",
        )

    def alarms(self):
        return [row["name"] for row in self.query("SELECT name FROM alarm")]

    def environments(self):
        """{pid: environment} of the gameserver processes that run."""
        return fleet_processes(self.database)

    def pids(self):
        """{pid: address} of them."""
        return {
            pid: f"{env.get('GAMESERVER_ADDRESS')}:{env.get('GAMESERVER_PORT')}"
            for pid, env in self.environments().items()
        }

    def pid_of(self, address):
        found = [pid for pid, where in self.pids().items() if where == address]
        assert len(found) == 1, f"{address}: processes {found}"
        return found[0]

    def operations(self):
        """The marks of the processes that run; twice the same: a duplicate."""
        return [env.get("GAMESERVER_OPERATION") for env in self.environments().values()]

    # ---- what gameservers testify

    def testimony(self, event):
        """[{key: value}] of the audit's lines that begin with event."""
        lines = []
        for log in self.audit_dir.iterdir():
            for line in log.read_text().splitlines():
                word, *pairs = line.split()
                if word == event:
                    lines.append(dict(pair.split("=", 1) for pair in pairs))
        return lines

    def launches(self):
        return self.testimony("started")

    def ended_with_players(self):
        """Gameservers that were told to end while somebody played."""
        return [end for end in self.testimony("terminating") if end["connections"] != "0"]

    # ---- the end

    def close(self):
        try:
            if self.demo is not None and self.demo.running():
                self.demo.end(timeout=30)
        finally:
            for process in self._started:
                process.close()
            kill_fleet(self.database)
            self._ports.close()
        assert not self._sanitizer_reports(), "a sanitizer found something"

    def _sanitizer_reports(self):
        return [
            line
            for log in self.directory.rglob("*.log")
            for line in log.read_text(errors="replace").splitlines()
            if SANITIZER_REPORT.search(line)
        ]
