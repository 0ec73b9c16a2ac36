# SPDX-License-Identifier: MIT
"""What keeping the snapshot fresh costs: fcgi-api without any request."""

import time

from . import machine, report
from .plan import alternate, directory
from .system import Fleet, bench, fcgi_api

TITLE = "Keeping 10,000 gameservers' snapshot fresh"
ROUNDS = 5
ROUND_S = 4
GAMESERVERS = 10000
BUSY, IDLE = "100 commits/s of 100 rows", "idle: a heartbeat a second"


def share(pids, seconds):
    """Of one processor, in per cent."""
    began, clock = time.monotonic(), machine.CpuClock(pids)
    time.sleep(seconds)
    return 100 * clock.spent() / (time.monotonic() - began)


def measure(plan):
    seconds = ROUND_S * plan.seconds
    with directory() as where, bench(where) as made:
        fleet = Fleet(made, "fleet", GAMESERVERS)
        pids = fcgi_api(made, fleet, "site").handler_pids()

        def once(name):
            if name == IDLE:
                return {"share": share(pids, seconds)}
            with fleet.written() as written:
                busy = share(pids, seconds)
            return {"share": busy, "commits": written["commits"]}

        rounds = alternate([BUSY, IDLE], plan.rounds(ROUNDS), once)
    return describe(rounds)


def describe(rounds):
    result = report.Report(TITLE, raw={"rounds": rounds})
    busy, idle = report.of(rounds[BUSY], "share"), report.of(rounds[IDLE], "share")
    result.bar(f"fcgi-api, {BUSY}", "<=", 3, busy, "% of a core")
    result.bar(f"fcgi-api, {IDLE}", "<=", 0.1, idle, "% of a core", digits=3)
    commits = report.of(rounds[BUSY], "commits")
    result.notes.append(f"the writer: {commits.text(0)} commits/s")
    return result
