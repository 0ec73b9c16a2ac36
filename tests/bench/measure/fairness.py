# SPDX-License-Identifier: MIT
"""Replies of each keep-alive client: does anybody starve?"""

from . import load, report
from .plan import alternate, directory
from .system import AVAILABLE, Fleet, bench, empty, fcgi_api

TITLE = "Replies per keep-alive client"
ROUNDS = 5
ROUND_S = 3  # of a second each: the slowest needs time to show
COUNTS = (200, 400)  # fewer and more than the request slots
GAMESERVERS = 10000
OURS, EMPTY = "fcgi-api", "empty handler"


def measure(plan):
    with directory() as where, bench(where) as made:
        fleet = Fleet(made, "fleet", GAMESERVERS)
        sites = {OURS: fcgi_api(made, fleet, "site"), EMPTY: empty(made, "empty")}

        def once(run):
            count, name = run
            with fleet.written():
                return load.clients(sites[name].port, AVAILABLE, count, ROUND_S * plan.seconds)

        runs = [(count, name) for count in COUNTS for name in sites]
        rounds = alternate(runs, plan.rounds(ROUNDS), once)
    return describe(rounds)


def slowest(rounds):
    return report.figure(one["smallest"] / max(1, one["median"]) for one in rounds)


def row(run, rounds):
    count, name = run
    refused = report.figure(100 * one["refused"] / max(1, one["replies"]) for one in rounds)
    return [
        f"{count} clients, {name}",
        report.of(rounds, "smallest").text(0),
        report.of(rounds, "median").text(0),
        report.of(rounds, "largest").text(0),
        slowest(rounds).text(3),
        str(max(one["without_reply"] for one in rounds)),
        report.number(max(one["longest_wait_ms"] for one in rounds), 1),
        refused.text(1),
    ]


def describe(rounds):
    raw = {f"{count} {name}": rounds[count, name] for count, name in rounds}
    result = report.Report(TITLE, raw={"rounds": raw})
    head = ["", "smallest", "median", "largest", "slowest / median"]
    head += ["without a reply (most)", "longest wait ms (most)", "quick 503 %"]
    result.tables.append([head, *(row(run, rounds[run]) for run in rounds)])
    for count in COUNTS:
        own = rounds[count, OURS]
        what = f"{count} clients:"
        result.bar(
            f"{what} without a reply", "==", 0, max(one["without_reply"] for one in own), digits=0
        )
        result.bar(f"{what} slowest against the median", ">=", 0.9, slowest(own), digits=3)
    longest = max(one["longest_wait_ms"] for one in rounds[COUNTS[-1], OURS])
    result.bar(f"{COUNTS[-1]} clients: longest wait", "<=", 100, longest, "ms", digits=1)
    failed = sum(one["failed"] for run in rounds for one in rounds[run])
    if failed:
        result.notes.append(f"{failed} answers were neither 200 nor 503")
    return result
