# SPDX-License-Identifier: MIT
"""One turn of scalerd's loop, with the real scaler and store."""

from . import load, report

TITLE = "One turn of scalerd, milliseconds"
ROUNDS = 9
RUN_S = 300
SIZES = (10, 100, 1000, 10000)
WORST = "turn, changed"
BLOCKS_MS = 100


def measure(plan):
    lines = load.program("turn", plan.rounds(ROUNDS), timeout=RUN_S)
    return describe({(line["what"], line["gameservers"]): line for line in lines})


def milliseconds(line):
    """The program's own median, with the least and the greatest."""
    median, least, most = (line[name] / 1000 for name in ("us", "us_least", "us_most"))
    return report.Figure(median, least, most, line["rounds"])


def describe(lines):
    result = report.Report(TITLE, raw={"lines": list(lines.values())})
    kinds = dict.fromkeys(kind for kind, _ in lines)
    rows = [[kind, *(milliseconds(lines[kind, size]).text(3) for size in SIZES)] for kind in kinds]
    result.tables.append([["", *(f"{size:,} gameservers" for size in SIZES)], *rows])
    worst = milliseconds(lines[WORST, SIZES[-1]])
    what = f"{SIZES[-1]:,} gameservers, all changed"
    result.bar(f"{what}: a turn", "<=", BLOCKS_MS, worst, "ms", digits=1)
    longest = max(milliseconds(lines[run]).high for run in lines if run[0].startswith("turn"))
    result.bar("the longest turn of all", "<=", BLOCKS_MS, longest, "ms", digits=1)
    result.notes.append("in brackets: the least and the greatest of the rounds")
    return result
