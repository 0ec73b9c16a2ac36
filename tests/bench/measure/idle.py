# SPDX-License-Identifier: MIT
"""scalerd with ten gameservers that nobody plays on (PROVIDER=local)."""

import signal

from harness.stack import Stack

from . import machine, report
from .plan import directory
from .refresh import share

TITLE = "scalerd idle with 10 gameservers"
ROUNDS = 5
ROUND_S = 6
GAMESERVERS = 10
SERVE_S = 60
EVERY_SECOND, DEFAULT = "asked every second", "asked once a minute (default)"


def measure(plan):
    seconds = ROUND_S * plan.seconds
    rounds = {EVERY_SECOND: [], DEFAULT: []}
    with directory() as where:
        stack = Stack(where)
        try:
            stack.configure(
                LEDGER=stack.run_dir / "ledger",
                MIN_SERVERS=GAMESERVERS,
                MAX_SERVERS=GAMESERVERS,
            )
            pid = stack.start_scalerd().pid
            stack.wait_serving(GAMESERVERS, SERVE_S)
            measure_rounds(plan, rounds[EVERY_SECOND], pid, seconds)
            stack.configure(SLEEP_TIME=60)
            stack.scalerd.send(signal.SIGHUP)
            measure_rounds(plan, rounds[DEFAULT], pid, seconds)
        finally:
            stack.close()
    return describe(rounds)


def measure_rounds(plan, results, pid, seconds):
    for _ in range(plan.rounds(ROUNDS)):
        results.append({"share": share([pid], seconds), "rss_mb": machine.rss_mb(pid)})


def describe(rounds):
    result = report.Report(TITLE, raw={"rounds": rounds})
    for name, own in rounds.items():
        what = f"scalerd, {name}"
        result.bar(what, "<", 0.2, report.of(own, "share"), "% of a core", digits=3)
    most = max(one["rss_mb"] for own in rounds.values() for one in own)
    result.bar("scalerd: RSS", "<=", 8, most, "MB", digits=1)
    return result
