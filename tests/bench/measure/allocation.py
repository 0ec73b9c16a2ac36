# SPDX-License-Identifier: MIT
"""Handing out seats, beside an empty handler and beside nginx alone, while the
same writer commits beside each of them."""

from . import load, machine, report
from .plan import alternate, directory
from .system import AVAILABLE, Fleet, Site, bench, empty, fcgi_api, measured_cpu

TITLE = "/available-gameserver/ against an empty handler"
ROUNDS = 18
SIZES = (10, 1000, 10000)
BIGGEST = SIZES[-1]
EMPTY = "empty handler"
AGAIN = "empty handler again (A/A)"
NGINX = "nginx return 200"


def fleet_name(size):
    return f"{size:,} gameservers"


def set_up(made):
    """{name: (site, the fleet whose writer runs beside it)}"""
    unread = Fleet(made, "unread", BIGGEST)  # nobody has it open
    systems = {
        NGINX: (Site(made, "return-200"), unread),
        EMPTY: (empty(made, "empty"), unread),
        AGAIN: (empty(made, "empty-again"), unread),
    }
    for size in SIZES:
        fleet = Fleet(made, f"fleet-{size}", size)
        systems[fleet_name(size)] = (fcgi_api(made, fleet, f"site-{size}"), fleet)
    return systems


def one_round(system, seconds):
    site, fleet = system
    with fleet.written() as written:
        result = measured_cpu(site, lambda: load.wrk(site.port, AVAILABLE, seconds))
    return {**result, "commits": written["commits"]}


def measure(plan):
    with directory() as where, bench(where) as made:
        systems = set_up(made)
        rounds = alternate(
            list(systems),
            plan.rounds(ROUNDS),
            lambda name: one_round(systems[name], plan.seconds),
        )
        memory = {
            name: (machine.pss_mb(site.nginx_pids()), machine.pss_mb(site.handler_pids()))
            for name, (site, _) in systems.items()
        }
    return describe(rounds, memory)


def row(name, rounds, memory):
    own, nginx_mb, handler_mb = rounds[name], *memory[name]
    against = rounds[EMPTY]
    return [
        name,
        report.of(own, "per_second").text(0),
        report.ratio(own, against, "per_second").text(3),
        report.of(own, "p50_ms").text(2),
        report.of(own, "p99_ms").text(2),
        report.ratio(own, against, "p99_ms").text(2),
        report.of(own, "nginx_us").text(1),
        report.of(own, "handler_us").text(1) if handler_mb else "–",
        report.number(nginx_mb, 1),
        report.number(handler_mb, 1) if handler_mb else "–",
    ]


def describe(rounds, memory):
    result = report.Report(TITLE, raw={"rounds": rounds, "pss_mb": memory})
    head = ["", "requests/s", "of the empty", "p50 ms", "p99 ms", "of the empty's"]
    head += ["nginx CPU µs", "handler CPU µs", "nginx PSS MB", "handler PSS MB"]
    result.tables.append([head, *(row(name, rounds, memory) for name in rounds)])
    own, against = rounds[fleet_name(BIGGEST)], rounds[EMPTY]
    what = f"{fleet_name(BIGGEST)}, of the empty handler's"
    speed = report.ratio(own, against, "per_second")
    result.bar(f"{what} requests/s", ">=", 0.95, speed, digits=3)
    result.bar(f"{what} p99", "<=", 1.3, report.ratio(own, against, "p99_ms"), "x")
    commits = report.figure(one["commits"] for name in rounds for one in rounds[name])
    result.notes.append(
        f"the writer beside each of them: {commits.text(0)} commits/s of 100 rows; "
        f"{load.CONNECTIONS} connections, {len(own)} rounds; medians (half of the "
        "rounds lie between)"
    )
    return result
