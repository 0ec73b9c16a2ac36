# SPDX-License-Identifier: MIT
"""The list of all gameservers against a file of the same size."""

from harness.http import request

from . import load, report
from .plan import MeasureError, alternate, directory
from .system import LIST, Fleet, bench, fcgi_api, measured_cpu

TITLE = "The list of 10,000 gameservers against a static file"
ROUNDS = 5
GAMESERVERS = 10000
OURS, FILE = "/available-gameserver-list/", "static file of the same size"


def measure(plan):
    with directory() as where, bench(where) as made:
        fleet = Fleet(made, "fleet", GAMESERVERS)
        static = made.place("static")
        site = fcgi_api(made, fleet, "site", static=static)
        body = request(f"127.0.0.1:{site.port}", LIST).body
        if body.count(b":27015") != GAMESERVERS:
            raise MeasureError(f"the list is not whole: {body[:200]!r}")
        (static / "list.json").write_bytes(body)
        targets = {OURS: (site.port, LIST), FILE: (site.static_port, "/list.json")}

        def once(name):
            with fleet.written():
                return measured_cpu(site, lambda: load.wrk(*targets[name], plan.seconds))

        rounds = alternate(list(targets), plan.rounds(ROUNDS), once)
    return describe(rounds, len(body))


def describe(rounds, size):
    result = report.Report(TITLE, raw={"rounds": rounds, "bytes": size})
    head = ["", "requests/s", "of the file", "p50 ms", "p99 ms", "nginx CPU µs"]
    result.tables.append(
        [
            head,
            *(
                [
                    name,
                    report.of(own, "per_second").text(0),
                    report.ratio(own, rounds[FILE], "per_second").text(3),
                    report.of(own, "p50_ms").text(2),
                    report.of(own, "p99_ms").text(2),
                    report.of(own, "nginx_us").text(1),
                ]
                for name, own in rounds.items()
            ),
        ]
    )
    speed = report.ratio(rounds[OURS], rounds[FILE], "per_second")
    result.bar("list of 10,000, of the file's requests/s", ">=", 0.9, speed, digits=3)
    result.notes.append(f"{size:,} bytes, while the writer commits")
    return result
