# SPDX-License-Identifier: MIT
"""One decision, in-process: its cost must grow linearly."""

from . import load, report

TITLE = "decide: nanoseconds of CPU for each gameserver"
ROUNDS = 5
ROUND_MS = 200
SIZES = (10, 100, 1000, 10000)
# n log n would be 1.33 from 1,000 to 10,000, n^2 10.
LINEAR = 1.3


def measure(plan):
    rounds = []
    for _ in range(plan.rounds(ROUNDS)):
        lines = load.program("decide", "--ms", max(1, int(ROUND_MS * min(1, plan.seconds))))
        rounds.append({(line["fleet"], line["gameservers"]): line for line in lines})
    return describe(rounds)


def describe(rounds):
    raw = [list(one.values()) for one in rounds]
    result = report.Report(TITLE, raw={"rounds": raw})
    head = ["", *(f"{size:,} gameservers" for size in SIZES)]
    fleets = dict.fromkeys(fleet for fleet, _ in rounds[0])
    rows = [
        [
            fleet,
            *(
                report.of([one[fleet, size] for one in rounds], "ns_per_gameserver").text(1)
                for size in SIZES
            ),
        ]
        for fleet in fleets
    ]
    result.tables.append([head, *rows])
    for fleet in fleets:
        growth = report.ratio(
            [one[fleet, 10000] for one in rounds],
            [one[fleet, 1000] for one in rounds],
            "ns_per_gameserver",
        )
        result.bar(f"{fleet}: each of 10,000 against each of 1,000", "<=", LINEAR, growth, "x")
    return result
