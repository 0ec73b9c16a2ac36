# SPDX-License-Identifier: MIT
"""Systems to measure: a handler behind an nginx of its own, and the writer of
a fleet's database. What they start they end by its process id."""

import json
import os
import re
import select
import shutil
import subprocess
from contextlib import ExitStack, contextmanager

from harness.http import request
from harness.ports import PortBlock
from harness.processes import BIN, BUILD, ROOT, Process
from harness.waiting import wait_until

from . import machine
from .plan import MeasureError

START_S = 20
END_S = 10
AVAILABLE = "/available-gameserver/"
LIST = "/available-gameserver-list/"
MAIN = ROOT / "tests/demo/nginx.conf"  # one worker, as `make run`
RETURN_200 = """server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    return 200 '{{"available": "203.0.113.199:27015"}}';
}}
"""
STATIC = """server {{
    listen 127.0.0.1:{port};
    root {root};
    default_type application/json;
}}
"""


def api_threads():
    limits = (ROOT / "fcgi-api/limits.h").read_text()
    return int(re.search(r"API_THREADS = (\d+)", limits).group(1))


class Gently(Process):
    """Is told to end: of a killed nginx or gunicorn the workers stay."""

    def close(self):
        try:
            self.end(timeout=END_S)
        except subprocess.TimeoutExpired:
            super().close()


class Bench:
    """The processes and ports of one measurement."""

    def __init__(self, directory):
        self.directory = directory
        self._open = ExitStack()
        self._next = self.keep(PortBlock()).first

    def port(self):
        self._next += 1
        return self._next - 1

    def place(self, name):
        path = self.directory / name
        path.mkdir()
        return path

    def keep(self, thing):
        """Is closed with the bench, the last first."""
        self._open.callback(thing.close)
        return thing

    def start(self, argv, log, **options):
        return self.keep(Gently(argv, log, **options))

    def close(self):
        self._open.close()


@contextmanager
def bench(directory):
    made = Bench(directory)
    try:
        yield made
    finally:
        made.close()


class Fleet:
    """A database and a ledger with n gameservers, and their writer."""

    def __init__(self, bench, name, gameservers):
        place = bench.place(name)
        self.gameservers = gameservers
        self.environment = {
            "PATH": os.environ["PATH"],
            "PROVIDER": "local",
            "FLEET_NAME": "bench",
            "DATABASE": str(place / "state.db"),
            "LEDGER": str(place / "ledger"),
            # Without a backup a request that is granted no seat is a 503.
            "BACKUP_GAMESERVER": "",
        }
        self.config = place / "empty.env"
        self.config.touch()
        with open(place / "writer.log", "wb") as log:
            self._writer = subprocess.Popen(
                [
                    str(BUILD / "bench/writer"),
                    *("--config", str(self.config), "--gameservers", str(gameservers)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
            )
        self._log = place / "writer.log"
        bench.keep(self)
        self._line()

    def _line(self):
        ready, _, _ = select.select([self._writer.stdout], [], [], START_S)
        line = self._writer.stdout.readline() if ready else b""
        if not line:
            raise MeasureError(f"the writer says nothing: {self._log.read_text()}")
        return json.loads(line)

    def _tell(self, word):
        self._writer.stdin.write(f"{word}\n".encode())
        self._writer.stdin.flush()

    @contextmanager
    def written(self):
        """The writer works inside; `commits` a second afterwards."""
        done = {}
        self._tell("busy")
        yield done
        self._tell("idle")
        line = self._line()
        done["commits"] = line["commits"] / line["seconds"]

    def close(self):
        self._writer.stdin.close()
        try:
            self._writer.wait(END_S)
        except subprocess.TimeoutExpired:
            self._writer.kill()
            self._writer.wait()
        self._writer.stdout.close()


class Site:
    """nginx on a port, alone or before a handler: argv without --socket."""

    def __init__(self, bench, name, argv=None, env=None, static=None):
        self.place = bench.place(name)
        (self.place / "nginx-temp").mkdir()
        self.port, self.operators, self.static_port = (bench.port() for _ in range(3))
        self.socket = self.place / "fcgi-api.sock"
        self.handler = None
        if argv:
            self.handler = bench.start(
                [*argv, "--socket", self.socket],
                self.place / "handler.log",
                env=env or {},
                cwd=self.place,
            )
            wait_until(self.socket.exists, START_S, f"{name} listens")
        self._configure(static)
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        nginx = ["nginx", "-e", "stderr", "-p", self.place, "-c", self.place / "nginx.conf"]
        self.nginx = bench.start([*nginx, *user], self.place / "nginx.log")
        wait_until(self._answers, START_S, f"nginx of {name} answers")

    def _configure(self, static):
        shutil.copy(MAIN, self.place / "nginx.conf")
        site = self._rendered() if self.handler else RETURN_200.format(port=self.port)
        if static:
            site += STATIC.format(port=self.static_port, root=static)
        (self.place / "site.conf").write_text(site)

    def _rendered(self):
        """The site of `make run`."""
        return subprocess.run(
            [
                str(ROOT / "nginx/render"),
                "demo",
                f"PUBLIC_LISTEN=127.0.0.1:{self.port}",
                f"STATUS_LISTEN=127.0.0.1:{self.operators}",
                f"SOCKET={self.socket}",
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def _answers(self):
        assert self.nginx.running(), self.nginx.output()[-2000:]
        answer = request(f"127.0.0.1:{self.port}", AVAILABLE)
        assert answer.status == 200, f"{answer.status}: {answer.body[:200]!r}"
        return True

    def nginx_pids(self):
        return [self.nginx.pid, *machine.children(self.nginx.pid)]

    def handler_pids(self):
        return [self.handler.pid] if self.handler else []


def fcgi_api(bench, fleet, name, **options):
    argv = [BIN / "fcgi-api", "--config", fleet.config]
    return Site(bench, name, argv, fleet.environment, **options)


def empty(bench, name):
    return Site(bench, name, [BUILD / "bench/empty"])


def measured_cpu(site, work):
    """What work() returns, a dict with `requests`, and microseconds of CPU
    for each of them."""
    nginx = machine.CpuClock(site.nginx_pids())
    handler = machine.CpuClock(site.handler_pids())
    result = work()
    us = 1e6 / result["requests"]
    result["nginx_us"] = nginx.spent() * us
    result["handler_us"] = handler.spent() * us
    return result
