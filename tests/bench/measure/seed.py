# SPDX-License-Identifier: MIT
"""The seed's own application under gunicorn (SEED=/path/to/its/checkout)."""

import os
import subprocess
from pathlib import Path

from harness.http import request
from harness.processes import BUILD, ROOT
from harness.waiting import wait_until

from . import load, machine, report
from .plan import MeasureError, alternate, directory
from .system import AVAILABLE, START_S, Fleet, bench, fcgi_api, measured_cpu

TITLE = "The seed under gunicorn, 1,000 servers"
ROUNDS = 5
GAMESERVERS = 1000
WORKERS = 2
INSTALL_S = 300
VENV = BUILD / "bench" / "seed-venv"
OURS, SEED = "nginx + fcgi-api", f"the seed, gunicorn -w {WORKERS}"


def install(checkout):
    """build/bench/seed-venv with what the seed asks for, once."""
    wanted = (checkout / "requirements.txt").read_text() + "\ngunicorn==20.1.0\nsetuptools<70\n"
    done = VENV / "requirements.txt"
    if done.exists() and done.read_text() == wanted:
        return
    pip = [VENV / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = (
        ["/usr/bin/python3", "-m", "venv", "--clear", VENV],
        [*pip, "--requirement", VENV / "wanted.txt"],
    )
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.CalledProcessError as error:
            raise MeasureError(f"the seed's requirements: {error.stderr}") from None
        if not done.exists():
            (VENV / "wanted.txt").write_text(wanted)
    (VENV / "wanted.txt").rename(done)


class Gunicorn:
    """With what measured_cpu asks of a site; it has no nginx."""

    def __init__(self, made, checkout):
        place = made.place("seed")
        self.port = made.port()
        argv = [VENV / "bin/gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{self.port}"]
        self._process = made.start(
            [*argv, "--chdir", ROOT / "tests/bench", "seed_wsgi:application"],
            place / "gunicorn.log",
            env={
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "SEED": str(checkout),
                "GAMESERVERS": str(GAMESERVERS),
            },
            cwd=place,
        )
        wait_until(self._answers, START_S, "the seed answers")

    def _answers(self):
        assert self._process.running(), self._process.output()[-2000:]
        answer = request(f"127.0.0.1:{self.port}", AVAILABLE).json()
        assert answer["available"].startswith("10.1."), f"{answer}"
        return True

    def nginx_pids(self):
        return []

    def handler_pids(self):
        return [self._process.pid, *machine.children(self._process.pid)]


def measure(plan):
    if not plan.seed:
        return report.Report(TITLE, skipped="SEED=/path/to/a/checkout of it is not given")
    checkout = Path(plan.seed).resolve()
    if not (checkout / "manager/manager/wsgi.py").exists():
        raise MeasureError(f"SEED={checkout}: not a checkout of the seed")
    install(checkout)
    with directory() as where, bench(where) as made:
        fleet = Fleet(made, "fleet", GAMESERVERS)
        sites = {OURS: fcgi_api(made, fleet, "site"), SEED: Gunicorn(made, checkout)}

        def once(name):
            # The seed's own loop sleeps; ours is written to all the same.
            with fleet.written():
                return measured_cpu(
                    sites[name], lambda: load.wrk(sites[name].port, AVAILABLE, plan.seconds)
                )

        rounds = alternate(list(sites), plan.rounds(ROUNDS), once)
        memory = {
            name: machine.pss_mb(site.nginx_pids() + site.handler_pids())
            for name, site in sites.items()
        }
    for own in rounds.values():
        for one in own:
            one["cpu_us"] = one["nginx_us"] + one["handler_us"]
    return describe(rounds, memory)


def describe(rounds, memory):
    result = report.Report(TITLE, raw={"rounds": rounds, "pss_mb": memory})
    head = ["", "requests/s", "p50 ms", "p99 ms", "CPU µs of all processes", "PSS MB of all"]
    result.tables.append(
        [
            head,
            *(
                [
                    name,
                    report.of(own, "per_second").text(0),
                    report.of(own, "p50_ms").text(2),
                    report.of(own, "p99_ms").text(2),
                    report.of(own, "cpu_us").text(1),
                    report.number(memory[name], 1),
                ]
                for name, own in rounds.items()
            ),
        ]
    )
    ours, seed = rounds[OURS], rounds[SEED]
    speed = report.ratio(ours, seed, "per_second")
    result.bar("requests/s against the seed", ">=", 15, speed, "x", digits=1)
    cpu = report.ratio(ours, seed, "cpu_us")
    result.bar("CPU per request against the seed", "<=", 1 / 20, cpu, "x", digits=4)
    result.bar("memory against the seed", "<=", 1 / 10, memory[OURS] / memory[SEED], "x", digits=3)
    return result
