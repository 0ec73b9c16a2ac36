# SPDX-License-Identifier: MIT
"""Choosing a gameserver and taking a seat there, in-process."""

from . import load, report
from .plan import directory

TITLE = "Choosing and granting, nanoseconds"
RUN_S = 120
SIZES = (10, 1000, 10000)
GRANTS = ("spread", "pack")
BAR_NS = 100


def measure(_plan):
    with directory() as where:
        lines = load.program("grant", where, timeout=RUN_S)
    return describe({(line["kind"], line["gameservers"]): line for line in lines})


def nanoseconds(line):
    """The program's own median, with the least and the greatest."""
    return report.Figure(line["ns"], line["ns_least"], line["ns_most"], line["rounds"])


def describe(lines):
    result = report.Report(TITLE, raw={"lines": list(lines.values())})
    kinds = dict.fromkeys(kind for kind, _ in lines)
    rows = [[kind, *(nanoseconds(lines[kind, size]).text(1) for size in SIZES)] for kind in kinds]
    result.tables.append([["", *(f"{size:,} gameservers" for size in SIZES)], *rows])
    for kind in GRANTS:
        for size in SIZES:
            what = f"{kind}, {size:,} gameservers"
            result.bar(what, "<=", BAR_NS, nanoseconds(lines[kind, size]), "ns", digits=1)
    result.notes.append("in brackets: the least and the greatest of the rounds")
    return result
