# SPDX-License-Identifier: MIT
"""scalerd's poller on simulated gameservers, beside a raw epoll client."""

from . import load, report
from .plan import alternate

TITLE = "Polling simulated gameservers"
ROUNDS = 5
SIZES = (100, 1000, 10000)
HUNG = (0, 1, 10)  # per cent
TIMEOUT_MS = 2000  # of tests/bench/poll.c
RUN_S = 120
RAW = "raw epoll"
SMOKE_RUNS = [(RAW, 100), (0, 100)]


def all_runs():
    """(RAW or the per cent that hang, gameservers)"""
    return [(kind, size) for size in SIZES for kind in (RAW, *HUNG)]


def once(run):
    kind, size = run
    how = ["--raw"] if kind == RAW else ["--hung", kind]
    line = load.program("poll", *how, "--gameservers", size, timeout=RUN_S)[0]
    return {**line, "rss_mb": line["rss_kb"] / 1024}


def measure(plan):
    runs = SMOKE_RUNS if plan.smoke else all_runs()
    return describe(alternate(runs, plan.rounds(ROUNDS), once))


def name_of(run):
    kind, size = run
    if kind == RAW:
        return f"{size:,}, raw epoll client"
    return f"{size:,}, {f'{kind} % hung' if kind else 'healthy'}"


def describe(rounds):
    raw = {name_of(run): own for run, own in rounds.items()}
    result = report.Report(TITLE, raw={"rounds": raw})
    head = ["gameservers", "CPU µs per poll", "healthy ones' round ms", "whole round ms", "RSS MB"]
    rows = [
        [
            name_of(run),
            report.of(own, "cpu_us_per_poll").text(1),
            report.of(own, "healthy_ms").text(0),
            report.of(own, "round_ms").text(0),
            report.of(own, "rss_mb").text(1),
        ]
        for run, own in rounds.items()
    ]
    result.tables.append([head, *rows])
    for run, own in rounds.items():
        for one in own:
            if one["wrong_answers"]:
                result.notes.append(
                    f"{name_of(run)}: {one['wrong_answers']} answers were not what they "
                    f"should be, the first: {one['first_wrong']}"
                )
    result.notes.append("all on one processor, the simulated gameservers too")
    if (HUNG[-1], SIZES[-1]) in rounds:
        judge(result, rounds[0, SIZES[-1]], rounds[HUNG[-1], SIZES[-1]])
    return result


def judge(result, healthy, hung):
    what = f"{SIZES[-1]:,} healthy"
    result.bar(f"{what}: CPU", "<=", 50, report.of(healthy, "cpu_us_per_poll"), "µs each", 1)
    result.bar(f"{what}: round", "<=", 600, report.of(healthy, "round_ms"), "ms", 0)
    result.bar(f"{what}: RSS", "<=", 40, report.of(healthy, "rss_mb"), "MB", 1)
    what = f"{SIZES[-1]:,}, {HUNG[-1]} % hung"
    longer = report.ratio(hung, healthy, "healthy_ms")
    result.bar(f"{what}: the healthy ones' round", "<=", 1.2, longer, "x")
    whole = report.of(hung, "round_ms")
    result.bar(f"{what}: whole round", "<=", 1.5 * TIMEOUT_MS, whole, "ms", 0)
